"""Let every request of a Django project through the gate, behind WSGI and ASGI."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.apps import apps
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from safeconduct._core.decision import Refused
from safeconduct._core.gate import Gate
from safeconduct._core.run_sync import run_sync
from safeconduct._http.request import Reply
from safeconduct.auth import Auth
from safeconduct.django.before_views import before_view, before_view_awaited
from safeconduct.django.http import (
    ReplyResponse,
    RequestState,
    answer_of_view,
    body_of,
    expire_cookies,
    mark_private,
    outer_of,
    put_identity,
    query_of,
    read_request,
    state_of,
)
from safeconduct.django.middleware_order import refuse_caches_before_ours, refuse_other_sign_ins
from safeconduct.django.project import get_auth
from safeconduct.django.streams import keep_identity, watch_of
from safeconduct.django.users import put_user, user_field
from safeconduct.errors import AuthError
from safeconduct.guard import PASSED
from safeconduct.principal import Principal

if TYPE_CHECKING or not apps.is_installed("django.contrib.auth"):
    _Base = object
else:
    # The admin wants a subclass of it among the middlewares.
    from django.contrib.auth.middleware import AuthenticationMiddleware as _Base


class SafeconductMiddleware(_Base):
    """
    Let every request through the gate of ``get_auth()``.

    It is the first of ``MIDDLEWARE``, and replaces Django's own ``AuthenticationMiddleware``.  It sets
    ``request.user``, ``request.auser``, ``request.principal`` and ``request.auth``, and answers our own endpoints and
    every ``AuthError`` that a view raises.

    Raises:
        ConfigurationError: If the settings are wrong.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:  # pyright: ignore[reportMissingSuperCall]
        refuse_other_sign_ins()
        refuse_caches_before_ours()
        if apps.is_installed("django.contrib.auth"):
            user_field()
        self.get_response = get_response
        self.auth = get_auth()
        self.async_mode = iscoroutinefunction(get_response)  # pyright: ignore[reportDeprecated]  # it sees asgiref's mark on 3.11
        if self.async_mode:
            markcoroutinefunction(self)
        self.process_view = before_view_awaited if self.async_mode else before_view
        # A directory or a store that does not fit is found before the first request.
        _ = self.auth.asgi_gate() if self.async_mode else self.auth.wsgi_gate()

    def __call__(self, request: HttpRequest) -> Any:
        """Serve one request."""
        return self._serve_awaited(request) if self.async_mode else self._serve(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponseBase | None:
        """Answer an ``AuthError`` that a view has raised."""
        state = state_of(request)
        if state is None or not isinstance(exception, AuthError):
            return None
        return answer_of_view(request, exception, state)

    def _serve(self, request: HttpRequest) -> HttpResponseBase:
        state = _finished(self.auth, request)
        if not isinstance(state, RequestState):
            return state
        self._prepare(request, state)
        before = PASSED.set(state.passed)
        try:
            response: Any = self.get_response(request)
        finally:
            PASSED.reset(before)
        completed: HttpResponseBase = run_sync(_completed(request, state, response))
        return completed

    async def _serve_awaited(self, request: HttpRequest) -> HttpResponseBase:
        if isinstance(request, ASGIRequest):
            state = await _admit(self.auth, self.auth.asgi_gate(), request)
        else:
            # Behind WSGI a loop runs for this request alone, and the connections of a loop would end with it.
            state = _finished(self.auth, request)
        if not isinstance(state, RequestState):
            return state
        self._prepare(request, state)
        before = PASSED.set(state.passed)
        try:
            response: Any = await self.get_response(request)
        finally:
            PASSED.reset(before)
        completed: HttpResponseBase = await _completed(request, state, response)
        return completed

    def _prepare(self, request: Any, state: RequestState) -> None:
        passed = state.passed
        put_identity(request, state)
        put_user(request, passed, self.auth.config.trust)
        request.principal = request.auth = passed.identity if isinstance(passed.identity, Principal) else None
        if passed.proof is not None:
            # Our origin and CSRF steps have passed, or no browser sends the credential by itself.
            request._dont_enforce_csrf_checks = True  # noqa: SLF001 - what REST framework sets, too


async def _admit(auth: Auth, gate: Gate, request: HttpRequest) -> RequestState | HttpResponseBase:
    """Let the gate decide; return the answer if the request ends here."""
    try:
        read = read_request(request)
    except AuthError as error:
        return _answer(request, gate.answer(error, None))
    outer = gate.outer_passed(outer_of(request))
    if outer is None and gate.owns(read):
        return _answer(request, await gate.serve(read, body_of(request), query_of(request)))
    decision = await gate.decide(read, outer)
    if isinstance(decision, Refused):
        return _answer(request, gate.answer(decision.error, read))
    gate.note_omitted_name(decision)
    return RequestState(auth, gate, read, decision)


def _finished(auth: Auth, request: HttpRequest) -> RequestState | HttpResponseBase:
    gate = auth.wsgi_gate()
    try:
        return run_sync(_admit(auth, gate, request))
    except RuntimeError as fault:
        # A port suspended, which no port behind WSGI may do.  Nothing was decided.
        return _answer(request, gate.answer(gate.fault(fault).error, None))


async def _completed(request: HttpRequest, state: RequestState, response: Any) -> Any:
    """Mark and watch the response of the application."""
    watch = watch_of(state, response)
    if watch is not None:
        error = await watch.refusal()
        if error is not None:
            response.close()
            return _answer(request, state.gate.answer(error, state.request))
    if state.passed.is_by_cookie:
        mark_private(response)
    if state.is_signed_out and state.passed.is_by_cookie:
        expire_cookies(response, state.auth)
    keep_identity(response, state.passed, watch)
    return response


def _answer(request: HttpRequest, reply: Reply) -> ReplyResponse:
    return ReplyResponse(reply, is_head=request.method == "HEAD")
