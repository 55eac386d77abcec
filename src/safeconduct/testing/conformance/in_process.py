"""Send requests and handshakes to an application in this process, as a server would."""

import asyncio
import contextlib
import io
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any, Final, Self, TypeVar
from urllib.parse import unquote_to_bytes

Message = MutableMapping[str, Any]
Fields = tuple[tuple[str, str], ...]
AsgiApp = Callable[..., Awaitable[None]]

_T = TypeVar("_T")

_NO_FIELDS: Final[Fields] = ()
#: How long an application may take to accept or refuse a handshake.
_PATIENCE_SECONDS: Final = 10


@dataclass(frozen=True, slots=True)
class AttackRequest:
    """A request as it comes from the network; a header may come twice."""

    method: str
    path: str
    headers: Fields = field(default=_NO_FIELDS, repr=False)
    query: str = ""
    #: What a server or a middleware might have left in the scope or the environ.
    planted: Mapping[str, Any] = field(default_factory=dict[str, Any], repr=False)
    body: bytes = field(default=b"", repr=False)
    #: The address of the client.
    client: str = "192.0.2.1"


@dataclass(frozen=True, slots=True)
class AppResponse:
    """The response of an application; the names of headers are in lower case."""

    status: int
    headers: Fields
    body: bytes = field(repr=False)

    def values(self, name: str) -> list[str]:
        """Return every value of one header."""
        return [value for key, value in self.headers if key == name]

    @property
    def is_served(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status < 300  # noqa: PLR2004 - the class of a status code


def ask_wsgi(app: Callable[..., Iterable[bytes]], request: AttackRequest, host: str) -> AppResponse:
    """Send *request* to a WSGI application and return the whole response."""
    started: list[tuple[str, list[tuple[str, str]]]] = []

    def start_response(status: str, headers: list[tuple[str, str]], _: object = None) -> Callable[[bytes], object]:
        started.append((status, headers))
        return io.BytesIO().write

    body: Any = app(_environ(request, host), start_response)
    try:
        octets = b"".join(body)
    finally:
        getattr(body, "close", tuple)()
    status, headers = started[-1]
    return AppResponse(int(status[:3]), tuple((name.lower(), value) for name, value in headers), octets)


class AsgiServer:
    """
    Run an ASGI application in an event loop of its own, between its startup and its shutdown.

    Args:
        app: The application.
        host: The value of ``Host``.
    """

    def __init__(self, app: AsgiApp, host: str) -> None:
        self._app = app
        self._host = host
        self._runner = asyncio.Runner()
        self._lifespan: asyncio.Task[None] | None = None
        self._received: asyncio.Queue[Message] = asyncio.Queue()
        self._sent: asyncio.Queue[Message] = asyncio.Queue()

    def ask(self, request: AttackRequest) -> AppResponse:
        """Send *request* and return the whole response."""
        scope = _scope(request, self._host) | {"type": "http", "scheme": "https", "method": request.method}
        return self.run(_ask_asgi(self._app, scope | dict(request.planted), request.body))

    def connect(self, request: AttackRequest) -> "Socket":
        """Send a handshake, and return the WebSocket once the application has accepted or refused it."""
        offered = [value for name, value in request.headers if name.lower() == "sec-websocket-protocol"]
        more: dict[str, Any] = {
            "type": "websocket",
            "scheme": "wss",
            "subprotocols": [each.strip() for value in offered for each in value.split(",")],
            "extensions": {"websocket.http.response": {}},
        }
        return Socket(self, self._app, _scope(request, self._host) | more)

    def run(self, coroutine: Coroutine[Any, Any, _T]) -> _T:
        """Run *coroutine* in the loop of the application, which has started up by then."""
        return self._runner.run(self._after_startup(coroutine))

    def close(self) -> None:
        """Shut the application down, if it has started up."""
        if self._lifespan is not None:
            self._runner.run(self._shut_down(self._lifespan))
        self._runner.close()

    async def _after_startup(self, coroutine: Coroutine[Any, Any, _T]) -> _T:
        if self._lifespan is None:
            self._lifespan = asyncio.ensure_future(self._run_lifespan())
            await self._received.put({"type": "lifespan.startup"})
            message = await self._sent.get()
            if message["type"] == "lifespan.startup.failed":
                coroutine.close()
                raise RuntimeError(f"the startup of the application failed: {message.get('message')}")
        return await coroutine

    async def _run_lifespan(self) -> None:
        scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
        # An application without a lifespan raises (ASGI, lifespan protocol), and is served all the same.
        with contextlib.suppress(Exception):
            await self._app(scope, self._received.get, self._sent.put)
        await self._sent.put({"type": "over"})

    async def _shut_down(self, task: asyncio.Task[None]) -> None:
        await self._received.put({"type": "lifespan.shutdown"})
        await task


class Socket:
    """
    A WebSocket of which the test is the server and the client.

    Use it as a context manager, which disconnects.
    """

    def __init__(self, server: AsgiServer, app: AsgiApp, scope: Mapping[str, Any]) -> None:
        self._server = server
        self._received: asyncio.Queue[Message] = asyncio.Queue()
        self._sent: asyncio.Queue[Message] = asyncio.Queue()
        self._task, first = server.run(self._begin(app, scope))
        self.is_accepted: bool = first["type"] == "websocket.accept"
        #: The status of a handshake that was refused; a close before the acceptance is 403 (ASGI, WebSocket protocol).
        self.status: int = first.get("status", 101 if self.is_accepted else 403)

    def close_code(self, *, patience_seconds: float) -> int | None:
        """Wait until the application closes the WebSocket and return the code; None if it does not in that time."""
        return self._server.run(self._close_code(patience_seconds))

    def __enter__(self) -> Self:
        """Return the WebSocket itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Disconnect, and wait until the application has returned."""
        self._server.run(self._disconnect())

    async def _begin(self, app: AsgiApp, scope: Mapping[str, Any]) -> tuple[asyncio.Task[None], Message]:
        await self._received.put({"type": "websocket.connect"})
        task = asyncio.ensure_future(app(dict(scope), self._received.get, self._sent.put))
        sent = asyncio.ensure_future(self._sent.get())
        await asyncio.wait((task, sent), timeout=_PATIENCE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        if sent.done():
            return task, await sent
        sent.cancel()
        if not task.done():
            task.cancel()
            raise AssertionError(f"WebSocket {scope['path']}: got neither an accept nor a refusal, wanted one of them")
        await task
        # If the application returns without an answer, a server refuses the handshake.
        return task, {"type": "websocket.close", "status": 500}

    async def _close_code(self, patience_seconds: float) -> int | None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience_seconds):
                while (message := await self._sent.get())["type"] != "websocket.close":
                    pass
                return int(message.get("code", 1000))
        return None

    async def _disconnect(self) -> None:
        await self._received.put({"type": "websocket.disconnect", "code": 1001})
        # An application that waits for something else is cancelled, as a server does when it shuts down.
        await asyncio.wait([self._task], timeout=1)
        self._task.cancel()
        # What the application raises after the disconnect is not what is checked here.
        await asyncio.gather(self._task, return_exceptions=True)


def _received_fields(request: AttackRequest, host: str) -> Iterable[tuple[str, str]]:
    yield "host", host
    if request.body:
        yield "content-length", str(len(request.body))
    for name, value in request.headers:
        yield name.lower(), value


def _scope(request: AttackRequest, host: str) -> dict[str, Any]:
    fields = _received_fields(request, host)
    return {
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "path": unquote_to_bytes(request.path).decode("utf-8", "replace"),
        "raw_path": request.path.encode(),
        "query_string": request.query.encode(),
        "root_path": "",
        "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in fields],
        "client": (request.client, 50_000),
        "server": (host, 443),
        "state": {},
        "extensions": {},
    }


def _environ(request: AttackRequest, host: str) -> dict[str, Any]:
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(request.path).decode("latin-1"),
        "RAW_URI": request.path,
        "QUERY_STRING": request.query,
        "SERVER_NAME": host,
        "SERVER_PORT": "443",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": request.client,
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "https",
        "wsgi.input": io.BytesIO(request.body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in _received_fields(request, host):
        key = name.upper().replace("-", "_")
        # These two have no prefix (RFC 3875 §4.1.2, §4.1.3).
        key = key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{key}"
        # As gunicorn does, and as CGI says (RFC 3875 §4.1.18).
        environ[key] = f"{environ[key]},{value}" if key in environ else value
    return environ | dict(request.planted)


async def _ask_asgi(app: AsgiApp, scope: dict[str, Any], body: bytes) -> AppResponse:
    sent: list[Message] = []
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]
    is_over = asyncio.Event()

    async def receive() -> Message:
        if waiting:
            return waiting.pop()
        await is_over.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message)
        if message["type"] == "http.response.body" and not message.get("more_body"):
            is_over.set()

    await app(scope, receive, send)
    start = next(message for message in sent if message["type"] == "http.response.start")
    fields = tuple((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in start["headers"])
    return AppResponse(start["status"], fields, b"".join(message.get("body", b"") for message in sent))
