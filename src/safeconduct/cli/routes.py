"""``safeconduct routes``: every route of an application, and what a request for it must bring."""

import inspect
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import click

from safeconduct._core.access_rules import Policy
from safeconduct._core.requirement import OPEN, Requirement
from safeconduct.cli.app_inspection import Application, inspect_application, is_of, load_application
from safeconduct.cli.output import CommandFailed, json_option, print_table, tell, warn

#: A segment that no rule names: what holds for `/users/{id}` is what holds for any user that has no rule of his own.
_ANY_SEGMENT: Final = "\N{HORIZONTAL ELLIPSIS}"
_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
#: What stands before every method's function in a class of Starlette, and in one of Flask.
_DISPATCHERS: Final = ("dispatch", "dispatch_request")
_FLASK_PARAMETER: Final = re.compile(r"<[^>]*>")


@dataclass(frozen=True, slots=True)
class RouteFound:
    """One method on one path template, as the framework writes it."""

    method: str
    path: str
    #: The path with every parameter filled in, to ask the rules about.
    sample: str
    #: What `requires` around the view adds; None where nothing does.
    added: Requirement | None = None


@dataclass(frozen=True, slots=True)
class RouteAccess:
    """A route, and what a request for it must bring."""

    route: RouteFound
    requirement: Requirement

    @property
    def row(self) -> dict[str, object]:
        """The line of a table."""
        requirement = self.requirement
        return {
            "method": self.route.method,
            "path": self.route.path,
            "access": "public" if requirement.is_open else "authenticated",
            "scopes": sorted(requirement.scopes),
            "roles": [" or ".join(sorted(roles)) for roles in requirement.role_sets],
            "level": requirement.level,
            "max_age_seconds": requirement.max_age_seconds,
        }


def route_access(application: Application) -> list[RouteAccess]:
    """Return what holds for every route of *application*; without a guard, everything is open."""
    policies = [guard.policy for guard in application.guards]
    found = [RouteAccess(route, _total(policies, route)) for route in routes_of(application)]
    # Of several guards the outermost serves them.
    own = [row for guard in application.guards[:1] for row in guard.gate.endpoints.routes]
    return [*found, *(RouteAccess(RouteFound(row.method, row.path, row.path), OPEN) for row in own)]


def routes_of(application: Application) -> Iterator[RouteFound]:
    """Yield every route of *application*; none where its framework is not known."""
    if application.framework == "starlette":
        yield from _starlette_routes(application.app.routes, "", "")
    elif application.framework == "flask":
        yield from _flask_routes(application.app)


def described(requirement: Requirement) -> str:
    """Return *requirement* in words."""
    if requirement.is_open:
        return "public"
    parts = [f"scope {scope}" for scope in sorted(requirement.scopes)]
    parts += [f"role {' or '.join(sorted(roles))}" for roles in requirement.role_sets]
    parts += [f"level {requirement.level}"] if requirement.level else []
    age = requirement.max_age_seconds
    parts += [] if age is None else [f"proven at most {age} s ago"]
    return ", ".join(parts) or "authenticated"


def _total(policies: Iterable[Policy], route: RouteFound) -> Requirement:
    method = "GET" if route.method == "WEBSOCKET" else route.method
    total = OPEN
    for policy in policies:
        total += policy.requirement(method, route.sample)
    return total if route.added is None else total + route.added


def _starlette_routes(routes: Iterable[Any], prefix: str, sample: str) -> Iterator[RouteFound]:
    for route in _with_included(routes):
        path: str | None = getattr(route, "path", None)
        if path is None:
            # A Host, or a route of some other making: it adds no path of its own.
            yield from _starlette_routes(getattr(route, "routes", None) or (), prefix, sample)
            continue
        whole, filled = prefix + path, sample + _filled(getattr(route, "path_format", path))
        if is_of("starlette.routing", "Mount", _bare(route)):
            yield from _mounted(_bare(route), whole, sample + path)
            continue
        view: Any = getattr(route, "endpoint", None)
        kind = view if _is_endpoint_class(view) else None
        for method in _methods(route, kind):
            yield RouteFound(method, whole, filled, _added_for(method, view, kind))


