"""
Call an ASGI or a WSGI application in this process, as a server would after reading a request.

Also: open a WebSocket and play what its client sends, and build the ``Request`` that the core sees.
"""

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, unquote_to_bytes

from safeconduct._http.request import Field, Request, read_fields
from table_tokens import tokens


@dataclass(frozen=True, slots=True)
class SentRequest:
    """A request as it is sent."""

    method: str
    target: str
    headers: tuple[tuple[str, bytes], ...]
    scheme: str
    body: bytes = b""
    #: How the body is sent: by its "length", "chunked", in single "octets", "broken" off in the middle, or "none".
    framing: str = "length"

    @classmethod
    def of(cls, row):
        """Create the request of a row, with its tokens filled in."""
        known = {f"{{{name}}}": token for name, token in tokens().items()}

        def filled(text):
            for name, token in known.items():
                text = text.replace(name, token)
            return text

        fields = [(name, filled(value).encode("utf-8")) for name, value in row.headers]
        return cls(
            row.method, filled(row.target), (("host", b"app.example"), *fields), row.scheme, row.body, row.framing
        )


@dataclass(frozen=True, slots=True)
class ReceivedResponse:
    """A response as it was received; the names of fields are in lower case."""

    status: int
    fields: tuple[tuple[str, str], ...]
    body: bytes

    def values(self, name):
        """Return every value of one field."""
        return tuple(value for key, value in self.fields if key == name)

    @property
    def report(self):
        """Return the application's report, or None if it was not called."""
        reports = self.values("x-report")
        return json.loads(unquote(reports[0])) if reports else None


def framing_headers(request):
    """Return the fields that say how the body is sent."""
    if request.framing == "chunked":
        return (("transfer-encoding", b"chunked"),)
    return (("content-length", str(len(request.body)).encode()),) if request.body else ()


def asgi_scope(request, **more):
    """Return the scope that uvicorn would make."""
    path, _, query = request.target.partition("?")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": request.scheme,
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.encode(), value) for name, value in (*request.headers, *framing_headers(request))],
        "client": ("192.0.2.1", 1234),
        "server": ("app.example", 443),
        "state": {},
        "extensions": {},
        **more,
    }


def asgi_messages(request):
    """Return the messages in which an ASGI server would pass the body."""
    middle = len(request.body) // 2
    match request.framing:
        case "octets":
            parts = [b"", *(bytes([octet]) for octet in request.body), b""]
        case "broken":
            return [{"type": "http.request", "body": request.body[:middle], "more_body": True}]
        case _:
            parts = [request.body[:middle], request.body[middle:]] if request.body else [b""]
    last = len(parts) - 1
    return [{"type": "http.request", "body": part, "more_body": at < last} for at, part in enumerate(parts)]


async def call_asgi(application, scope, body=b"", *, messages=None):
    """Call *application*; an exception that leaves it is one that a server would log and answer 500."""
    sent = []
    if messages is None:
        messages = asgi_messages(SentRequest(scope["method"], scope["path"], (), scope["scheme"], body))
    received = messages[::-1]

    async def receive():
        return received.pop() if received else {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)

    await application(scope, receive, send)
    [start] = [message for message in sent if message["type"] == "http.response.start"]
    body = b"".join(message.get("body", b"") for message in sent if message["type"] == "http.response.body")
    fields = tuple((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in start["headers"])
    return ReceivedResponse(start["status"], fields, body)


class BodyStream(io.BytesIO):
    """The body of a request, as a WSGI server passes it: a read may return less than was asked for."""

    def __init__(self, request):
        super().__init__(request.body[: len(request.body) // 2] if request.framing == "broken" else request.body)
        self._most = 1 if request.framing == "octets" else len(request.body)

    def read(self, size=-1):
        """Read at most *size* bytes, and at least one before the end."""
        return super().read(self._most if size < 0 else min(size, self._most))


def wsgi_environ(request, **more):
    """Return the environ that gunicorn would make: it joins fields of one name by a comma."""
    path, _, query = request.target.partition("?")
    environ = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "RAW_URI": request.target,
        "QUERY_STRING": query,
        "SERVER_NAME": "app.example",
        "SERVER_PORT": "443",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "192.0.2.1",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": request.scheme,
        "wsgi.input": BodyStream(request),
        "wsgi.input_terminated": request.framing == "chunked",
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
        **more,
    }
    for name, value in (*request.headers, *framing_headers(request)):
        # Fields with an underscore are dropped, as by gunicorn.
        if "_" not in name:
            key = name.upper().replace("-", "_")
            key = key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{key}"
            text = value.decode("latin-1")
            environ[key] = f"{environ[key]},{text}" if key in environ else text
    if request.target == "/said":
        environ |= {"REMOTE_USER": "admin", "AUTH_TYPE": "Basic"}
    return environ


def call_wsgi(application, environ):
    """Call *application* and read its answer to the end."""
    started = []

    def start_response(status, headers, exc_info=None):
        if exc_info and started and started[-1] is None:
            raise exc_info[1]
        started.append((status, headers))

    iterable = application(environ, start_response)
    try:
        body = b"".join(iterable)
    finally:
        if hasattr(iterable, "close"):
            iterable.close()
    status, headers = started[-1]
    return ReceivedResponse(int(status[:3]), tuple((name.lower(), value) for name, value in headers), body)


_USUAL: dict[str, Any] = {
    "path": "/",
    "root_path": "",
    "raw_path": None,
    "is_secure": True,
    "is_websocket": False,
    "client_host": "192.0.2.1",
}


def request_with(*fields: Field, method: str = "GET", **named: Any) -> Request:
    """Return a request with these header fields, and defaults for everything that is not in *named*."""
    lower: Sequence[Field] = [(name.lower(), value) for name, value in fields]
    values = {**_USUAL, **named}
    route = (method, values["path"], values["root_path"], values["raw_path"])
    return Request(route, method, values=read_fields(lower), **values)


ACCEPT = {"type": "websocket.connect"}
LEAVE = {"type": "websocket.disconnect", "code": 1000}


def socket_scope(request, *, denial=True, **more):
    """Return the scope of a handshake; with *denial* the server can refuse it by a whole response."""
    extensions = {"websocket.http.response": {}} if denial else {}
    offered = [value.decode() for name, value in request.headers if name == "sec-websocket-protocol"]
    scope = asgi_scope(request, type="websocket", extensions=extensions, **more)
    del scope["method"]
    scheme = "wss" if request.scheme == "https" else "ws"
    return scope | {"scheme": scheme, "subprotocols": [word.strip() for line in offered for word in line.split(",")]}


async def play(application, scope, *texts):
    """Connect, send *texts*, disconnect, and return every message that the application sent."""
    sent = []
    coming = [ACCEPT, *({"type": "websocket.receive", "text": text} for text in texts), LEAVE]

    async def receive():
        return coming.pop(0)

    async def send(message):
        sent.append(message)

    await application(scope, receive, send)
    return sent
