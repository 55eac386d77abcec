"""
Find the routes of an application, and what each of them requires of a request.

The rules of the configuration and ``requires`` around a view add up.  Checks inside a view are not seen.
"""

import inspect
import re
import sys
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import replace
from typing import Any, Final

from safeconduct._core.access_rules import ANY_SEGMENT, Policy
from safeconduct._core.requirement import OPEN, Requirement
from safeconduct._integrations.app_inspection import Application, inspect_application, is_instance
from safeconduct._integrations.framework_checks import fastapi_checks, with_checks
from safeconduct._integrations.framework_routes import READERS, REST, sample_of
from safeconduct._integrations.route import Route, added_for

WITHOUT_IT: Final = "the framework got the function without it: put `requires` below the route decorator"
"""Why ``requires`` is not checked."""
UNCHECKED: Final = f"`requires` around {{view}} is not checked, because {WITHOUT_IT}"
LOOSE: Final = (
    "it serves whatever begins like {prefix}, such as {prefix}2, and not only what is below it; there the rules take "
    "no more than: {requirement}"
)
_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_FLASK_PARAMETER: Final = re.compile(r"<[^>]*>")


def routes_of(application: Application) -> Iterator[Route]:
    """
    Yield every route of *application*; none if its framework is not known.

    One for any method is divided where the rules treat some methods differently.
    """
    policies = [guard.gate.policy for guard in application.guards]
    for route in _registered(application):
        yield from _by_method(policies, route) if route.method == "ANY" else [route]


def _registered(application: Application) -> Iterator[Route]:
    if application.framework in {"starlette", "fastapi"}:
        yield from _starlette_routes(application.app.routes, "", "")
    elif application.framework in {"flask", "quart"}:
        yield from _flask_routes(application.app)
    elif application.framework is not None:
        yield from READERS[application.framework](application.app)


def _by_method(policies: Collection[Policy], route: Route) -> Iterator[Route]:
    """Yield the methods of *route* of which *policies* require something else than of the rest, and the rest."""
    entries = [entry for policy in policies for entry in (*policy.public, *policy.rules)]
    named = frozenset[str]().union(*(entry.methods for entry in entries)) - route.except_methods
    total = {method: describe(total_requirement(policies, replace(route, method=method))) for method in (*named, "ANY")}
    different = frozenset(method for method in named if total[method] != total["ANY"])
    # HEAD is shown where it is not as GET.
    shown = different - {"HEAD"} if total.get("HEAD") == total.get("GET") else different
    yield from (replace(route, method=method, except_methods=frozenset()) for method in sorted(shown))
    yield replace(route, except_methods=route.except_methods | different)


def hidden_routes(application: Application) -> Iterator[Route]:
    """Yield the routes of *application* that are never called, since safeconduct answers the same requests itself."""
    # The outermost guard does so.
    endpoints = [guard.gate.endpoints for guard in application.guards[:1]]
    served = {each.method for found in endpoints for each in found.routes}
    for route in routes_of(application):
        methods = served - route.except_methods if route.method == "ANY" else {route.method} - {"WEBSOCKET"}
        if any(found.owns(method, route.sample) for found in endpoints for method in methods):
            yield route


def unchecked_routes(application: Application) -> Iterator[Route]:
    """Yield the routes of *application* whose ``requires`` stands above the route decorator."""
    return (route for route in routes_of(application) if route.unchecked_view is not None)


def loose_prefixes(application: Application) -> Iterator[tuple[Route, str]]:
    """Yield the routes that also serve paths beside their prefix, where other rules apply, each with a warning."""
    policies = [guard.gate.policy for guard in application.guards]
    for route in routes_of(application):
        prefix = route.path.removesuffix(REST)
        if prefix == route.path or prefix.endswith("/"):
            continue
        below = replace(route, sample=f"{sample_of(prefix)}/{ANY_SEGMENT}")
        found = total_requirement(policies, route)
        if found != total_requirement(policies, below):
            yield route, LOOSE.format(prefix=prefix, requirement=describe(found))


def is_named_as_public(policies: Iterable[Policy], route: Route) -> bool:
    """Say whether a public entry of each of *policies* names *route*."""
    method = "GET" if route.method == "WEBSOCKET" else route.method
    return all(policy.names_as_public(method, route.sample) for policy in policies)


