"""
The WSGI adapter: an environ becomes a ``Request``, the gate decides, the application is called or the caller answered.

The core's coroutines are finished here without a loop; every port behind WSGI answers at once.
"""

from collections.abc import Callable, Coroutine, Iterable, Iterator
from http import HTTPStatus
from types import TracebackType
from typing import Any, TypeVar

from safeconduct._core.decision import Passed, Refused
from safeconduct._core.endpoints.table import Body
from safeconduct._core.finish import finish
from safeconduct._core.gate import Gate, GateKeeper
from safeconduct._http.cookies import without
from safeconduct._http.message import Reply, Request, Route
from safeconduct._http.paths import decode_path_info, decode_script_name
from safeconduct._http.privacy import private
from safeconduct._watching.body import WatchedBody
from safeconduct.errors import AuthError, InvalidRequest
from safeconduct.guard import PASSED

Environ = dict[str, Any]
ExcInfo = tuple[type[BaseException], BaseException, TracebackType]
Write = Callable[[bytes], object]
StartResponse = Callable[..., Write]
App = Callable[[Environ, StartResponse], Iterable[bytes]]
Made = TypeVar("Made")

_PROOF = "safeconduct.proof"
#: ``Content-Type`` has a name of its own in an environ (PEP 3333).
_KEYS = {b"authorization": "HTTP_AUTHORIZATION", b"cookie": "HTTP_COOKIE", b"content-type": "CONTENT_TYPE"}


