"""Whose gate stands around an application."""

from collections.abc import Iterator
from typing import Any

from safeconduct import asgi, wsgi
from safeconduct.auth import Auth
from safeconduct.errors import ConfigurationError


def auth_of(app: object) -> Auth:
    """
    Return the ``Auth`` whose gate is the outermost around *app*; an ``Auth`` is its own.

    Args:
        app: A wrapped ASGI or WSGI application, a Flask application with our extension, a Starlette or FastAPI
            application with our middleware, or the ``Auth`` itself.

    Raises:
        ConfigurationError: If no gate of ours is found.
    """
    for layer in _layers(app):
        found = layer.auth if isinstance(layer, asgi.AuthMiddleware | wsgi.AuthMiddleware) else layer
        if isinstance(found, Auth):
            return found
    raise ConfigurationError(f"app must be an Auth or an application with a gate of one, got {type(app).__name__}")


def _layers(app: Any) -> Iterator[object]:
    seen: set[int] = set()
    while app is not None and id(app) not in seen:
        seen.add(id(app))
        yield app
        # Starlette makes its middleware at the first request; until then it is a list.
        yield from (_given(each) for each in getattr(app, "user_middleware", ()) if each.cls is asgi.AuthMiddleware)
        app = getattr(app, "wsgi_app", None) or getattr(app, "app", None)


def _given(middleware: Any) -> object:
    return middleware.kwargs["auth"] if "auth" in middleware.kwargs else middleware.args[0]
