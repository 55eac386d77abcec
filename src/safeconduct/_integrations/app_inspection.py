"""Find the middleware around an application; its objects are read, and nothing is served."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from safeconduct import asgi, wsgi
from safeconduct._core.gate import Gate, GateProvider

Framework = Literal["starlette", "fastapi", "flask", "quart", "litestar", "django", "falcon", "pyramid", "bottle"]
#: Whether a middleware was wrapped around the application, or added by its framework's integration.
Installation = Literal["wrapped", "integrated"]

#: A subclass before its parent.
_APPLICATIONS: Final[tuple[tuple[str, str, Framework], ...]] = (
    ("fastapi", "FastAPI", "fastapi"),
    ("starlette.applications", "Starlette", "starlette"),
    ("flask", "Flask", "flask"),
    ("quart", "Quart", "quart"),
    ("litestar", "Litestar", "litestar"),
    ("django.core.handlers.base", "BaseHandler", "django"),
    ("falcon", "App", "falcon"),
    ("pyramid.router", "Router", "pyramid"),
    ("bottle", "Bottle", "bottle"),
)


@dataclass(frozen=True, slots=True)
class Guard:
    """One ``AuthMiddleware`` around an application."""

    installation: Installation
    auth: GateProvider = field(repr=False)
    gate: Gate = field(repr=False)


@dataclass(frozen=True, slots=True)
class Application:
    """An application and the middleware found around it."""

    #: None if it is none of the frameworks that are known here.
    framework: Framework | None
    app: Any = field(repr=False)
    #: The outermost comes first.
    guards: tuple[Guard, ...]
    #: The wrappers around the framework's application, middleware of ours too; the outermost comes first.
    wrappers: tuple[Any, ...] = field(default=(), repr=False)

    @property
    def title(self) -> str:
        """The framework's name, as its documentation writes it."""
        framework = self.framework or "unknown"
        return "FastAPI" if framework == "fastapi" else framework.capitalize()


def inspect_application(app: Any) -> Application:
    """Find the framework of *app* and every guard around it."""
    guards: list[Guard] = []
    wrappers: list[Any] = []
    for layer in layers(app):
        for module_name, class_name, framework in _APPLICATIONS:
            if is_instance(layer, module_name, class_name):
                inside = _INSIDE.get(framework, _none)(layer)
                return Application(framework, layer, (*guards, *inside), tuple(wrappers))
        if isinstance(layer, asgi.AuthMiddleware | wsgi.AuthMiddleware):
            guards.append(_guard("wrapped", layer))
        wrappers.append(layer)
    return Application(None, app, tuple(guards), tuple(wrappers))


def layers(app: Any) -> Iterator[Any]:
    """Yield *app*, then what each wrapper keeps as ``app`` or ``application``."""
    seen: set[int] = set()
    while app is not None and id(app) not in seen:
        seen.add(id(app))
        yield app
        app = getattr(app, "app", None) or getattr(app, "application", None)


def is_instance(value: object, module_name: str, class_name: str) -> bool:
    """Tell whether *value* is an instance of a framework's class; import no framework for it."""
    module = sys.modules.get(module_name)
    return module is not None and isinstance(value, getattr(module, class_name))


def _guard(installation: Installation, middleware: asgi.AuthMiddleware | wsgi.AuthMiddleware) -> Guard:
    auth = middleware.auth
    gate = auth.asgi_gate() if isinstance(middleware, asgi.AuthMiddleware) else auth.wsgi_gate()
    return Guard(installation, auth, gate)


def _starlette_guards(app: Any) -> list[Guard]:
    guards: list[Guard] = []
    # The first is the outermost.
    for middleware in app.user_middleware:
        if middleware.cls is asgi.AuthMiddleware:
            auth = middleware.kwargs["auth"] if "auth" in middleware.kwargs else middleware.args[0]
            guards.append(Guard("integrated", auth, auth.asgi_gate()))
    return guards


def _none(_app: Any) -> list[Guard]:
    return []


def _flask_guards(app: Any) -> list[Guard]:
    installation: Installation = "integrated" if "safeconduct" in app.extensions else "wrapped"
    inner = app.asgi_app if hasattr(app, "asgi_app") else app.wsgi_app
    kinds = asgi.AuthMiddleware, wsgi.AuthMiddleware
    return [_guard(installation, layer) for layer in layers(inner) if isinstance(layer, kinds)]


def _litestar_guards(app: Any) -> list[Guard]:
    auths = [each.auth for each in app.plugins if is_instance(getattr(each, "auth", None), "safeconduct.auth", "Auth")]
    return [Guard("integrated", auth, auth.asgi_gate()) for auth in auths]


def _django_guards(app: Any) -> list[Guard]:
    names = sys.modules["django.conf"].settings.MIDDLEWARE
    if not any(name.startswith("safeconduct.django.") for name in names):
        return []
    auth: GateProvider = sys.modules["safeconduct.django"].get_auth()
    is_asgi = is_instance(app, "django.core.handlers.asgi", "ASGIHandler")
    return [Guard("integrated", auth, auth.asgi_gate() if is_asgi else auth.wsgi_gate())]


_INSIDE: Final[dict[Framework, Callable[[Any], list[Guard]]]] = {
    "starlette": _starlette_guards,
    "fastapi": _starlette_guards,
    "flask": _flask_guards,
    "quart": _flask_guards,
    "litestar": _litestar_guards,
    "django": _django_guards,
}
