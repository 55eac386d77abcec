"""Integrate with Litestar: a plugin that puts the gate before its router, guards, and the identity of a request."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final

from safeconduct import guard
from safeconduct._core.requirement import refusal_of
from safeconduct._core.wrapped_app import require_auth
from safeconduct._core.wrong_arguments import wants
from safeconduct._http.request import Reply
from safeconduct._http.scope import read_scope
from safeconduct._integrations.extras import missing_extra
from safeconduct.asgi import AuthMiddleware
from safeconduct.auth import Auth
from safeconduct.errors import AuthError, ConfigurationError
from safeconduct.principal import Identity, Level, Principal

try:
    from litestar import Litestar, Request, Response
    from litestar.config.app import AppConfig
    from litestar.connection import ASGIConnection
    from litestar.di import NamedDependency, Provide
    from litestar.enums import ScopeType
    from litestar.exceptions import HTTPException, NotFoundException
    from litestar.handlers import BaseRouteHandler
    from litestar.params import SkipValidation
    from litestar.plugins import InitPlugin
    from litestar.plugins.base import ReceiveRoutePlugin
    from litestar.response.base import ASGIResponse
    from litestar.routes import ASGIRoute, BaseRoute, HTTPRoute
    from litestar.types import ASGIApp, Receive, Scope, Send

    from safeconduct._integrations.litestar_description import OperationDescription
    from safeconduct._integrations.litestar_parameters import refuse_read_principals
except ImportError as missing:
    raise missing_extra("litestar", missing) from None

Guard = Callable[[ASGIConnection[Any, Any, Any, Any], BaseRouteHandler], Awaitable[None]]
"""A guard of Litestar: it raises an error where a connection is refused."""

CurrentIdentity = NamedDependency[SkipValidation[Identity]]
"""The type of a parameter *current_identity*: the caller, who may be an ``Anonymous``."""

CurrentPrincipal = NamedDependency[SkipValidation[Principal]]
"""The type of a parameter *current_principal*: the principal who is asking; an ``Anonymous`` is answered 401."""

_OUTER: Final = "safeconduct.litestar.scope"
_PASSED: Final = "safeconduct.litestar"
_EXAMPLE: Final = "plugins=[SafeconductPlugin(Auth(Config.load()))]"


class SafeconductPlugin(InitPlugin, ReceiveRoutePlugin):
    """
    Let every request of a Litestar application through the gate of *auth*: ``Litestar(…, plugins=[…])``.

    The gate is outside of the router, and inside of Litestar's CORS.  The plugin also answers an ``AuthError`` of a
    handler, provides the dependencies ``current_identity`` and ``current_principal``, and describes the security of
    routes in OpenAPI.

    Raises:
        ConfigurationError: If *auth* is no ``Auth``.
    """

    @wants(_EXAMPLE)
    def __init__(self, auth: Auth) -> None:
        require_auth(auth, "asgi")
        self.auth = auth
        self._description = OperationDescription(auth)

    @wants(_EXAMPLE)
    def on_app_init(self, app_config: AppConfig) -> AppConfig:
        """Add middleware, exception handler, lifespan and dependencies; what the application defines itself stays."""
        config: Any = app_config  # some of its types are not complete
        config.middleware.insert(0, _only_through_the_gate)
        config.exception_handlers.setdefault(AuthError, partial(_answer, self.auth))
        config.after_exception.append(_raise_for_websockets)
        config.lifespan.insert(0, partial(_lifespan, self.auth))
        config.dependencies.setdefault("current_identity", Provide(_provide_identity, sync_to_thread=False))
        config.dependencies.setdefault("current_principal", Provide(_provide_principal, sync_to_thread=False))
        if config.openapi_config is not None:
            config.openapi_config = self._description.config(config.openapi_config)
        return app_config

    def receive_route(self, route: BaseRoute) -> None:
        """
        Put the gate around the router of the route's application, and describe the route.

        Raises:
            ConfigurationError: If the application was made without a route, so that it is served without the gate; if a
                parameter of a handler is a principal that the request could describe; or if ``requires`` is given as a
                guard or a hook.
        """
        described: Any = route
        operations: list[Any] = getattr(described, "route_handlers", None) or [described.route_handler]
        app: Litestar = operations[0].ownership_layers[0]
        if not isinstance(app.asgi_router, _GatedRouter):
            if hasattr(app, "asgi_handler"):
                raise ConfigurationError("app: got one that was made without a route, wanted one with a route or more")
            app.asgi_router = _GatedRouter(app.asgi_router, self.auth)  # type: ignore[assignment]
        for operation in operations:
            _refuse_decorators(operation)
        if isinstance(route, ASGIRoute):
            return
        for operation in operations:
            refuse_read_principals(operation)
            if isinstance(route, HTTPRoute):
                self._description.add(route.path_format, operation)


def identity(connection: ASGIConnection[Any, Any, Any, Any]) -> Identity:
    """
    Return who is asking.

    Raises:
        LookupError: If the plugin is missing.
    """
    return _provide_identity(connection.scope)


def principal(connection: ASGIConnection[Any, Any, Any, Any]) -> Principal:
    """
    Return the principal who is asking.

    Raises:
        MissingCredential: If the caller is an ``Anonymous``; if it is not caught, the answer is 401.
        LookupError: If the plugin is missing.
    """
    return _provide_principal(connection.scope)


@wants('guards=[requires_guard()] or guards=[requires_guard(scopes=["read"])], with named arguments')
def requires_guard(
    *,
    scopes: Collection[str] = (),
    roles: Collection[str] = (),
    level: Level | None = None,
    max_age_seconds: int | None = None,
    schemes: Collection[str] | None = None,
) -> Guard:
    """
    Return a guard for a handler, a controller, a router or the application; the arguments are those of ``requires``.

    Raises:
        ConfigurationError: If no principal can meet an argument.
    """
    requirement = guard.new_requirement(
        scopes=scopes, roles=roles, level=level, max_age_seconds=max_age_seconds, schemes=schemes
    )

    # Awaitable, since Litestar calls any other in a thread.
    async def check(connection: ASGIConnection[Any, Any, Any, Any], _operation: BaseRouteHandler) -> None:
        guard.check(requirement, identity(connection))

    # `OperationDescription` reads it.
    vars(check)["safeconduct_requirement"] = requirement
    return check


def _refuse_decorators(operation: Any) -> None:
    """Refuse ``requires`` and an uncalled ``requires_guard`` as a guard or a hook: every request would be 500."""
    first: Any = getattr(operation, "resolve_before_request", lambda: None)()
    for given in (*operation.resolve_guards(), first):
        # Litestar wraps what is not awaitable.
        check = getattr(given, "func", given)
        if isinstance(check, guard.Decorator) or check in (guard.requires, requires_guard):
            name = getattr(check, "__name__", "requires(…)")
            raise ConfigurationError(f"{operation}: got {name} as a guard or hook, wanted guards=[requires_guard(…)]")


class _GatedRouter:
    """
    The router of an application, behind the gate.

    A middleware of Litestar runs after the router, which has changed the path by then, and not at all for what the
    router does not know, such as our own endpoints.
    """

    def __init__(self, router: Any, auth: Auth) -> None:
        self._router = router
        self._middleware = AuthMiddleware(self._serve, auth)

    def __getattr__(self, name: str) -> Any:
        """Return an attribute of the router."""
        return getattr(self._router, name)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        scope[_OUTER] = scope  # type: ignore[typeddict-unknown-key]
        try:
            await self._middleware(scope, receive, send)  # type: ignore[arg-type]
        finally:
            scope.pop(_OUTER, None)  # type: ignore[typeddict-item]

    async def _serve(self, below: Any, receive: Any, send: Any) -> None:
        # Litestar goes on to read the scope that it gave to the router, as in `before_send`.
        scope = below[_OUTER]
        scope.update(below)
        scope[_PASSED] = scope["path"]
        del scope[_OUTER]
        await self._router(scope, receive, send)


def _only_through_the_gate(app: ASGIApp) -> ASGIApp:
    """Refuse requests that have bypassed the gate, whatever a later Litestar does with its router."""

    async def serve(scope: Any, receive: Receive, send: Send) -> None:
        if _PASSED not in scope:
            raise ConfigurationError("this request did not come through the gate of SafeconductPlugin")
        whole, rest = scope[_PASSED].rstrip("/"), scope["path"]
        if not rest.startswith("/") and not whole.endswith("/" + rest.strip("/")):
            # The router takes /filesx for x below the mount /files, whose rules were not checked.
            raise NotFoundException
        await app(scope, receive, send)

    return serve


@asynccontextmanager
async def _lifespan(auth: Auth, _app: Litestar) -> AsyncGenerator[None]:
    gate = auth.asgi_gate()
    gate.begin()
    try:
        yield
    finally:
        await gate.release()


def _provide_identity(scope: Scope) -> Identity:
    values: Any = scope
    try:
        found: Identity = values["safeconduct"]
    except KeyError:
        raise LookupError("this connection did not come through SafeconductPlugin") from None
    return found


def _provide_principal(scope: Scope) -> Principal:
    found = _provide_identity(scope)
    if not isinstance(found, Principal):
        raise refusal_of(found)
    return found


async def _raise_for_websockets(error: Exception, scope: Scope) -> None:
    """Leave a WebSocket to the middleware, which knows whether it was accepted; Litestar would close it with 4500."""
    if isinstance(error, AuthError) and scope["type"] == ScopeType.WEBSOCKET:
        raise error


def _answer(auth: Auth, request: Request[Any, Any, Any], error: AuthError) -> Response[Any]:
    """Answer *error* of a handler, by the application's own exception handler for its status if there is one."""
    matched = read_scope(request.scope).matched_by(request.scope.get("path_template"))  # type: ignore[arg-type]
    reply = auth.asgi_gate().answer(error, matched)
    operation: Any = request.scope["route_handler"]
    own: Callable[..., Response[Any]] | None = operation.resolve_exception_handlers().get(error.status)
    if own is None or reply.status != error.status:
        return _Refusal(reply)
    fields = reply.joined_fields
    shown = HTTPException(detail=error.detail, status_code=error.status, headers=fields)
    shown.__cause__ = error
    response = own(request, shown)
    for name, value in fields.items():
        # The challenge stays, whatever the handler makes of the response.
        response.headers.setdefault(name, value)
    return response


class _Refusal(Response[bytes]):
    """Send a reply with every field as it is: there may be two challenges."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.body, status_code=reply.status)
        self._reply = reply

    def to_asgi_response(  # a part of its parameters is enough
        self,
        app: Litestar | None,  # noqa: ARG002 - as above
        request: Request[Any, Any, Any],
        **_: Any,
    ) -> ASGIResponse:
        """Return the response as ASGI sends it."""
        is_head = request.method == "HEAD"
        return ASGIResponse(
            body=b"" if is_head else self._reply.body,
            headers=self._reply.text_fields,
            status_code=self._reply.status,
            is_head_response=is_head,
        )