def _methods(route: Any, kind: type | None) -> list[str]:
    if is_of("starlette.routing", "WebSocketRoute", _bare(route)):
        return ["WEBSOCKET"]
    handled = [method for method in _METHODS if hasattr(kind, method.lower())]
    methods = set(getattr(route, "methods", None) or handled or ["ANY"])
    return sorted(methods - {"HEAD"}) or ["HEAD"]


def _is_endpoint_class(view: Any) -> bool:
    module = sys.modules.get("starlette.endpoints")
    return module is not None and inspect.isclass(view) and issubclass(view, module.HTTPEndpoint)


def _bare(route: Any) -> Any:
    """Return the route itself, where FastAPI hands out one in its context."""
    return getattr(route, "original_route", route)


def _with_included(routes: Iterable[Any]) -> Iterable[Any]:
    """Return *routes*, those of FastAPI's included routers among them, which it keeps folded together."""
    unfold: Callable[[Any], Iterable[Any]] | None = getattr(
        sys.modules.get("fastapi.routing"), "iter_route_contexts", None
    )
    return routes if unfold is None else unfold(list(routes))


def _mounted(mount: Any, prefix: str, sample: str) -> Iterator[RouteFound]:
    inner = inspect_application(mount.app)
    if inner.framework is not None:
        policies = [guard.policy for guard in inner.guards]
        for route in routes_of(inner):
            # A guard of its own sees the path below the mount.
            added = _total(policies, route) if inner.guards else route.added
            yield RouteFound(route.method, prefix + route.path, sample + route.sample, added)
    elif mount.routes:
        yield from _starlette_routes(mount.routes, prefix, sample)
    else:
        yield RouteFound("ANY", f"{prefix}/{{rest...}}", f"{sample}/{_ANY_SEGMENT}")


def _flask_routes(app: Any) -> Iterator[RouteFound]:
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: str(rule.rule)):
        view: Any = app.view_functions.get(rule.endpoint)
        sample = _FLASK_PARAMETER.sub(_ANY_SEGMENT, rule.rule)
        for method in sorted(set(rule.methods) - {"HEAD", "OPTIONS"}):
            added = _added_for(method, view, getattr(view, "view_class", None))
            yield RouteFound(method, rule.rule, sample, added)


def _filled(template: str) -> str:
    segments = template.split("/")
    return "/".join(_ANY_SEGMENT if "{" in segment else segment for segment in segments)


def _added_for(method: str, view: Any, kind: type | None) -> Requirement | None:
    """Return what ``requires`` asks around *view*, and around the functions of its class *kind* that serve *method*."""
    # Both frameworks serve HEAD by `get` where there is no `head`.
    name = "get" if method == "HEAD" and not hasattr(kind, "head") else method.lower()
    functions = () if kind is None else (getattr(kind, each, None) for each in (*_DISPATCHERS, name))
    found = [added for added in map(_added, (view, *functions)) if added is not None]
    return sum(found, OPEN) if found else None


def _added(view: Any) -> Requirement | None:
    """Return the sum of what ``requires`` asks around one function."""
    total: Requirement | None = None
    while view is not None:
        found: object = getattr(view, "safeconduct_requirement", None)
        if isinstance(found, Requirement):
            total = found if total is None else total + found
        view = getattr(view, "__wrapped__", None)
    return total


@click.command()
@click.argument("app")
@json_option
def routes(app: str, as_json: bool) -> None:  # noqa: FBT001 - click passes it by its name
    """
    Print each route of APP and what holds for it.

    APP is "module:attribute" or "module:factory()".  The rules of the configuration and `requires` around a view add
    up; what an application checks in its own code is not seen.  For `/users/{id}` that is shown which holds for an id
    that no rule names.  Status 1 if nothing of safeconduct is around APP.
    """
    application = load_application(app)
    print_table([holding.row for holding in route_access(application)], as_json=as_json)
    if any(guard.policy.passes_preflights for guard in application.guards):
        warn('preflights pass without a credential on every path: access.preflights = "pass".')
    for guard in application.guards:
        for entry, other in guard.policy.rules_for_some_methods():
            warn(f"{entry}: for any other method, such as QUERY, it takes no more than: {described(other)}.")
    if application.framework is None:
        tell("Only Starlette, FastAPI and Flask tell their routes; `safeconduct doctor` prints the rules.")
    if not application.guards:
        raise CommandFailed("Nothing of safeconduct is around this application: every route is open.")
