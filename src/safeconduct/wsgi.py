"""
Protect a WSGI application: read the environ, let the gate decide, then call the application or answer the request.

The core's coroutines are run to their end here without an event loop: behind WSGI every port answers at once.
"""

from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from http import HTTPStatus
from types import TracebackType
from typing import Any, TypeVar

from safeconduct._connections.wsgi_body import WatchedBody
from safeconduct._core.decision import Decision, Passed, Recalled, Refused
from safeconduct._core.gate import Gate, GateProvider
from safeconduct._core.run_sync import run_sync
from safeconduct._core.wrapped_app import refuse_forced_script_name, require_application, require_auth
from safeconduct._core.wrong_arguments import wants
from safeconduct._http.cookies import COOKIES_AS_THEY_CAME, hide_cookies
from safeconduct._http.environ import body_of, read_environ, route_of
from safeconduct._http.nesting import MOUNT, PROOF
from safeconduct._http.request import Reply, Request
from safeconduct.errors import AuthError
from safeconduct.guard import PASSED

Environ = dict[str, Any]
ExcInfo = tuple[type[BaseException], BaseException, TracebackType]
Write = Callable[[bytes], object]
StartResponse = Callable[..., Write]
App = Callable[[Environ, StartResponse], Iterable[bytes]]
Made = TypeVar("Made")


class AuthMiddleware:
    """
    Let every request of *app* through the gate of *auth*.

    Puts the identity into ``environ["safeconduct.identity"]``, its name into ``REMOTE_USER`` and its scheme into
    ``AUTH_TYPE``.
    """

    @wants("auth.wsgi(app)")
    def __init__(self, app: App, auth: GateProvider) -> None:
        require_auth(auth, "wsgi")
        require_application(app, "wsgi")
        refuse_forced_script_name(app)
        self.app = app
        self.auth = auth
        self._gate = auth.wsgi_gate()
        self.answer = self._gate.answer
        self._recall = self._gate.fast_path.recall
        self._recall_by_cookie = self._gate.fast_path.recall_by_cookie
        self._takes_cookies = self._gate.fast_path.takes_cookies
        self._hides_cookies = bool(self._gate.hidden_cookies)

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:  # noqa: C901 - see "in line"
        """Serve one request."""
        # The fast path, in line, as in ASGI.
        field: str | None = environ.get("HTTP_AUTHORIZATION")
        passed: Passed | Recalled | None = None
        is_long_lived = False
        route = route_of(environ)
        is_hidden = False
        if field is not None:
            passed = self._recall(route, field.encode("latin-1"), environ)
        elif self._takes_cookies and (line := environ.get("HTTP_COOKIE")):
            octets = line.encode("latin-1")
            passed, rest = self._recall_by_cookie(route, octets, environ)
            is_hidden = rest is not None
            if rest is not None and rest is not octets:
                environ["HTTP_COOKIE"] = rest.decode("latin-1")
                if COOKIES_AS_THEY_CAME not in environ:
                    environ[COOKIES_AS_THEY_CAME] = octets.__bytes__
        if not isinstance(passed, Passed):
            judged = self._judge(passed, environ, start_response)
            if not isinstance(judged, Passed):
                return judged
            passed = judged
            self._gate.note_omitted_name(passed)
            is_long_lived = self._gate.has_long_lived and self._gate.watches(read_environ(environ))
        environ["safeconduct.identity"] = passed.identity
        environ[PROOF] = passed
        # A value that came in under these names was not set by us (CVE-2025-64484 and its like).
        environ.pop("REMOTE_USER", None)
        environ.pop("AUTH_TYPE", None)
        if passed.auth_type is not None:
            environ["AUTH_TYPE"] = passed.auth_type
            if passed.remote_user is not None:
                environ["REMOTE_USER"] = passed.remote_user
        if self._hides_cookies and not is_hidden and "HTTP_COOKIE" in environ:
            hide_cookies(environ, self._gate.hidden_cookies)
        # Only a browser that navigates is led to our endpoints, and that sends no `Authorization`.
        if field is None and (MOUNT not in environ or environ[MOUNT][0] is not passed.owner):
            environ[MOUNT] = passed.owner, route[2]
        watched = WatchedBody(self._gate, passed, environ, route, start_response)
        watched.is_watched = is_long_lived
        return self._call(environ, watched, passed)

    def _judge(
        self, recalled: Recalled | None, environ: Environ, start_response: StartResponse
    ) -> Passed | Iterable[bytes]:
        """Ask about what was *recalled*, or take the slow path; answer and return the body if the request ends here."""
        gate = self._gate
        outer = gate.outer_passed(environ)
        # What an outer middleware asked is not asked again, which the slow path knows.
        if outer is None and recalled is not None:
            confirmed = _finish(gate, gate.confirm(recalled))
            if confirmed is not None:
                return self._settled(confirmed, environ, start_response)
        try:
            request = read_environ(environ)
        except AuthError as error:
            return _reply(start_response, gate.answer(error, None), environ["REQUEST_METHOD"])
        if outer is None and gate.owns(request):
            return self._serve(environ, start_response, request)
        return self._settled(_finish(gate, gate.decide(request, outer)), environ, start_response)

    def _settled(self, decision: Decision, environ: Environ, start_response: StartResponse) -> Passed | Iterable[bytes]:
        if isinstance(decision, Passed):
            return decision
        reply = self._gate.answer(decision.error, read_environ(environ))
        return _reply(start_response, reply, environ["REQUEST_METHOD"])

    def _serve(self, environ: Environ, start_response: StartResponse, request: Request) -> Iterable[bytes]:
        gate = self._gate
        query = environ.get("QUERY_STRING", "").encode("latin-1")
        served = _finish(gate, gate.serve(request, body_of(environ), query))
        reply = gate.answer(served.error, request) if isinstance(served, Refused) else served
        return _reply(start_response, reply, request.method)

    def _call(self, environ: Environ, watched: WatchedBody, passed: Passed) -> Iterable[bytes]:
        before = PASSED.set(passed)
        try:
            body = self.app(environ, watched.start)
        except AuthError as error:
            PASSED.reset(before)
            return _answer(watched, error)
        except BaseException:
            PASSED.reset(before)
            raise
        PASSED.reset(before)
        if isinstance(body, (list, tuple)) and not hasattr(body, "close"):
            # The application has nothing left to run.
            return body if not watched.is_watched else _whole(body, passed, watched)
        if not watched.is_watched and _is_file(body, environ):
            # The server recognizes its own file wrapper and sends the file itself.
            return body
        # A server asks for the length, and sets Content-Length if there is one chunk (PEP 3333).
        return (_SizedBody if hasattr(body, "__len__") else _Body)(body, passed, watched)