class AuthMiddleware:
    """
    Let every request of *app* through the gate of *auth*.

    Puts the identity into ``environ["safeconduct"]``, its name into ``REMOTE_USER`` and its scheme into ``AUTH_TYPE``.
    """

    def __init__(self, app: App, auth: GateKeeper) -> None:
        self.app = app
        self.auth = auth
        self._gate = auth.wsgi_gate()
        self.answer = self._gate.answer
        self._recall = self._gate.recall
        self._hides_cookies = bool(self._gate.hidden_cookies)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request."""
        # The short way, in line, as in ASGI.
        field: str | None = environ.get("HTTP_AUTHORIZATION")
        passed: Passed | None = None
        is_long_lived = False
        route = route_of(environ)
        if field is not None:
            passed = self._recall(route, field.encode("latin-1"))
        if passed is None:
            judged = self._judge(environ, start_response)
            if not isinstance(judged, Passed):
                return judged
            passed = judged
            is_long_lived = self._gate.has_long_lived and self._gate.watches(read_environ(environ))
        environ["safeconduct"] = passed.identity
        environ[_PROOF] = passed
        # Whatever came in under these names was somebody else's word (CVE-2025-64484 and its like).
        environ.pop("REMOTE_USER", None)
        environ.pop("AUTH_TYPE", None)
        environ.update(passed.told)
        if self._hides_cookies and "HTTP_COOKIE" in environ:
            _hide_cookies(environ, self._gate.hidden_cookies)
        if passed.is_by_cookie:
            start_response = _as_private(start_response)
        watched = WatchedBody(self._gate, passed, _read_as_it_came, environ, route, start_response)
        watched.is_watched = is_long_lived
        return self._call(environ, watched, passed)

    def _judge(self, environ: Environ, start_response: StartResponse) -> Passed | Iterable[bytes]:
        """Take the long way; answer and return the body where the request ends here."""
        gate = self._gate
        outer = _outer(environ)
        try:
            request = read_environ(environ)
        except AuthError as error:
            return _reply(start_response, gate.answer(error, None), environ["REQUEST_METHOD"])
        if gate.endpoints.owns(request.path) and not gate.is_inner(outer):
            return self._serve(environ, start_response, request)
        decision = _finish(gate, gate.decide(request, outer))
        if isinstance(decision, Refused):
            reply = gate.answer(decision.error, read_environ(environ))
            return _reply(start_response, reply, environ["REQUEST_METHOD"])
        return decision

    def _serve(self, environ: Environ, start_response: StartResponse, request: Request) -> Iterable[bytes]:
        gate = self._gate
        query = environ.get("QUERY_STRING", "").encode("latin-1")
        served = _finish(gate, gate.serve(request, _body_of(environ), query))
        reply = gate.answer(served.error, request) if isinstance(served, Refused) else served
        return _reply(start_response, reply, request.method)

    def _call(self, environ: Environ, watched: WatchedBody, passed: Passed) -> Iterable[bytes]:
        before = PASSED.get()
        PASSED.set(passed)
        try:
            body = self.app(environ, watched.start)
        except AuthError as error:
            PASSED.set(before)
            reply = self.answer(error, read_environ(environ))
            return _reply(watched.start, reply, environ["REQUEST_METHOD"], error)
        except BaseException:
            PASSED.set(before)
            raise
        PASSED.set(before)
        if not watched.is_watched and (isinstance(body, (list, tuple)) or _is_file(body, environ)):
            # Nothing of the application runs any more; a file's own iterable lets the server send it by itself.
            return body
        return _Body(body, passed, watched)


def _is_file(body: Iterable[bytes], environ: Environ) -> bool:
    wrapper = environ.get("wsgi.file_wrapper")
    return isinstance(wrapper, type) and isinstance(body, wrapper)


class _Body:
    """
    A response's iterable that has the identity around each of its steps and its closing, and at no time between.

    So a response that is never closed leaves nobody behind, and two that are read by turns do not meet.
    """

    __slots__ = ("_body", "_passed", "_watched")

    def __init__(self, body: Iterable[bytes], passed: Passed, watched: WatchedBody) -> None:
        self._body = body
        self._passed = passed
        self._watched = watched

    def __iter__(self) -> Iterator[bytes]:
        # In line and as a generator: every response of Flask comes this way.
        get, put, passed, watched = PASSED.get, PASSED.set, self._passed, self._watched
        steps: Iterator[bytes] | None = None
        while True:
            before = get()
            put(passed)
            try:
                if steps is None:
                    steps = iter(self._body)
                chunk = next(steps, None)
            finally:
                put(before)
            if chunk is None or (watched.is_watched and not watched.may_go_on()):
                return
            yield chunk

    def close(self) -> None:
        close = getattr(self._body, "close", None)
        if close is None:
            return
        before = PASSED.get()
        PASSED.set(self._passed)
        try:
            close()
        finally:
            PASSED.set(before)


def _finish(gate: Gate, coroutine: Coroutine[object, None, Made]) -> Made | Refused:
    try:
        return finish(coroutine)
    except RuntimeError as fault:
        # A port suspended, which none made for this world does.  Nothing was decided.
        return gate.fault(fault)


def route_of(environ: Environ) -> Route:
    """Return what the server said of method and path."""
    get = environ.get
    return environ["REQUEST_METHOD"], get("PATH_INFO", ""), get("SCRIPT_NAME", ""), _raw_path(environ)


def read_environ(environ: Environ) -> Request:
    """
    Return the request that *environ* describes.

    Raises:
        InvalidRequest: If the path is not UTF-8.
    """

    def values(name: bytes) -> list[bytes]:
        key = _KEYS.get(name) or _key(name)
        value = environ.get(key)
        if value is None or (value == "" and key == "CONTENT_TYPE"):
            return []
        return [value.encode("latin-1")]

    return Request(
        route_of(environ),
        environ["REQUEST_METHOD"],
        decode_path_info(environ.get("PATH_INFO", "")),
        decode_script_name(environ.get("SCRIPT_NAME", "")),
        _raw_path(environ),
        values,
        is_secure=environ["wsgi.url_scheme"] == "https",
        is_websocket=False,
        client_host=environ.get("REMOTE_ADDR"),
    )


def _read_as_it_came(environ: Environ, route: Route) -> Request:
    # A dispatcher below us may have moved the path meanwhile.
    return read_environ({**environ, "PATH_INFO": route[1], "SCRIPT_NAME": route[2]})


def _key(name: bytes) -> str:
    return "HTTP_" + name.decode("ascii").upper().replace("-", "_")


def _raw_path(environ: Environ) -> bytes | None:
    # Not in PEP 3333; gunicorn and werkzeug say RAW_URI, most others REQUEST_URI.  It may be in absolute form.
    target: str | None = environ.get("RAW_URI") or environ.get("REQUEST_URI")
    if target is None:
        return None
    return target.partition("?")[0].encode("latin-1", "replace")


def _outer(environ: Environ) -> Passed | None:
    # a2wsgi hands the scope of the ASGI application around this one on, and with it what was left there.
    scope = environ.get("asgi.scope")
    outer = environ.get(_PROOF) if scope is None else scope.get("auth")
    return outer if isinstance(outer, Passed) else None


def _body_of(environ: Environ) -> Body:
    async def read(limit_bytes: int) -> bytes:
        length = environ.get("CONTENT_LENGTH") or ""
        stream = environ["wsgi.input"]
        if not length:
            # Without a length there is a body only where the server says that it ends the stream itself.
            return _taken(stream, limit_bytes + 1) if environ.get("wsgi.input_terminated") else b""
        if not (length.isascii() and length.isdigit()):
            raise InvalidRequest("the length of the body is no number")
        wanted = min(int(length[:10]), limit_bytes + 1)
        body = _taken(stream, wanted)
        if len(body) < wanted:
            raise InvalidRequest("the body broke off")
        return body

    return read


def _taken(stream: Any, count: int) -> bytes:
    chunks: list[bytes] = []
    left = count
    try:
        while left > 0 and (chunk := stream.read(left)):
            chunks.append(chunk)
            left -= len(chunk)
    # Servers raise errors of their own, of no common kind, where the other side is gone.
    except Exception as error:
        raise InvalidRequest("the body broke off") from error
    return b"".join(chunks)


def _hide_cookies(environ: Environ, names: frozenset[bytes]) -> None:
    kept = without([environ["HTTP_COOKIE"].encode("latin-1")], names)
    if kept:
        environ["HTTP_COOKIE"] = kept[0].decode("latin-1")
    else:
        del environ["HTTP_COOKIE"]


def _as_private(start_response: StartResponse) -> StartResponse:
    def start_privately(status: str, headers: list[tuple[str, str]], exc_info: ExcInfo | None = None) -> Write:
        fields = private([(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers])
        native = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in fields]
        return start_response(status, native, exc_info) if exc_info else start_response(status, native)

    return start_privately


def _reply(start_response: StartResponse, reply: Reply, method: str, error: AuthError | None = None) -> Iterable[bytes]:
    phrase = HTTPStatus(reply.status).phrase
    native = [(name.decode("latin-1").title(), value.decode("latin-1")) for name, value in reply.fields]
    if error is None:
        start_response(f"{reply.status} {phrase}", native)
    else:
        # Had the response begun, the server raises *error* again instead of starting a second one (PEP 3333).
        start_response(f"{reply.status} {phrase}", native, (type(error), error, error.__traceback__))
    return [b"" if method == "HEAD" else reply.body]
