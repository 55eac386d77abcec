"""Integrate with FastAPI: install the gate, take the identity as a dependency, and describe the security of routes."""

import copy
import inspect
from collections.abc import Collection, Iterable, Iterator
from contextvars import ContextVar
from typing import Annotated, Any, Final, NoReturn

from safeconduct import guard
from safeconduct import starlette as starlette_integration
from safeconduct._core.requirement import Requirement, refusal_of, requirements_of
from safeconduct._core.wrapped_app import described
from safeconduct._core.wrong_arguments import wants
from safeconduct._http.scope import read_scope
from safeconduct._integrations.extras import missing_extra
from safeconduct._integrations.openapi import SecurityDescription, total_requirement
from safeconduct.asgi import App, Receive, Scope, Send
from safeconduct.auth import Auth
from safeconduct.errors import ConfigurationError
from safeconduct.principal import Identity, Level, NeverRead, Principal

try:
    from fastapi import Depends, FastAPI, Security, routing
    from fastapi.openapi.models import HTTPBearer
    from fastapi.security import OAuth2, SecurityScopes
    from starlette.middleware import Middleware
    from starlette.requests import HTTPConnection
    from starlette.routing import Route
except ImportError as missing:
    raise missing_extra("fastapi", missing) from None

_ROOT_PATH: Final[ContextVar[str | None]] = ContextVar("safeconduct.fastapi.root_path", default=None)


@wants("install(app, Auth(Config.load()))")
def install(app: FastAPI, auth: Auth) -> None:
    """
    Let every request of *app* through the gate of *auth*, answer the errors of its views, and describe its security.

    Raises:
        ConfigurationError: If *app* is no FastAPI application, has started, or has a gate already.
    """
    _require_fastapi(app)
    starlette_integration.install(app, auth)
    app.user_middleware.append(Middleware(_refuse_types_as_dependencies, parent=app))
    description = _Description(app, auth)
    app.openapi = description  # type: ignore[method-assign]  # the documented way to extend it
    for route in app.router.routes:
        if isinstance(route, Route) and route.path == app.openapi_url:
            route.app = _with_root_path(route.app, auth)


def _require_fastapi(app: object) -> None:
    if not isinstance(app, FastAPI):
        raise ConfigurationError(f"app: got {described(app)}, wanted a FastAPI application: install(app, auth)")


class _Mark(OAuth2):
    """Show in the description of a route that it takes the identity; ``install`` puts the real schemes in its place."""

    # An `OAuth2`, because older versions of FastAPI give scopes to no other scheme.
    def __init__(self, scheme_name: str) -> None:
        self.model = HTTPBearer()
        self.scheme_name = scheme_name

    async def __call__(self) -> None:  # type: ignore[override]  # FastAPI reads its signature
        """Check nothing: the middleware did."""


_OPTIONAL: Final = _Mark("safeconduct optional")
_CLOSED: Final = _Mark("safeconduct")
_MARKS: Final = frozenset({_OPTIONAL.scheme_name, _CLOSED.scheme_name})
_NO_SCOPES: Final = SecurityScopes()


async def identity(
    connection: HTTPConnection,
    security: SecurityScopes = _NO_SCOPES,
    _mark: Annotated[None, Depends(_OPTIONAL)] = None,
) -> Identity:
    """
    Return who is asking; the dependency ``CurrentIdentity``.

    Raises:
        AuthError: If a ``Security(…, scopes=…)`` that leads here asks for a scope that the caller lacks.
        LookupError: If the middleware is missing.
    """
    found = starlette_integration.identity(connection)
    if security.scopes:
        guard.check(Requirement(scopes=frozenset(security.scopes)), found)
    return found


CurrentIdentity = Annotated[Identity, Depends(identity)]
"""The caller, who may be an ``Anonymous``, as a parameter of a route or of a dependency."""


async def principal(found: CurrentIdentity, _mark: Annotated[None, Depends(_CLOSED)] = None) -> Principal:
    """
    Return the principal who is asking; the dependency ``CurrentPrincipal``.

    Raises:
        MissingCredential: If the caller is an ``Anonymous``; if it is not caught, the answer is 401.
        Unavailable: The same, if their credential could not be checked; the answer is 503.
    """
    if not isinstance(found, Principal):
        raise refusal_of(found)
    return found


CurrentPrincipal = Annotated[Principal, Depends(principal)]
"""The principal who is asking, as a parameter of a route or of a dependency; for an ``Anonymous`` the answer is 401."""

_Names = Annotated[
    Collection[str],
    # Without it, `Depends(Require)` would make one of the query, and check nothing.
    NeverRead("Require is called where it is used: Depends(Require(scopes=[…]))"),
]


