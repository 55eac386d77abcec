"""Find what answers CORS for an application, and check that it stands outside of the middleware."""

import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from safeconduct import asgi, wsgi
from safeconduct._integrations.app_inspection import Application, Framework, layers
from safeconduct.cli.doctor.finding import Finding, ok, warn

#: Stands for our own middleware, where others have a name.
_OURS: Final = ""
_HOOKS: Final = {"flask_cors": "Flask-CORS", "quart_cors": "Quart-CORS"}
_AROUND: Final = "Put a CORS middleware around the whole application, or let the server in front answer CORS."
_AFTER_INIT_APP: Final = "Wrap app.{} in a CORS middleware after init_app, or let the server in front answer CORS."
_REMEDIES: Final[Mapping[str, str]] = {
    "starlette": "Add CORSMiddleware after AuthMiddleware: the last one added is the outermost.",
    "fastapi": "Add CORSMiddleware after AuthMiddleware: the last one added is the outermost.",
    "flask": _AFTER_INIT_APP.format("wsgi_app"),
    "quart": _AFTER_INIT_APP.format("asgi_app"),
    "litestar": "Set cors_config, which stands outside of SafeconductPlugin.",
    "django": 'Put it before "safeconduct.django.SafeconductMiddleware" in MIDDLEWARE.',
}


def check_cors(application: Application) -> Iterator[Finding]:
    """Check whether CORS is answered outside of our middleware; nothing is said where nothing answers it."""
    framework = application.framework
    inside = None if framework is None else _INSIDE.get(framework)
    names = [*map(_name_of, application.wrappers), *(inside(application.app) if inside else ())]
    # The names of other layers are None, and ours is empty.
    outermost = next(filter(None, names), None)
    if outermost is not None:
        is_inside = _OURS in names[: names.index(outermost)]
        yield _inside(application, outermost) if is_inside else _outside(outermost)
        return
    if inside is None:
        where = "an application of this kind" if framework is None else application.title
        yield ok(
            "application",
            f"CORS cannot be found in {where}; if something answers it there, it is inside of AuthMiddleware",
        )


def _outside(name: str) -> Finding:
    return ok("application", f"{name} is outside of AuthMiddleware: pages can read refusals too")


def _inside(application: Application, name: str) -> Finding:
    passes = all(guard.gate.policy.passes_preflights for guard in application.guards)
    refused = "" if passes else "preflights are refused before it, "
    # Where we are wrapped around the application, nothing of its framework can be outside of us.
    is_integrated = any(guard.installation == "integrated" for guard in application.guards)
    remedy = _REMEDIES.get(application.framework or "", _AROUND) if is_integrated else _AROUND
    return warn(
        "application",
        f"{name} is inside of AuthMiddleware: {refused}a refusal has no CORS fields, and a page of another origin sees "
        "a network error",
        remedy,
    )


def _name_of(layer: Any) -> str | None:
    """Return the name of a class, an instance or a function that answers CORS; None for any other."""
    kind = layer if isinstance(layer, type) else type(layer)
    if issubclass(kind, (asgi.AuthMiddleware, wsgi.AuthMiddleware)):
        return _OURS
    name: str = getattr(layer, "__name__", kind.__name__)
    return name if "cors" in name.lower() else None


def _in_starlette(app: Any) -> Iterator[str | None]:
    # The first is the outermost.
    return (_name_of(middleware.cls) for middleware in app.user_middleware)


def _in_flask(app: Any) -> Iterator[str | None]:
    yield from map(_name_of, layers(app.asgi_app if hasattr(app, "asgi_app") else app.wsgi_app))
    hooks = [hook for each in app.after_request_funcs.values() for hook in each]
    for function in (*hooks, *app.view_functions.values()):
        yield from (_HOOKS.get(module.partition(".")[0]) for module in _modules_of(function))


def _modules_of(function: Any) -> Iterator[str]:
    """Yield the names of the modules that define *function* and the functions that it wraps."""
    while function is not None:
        function = getattr(function, "func", function)
        yield getattr(function, "__globals__", {}).get("__name__", "")
        function = getattr(function, "__wrapped__", None)


def _in_litestar(app: Any) -> Iterator[str | None]:
    if app.cors_config is not None:
        yield "cors_config"
    yield _OURS
    for given in app.middleware:
        yield _name_of(getattr(given, "middleware", given))


def _in_django(_app: Any) -> Iterator[str | None]:
    for path in sys.modules["django.conf"].settings.MIDDLEWARE:
        yield _OURS if path.startswith("safeconduct.django.") else path if "cors" in path.lower() else None


def _in_falcon(app: Any) -> Iterator[str | None]:
    return map(_name_of, app._unprepared_middleware)  # noqa: SLF001 - it has no public list


#: Returns the names of the layers of an application, from the outside in; other frameworks do not show them.
_INSIDE: Final[Mapping[Framework, Callable[[Any], Iterator[str | None]]]] = {
    "starlette": _in_starlette,
    "fastapi": _in_starlette,
    "flask": _in_flask,
    "quart": _in_flask,
    "litestar": _in_litestar,
    "django": _in_django,
    "falcon": _in_falcon,
}
