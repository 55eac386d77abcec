"""Read a request of Django as the gate reads it, and make a response of Django of our replies."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers

from safeconduct._core.decision import Passed
from safeconduct._core.gate import Gate
from safeconduct._http import environ as wsgi_http
from safeconduct._http import scope as asgi_http
from safeconduct._http.cookies import hide_cookies
from safeconduct._http.nesting import PROOF
from safeconduct._http.request import Reply, Request
from safeconduct._http.set_cookie import CLEAR_SITE_DATA, own_deletion, set_cookie_fields
from safeconduct.auth import Auth
from safeconduct.errors import AuthError, InvalidRequest

_STATE: Final = "_safeconduct"
_REPEATED: Final = "www-authenticate"


@dataclass(slots=True)
class RequestState:
    """What the middleware leaves on a request for the other parts of the integration."""

    auth: Auth
    gate: Gate
    request: Request
    passed: Passed
    is_signed_out: bool = False


def state_of(request: object) -> RequestState | None:
    """Return what the middleware left on *request*, or on the one that REST framework wraps; None without it."""
    return getattr(getattr(request, "_request", request), _STATE, None)


def answer_of_view(request: HttpRequest, error: AuthError, state: RequestState) -> "ReplyResponse":
    """Return the response to an *error* that the view of *request* has raised."""
    match = request.resolver_match
    matched = state.request.matched_by(None if match is None else f"/{match.route}")
    return ReplyResponse(state.gate.answer(error, matched), is_head=request.method == "HEAD")


def read_request(request: HttpRequest) -> Request:
    """
    Return *request* as the gate reads it, with the path that Django routes.

    Raises:
        InvalidRequest: If Django has taken a prefix off the path in another way than we would.
    """
    root_path: str = request.META["SCRIPT_NAME"]
    path_info = request.path_info or "/"
    if isinstance(request, ASGIRequest):
        read = asgi_http.read_scope({**_scope(request), "root_path": root_path})
    else:
        # Django has replaced both by decoded text; PEP 3333 carries bytes in strings as latin-1.  Octets that are not
        # UTF-8 are written as %FF there, which no path may have after decoding.
        latin = {"PATH_INFO": _latin(path_info), "SCRIPT_NAME": _latin(root_path)}
        read = wsgi_http.read_environ({**request.META, **latin})
    if (read.path or "/") != path_info:
        raise InvalidRequest("the prefix is not followed by a whole segment")
    return read


def _scope(request: ASGIRequest) -> asgi_http.Scope:
    return asgi_http.readable_again({**request.scope})


def _latin(text: str) -> str:
    return text.encode().decode("latin-1")


def body_of(request: HttpRequest) -> Callable[[int], Awaitable[bytes]]:
    """Return a function that reads the body of *request*, up to a limit."""
    if not isinstance(request, ASGIRequest) and not hasattr(request, "_body"):
        return wsgi_http.body_of(request.META)

    async def read(limit_bytes: int) -> bytes:
        # A middleware before ours may have read it already.
        return request.body if hasattr(request, "_body") else request.read(limit_bytes + 1)

    return read


def query_of(request: HttpRequest) -> bytes:
    """Return the query of *request*, without the question mark."""
    text: str = request.META.get("QUERY_STRING", "")
    return text.encode() if isinstance(request, ASGIRequest) else text.encode("latin-1")


def outer_of(request: HttpRequest) -> Mapping[str, Any]:
    """Return the scope or the environ, where a middleware of ours around Django leaves its ``Passed``."""
    return request.scope if isinstance(request, ASGIRequest) else request.META


def put_identity(request: HttpRequest, state: RequestState) -> None:
    """Put the identity where the applications of ASGI and WSGI find it, and take our own cookies away."""
    passed, meta, hidden = state.passed, request.META, state.gate.hidden_cookies
    setattr(request, _STATE, state)
    meta["safeconduct.identity"] = passed.identity
    # A value that came in under these names was not set by us.
    meta.pop("REMOTE_USER", None)
    meta.pop("AUTH_TYPE", None)
    if passed.auth_type is not None:
        meta["AUTH_TYPE"] = passed.auth_type
        if passed.remote_user is not None:
            meta["REMOTE_USER"] = passed.remote_user
    if isinstance(request, ASGIRequest):
        given: dict[str, Any] = {"safeconduct": passed.identity, "user": passed.identity, "auth": passed}
        request.scope = {**_scope(request), **given}
        asgi_http.hide_cookies(request.scope, hidden)
        if "HTTP_COOKIE" in meta:
            # Django joins several fields by a comma, which its own parser does not split.
            meta["HTTP_COOKIE"] = asgi_http.joined_cookies(request.scope["headers"]).decode("latin-1")
    else:
        meta[PROOF] = passed
        if hidden and "HTTP_COOKIE" in meta:
            hide_cookies(meta, hidden)
    for cached in ("COOKIES", "headers"):
        request.__dict__.pop(cached, None)


class ReplyResponse(HttpResponse):
    """A reply of ours; unlike other responses of Django it may have several challenges."""

    def __init__(self, reply: Reply, *, is_head: bool) -> None:
        super().__init__(b"" if is_head else reply.body, status=reply.status)
        del self.headers["Content-Type"]
        self._challenges: list[tuple[str, str]] = []
        for name, value in reply.text_fields:
            if name == _REPEATED and _REPEATED in self.headers:
                self._challenges.append((name.title(), value))
            else:
                add_fields(self, [(name, value)])

    def items(self) -> Iterable[tuple[str, str]]:
        """Return the fields as the server gets them."""
        return [*super().items(), *self._challenges]


def add_fields(response: HttpResponseBase, fields: Iterable[tuple[str, str]]) -> None:
    """Add *fields* to a response: our cookies beside those of the application, anything else in its place."""
    for name, value in fields:
        if name == "set-cookie":
            response.cookies.load(value)
        else:
            response[name.title()] = value


def expire_cookies(response: HttpResponseBase, auth: Auth) -> None:
    """Let the browser delete our cookies and its caches, as a sign-out at our endpoint does."""
    deleted = [own_deletion(auth.config.cookies, which) for which in ("access", "refresh")]
    add_fields(response, Reply(0, (CLEAR_SITE_DATA, *set_cookie_fields(deleted))).text_fields)


def mark_private(response: Any) -> None:
    """Let no shared cache keep the response to a request by cookie (RFC 9111 §3)."""
    patch_vary_headers(response, ["Cookie"])
    if not response.has_header("Cache-Control"):
        response["Cache-Control"] = "private"
