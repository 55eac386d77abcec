"""
Find the middleware around an application.

The module is imported and the objects in it are read; nothing is served and nothing connects.
"""

import importlib
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from safeconduct import asgi, wsgi
from safeconduct._core.gate import Gate, GateProvider
from safeconduct._core.wrapped_app import described, may_be
from safeconduct.auth import Auth
from safeconduct.cli.output import UsageError
from safeconduct.errors import ConfigurationError

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


def load_application(location: str) -> Application:
    """
    Import ``module:attribute``, or call ``module:factory()``, and inspect it.

    Raises:
        UsageError: If it cannot be imported, called, or found.
    """
    module_name, colon, attribute = location.partition(":")
    if not module_name or not colon or not attribute:
        raise UsageError(f'APP must be "module:attribute" or "module:factory()", got {location!r}.')
    app = _find(module_name, attribute.removesuffix("()"))
    if attribute.endswith("()"):
        app = _attempt(f"{location} failed", app)
    if not callable(app):
        raise UsageError(f"{location} must be an application, got {type(app).__name__}.")
    if not (may_be(app, "asgi") or may_be(app, "wsgi")):
        hint = "" if attribute.endswith("()") else f'; if that makes it, write "{location}()"'
        raise UsageError(f"{location} must be an application, got {described(app)}{hint}.")
    return inspect_application(app)


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


def _find(module_name: str, path: str) -> Any:
    # As with `python -m`, modules in the working directory can be imported.
    if (folder := str(Path.cwd())) not in sys.path:
        sys.path.insert(0, folder)
    found = _attempt(f"{module_name} cannot be imported", lambda: importlib.import_module(module_name))
    for name in path.split("."):
        if not hasattr(found, name):
            hint = "; a factory is called without arguments" if "(" in path else ""
            raise UsageError(f"{module_name} has no {path!r}{hint}.")
        found = getattr(found, name)
    return found


def _attempt(failure: str, make: Callable[[], Any]) -> Any:
    try:
        return make()
    except ConfigurationError:
        raise
    except Exception as error:  # noqa: BLE001 - the user's module may raise anything; one sentence reports it
        raise UsageError(f"{failure}: {type(error).__name__}: {error}") from None


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
    auths = [each.auth for each in app.plugins if isinstance(getattr(each, "auth", None), Auth)]
    return [Guard("integrated", auth, auth.asgi_gate()) for auth in auths]


def _django_guards(app: Any) -> list[Guard]:
    names = sys.modules["django.conf"].settings.MIDDLEWARE
    if not any(name.startswith("safeconduct.django.") for name in names):
        return []
    auth: Auth = sys.modules["safeconduct.django"].get_auth()
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
