"""
The applications whose processes are forked, killed and frozen.

The environment configures them.  Each response names the process that sent it in the field ``X-Process``, and when it
began by the machine's monotonic clock in ``X-Began-Ns``.
"""

import asyncio
import json
import os
import threading
import time
from urllib.parse import parse_qs

from login_site import login_configuration
from memory_directory import MemoryDirectory
from safeconduct import Auth, current
from worker_processes import fresh

#: The name of the thread that keeps a local view current.
FOLLOWER = "safeconduct-view"


def auth_of_process(**more):
    """Return an ``Auth`` that shares a store with other processes, and uses the machine's clock."""
    environment = os.environ
    revocation = {"consistency": environment["CONSISTENCY"]}
    config = login_configuration(
        store={"url": environment["STORE_URL"], "deadline_ms": int(environment.get("DEADLINE_MS", "20000"))},
        revocation=revocation,
        access={"public": ["/open"]},
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


class WsgiProcess:
    """A WSGI application; ``/revoke?jti=…`` revokes a token, every other path reports."""

    def __init__(self, auth):
        self.auth = auth
        self._application = auth.wsgi(self._serve)

    def __call__(self, environ, start_response):
        def start(status, fields, *more):
            return start_response(status, [*fields, *_stamp()], *more)

        return self._application(environ, start)

    def _serve(self, environ, start_response):
        if environ["PATH_INFO"] == "/revoke":
            [jti] = parse_qs(environ["QUERY_STRING"])["jti"]
            self.auth.sessions.revoke_token(jti)
        body = _report(environ["PATH_INFO"])
        start_response("200 OK", _fields(body))
        return [body]


class AsgiProcess:
    """The same application for ASGI."""

    def __init__(self, auth):
        self.auth = auth
        self._application = auth.asgi(self._serve)

    async def __call__(self, scope, receive, send):
        async def send_named(message):
            if message["type"] == "http.response.start":
                stamp = [(name.encode(), value.encode()) for name, value in _stamp()]
                message = {**message, "headers": [*message["headers"], *stamp]}
            await send(message)

        await self._application(scope, receive, send_named)

    async def _serve(self, scope, receive, send):
        if scope["type"] == "lifespan":
            for _ in range(2):
                await send({"type": (await receive())["type"] + ".complete"})
            return
        if scope["path"] == "/revoke":
            [jti] = parse_qs(scope["query_string"].decode())["jti"]
            await self.auth.async_sessions.revoke_token(jti)
        body = _report(scope["path"])
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
