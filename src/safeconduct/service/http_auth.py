"""
Send an access token with the requests of httpx2 and of requests, and try once more with a new one after a 401.

A request that got 401 is sent again only where its body can be: one of bytes, or for requests a file that can be
rewound.  The body of a generator is gone, so the caller gets the 401; the token is dropped in any case.
"""

from collections.abc import AsyncGenerator, Callable, Generator
from importlib import import_module
from typing import Any, Final, Protocol, TypeVar, cast

import httpx2

from safeconduct.service.options import Options
from safeconduct.service.token_cache import AccessToken

Prepared = TypeVar("Prepared")

_UNAUTHORIZED: Final = 401


class Tokens(Protocol):
    """Give out access tokens."""

    def get(self) -> AccessToken:
        """Return a valid token; blocking."""
        ...

    async def aget(self) -> AccessToken:
        """Return a valid token; awaitable."""
        ...

    def reject(self, token: AccessToken) -> None:
        """Drop *token*, which a server refused."""
        ...


class TokenAuth(httpx2.Auth):
    """
    Send an access token with each request: as ``auth`` of httpx2, blocking or not, and of requests.

    One object serves any number of threads, tasks, clients and event loops of asyncio.
    """

    def __init__(self, tokens: Callable[[], Tokens], options: Options) -> None:
        """
        Keep the tokens.

        Args:
            tokens: Returns the tokens for a request, in the context of the request.
            options: Say where a token may be sent.
        """
        self._tokens = tokens
        self._options = options

    def sync_auth_flow(self, request: httpx2.Request) -> Generator[httpx2.Request, httpx2.Response, None]:
        """Send *request* with a token, and again with a new one if that was refused (``httpx2.Client``)."""
        self._options.check_destination(str(request.url))
        tokens = self._tokens()
        token = tokens.get()
        request.headers["Authorization"] = token.field
        response = yield request
        if _is_refused(response, token):
            tokens.reject(token)
            if _can_send_again(request):
                request.headers["Authorization"] = tokens.get().field
                yield request

    async def async_auth_flow(self, request: httpx2.Request) -> AsyncGenerator[httpx2.Request, httpx2.Response]:
        """Do the same for ``httpx2.AsyncClient``."""
        self._options.check_destination(str(request.url))
        tokens = self._tokens()
        token = await tokens.aget()
        request.headers["Authorization"] = token.field
        response = yield request
        if _is_refused(response, token):
            tokens.reject(token)
            if _can_send_again(request):
                request.headers["Authorization"] = (await tokens.aget()).field
                yield request

    def __call__(self, request: Prepared) -> Prepared:
        """Prepare a request of requests, which calls its ``auth`` with a ``PreparedRequest``."""
        prepared = cast("Any", request)
        self._options.check_destination(prepared.url)
        tokens = self._tokens()
        token = tokens.get()
        prepared.headers["Authorization"] = token.field
        tell = getattr(prepared.body, "tell", None)
        position = None if tell is None else tell()
        prepared.register_hook("response", _SecondAttempt(tokens, token, position))
        return request


def _is_refused(response: httpx2.Response, token: AccessToken) -> bool:
    """Return whether a server refused *token*; after a redirect to another origin, the response is to none."""
    return response.status_code == _UNAUTHORIZED and response.request.headers.get("Authorization") == token.field


def _can_send_again(request: httpx2.Request) -> bool:
    return isinstance(request.stream, httpx2.ByteStream)


class _SecondAttempt:
    """The hook of requests that sends a refused request again; it follows the redirects of one request."""

    def __init__(self, tokens: Tokens, token: AccessToken, position: int | None) -> None:
        self._tokens = tokens
        self._token = token
        self._position = position
        self._is_used = False

    def __call__(self, response: Any, **options: Any) -> Any:
        request = response.request
        if (
            self._is_used
            or response.status_code != _UNAUTHORIZED
            or request.headers.get("Authorization") != self._token.field
        ):
            return response
        self._is_used = True
        self._tokens.reject(self._token)
        return self._send_again(response, options) if self._rewind(request.body) else response

    def _rewind(self, body: Any) -> bool:
        if self._position is not None and hasattr(body, "seek"):
            body.seek(self._position)
            return True
        return body is None or isinstance(body, str | bytes)

    def _send_again(self, response: Any, options: dict[str, Any]) -> Any:
        fresh = self._tokens.get()
        # As `requests.auth.HTTPDigestAuth`: the body is read, so that the connection can be used again.
        _ = response.content
        response.close()
        request = response.request.copy()
        # requests is no dependency, and here because it called us.
        import_module("requests.cookies").extract_cookies_to_jar(request._cookies, response.request, response.raw)  # noqa: SLF001 - as HTTPDigestAuth
        request.prepare_cookies(request._cookies)  # noqa: SLF001 - as above
        request.headers["Authorization"] = fresh.field
        again = response.connection.send(request, **options)
        again.history.append(response)
        again.request = request
        return again
