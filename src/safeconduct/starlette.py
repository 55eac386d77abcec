"""Integrate with Starlette: install the gate, answer the errors of views, and hand out the identity."""

import inspect
from collections.abc import Iterable
from functools import partial
from typing import Any

from safeconduct import guard
from safeconduct._core.requirement import refusal_of
from safeconduct._core.sessions.verbs import Tokens
from safeconduct._core.wrapped_app import described, require_auth
from safeconduct._core.wrong_arguments import wants
from safeconduct._http.scope import read_scope
from safeconduct._integrations.extras import missing_extra
from safeconduct._integrations.unchecked_requirements import report_unchecked
from safeconduct.asgi import App, AuthMiddleware
from safeconduct.auth import Auth
from safeconduct.errors import AuthError, ConfigurationError
from safeconduct.principal import Identity, Principal

try:
    from starlette.applications import Starlette
    from starlette.concurrency import run_in_threadpool
    from starlette.exceptions import HTTPException
    from starlette.middleware import Middleware
    from starlette.middleware.cors import CORSMiddleware
    from starlette.requests import HTTPConnection, Request
    from starlette.responses import Response
except ImportError as missing:
    raise missing_extra("starlette", missing) from None


@wants("install(app, Auth(Config.load()))")
def install(app: Starlette, auth: Auth) -> None:
    """
    Let every request of *app* through the gate of *auth*, and answer the errors of ``requires`` in its views.

    The gate is the outermost middleware, but inside of ``CORSMiddleware``, which answers before it.  The errors of
    views, also in applications that *app* mounts, are answered inside, where its other middleware sees the response.

    Raises:
        ConfigurationError: If *app* is no Starlette application, has started, or has a gate already.
    """
    _require_starlette(app)
    require_auth(auth, "asgi")
    answer = partial(_answer, auth)
    app.user_middleware.insert(_position(app.user_middleware), Middleware(AuthMiddleware, auth=auth))
    app.user_middleware.append(Middleware(_read_routes, parent=app, auth=auth, answer=answer))
    app.exception_handlers.setdefault(AuthError, answer)


def identity(connection: HTTPConnection) -> Identity:
    """
    Return who is asking.

    Raises:
        LookupError: If the middleware is missing.
    """
    try:
        found: Identity = connection.scope["safeconduct"]
    except KeyError:
        raise LookupError(
            "this connection did not come through safeconduct.asgi.AuthMiddleware: write install(app, "
            "Auth(Config.load())), or see what `safeconduct doctor module:app` says"
        ) from None
    return found


def principal(connection: HTTPConnection) -> Principal:
    """
    Return the principal who is asking.

    Raises:
        MissingCredential: If the caller is an ``Anonymous``; if it is not caught, the answer is 401.
        Unavailable: The same, if their credential could not be checked; the answer is 503.
        LookupError: If the middleware is missing.
    """
    found = identity(connection)
    if not isinstance(found, Principal):
        raise refusal_of(found)
    return found


def context_processor(request: Request) -> dict[str, Any]:
    """
    Return what templates need, for ``Jinja2Templates(…, context_processors=[context_processor])``.

    ``current_identity``; ``csrf_token()``; and ``allows(method, path)``, whose path may be one of
    ``url_for``.
    """
    allows = partial(guard.allows, root_path=request.scope.get("root_path", ""))
    return {"current_identity": identity(request), "csrf_token": guard.csrf_token, "allows": allows}


async def set_cookies(auth: Auth, response: Response, tokens: Tokens, request: Request) -> None:
    """
    Set the cookies of a sign-in on *response*, as ``auth.async_cookies.set_on`` makes them.

    Raises:
        CrossSiteRequest: If a page that is not ours sent *request*.
        NotSupported: If a token is too long for a cookie.
        Unavailable: If the store cannot be asked.
        ConfigurationError: If there is a refresh token, and the sign-in had no *origin*.
    """
    for name, value in await auth.async_cookies.set_on(tokens, request):
        response.headers.append(name, value)


def clear_cookies(auth: Auth, response: Response) -> None:
    """Make *response* delete the cookies of a sign-in, as ``auth.async_cookies.clear`` does."""
    for name, value in auth.async_cookies.clear():
        response.headers.append(name, value)


def _require_starlette(app: object) -> None:
    if not isinstance(app, Starlette):
        raise ConfigurationError(f"app: got {described(app)}, wanted a Starlette application: install(app, auth)")
    if app.middleware_stack is not None:
        raise ConfigurationError("app: got an application that has started, wanted one before its first request")
    if any(_is_a(each, AuthMiddleware) for each in app.user_middleware):
        raise ConfigurationError("app: got an application with safeconduct's middleware, wanted one without it")


def _position(installed: list[Middleware]) -> int:
    """Return where the gate goes: inside of the last ``CORSMiddleware``, else outside of everything."""
    return max((index + 1 for index, each in enumerate(installed) if _is_a(each, CORSMiddleware)), default=0)


def _is_a(middleware: Middleware, kind: type) -> bool:
    return isinstance(middleware.cls, type) and issubclass(middleware.cls, kind)


async def _answer(auth: Auth, connection: HTTPConnection, error: Exception) -> Response:
    """Answer an ``AuthError`` of a view, by the application's handler of the status, if there is one."""
    if not isinstance(error, AuthError) or not isinstance(connection, Request):
        # The middleware denies a WebSocket: it knows whether it was accepted.
        raise error
    # Older versions do not tell the route.
    template = getattr(connection.scope.get("route"), "path", None)
    reply = auth.asgi_gate().answer(error, read_scope(connection.scope).matched_by(template))
    # Where a person is sent to sign in, there is no status to handle.
    own = (
        connection.scope["starlette.exception_handlers"][1].get(error.status) if reply.status == error.status else None
    )
    if own is None:
        response = Response(b"" if connection.method == "HEAD" else reply.body, reply.status)
        response.raw_headers = list(reply.fields)
        return response
    fields = reply.joined_fields
    shown = HTTPException(error.status, error.detail, headers=fields)
    shown.__cause__ = error
    response = await run_in_threadpool(own, connection, shown)
    if inspect.isawaitable(response):
        response = await response
    for name, value in fields.items():
        # The challenge stays, whatever the handler makes of the response.
        response.headers.setdefault(name, value)
    return response


def _read_routes(app: App, *, parent: Starlette, auth: Auth, answer: Any) -> App:
    """
    Let the applications that *parent* mounts answer as it does, and report the routes with an unchecked ``requires``.

    A factory of middleware that adds none: it is called once, before the lifespan or the first request, when every
    route is there.
    """
    # Otherwise each of them would answer 500.
    _register(parent.routes, answer)
    report_unchecked(parent, auth.asgi_gate())
    return app


def _register(routes: Iterable[Any], answer: Any) -> None:
    for route in routes:
        layer = getattr(route, "app", None)
        while layer is not None and not isinstance(layer, Starlette):
            layer = getattr(layer, "app", None)
        if layer is not None and AuthError in layer.exception_handlers:
            # It answers by itself, and for what it mounts.
            continue
        if layer is not None:
            layer.exception_handlers[AuthError] = answer
        _register(getattr(route, "routes", None) or (), answer)