def describe(requirement: Requirement) -> str:
    """Return *requirement* in words."""
    if requirement.is_open:
        return "public"
    parts = [f"scope {scope}" for scope in sorted(requirement.scopes)]
    parts += [f"role {' or '.join(sorted(roles))}" for roles in requirement.role_sets]
    parts += [f"level {requirement.level}"] if requirement.level else []
    age = requirement.max_age_seconds
    parts += [] if age is None else [f"proven at most {age} s ago"]
    schemes = requirement.schemes
    parts += [] if schemes is None else [f"by {' or '.join(sorted(schemes)) or 'no kind of credential'}"]
    return ", ".join(parts) or "authenticated"


def total_requirement(policies: Iterable[Policy], route: Route) -> Requirement:
    """Add up what the rules of all *policies* and ``requires`` ask for *route*."""
    method = "GET" if route.method == "WEBSOCKET" else route.method
    total = OPEN
    for policy in policies:
        total += policy.requirement(method, route.sample)
    return total if route.added is None else total + route.added


def _starlette_routes(routes: Iterable[Any], prefix: str, sample: str) -> Iterator[Route]:
    for route in _with_included(routes):
        path: str | None = getattr(route, "path", None)
        if path is None:
            # A `Host`, or a route of another library: it adds no path of its own.
            yield from _starlette_routes(getattr(route, "routes", None) or (), prefix, sample)
            continue
        whole, filled = prefix + path, sample + _filled(getattr(route, "path_format", path))
        if is_instance(_unwrapped(route), "starlette.routing", "Mount"):
            yield from _mounted(_unwrapped(route), whole, sample + path)
            continue
        view: Any = getattr(route, "endpoint", None)
        view_class = view if _is_endpoint_class(view) else None
        for method in _methods(route, view_class):
            found = Route(method, whole, filled, *added_for(method, view, view_class))
            yield with_checks(found, fastapi_checks(route))


def _methods(route: Any, view_class: type | None) -> list[str]:
    if is_instance(_unwrapped(route), "starlette.routing", "WebSocketRoute"):
        return ["WEBSOCKET"]
    handled = [method for method in _METHODS if hasattr(view_class, method.lower())]
    methods = set(getattr(route, "methods", None) or handled or ["ANY"])
    return sorted(methods - {"HEAD"}) or ["HEAD"]


def _is_endpoint_class(view: Any) -> bool:
    module = sys.modules.get("starlette.endpoints")
    return module is not None and inspect.isclass(view) and issubclass(view, module.HTTPEndpoint)


def _unwrapped(route: Any) -> Any:
    """Return the route itself, which FastAPI may wrap in a context."""
    return getattr(route, "original_route", route)


def _with_included(routes: Iterable[Any]) -> Iterable[Any]:
    """Return *routes* with those of FastAPI's included routers, which it keeps nested."""
    unfold: Callable[[Any], Iterable[Any]] | None = getattr(
        sys.modules.get("fastapi.routing"), "iter_route_contexts", None
    )
    return routes if unfold is None else unfold(list(routes))


def _mounted(mount: Any, prefix: str, sample: str) -> Iterator[Route]:
    inner = inspect_application(mount.app)
    if inner.framework is not None:
        policies = [guard.gate.policy for guard in inner.guards]
        for route in routes_of(inner):
            # A guard inside the mount sees the path below it.
            added = total_requirement(policies, route) if inner.guards else route.added
            yield replace(route, path=prefix + route.path, sample=sample + route.sample, added=added)
    elif mount.routes:
        yield from _starlette_routes(mount.routes, prefix, sample)
    else:
        yield Route("ANY", f"{prefix}/{{rest...}}", f"{sample}/{ANY_SEGMENT}")


def _flask_routes(app: Any) -> Iterator[Route]:
    for rule in sorted(app.url_map.iter_rules(), key=lambda rule: str(rule.rule)):
        view: Any = app.view_functions.get(rule.endpoint)
        sample = _FLASK_PARAMETER.sub(ANY_SEGMENT, rule.rule)
        # A rule that an application makes itself may take every method.
        for method in sorted(set(rule.methods or {"ANY"}) - {"HEAD", "OPTIONS"}):
            shown = "WEBSOCKET" if getattr(rule, "websocket", False) else method
            yield Route(shown, rule.rule, sample, *added_for(method, view, getattr(view, "view_class", None)))


def _filled(template: str) -> str:
    segments = template.split("/")
    return "/".join(ANY_SEGMENT if "{" in segment else segment for segment in segments)
