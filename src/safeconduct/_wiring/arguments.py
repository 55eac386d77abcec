"""Check the arguments of an ``Auth`` when it is made, not at the first request."""

from collections.abc import Iterable
from inspect import iscoroutinefunction
from typing import cast

from safeconduct._core.event_dispatcher import Listener
from safeconduct._core.wrapped_app import described
from safeconduct.config import Config
from safeconduct.config.shown_values import is_table
from safeconduct.errors import ConfigurationError

_STORE_METHODS = ("blocking", "native", "end")


def check_arguments(config: object, *, directory: object, clients: object, store: object, **hooks: object) -> None:
    """
    Return if every argument of an ``Auth`` has the right type; *hooks* are functions or None.

    Raises:
        ConfigurationError: If one has not; the message says what was given and what is wanted.
    """
    if not isinstance(config, Config):
        hint = ": Config.from_mapping(…)" if is_table(config) else ", such as Config.load()"
        raise _refusal("config", config, f"a Config{hint}")
    if directory is not None and not _has_any(directory, "check", "acheck"):
        raise _refusal("directory", directory, "an object with check and lookup, or acheck and alookup")
    if clients is not None and not _has_any(clients, "find", "afind"):
        raise _refusal("clients", clients, "an object with find or afind")
    if store is not None and not all(_has_any(store, name) for name in _STORE_METHODS):
        raise _refusal("store", store, "an object such as a MemoryStore; a URL belongs into the configuration")
    for name, hook in hooks.items():
        if hook is not None:
            _check_function(name, hook)


def check_listeners(listeners: object) -> tuple[Listener, ...]:
    """
    Return *listeners* as a tuple.

    Raises:
        ConfigurationError: If they are not several plain functions.
    """
    if not isinstance(listeners, Iterable):
        raise _refusal("listeners", listeners, "a list of functions")
    heard = tuple(cast("Iterable[Listener]", listeners))
    for listener in heard:
        _check_function("listeners", listener)
    return heard


def _check_function(name: str, function: object) -> None:
    if not callable(function):
        raise _refusal(name, function, "a function")
    if iscoroutinefunction(function) or iscoroutinefunction(getattr(function, "__call__", None)):  # noqa: B004 - it is called
        # The coroutine that it returns would never be awaited.
        raise _refusal(name, function, "a plain function, not an async one")


def _has_any(value: object, *names: str) -> bool:
    return not isinstance(value, type) and any(callable(getattr(value, name, None)) for name in names)


def _refusal(name: str, value: object, wanted: str) -> ConfigurationError:
    return ConfigurationError(f"{name}: got {described(value)}, wanted {wanted}")
