"""Real servers in processes of their own, and requests that no client library would send."""

import os
import signal
import socket
import subprocess
import sys
from http.client import HTTPResponse
from pathlib import Path

from calling import Seen

_HERE = Path(__file__).parent
_PATIENCE_SECONDS = 60


def _path():
    return os.pathsep.join(filter(None, [str(_HERE), os.environ.get("PYTHONPATH")]))


class Served:
    """A server that runs until it is closed; it listens before it starts, so that nobody waits for it."""

    def __init__(self, kind, factory, *, path=None, **environment):
        self._family = socket.AF_INET if path is None else socket.AF_UNIX
        listener = socket.socket(self._family)
        listener.bind(("127.0.0.1", 0) if path is None else path)
        listener.listen(128)
        self.address = listener.getsockname()
        listener.set_inheritable(True)
        environment = os.environ | {"PYTHONPATH": _path(), "PYTHONWARNINGS": "ignore"} | environment
        self._process = subprocess.Popen(
            [sys.executable, str(_HERE / "launch.py"), kind, str(listener.fileno()), factory],
            pass_fds=[listener.fileno()],
            env=environment,
            cwd=_HERE,
            start_new_session=True,
        )
        listener.close()

    def connect(self):
        """Open a connection."""
        plug = socket.socket(self._family)
        plug.settimeout(_PATIENCE_SECONDS)
        plug.connect(self.address)
        return plug

    def say(self, octets, *, method="GET"):
        """Send *octets* on a connection of their own and read one answer."""
        with self.connect() as plug:
            plug.sendall(octets)
            return read(plug, method)

    def close(self):
        """End the server and its workers."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def read(plug, method="GET"):
    """Read one answer off *plug*."""
    response = HTTPResponse(plug, method=method)
    try:
        response.begin()
        body = response.read()
        fields = tuple((name.lower(), value) for name, value in response.getheaders())
        return Seen(response.status, fields, body)
    finally:
        response.close()


def octets_of(asked, *more):
    """Return a request as it goes onto the wire, with nothing refused and nothing put right."""
    framings = {"length": [b"content-length: %d" % len(asked.body)], "none": []}
    framing = framings.get(asked.framing, [b"transfer-encoding: chunked"])
    body = asked.body if asked.framing in framings else chunked(asked.body, 1 if asked.framing == "octets" else 16)
    fields = [*asked.headers, *more, ("connection", b"close")]
    lines = [f"{asked.method} {asked.target} HTTP/1.1".encode()]
    lines += [name.encode() + b": " + value for name, value in fields]
    return b"\r\n".join([*lines, *framing, b"", body])


def chunked(body, size):
    """Return *body* in chunks of *size* octets (RFC 9112 §7.1)."""
    chunks = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in [*chunks, b""])


class Wire:
    """A driver of the table: a real server over a real socket."""

    def __init__(self, name, factory, offers, deviations):
        self.name = name
        self.offers = frozenset(offers)
        self.deviations = deviations
        self._factory = factory
        self._served = None

    def connect(self):
        """Open a connection; the server is started by the first one."""
        if self._served is None:
            self._served = Served(self.name, f"served:{self._factory}")
        return self._served.connect()

    def ask(self, name, asked):
        """Ask on a connection of its own."""
        octets = octets_of(asked, ("x-stage", name.encode()), ("x-scheme", asked.scheme.encode()))
        with self.connect() as plug:
            plug.sendall(octets)
            return read(plug, asked.method)

    def close(self):
        """End the server."""
        if self._served is not None:
            self._served.close()
