"""Send requests to an application in this process, as a server would."""

import asyncio
import contextlib
import io
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any, Final, Self
from urllib.parse import unquote_to_bytes, urlsplit

from safeconduct.testing.protected_app import Interface, auth_of, interface_of
from safeconduct.testing.signed_in import RequestHeaders, signed_in

Message = MutableMapping[str, Any]

_NO_FIELDS: Final[tuple[tuple[str, str], ...]] = ()


@dataclass(frozen=True, slots=True)
class AttackRequest:
    """A request as it comes from the network; a header may come twice."""

    method: str
    path: str
    headers: tuple[tuple[str, str], ...] = field(default=_NO_FIELDS, repr=False)
    query: str = ""
    #: What a server or a middleware might have left in the scope or the environ.
    planted: Mapping[str, Any] = field(default_factory=dict[str, Any], repr=False)


@dataclass(frozen=True, slots=True)
class AppResponse:
    """The response of an application; the names of headers are in lower case."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes = field(repr=False)

    def values(self, name: str) -> list[str]:
        """Return every value of one header."""
        return [value for key, value in self.headers if key == name]

    @property
    def is_served(self) -> bool:
        """Whether the application has answered it, rather than refused it."""
        return 200 <= self.status < 300  # noqa: PLR2004 - the class of a status code


class Site:
    """
    An application, and the paths of it that are attacked.

    Use it as a context manager, which ends the lifespan of an ASGI application.

    Args:
        app: The application with our middleware, extension or plugin.
        closed: A path that answers GET to any signed-in user, and to nobody else.
        public: A path that answers GET to everyone. Default: public paths are not checked.
        needs_role: A path that answers GET to users with a role alone, and the role. Default: roles are not checked.
        scopes: The scopes that *closed* needs.
        interface: "asgi" or "wsgi", where the application does not show which.

    Raises:
        ConfigurationError: If no middleware of ours is found, or the interface cannot be told.
    """

    def __init__(
        self,
        app: Any,
        *,
        closed: str,
        public: str | None = None,
        needs_role: tuple[str, str] | None = None,
        scopes: Collection[str] = (),
        interface: Interface | None = None,
    ) -> None:
        self.app = app
        self.auth = auth_of(app)
        self.closed = closed
        self.public = public
        self.needs_role = needs_role
        self.scopes = scopes
        self._interface = interface or interface_of(app)
        self._host = urlsplit(self.auth.config.external_url or "").netloc or "testserver"
        self._lifespan = _Lifespan(app) if self._interface == "asgi" else None

    def user(self, subject: str = "alice", *, roles: Collection[str] = ()) -> RequestHeaders:
        """Return the header of a user whom the application lets in: by token, or by cookie where no token counts."""
        bearer = signed_in(self.auth, subject, roles=roles, scopes=self.scopes)
        return self.credential(bearer["Authorization"].removeprefix("Bearer "))

    def credential(self, token: str) -> RequestHeaders:
        """Return the header in which the application takes an access token."""
        if "bearer" in self.auth.config.sources:
            return RequestHeaders({"Authorization": f"Bearer {token}"})
        return RequestHeaders({"Cookie": f"{self.auth.config.cookies.access}={token}"})

    def ask(self, request: AttackRequest) -> AppResponse:
        """Send a request and return the whole response."""
        if self._lifespan is None:
            return _ask_wsgi(self.app, self._environ(request))
        return self._lifespan.run(self._scope(request))

    def close(self) -> None:
        """End the lifespan of the application."""
        if self._lifespan is not None:
            self._lifespan.close()

    def __enter__(self) -> Self:
        """Return the site itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def _fields(self, request: AttackRequest) -> Iterable[tuple[str, str]]:
        return (("host", self._host), *((name.lower(), value) for name, value in request.headers))

    def _scope(self, request: AttackRequest) -> dict[str, Any]:
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "method": request.method,
            "scheme": "https",
            "path": unquote_to_bytes(request.path).decode("utf-8", "replace"),
            "raw_path": request.path.encode(),
            "query_string": request.query.encode(),
            "root_path": "",
            "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in self._fields(request)],
            "client": ("192.0.2.1", 50_000),
            "server": (self._host, 443),
            "state": {},
            "extensions": {},
            **request.planted,
        }

    def _environ(self, request: AttackRequest) -> dict[str, Any]:
        environ: dict[str, Any] = {
            "REQUEST_METHOD": request.method,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(request.path).decode("latin-1"),
            "RAW_URI": request.path,
            "QUERY_STRING": request.query,
            "SERVER_NAME": self._host,
            "SERVER_PORT": "443",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "192.0.2.1",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "https",
            "wsgi.input": io.BytesIO(),
            "wsgi.errors": io.StringIO(),
            "wsgi.multithread": False,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        for name, value in self._fields(request):
            key = f"HTTP_{name.upper().replace('-', '_')}"
            # As gunicorn does, and as CGI says (RFC 3875 §4.1.18).
            environ[key] = f"{environ[key]},{value}" if key in environ else value
        return environ | dict(request.planted)


def _ask_wsgi(app: Callable[..., Iterable[bytes]], environ: dict[str, Any]) -> AppResponse:
    started: list[tuple[str, list[tuple[str, str]]]] = []

    def start_response(status: str, headers: list[tuple[str, str]], _: object = None) -> Callable[[bytes], object]:
        started.append((status, headers))
        return io.BytesIO().write

    body: Any = app(environ, start_response)
    try:
        octets = b"".join(body)
    finally:
        getattr(body, "close", tuple)()
    status, headers = started[-1]
    return AppResponse(int(status[:3]), tuple((name.lower(), value) for name, value in headers), octets)


async def _ask_asgi(app: Callable[..., Awaitable[None]], scope: dict[str, Any]) -> AppResponse:
    sent: list[Message] = []
    waiting: list[Message] = [{"type": "http.request", "body": b"", "more_body": False}]
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


class _Lifespan:
    """Run an ASGI application in a loop of its own, between its startup and its shutdown."""

    def __init__(self, app: Callable[..., Awaitable[None]]) -> None:
        self._app = app
        self._runner = asyncio.Runner()
        self._task: asyncio.Task[None] | None = None
        self._received: asyncio.Queue[Message] = asyncio.Queue()
        self._sent: asyncio.Queue[Message] = asyncio.Queue()

    def run(self, scope: dict[str, Any]) -> AppResponse:
        return self._runner.run(self._serve(scope))

    def close(self) -> None:
        if self._task is not None:
            self._runner.run(self._shut_down(self._task))
        self._runner.close()

    async def _serve(self, scope: dict[str, Any]) -> AppResponse:
        if self._task is None:
            self._task = asyncio.ensure_future(self._live())
            await self._received.put({"type": "lifespan.startup"})
            said = await self._sent.get()
            if said["type"] == "lifespan.startup.failed":
                raise RuntimeError(f"the startup of the application failed: {said.get('message')}")
        return await _ask_asgi(self._app, scope)

    async def _live(self) -> None:
        scope = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
        # An application that knows no lifespan raises (ASGI, lifespan protocol); it is served all the same.
        with contextlib.suppress(Exception):
            await self._app(scope, self._received.get, self._sent.put)
        await self._sent.put({"type": "over"})

    async def _shut_down(self, task: asyncio.Task[None]) -> None:
        await self._received.put({"type": "lifespan.shutdown"})
        await task
