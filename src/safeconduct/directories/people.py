"""
The choice of the port behind which a directory is asked.

=========  =======================  ==========  ==========================================================
world      faces of the directory   port        what bounds it
=========  =======================  ==========  ==========================================================
``wsgi``   ``check``, or both       ``Inline``  ``hashing_threads`` at once
``wsgi``   ``acheck`` alone         none        ``ConfigurationError``
``asgi``   ``acheck``, or both      ``Native``  ``hashing_threads`` and ``hashing_queue`` together at once
``asgi``   ``check`` alone          ``Pooled``  ``hashing_threads`` threads, ``hashing_queue`` waiting
=========  =======================  ==========  ==========================================================
"""

from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any, Literal

from safeconduct._core.ports import AsyncDirectory, Directory
from safeconduct.config import LoginConfig
from safeconduct.directories.inline import Inline
from safeconduct.errors import ConfigurationError

if TYPE_CHECKING:
    from safeconduct.directories.native import Native
    from safeconduct.directories.pooled import Pooled

World = Literal["asgi", "wsgi"]


def people_for(directory: Directory | AsyncDirectory, world: World, login: LoginConfig) -> "Inline | Pooled | Native":
    """
    Put *directory* behind the port for *world*.

    Raises:
        ConfigurationError: If *directory* has no face for *world*, has one in the wrong colour, or has no look-up and
            does not say that it is static.
    """
    blocks = _has(directory, "check", is_awaitable=False)
    awaits = _has(directory, "acheck", is_awaitable=True)
    if world == "wsgi":
        return _inline(directory, login, blocks=blocks)
    if awaits:
        return _native(directory, login)
    if blocks:
        return _pooled(directory, login)
    raise ConfigurationError(
        f"directory must have check and lookup, or acheck and alookup, got {type(directory).__name__}"
    )


def _inline(directory: Any, login: LoginConfig, *, blocks: bool) -> Inline:
    if not blocks:
        raise ConfigurationError(
            f"directory must have the blocking check and lookup where a WSGI application is wrapped, "
            f"got {type(directory).__name__}"
        )
    is_static = _is_static(directory, "lookup", is_awaitable=False)
    return Inline(directory, is_static=is_static, hashed_at_once=login.hashing_threads)


# The two below are imported when they are needed: they bring asyncio along.
def _native(directory: Any, login: LoginConfig) -> "Native":
    from safeconduct.directories.native import Native  # noqa: PLC0415 - see above

    is_static = _is_static(directory, "alookup", is_awaitable=True)
    return Native(directory, is_static=is_static, checked_at_once=login.hashing_threads + login.hashing_queue)


def _pooled(directory: Any, login: LoginConfig) -> "Pooled":
    from safeconduct.directories.pooled import Pooled  # noqa: PLC0415 - see above

    is_static = _is_static(directory, "lookup", is_awaitable=False)
    return Pooled(directory, is_static=is_static, threads=login.hashing_threads, queue=login.hashing_queue)


def _is_static(directory: Any, name: str, *, is_awaitable: bool) -> bool:
    is_static = getattr(directory, "static", False)
    if not isinstance(is_static, bool):
        raise ConfigurationError(f"directory.static must be True or False, got {is_static!r}")
    if not is_static and not _has(directory, name, is_awaitable=is_awaitable):
        raise ConfigurationError(f"directory must have {name}, or say static = True, got {type(directory).__name__}")
    return is_static


def _has(directory: Any, name: str, *, is_awaitable: bool) -> bool:
    method = getattr(directory, name, None)
    if method is None:
        return False
    if not callable(method):
        raise ConfigurationError(f"directory.{name} must be a method, got {type(method).__name__}")
    # A coroutine where an answer is expected would be neither None nor an account, and at the first sign-in only.
    if not is_awaitable and iscoroutinefunction(method):
        raise ConfigurationError(f"directory.{name} must be a plain function, got an async one: name it a{name}")
    return True
