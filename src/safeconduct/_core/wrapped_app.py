"""
Check what an adapter is about to wrap: that the application fits, and that it reads paths as the rules do.

- Its interface: a WSGI application behind the ASGI adapter would fail at every request.  An application that takes any
  arguments may be either, so only one that certainly cannot be called in the adapter's way is refused.
- Its prefix: ``FastAPI(root_path="/api")`` and Django's ``FORCE_SCRIPT_NAME`` set one inside the application, where
  nothing around it can see it.  The application would read ``/api/admin`` as ``/admin``, while the rules are applied to
  ``/api/admin``.
"""

import inspect
import sys
from collections.abc import Iterator
from typing import Any, Final, Literal

from safeconduct.config.shown_values import is_table
from safeconduct.errors import ConfigurationError

World = Literal["asgi", "wsgi"]

_NAMES: Final = {"asgi": "an ASGI application", "wsgi": "a WSGI application"}
_CALLS: Final = {"asgi": "app(scope, receive, send)", "wsgi": "app(environ, start_response)"}
_ARGUMENTS: Final = {"asgi": 3, "wsgi": 2}
_OTHER: Final[dict[World, World]] = {"asgi": "wsgi", "wsgi": "asgi"}


def require_application(app: object, world: World) -> None:
    """
    Check that *app* may be an application of *world*.

    Raises:
        ConfigurationError: If it certainly is not one.
    """
    if not callable(app):
        raise _refusal(app, world, "which cannot be called")
    if not may_be(app, world):
        other = _OTHER[world]
        kind = f"{_NAMES[other]}: auth.{other}(app)" if may_be(app, other) else "no application"
        raise _refusal(app, world, f"which is {kind}" if kind == "no application" else f"which looks like {kind}")


def require_auth(auth: object, world: World) -> None:
    """
    Check that *auth* is an ``Auth``, or has the same methods.

    Raises:
        ConfigurationError: If it is anything else.
    """
    if isinstance(auth, type) or not callable(getattr(auth, f"{world}_gate", None)):
        raise ConfigurationError(f"auth: got {described(auth)}, wanted an Auth, such as Auth(Config.load())")


def described(value: object) -> str:
    """Return what kind of thing *value* is, without its content."""
    if value is None:
        return "None"
    if isinstance(value, type):
        return f"the class {value.__name__}"
    if inspect.isroutine(value):
        return f"the function {getattr(value, '__name__', '?')}"
    return f"a value of type {type(value).__name__}"


def _refusal(app: object, world: World, why: str) -> ConfigurationError:
    wanted = f"wanted {world.upper()}: {_CALLS[world]}"
    return ConfigurationError(f"app: got {described(app)}, {why}; {wanted}")


def may_be(app: Any, world: World) -> bool:
    """Say whether *app* may be an application of *world*; only what certainly is not one is told apart."""
    if isinstance(app, type):
        return _may_make(app, world)
    if inspect.iscoroutinefunction(app) or inspect.iscoroutinefunction(getattr(app, "__call__", None)):  # noqa: B004 - it is called
        return world == "asgi" and _may_be_called(app, world)
    # A generator is WSGI; an asynchronous generator cannot be awaited, and is neither.
    if inspect.isasyncgenfunction(app):
        return False
    if inspect.isgeneratorfunction(app) and world == "asgi":
        return False
    return _may_be_called(app, world)


def _may_make(cls: type, world: World) -> bool:
    """Say whether an instance of *cls* may be the response itself, as PEP 3333 and Starlette's endpoints allow."""
    is_plain = type(cls).__call__ is type.__call__ and not any("__new__" in vars(base) for base in cls.__mro__[:-1])
    answers = hasattr(cls, "__await__" if world == "asgi" else "__iter__")
    return (answers or not is_plain) and _may_be_called(cls, world)


def _may_be_called(app: Any, world: World) -> bool:
    try:
        # An adapter that is written as a decorator may wrap an application of the other world.
        signature = inspect.signature(app, follow_wrapped=False)
    except (TypeError, ValueError):
        # It has no signature.
        return True
    try:
        signature.bind(*[None] * _ARGUMENTS[world])
    except TypeError:
        return False
    return True


_SERVERS = "give the prefix to the server (uvicorn --root-path, SCRIPT_NAME behind WSGI) instead"


def refuse_own_root_path(app: Any) -> None:
    """
    Check that an ASGI application, and each layer that it keeps as ``app``, has no prefix of its own.

    Raises:
        ConfigurationError: If one of them has a root path, or Django's ``FORCE_SCRIPT_NAME`` is in effect.
    """
    refuse_forced_script_name(app)
    for layer in _layers(app):
        root_path = getattr(layer, "root_path", None)
        # In Flask and Quart ``root_path`` is a folder; both have an ``import_name``.
        if isinstance(root_path, str) and root_path.strip("/") and not hasattr(layer, "import_name"):
            raise ConfigurationError(
                f"the application has a root path of its own, got {root_path!r}, wanted none, since safeconduct wraps "
                "it from outside: add the middleware inside, app.add_middleware(AuthMiddleware, auth=auth), or "
                f"{_SERVERS}"
            )


def refuse_forced_script_name(app: Any) -> None:
    """
    Check that an application, and each layer that it keeps as ``app``, is not affected by ``FORCE_SCRIPT_NAME``.

    Raises:
        ConfigurationError: If one of them is a Django application, and this setting is in effect.
    """
    # Not imported here: if Django was never imported, the application is not Django's.
    handlers, conf = sys.modules.get("django.core.handlers.base"), sys.modules.get("django.conf")
    if handlers is None or conf is None:
        return
    forced: str | None = getattr(conf.settings, "FORCE_SCRIPT_NAME", None) if conf.settings.configured else None
    if forced and any(isinstance(layer, handlers.BaseHandler) for layer in _layers(app)):
        raise ConfigurationError(
            f"Django's FORCE_SCRIPT_NAME, got {forced!r}, wanted none: Django removes that prefix by itself, and the "
            f"access rules are applied to the whole path; {_SERVERS}"
        )


def _layers(app: Any) -> Iterator[Any]:
    seen: set[int] = set()
    while app is not None and id(app) not in seen:
        seen.add(id(app))
        yield app
        # Channels keeps the application that serves HTTP in a mapping.
        served = getattr(app, "application_mapping", None)
        app = served.get("http") if is_table(served) else getattr(app, "app", None)