def _whole(body: Sequence[bytes], passed: Passed, watched: WatchedBody) -> Iterable[bytes]:
    """Check a watched response of one chunk once and pass it as it is; check any other before each chunk."""
    if len(body) > 1:
        return _SizedBody(body, passed, watched)
    error = watched.refusal()
    return body if error is None else _answer(watched, error)


def _is_file(body: Iterable[bytes], environ: Environ) -> bool:
    wrapper = environ.get("wsgi.file_wrapper")
    return isinstance(wrapper, type) and isinstance(body, wrapper)


class _Body:
    """
    Iterate over a response's body, with the identity set during each step and during ``close``, and only then.

    So a response that is never closed leaves no identity behind, and two that are read in turns do not mix theirs.
    A generator runs nothing before its first step: an ``AuthError`` there is answered as one in a plain function is.
    """

    __slots__ = ("_body", "_passed", "_watched")

    def __init__(self, body: Iterable[bytes], passed: Passed, watched: WatchedBody) -> None:
        self._body = body
        self._passed = passed
        self._watched = watched

    def __iter__(self) -> Iterator[bytes]:  # noqa: C901 - in line: every response of Flask comes this way
        # A generator, since its frame costs less than a call for each step.
        put, reset, passed, watched = PASSED.set, PASSED.reset, self._passed, self._watched
        steps: Iterator[bytes] | None = None
        error: AuthError | None = None
        is_begun = False
        while True:
            before = put(passed)
            try:
                if steps is None:
                    steps = iter(self._body)
                chunk = next(steps, None)
            except AuthError as raised:
                if is_begun:
                    raise
                error, chunk = raised, None
            finally:
                reset(before)
            if chunk is not None and watched.is_watched:
                if not is_begun:
                    error = watched.refusal()
                elif not watched.may_go_on():
                    return
            if chunk is None or error is not None:
                break
            # "…transmit only after the first iteration of the application return value that yields a non-empty
            # bytestring" — PEP 3333: until then another answer can take the place of this one.
            if chunk:
                is_begun = True
            yield chunk
        if error is not None:
            yield from _answer(watched, error)

    def close(self) -> None:
        close = getattr(self._body, "close", None)
        if close is None:
            return
        before = PASSED.set(self._passed)
        try:
            close()
        finally:
            PASSED.reset(before)


class _SizedBody(_Body):
    """Do the same for a body that knows how many chunks it has."""

    __slots__ = ()

    def __len__(self) -> int:
        return len(self._body)  # type: ignore[arg-type]  # only made of what has a length


def _finish(gate: Gate, coroutine: Coroutine[object, None, Made]) -> Made | Refused:
    try:
        return run_sync(coroutine)
    except RuntimeError as fault:
        # A port suspended, which no port behind WSGI may do.  Nothing was decided.
        return gate.fault(fault)


def _answer(watched: WatchedBody, error: AuthError) -> Iterable[bytes]:
    # uWSGI takes an error with a response for a fault, and sends no body.
    raised = error if watched.has_begun else None
    return _reply(watched.start, watched.answer(error), watched.request.method, raised)


def _reply(start_response: StartResponse, reply: Reply, method: str, error: AuthError | None = None) -> Iterable[bytes]:
    phrase = HTTPStatus(reply.status).phrase
    native = [(name.decode("latin-1").title(), value.decode("latin-1")) for name, value in reply.fields]
    if error is None:
        start_response(f"{reply.status} {phrase}", native)
    else:
        # Had the response begun, the server raises *error* again instead of starting a second one (PEP 3333).
        start_response(f"{reply.status} {phrase}", native, (type(error), error, error.__traceback__))
    return [b"" if method == "HEAD" else reply.body]
