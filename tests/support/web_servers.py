"""Real web servers in processes of their own, and requests that no client library would send."""

import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from http.client import HTTPResponse
from importlib.metadata import version
from pathlib import Path

import pytest

from app_client import ReceivedResponse
from in_process_drivers import JOINED_CHALLENGES

_HERE = Path(__file__).parent
_PATIENCE_SECONDS = 60


def _path():
    return os.pathsep.join(filter(None, [str(_HERE), os.environ.get("PYTHONPATH")]))


class WebServer:
    """A server that runs until it is closed; its socket listens before it starts."""

    def __init__(self, kind, factory, *, path=None, **environment):
        if kind == "gunicorn asgi" and int(version("gunicorn").partition(".")[0]) < 27:
            pytest.skip("the ASGI worker is supported from gunicorn 27.0 on")
        if kind.startswith("uwsgi"):
            pytest.importorskip("pyuwsgi", reason="pyuwsgi is not installed")
        self.kind = kind
        self._family = socket.AF_INET if path is None else socket.AF_UNIX
        listener = socket.socket(self._family)
        listener.bind(("127.0.0.1", 0) if path is None else path)
        if path is None:
            # Some servers do not do that for a socket that they are given; their responses would wait for a time-out.
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listener.listen(128)
        self.address = listener.getsockname()
        listener.set_inheritable(True)
        environment = os.environ | {"PYTHONPATH": _path(), "PYTHONWARNINGS": "ignore"} | environment
        self._process = subprocess.Popen(
            [sys.executable, str(_HERE / "launch_web_server.py"), kind, str(listener.fileno()), factory],
            pass_fds=[listener.fileno()],
            env=environment,
            cwd=_HERE,
            start_new_session=True,
        )
        listener.close()

    def connect(self):
        """Open a connection."""
        sock = socket.socket(self._family)
        sock.settimeout(_PATIENCE_SECONDS)
        try:
            sock.connect(self.address)
        except OSError:
            sock.close()
            raise
        return sock

    def say(self, octets, *, method="GET"):
        """Send *octets* on a new connection and read one response."""
        with self.connect() as sock:
            sock.sendall(octets)
            return read_response(sock, method)

    def wait(self):
        """Wait until the server has ended by itself."""
        self._process.wait(_PATIENCE_SECONDS)

    def close(self):
        """End the server and its workers."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def read_response(sock, method="GET"):
    """Read one response from *sock*."""
    response = HTTPResponse(sock, method=method)
    try:
        response.begin()
        body = response.read()
        fields = tuple((name.lower(), value) for name, value in response.getheaders())
        return ReceivedResponse(response.status, fields, body)
    finally:
        response.close()


def raw_request(request, *more):
    """Return the bytes of a request, without validation or correction."""
    framings = {"length": [b"content-length: %d" % len(request.body)], "none": []}
    framing = framings.get(request.framing, [b"transfer-encoding: chunked"])
    body = (
        request.body if request.framing in framings else chunked(request.body, 1 if request.framing == "octets" else 16)
    )
    fields = [*request.headers, *more, ("connection", b"close")]
    lines = [f"{request.method} {request.target} HTTP/1.1".encode()]
    lines += [name.encode() + b": " + value for name, value in fields]
    return b"\r\n".join([*lines, *framing, b"", body])


def chunked(body, size):
    """Return *body* in chunks of *size* octets (RFC 9112 §7.1)."""
    chunks = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(b"%x\r\n%s\r\n" % (len(chunk), chunk) for chunk in [*chunks, b""])


class ServerDriver:
    """A driver of the table: a real server on a real socket."""

    def __init__(self, name, factory, offers, deviations):
        self.name = name
        self.offers = frozenset(offers)
        self.deviations = deviations
        self._factory = factory
        self._served = None

    def connect(self):
        """Open a connection; the first one starts the server."""
        if self._served is None:
            self._served = WebServer(self.name, f"served_apps:{self._factory}")
        return self._served.connect()

    def ask(self, name, request):
        """Send a request on a new connection."""
        octets = raw_request(request, ("x-setup", name.encode()), ("x-scheme", request.scheme.encode()))
        with self.connect() as sock:
            sock.sendall(octets)
            return read_response(sock, request.method)

    def close(self):
        """End the server."""
        if self._served is not None:
            self._served.close()


_ASGI = {"asgi", "asgi-only", "guards", "trace"}
_WSGI = {"wsgi", "guards", "trace", "joins"}


_RAISES_METHODS = "the server hands the method on in capitals, to us and to the application alike"
_READS_CAPITALS = "the server refuses a method in small letters"
_CAPITALS = {
    "method-lower-case-public": (400, None, _READS_CAPITALS),
    "method-rule-lower-case": (400, None, _READS_CAPITALS),
    "preflight-lower-case": (400, None, _READS_CAPITALS),
    "cookie-lower-case-get": (400, None, _READS_CAPITALS),
}
_RAISED = {
    "method-lower-case-public": (200, "anonymous", _RAISES_METHODS),
    "preflight-lower-case": (200, "anonymous", _RAISES_METHODS),
    "cookie-lower-case-get": (200, "alice", _RAISES_METHODS),
}
_ONE_SLASH = "the server hands '//health' on as '/health', to us and to the application alike"
_SLASHES = {
    "path-empty-segment": (200, "anonymous", _ONE_SLASH),
    "path-empty-segment-with-token": (200, "alice", _ONE_SLASH),
}
_CUTS_FRAGMENT = "the server removes a fragment, for us and for the application alike"
_FRAGMENTS = {
    "path-fragment": (200, "anonymous", _CUTS_FRAGMENT),
    "path-fragment-with-token": (200, "alice", _CUTS_FRAGMENT),
}
_KNOWN = {"method-unknown": (400, None, "the server refuses a method that it does not know")}
_NO_RAW_PATH = "the server gives no raw path: '%2F' is '/' to us and to the application alike"
_DECODED = {
    "path-encoded-slash": (401, None, _NO_RAW_PATH),
    "path-encoded-slash-lower": (401, None, _NO_RAW_PATH),
    "path-encoded-slash-with-token": (403, None, _NO_RAW_PATH),
    "path-encoded-slash-lower-with-token": (403, None, _NO_RAW_PATH),
}
_JOINS_WELL = "the server joins cookies by a semicolon, as one field would have them"
_DROPS_OCTETS = "the server empties a field that is not ASCII: the caller has no cookie, and is nobody"
_COOKIES = {
    "cookie-fields-joined": (200, "alice", _JOINS_WELL),
    "cookie-twice-in-fields-joined": (400, None, _JOINS_WELL),
    "cookie-beside-non-ascii": (401, None, _DROPS_OCTETS),
}


_REMOVES_DOTS = "the server removes dot segments, for us and for the application alike"
_DOTLESS = {
    "path-dot-segments": (401, None, _REMOVES_DOTS),
    "path-dot-segment": (401, None, _REMOVES_DOTS),
    "path-only-dots": (401, None, _REMOVES_DOTS),
    "path-dot-segments-with-token": (200, "alice", _REMOVES_DOTS),
    "path-dot-segment-with-token": (200, "alice", _REMOVES_DOTS),
    "path-only-dots-with-token": (200, "alice", _REMOVES_DOTS),
}
_READS_LENGTH = "the server hands on no body without a length"
_CHUNKED = {
    "life-login-chunked": (400, None, _READS_LENGTH),
    "life-login-octets": (400, None, _READS_LENGTH),
    "life-login-form-chunked": (400, None, _READS_LENGTH),
}


def server_drivers():
    """Create the drivers of all real servers, which start with their first request."""
    return [
        ServerDriver("uvicorn", "starlette_setups", _ASGI, {}),
        ServerDriver("uvicorn httptools", "fastapi_setups", _ASGI, _CAPITALS | _FRAGMENTS | _KNOWN),
        ServerDriver("hypercorn", "quart_setups", _ASGI, _RAISED),
        ServerDriver("gunicorn sync", "flask_setups", _WSGI, _CAPITALS),
        ServerDriver("gunicorn gthread", "wsgi_setups", _WSGI, _CAPITALS),
        ServerDriver("waitress", "pyramid_setups", _WSGI, _CAPITALS | _SLASHES),
        ServerDriver("gunicorn gevent", "django_setups", _WSGI, _CAPITALS),
        ServerDriver("gunicorn asgi", "falcon_setups", _ASGI | JOINED_CHALLENGES, _CAPITALS),
        ServerDriver("granian asgi", "litestar_setups", _ASGI, _FRAGMENTS),
        ServerDriver("granian wsgi", "bottle_setups", _WSGI, _FRAGMENTS | _DECODED | _COOKIES),
        ServerDriver("uwsgi threads", "wsgi_setups", _WSGI, _DOTLESS | _CHUNKED),
        ServerDriver("daphne", "django_asgi_setups", _ASGI, {}),
    ]