class Require:
    """
    Let a route be called only for a principal that meets every argument: ``Depends(Require(scopes=["pay"]))``.

    For a route, a router or the application; as a parameter it gives the principal.  The arguments are those of
    ``safeconduct.requires``.  Two with the same arguments are equal, so that one can be a key of
    ``dependency_overrides``.

    Raises:
        ConfigurationError: If no principal can meet an argument.
    """

    @wants('Require(scopes=["read"]), with named arguments')
    def __init__(
        self,
        *,
        scopes: _Names = (),
        roles: Collection[str] = (),
        level: Level | None = None,
        max_age_seconds: int | None = None,
        schemes: Collection[str] | None = None,
    ) -> None:
        self.requirement = guard.new_requirement(
            scopes=scopes, roles=roles, level=level, max_age_seconds=max_age_seconds, schemes=schemes
        )
        # FastAPI reads it, to find the dependencies of this one, and the scopes that it asks of them.
        taken = Annotated[Principal, Security(principal, scopes=sorted(self.requirement.scopes))]
        parameter = inspect.Parameter("found", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=taken)
        self.__signature__ = inspect.Signature([parameter])

    async def __call__(self, found: Principal) -> Principal:
        """
        Return the principal who is asking.

        Raises:
            AuthError: If they lack something.
        """
        guard.check(self.requirement, found)
        return found

    @property
    def dependency(self) -> NoReturn:
        """
        Refuse to be used without ``Depends``, whose attribute of this name FastAPI reads first.

        Raises:
            ConfigurationError: Always.
        """
        raise ConfigurationError("dependencies: got Require(…), wanted Depends(Require(…))")

    def __eq__(self, other: object) -> bool:
        """Say whether *other* asks for the same."""
        return isinstance(other, Require) and other.requirement == self.requirement

    def __hash__(self) -> int:
        """Return the same number for what is equal."""
        return hash(self.requirement)


class _Description:
    """
    Make the OpenAPI description of an application, with the security of every operation.

    Args:
        app: The application.
        auth: Its gate.
    """

    def __init__(self, app: FastAPI, auth: Auth) -> None:
        self._app = app
        self._auth = auth
        self._plain = app.openapi
        #: What FastAPI made, the root path, and what was made of both.
        self._made: tuple[dict[str, Any], str, dict[str, Any]] | None = None

    def __call__(self) -> dict[str, Any]:
        """Return the description; FastAPI keeps its own, and this one is made anew if that changes."""
        plain, root_path = self._plain(), _ROOT_PATH.get()
        root_path = self._app.root_path if root_path is None else root_path
        if self._made is None or self._made[0] is not plain or self._made[1] != root_path:
            self._made = plain, root_path, self._described(plain, root_path)
        return self._made[2]

    def _described(self, plain: dict[str, Any], root_path: str) -> dict[str, Any]:
        schema = copy.deepcopy(plain)
        security, views = SecurityDescription(self._auth, root_path), dict(_views(self._app))
        for path, item in schema.get("paths", {}).items():
            for method, operation in item.items():
                _describe(operation, security, method, path, requirements_of(views.get((path, method))))
        schemes = schema.get("components", {}).get("securitySchemes", {})
        own = {name: scheme for name, scheme in schemes.items() if name not in _MARKS}
        if security.is_used:
            schema.setdefault("components", {})["securitySchemes"] = security.schemes() | own
        return schema


def _views(app: FastAPI) -> Iterator[tuple[tuple[str, str], Any]]:
    """Yield the view of each operation, by its path and method."""
    # FastAPI may keep the routes of included routers nested.
    unfold: Any = getattr(routing, "iter_route_contexts", iter)
    for route in unfold(list(app.routes)):
        for method in getattr(route, "methods", None) or ():
            yield (getattr(route, "path_format", route.path), method.lower()), getattr(route, "endpoint", None)


def _describe(
    operation: dict[str, Any], security: SecurityDescription, method: str, path: str, added: Iterable[Requirement]
) -> None:
    """Describe the security of one operation in place."""
    declared: list[dict[str, list[str]]] = operation.pop("security", [])
    marks: dict[str, set[str]] = {}
    for name, scopes in ((name, scopes) for each in declared for name, scopes in each.items() if name in _MARKS):
        marks.setdefault(name, set()).update(scopes)
    # Among several requirements any one is enough, so those of the application's own schemes are in each of ours.
    own = {name: scopes for each in declared for name, scopes in each.items() if name not in _MARKS}
    more = [
        *added,
        *(
            Requirement(scopes=frozenset(scopes))
            for name, scopes in marks.items()
            if scopes or name != _OPTIONAL.scheme_name
        ),
    ]
    requirement = total_requirement(security.requirement(method, path), more)
    if not requirement.is_open or marks:
        found = security.security(requirement, is_optional=requirement.is_open)
        operation["security"] = [each | own for each in found]
    elif own:
        operation["security"] = declared
    if not requirement.is_open:
        responses = operation.setdefault("responses", {})
        for status, response in security.responses().items():
            responses.setdefault(status, response)


def _refuse_types_as_dependencies(app: App, *, parent: FastAPI) -> App:
    """
    Refuse ``Depends(CurrentPrincipal)`` and ``Depends(CurrentIdentity)``; return *app* as it is.

    It is installed as a middleware, because Starlette builds those when every route is there.

    Raises:
        ConfigurationError: If a route has such a dependency: FastAPI would read its arguments from the query.
    """
    unfold: Any = getattr(routing, "iter_route_contexts", iter)
    for route in unfold(list(parent.routes)):
        for call in _calls(getattr(route, "dependant", None)):
            if call in (CurrentPrincipal, CurrentIdentity):
                name = "CurrentPrincipal" if call == CurrentPrincipal else "CurrentIdentity"
                raise ConfigurationError(f"{route.path}: got Depends({name}), wanted a parameter `user: {name}`")
    return app


def _calls(dependant: Any) -> Iterator[object]:
    if dependant is not None:
        yield dependant.call
        for each in dependant.dependencies:
            yield from _calls(each)


def _with_root_path(app: App, auth: Auth) -> App:
    """Let the description know below which prefix our endpoints are."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        before = _ROOT_PATH.set(auth.asgi_gate().endpoints_root(read_scope(scope)))
        try:
            await app(scope, receive, send)
        finally:
            _ROOT_PATH.reset(before)

    return serve
