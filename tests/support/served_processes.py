"""
The applications whose processes are forked, killed and frozen.

The environment configures them.  Each response names the process that sent it in the field ``X-Process``, and when it
began by the machine's monotonic clock in ``X-Began-Ns``.
"""

import asyncio
import json
import os
import socket
import threading
import time
from urllib.parse import parse_qsl

from login_site import login_configuration
from memory_directory import MemoryDirectory
from safeconduct import Auth, current
from worker_processes import fresh

#: The name of the thread that keeps a local view current.
FOLLOWER = "safeconduct-view"


def auth_of_process(**more):
    """Return an ``Auth`` that shares a store with other processes, and uses the machine's clock."""
    environment = os.environ
    deadline_ms, shards = int(environment.get("DEADLINE_MS", "20000")), int(environment.get("SHARDS", "1"))
    config = login_configuration(
        store={"url": environment["STORE_URL"], "deadline_ms": deadline_ms, "shards": shards},
        revocation={
            "consistency": environment["CONSISTENCY"],
            "staleness_seconds": float(environment.get("STALENESS_SECONDS", "1")),
        },
        access={"public": ["/open"]},
        sessions={"refresh_grace_seconds": 600},
    )
    return Auth(config, directory=MemoryDirectory(alice="wonder", bob="builder"), **more)


def followers():
    """Return the threads of this process that follow a store."""
    return [thread for thread in threading.enumerate() if thread.name == FOLLOWER]


def _report(path):
    who = getattr(current(), "subject", None)
    return json.dumps({"path": path, "who": who, "followers": len(followers())}).encode()


def _stamp():
    return [("x-process", str(os.getpid())), ("x-began-ns", str(time.monotonic_ns()))]


def _fields(body):
    return [("content-type", "application/json"), ("content-length", str(len(body)))]


def _killed_requests():
    if "KILLABLE" not in os.environ:
        return None
    # Imported here because it loads the driver of the store, which a process does at its first request.
    from killed_requests import KilledRequests  # noqa: PLC0415 - see above

    return KilledRequests()


def verb_and_name(path, query):
    """Return which verb a path asks for, such as ``/revoke?client=tool``, and its argument; None for no verb."""
    if path not in {"/revoke", "/held"} or not query:
        return None
    [(kind, name)] = parse_qsl(query)
    return f"revoke_{kind}", name


class WsgiProcess:
    """A WSGI application; ``/revoke?token=…`` revokes, ``/held`` waits, and every other path reports."""

    def __init__(self, auth):
        self.auth, self._killed = auth, _killed_requests()
        self._application = auth.wsgi(self._serve)

    def __call__(self, environ, start_response):
        def start(status, fields, *more):
            if self._killed:
                self._killed.check("response")
            return start_response(status, [*fields, *_stamp()], *more)

        if self._killed:
            self._killed.begin(environ.get("HTTP_X_KILL"))
        return self._application(environ, start)

    def _serve(self, environ, start_response):
        path = environ["PATH_INFO"]
        if path == "/held":
            with socket.socket(socket.AF_UNIX) as held:
                held.connect(os.environ["HELD_AT"])
                held.recv(1)
        match verb_and_name(path, environ["QUERY_STRING"]):
            case verb, name:
                getattr(self.auth.sessions, verb)(name)
        body = _report(path)
        start_response("200 OK", _fields(body))
        return [body]


class AsgiProcess:
    """The same application for ASGI."""

    def __init__(self, auth):
        self.auth, self._killed = auth, _killed_requests()
        self._application = auth.asgi(self._serve)

    async def __call__(self, scope, receive, send):
        async def send_named(message):
            if message["type"] == "http.response.start":
                if self._killed:
                    self._killed.check("response")
                stamp = [(name.encode(), value.encode()) for name, value in _stamp()]
                message = {**message, "headers": [*message["headers"], *stamp]}
            await send(message)

        if self._killed:
            self._killed.begin(dict(scope.get("headers", ())).get(b"x-kill", b"").decode())
        await self._application(scope, receive, send_named)

    async def _serve(self, scope, receive, send):
        if scope["type"] == "lifespan":
            for _ in range(2):
                await send({"type": (await receive())["type"] + ".complete"})
            return
        path = scope["path"]
        if path == "/held":
            reader, writer = await asyncio.open_unix_connection(os.environ["HELD_AT"])
            await reader.read(1)
            writer.close()
        match verb_and_name(path, scope["query_string"].decode()):
            case verb, name:
                await getattr(self.auth.async_sessions, verb)(name)
        body = _report(path)
        fields = [(name.encode(), value.encode()) for name, value in _fields(body)]
        await send({"type": "http.response.start", "status": 200, "headers": fields})
        await send({"type": "http.response.body", "body": body})


def follower_of(auth):
    """Return what keeps the local view of *auth* current, None where nothing does."""
    return auth._container.stores._follower


def wsgi():
    """Return the WSGI application of one process."""
    return WsgiProcess(_used_before_the_fork(auth_of_process()))


def asgi():
    """Return the ASGI application of one process."""
    return AsgiProcess(_used_before_the_fork(auth_of_process()))


#: The event loop of the parent process, and what its connections belong to.
_LEFT_OPEN = []


def _used_before_the_fork(auth):
    """Ask in both worlds where the server forks later: the connections stay open, and the follower runs."""
    if "PRELOAD" in os.environ:
        loop = asyncio.new_event_loop()
        _LEFT_OPEN.append(loop)
        assert "parent" == auth.verify(fresh("parent")).subject
        loop.run_until_complete(auth.async_sessions.revoke_token("of the parent"))
        while (follower := follower_of(auth)) is not None and not follower.view.shards:
            os.sched_yield()
    return auth
