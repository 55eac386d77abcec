"""Find the ``Auth`` that protects an application, however its framework installed the middleware."""

import sys
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any, Final, Literal

from safeconduct import asgi, wsgi
from safeconduct._core.wrapped_app import may_be
from safeconduct.auth import Auth
from safeconduct.config.shown_values import is_table
from safeconduct.errors import ConfigurationError

#: Where an application, a wrapper or a test client keeps what it calls; that of httpx keeps it in its transport.
_INNER: Final = ("wsgi_app", "asgi_app", "app", "application", "asgi_handler", "_transport")

Interface = Literal["asgi", "wsgi"]


def auth_of(app: object) -> Auth:
    """
    Return the ``Auth`` of the outermost middleware of ours around *app*.

    Args:
        app: A wrapped ASGI or WSGI application, an application of a framework with our middleware, extension or plugin,
            a test client of one of them, or the ``Auth`` itself.

    Raises:
        ConfigurationError: If no middleware of ours is found.
    """
    for layer in _layers(app):
        if isinstance(layer, Auth):
            return layer
    raise ConfigurationError(
        f"app must be an Auth, or an application with its middleware, got {type(app).__name__}; pass the Auth, if the "
        "middleware is around that application or around a part of it"
    )


def interface_of(app: object) -> Interface:
    """
    Return whether *app* is an ASGI or a WSGI application.

    Raises:
        ConfigurationError: If it is neither, or may be both.
    """
    if isinstance(app, asgi.AuthMiddleware | wsgi.AuthMiddleware):
        return "asgi" if isinstance(app, asgi.AuthMiddleware) else "wsgi"
    fitting: list[Interface] = [each for each in ("asgi", "wsgi") if callable(app) and may_be(app, each)]
    if len(fitting) != 1:
        raise ConfigurationError(
            f"app must be an ASGI or a WSGI application, got {type(app).__name__}; say interface= if it is one"
        )
    return fitting[0]


def _layers(app: object) -> Iterator[object]:
    """Yield *app*, and everything that it calls, the outermost first."""
    seen: set[int] = set()
    waiting = deque([app])
    while waiting:
        layer = waiting.popleft()
        if layer is not None and id(layer) not in seen:
            seen.add(id(layer))
            yield layer
            if isinstance(layer, asgi.AuthMiddleware | wsgi.AuthMiddleware):
                waiting.append(layer.auth)
            waiting.extend(_installed(layer))
            waiting.extend(getattr(layer, name, None) for name in _INNER)


def _installed(layer: Any) -> Iterator[object]:
    """Yield what the integrations of frameworks left in an application."""
    # Starlette and Litestar build their middleware later or elsewhere; until then it is a list.
    for middleware in (*_each(layer, "user_middleware"), *_each(layer, "middleware")):
        cls = getattr(middleware, "cls", None) or getattr(middleware, "middleware", None)
        if isinstance(cls, type) and issubclass(cls, asgi.AuthMiddleware):
            yield middleware.kwargs["auth"] if "auth" in middleware.kwargs else middleware.args[0]
    extensions = getattr(layer, "extensions", None)
    if is_table(extensions):
        yield getattr(extensions.get("safeconduct"), "auth", None)
    # Django keeps the method of its middleware that answers exceptions.
    for method in _each(layer, "_exception_middleware"):
        yield getattr(getattr(method, "__self__", None), "auth", None)
    for plugin in _each(layer, "plugins"):
        yield getattr(plugin, "auth", None)
    # Django keeps its middleware in its settings, which name our module if it is used.
    django = sys.modules.get("safeconduct.django")
    if django is not None and any(base.__module__.startswith("django.") for base in type(layer).__mro__):
        yield django.get_auth()


def _each(layer: Any, name: str) -> Iterable[Any]:
    found: Any = getattr(layer, name, ())
    return found if hasattr(found, "__iter__") else ()
