"""Find the routes of Django, Litestar, Falcon, Pyramid and Bottle."""

import importlib
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from safeconduct._core.access_rules import ANY_SEGMENT
from safeconduct._core.requirement import requirements_of
from safeconduct._integrations.app_inspection import is_instance
from safeconduct._integrations.django_checks import ninja_operations, rest_framework_checks
from safeconduct._integrations.framework_checks import litestar_checks, with_checks
from safeconduct._integrations.route import Route, added_for

#: A parameter: ``<int:name>``, ``<name:re:…>``, ``{name:str}``, ``:name``, ``*rest``, or a regular expression.
_PARAMETER: Final = re.compile(r"<[^/]*>|\{[^/]*\}|^[:*].+|[()\\\[\]?+*|]")
#: Where a regular expression is anchored to the end.
_END: Final = re.compile(r"(?<!\\)\$$|\\[Zz]$")
REST: Final = "{rest...}"
"""The end of a path that goes on in any way."""
_HTTP: Final = ("get", "post", "put", "patch", "delete", "head", "options")


def sample_of(path: str) -> str:
    """Return *path*, as a framework writes it, with every parameter filled in."""
    return "/".join(ANY_SEGMENT if _PARAMETER.search(segment) else segment for segment in path.split("/"))


def _django_routes(_app: Any) -> Iterator[Route]:
    resolver = sys.modules["django.urls"].get_resolver()
    yield from _django_patterns(resolver.url_patterns, "/")


def _django_patterns(patterns: Iterable[Any], prefix: str) -> Iterator[Route]:
    for entry in patterns:
        text = str(entry.pattern)
        # A regular expression begins and ends with its anchors.
        path = prefix + _END.sub("", text.removeprefix("^"))
        if hasattr(entry, "url_patterns"):
            yield from _django_patterns(entry.url_patterns, path)
            continue
        if is_instance(entry.pattern, "django.urls.resolvers", "RegexPattern") and not _END.search(text):
            # It takes whatever goes on like this, with or without a slash.
            path += REST
        view = entry.callback
        if operations := list(ninja_operations(view)):
            for method, function, checks in operations:
                yield with_checks(Route(method, path, sample_of(path), *added_for(method, function, None)), checks)
            continue
        view_class = getattr(view, "view_class", None) or getattr(view, "cls", None)
        # REST framework's view sets name the methods of each route.
        actions: Mapping[str, str] = getattr(view, "actions", None) or {}
        names = actions or [each for each in _HTTP if hasattr(view_class, each)]
        for method in sorted({each.upper() for each in names} - {"HEAD", "OPTIONS"}) or ["ANY"]:
            found = Route(method, path, sample_of(path), *added_for(method, view, view_class))
            action = getattr(view_class, actions.get(method.lower(), ""), None)
            yield with_checks(found, [*requirements_of(action), *rest_framework_checks(view, method)])


def _litestar_routes(app: Any) -> Iterator[Route]:
    for route in app.routes:
        path = route.path_format
        views = getattr(route, "route_handlers", None) or [route.route_handler]
        for view in views:
            websocket = type(route).__name__ == "WebSocketRoute"
            methods = ["WEBSOCKET"] if websocket else sorted(getattr(view, "http_methods", None) or ["ANY"])
            for method in methods:
                if method == "OPTIONS":
                    # Litestar adds it to each path.
                    continue
                found = Route(method, path, sample_of(path), *added_for(method, view.fn, None))
                yield with_checks(found, litestar_checks(view))


def _falcon_routes(app: Any) -> Iterator[Route]:
    # What Falcon's own inspection reads, which shows the names of the responders alone.
    responders = dict(_falcon_responders(app._router._roots))  # noqa: SLF001 - as above
    inspect = importlib.import_module("falcon.inspect")
    for route in inspect.inspect_routes(app):
        for method in sorted({each.method for each in route.methods if not each.internal}):
            responder = responders.get(route.path, {}).get(method)
            yield Route(method, route.path, sample_of(route.path), *added_for(method, responder, None))
    # A sink takes whatever begins like its prefix: `/files` takes `/files2` too.
    for prefix, sink, *_ in app._sinks:  # noqa: SLF001 - as above
        yield Route("ANY", prefix.pattern + REST, sample_of(prefix.pattern + REST), *added_for("ANY", sink, None))
    for static in inspect.inspect_static_routes(app):
        yield Route("GET", static.prefix + REST, sample_of(static.prefix + REST))


def _falcon_responders(nodes: Iterable[Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for node in nodes:
        if node.resource is not None:
            yield node.uri_template, node.method_map
        yield from _falcon_responders(node.children)


def _pyramid_routes(app: Any) -> Iterator[Route]:
    introspector = app.registry.introspector
    routes = {
        each["introspectable"]["name"]: each["introspectable"] for each in introspector.get_category("routes", ())
    }
    for each in introspector.get_category("views", ()):
        view = each["introspectable"]
        route = routes.get(view["route_name"])
        if route is None:
            # A view that is found by traversal has no path that could be listed, or it answers an exception.
            continue
        path = "/" + route["pattern"].lstrip("/")
        methods = view["request_methods"] or route["request_methods"] or ["ANY"]
        for method in sorted({methods} if isinstance(methods, str) else {*methods} - {"HEAD"}):
            called = view["callable"]
            function = getattr(called, view["attr"], None) if view["attr"] else called
            yield Route(method, path, sample_of(path), *added_for(method, function, None))


def _bottle_routes(app: Any) -> Iterator[Route]:
    for route in app.routes:
        yield Route(route.method, route.rule, sample_of(route.rule), *added_for(route.method, route.callback, None))


READERS: Final[Mapping[str, Callable[[Any], Iterator[Route]]]] = {
    "django": _django_routes,
    "litestar": _litestar_routes,
    "falcon": _falcon_routes,
    "pyramid": _pyramid_routes,
    "bottle": _bottle_routes,
}
"""What reads the routes of an application of each framework."""
