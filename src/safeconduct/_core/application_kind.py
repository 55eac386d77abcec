"""
Which of the two interfaces an application speaks, as far as that is certain.

A WSGI application behind the ASGI adapter fails at every request, and one that takes any arguments may be either.  So
only what certainly cannot be called as its world calls it is refused, and everything else is taken at its word.
"""

import inspect
from typing import Any, Final, Literal

from safeconduct.errors import ConfigurationError

World = Literal["asgi", "wsgi"]

_CALLS: Final = {"asgi": "app(scope, receive, send)", "wsgi": "app(environ, start_response)"}
_ARGUMENTS: Final = {"asgi": 3, "wsgi": 2}
_OTHER: Final[dict[World, World]] = {"asgi": "wsgi", "wsgi": "asgi"}


def require_application(app: object, world: World) -> None:
    """
    Return if *app* may be an application of *world*.

    Raises:
        ConfigurationError: If it certainly is none.
    """
    if not callable(app):
        raise _refusal(app, world, "which cannot be called")
    if not _may_be(app, world):
        other = _OTHER[world]
        kind = f"a {other.upper()} application: auth.{other}(app)" if _may_be(app, other) else "no application"
        raise _refusal(app, world, f"which is {kind}" if kind == "no application" else f"which looks like {kind}")


def require_gate_keeper(auth: object, world: World) -> None:
    """
    Return if *auth* is an ``Auth``, or what stands for one.

    Raises:
        ConfigurationError: If it is anything else.
    """
    if isinstance(auth, type) or not callable(getattr(auth, f"{world}_gate", None)):
        raise ConfigurationError(f"auth: got {described(auth)}, wanted an Auth, such as Auth(Config.load())")


def described(value: object) -> str:
    """Return what *value* is, and nothing of what is in it."""
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


def _may_be(app: Any, world: World) -> bool:
    if isinstance(app, type):
        return _may_make(app, world)
    if inspect.iscoroutinefunction(app) or inspect.iscoroutinefunction(getattr(app, "__call__", None)):  # noqa: B004 - it is called
        return world == "asgi" and _may_be_called(app, world)
    # What yields its answer is WSGI; an asynchronous generator is awaited by nobody.
    if inspect.isasyncgenfunction(app):
        return False
    if inspect.isgeneratorfunction(app) and world == "asgi":
        return False
    return _may_be_called(app, world)


def _may_make(cls: type, world: World) -> bool:
    """Say whether an instance of *cls* may be the answer itself, as PEP 3333 and Starlette's endpoints have it."""
    is_plain = type(cls).__call__ is type.__call__ and not any("__new__" in vars(base) for base in cls.__mro__[:-1])
    answers = hasattr(cls, "__await__" if world == "asgi" else "__iter__")
    return (answers or not is_plain) and _may_be_called(cls, world)


def _may_be_called(app: Any, world: World) -> bool:
    try:
        # What `functools.wraps` points to may be of the other world: an adapter that is written as a decorator.
        signature = inspect.signature(app, follow_wrapped=False)
    except (TypeError, ValueError):
        # It does not say.
        return True
    try:
        signature.bind(*[None] * _ARGUMENTS[world])
    except TypeError:
        return False
    return True
