"""Check the arguments of an ``Auth`` when it is made, not at the first request."""

from collections.abc import Iterable
from dataclasses import dataclass
from inspect import isasyncgenfunction, iscoroutinefunction, isgeneratorfunction
from typing import TypeGuard, cast

from safeconduct._core.clients import AsyncClients, Clients
from safeconduct._core.directory import AsyncDirectory, Directory
from safeconduct._core.event_dispatcher import Listener, Tracer
from safeconduct._core.sessions.issuing import AddClaims
from safeconduct._core.store import StoreProvider
from safeconduct._core.wrapped_app import described
from safeconduct._http.problems import ProblemBody, ProblemPage
from safeconduct._wiring.settings import has_pages
from safeconduct.config import Config
from safeconduct.config.shown_values import is_table
from safeconduct.errors import ConfigurationError

AnyDirectory = Directory | AsyncDirectory
AnyClients = Clients | AsyncClients
AnyStore = StoreProvider


@dataclass(frozen=True, slots=True, kw_only=True)
class Provided:
    """What an application brings along with its configuration; None for what it does not."""

    directory: AnyDirectory | None
    clients: AnyClients | None
    store: AnyStore | None
    problem_body: ProblemBody | None
    problem_page: ProblemPage | None
    add_claims: AddClaims | None
    tracer: Tracer | None


_STORE_METHODS = ("blocking", "native", "end")


def check_arguments(config: object, provided: Provided, *, clock: object) -> None:
    """
    Check that every argument of an ``Auth`` has the right type.

    Raises:
        ConfigurationError: If one has not; the message says what was given and what is wanted.
    """
    if not isinstance(config, Config):
        hint = ": Config.from_mapping(…)" if is_table(config) else ", such as Config.load()"
        raise _refusal("config", config, f"a Config{hint}")
    directory, clients, store = provided.directory, provided.clients, provided.store
    if directory is not None and not _has_any(directory, "check", "acheck"):
        raise _refusal("directory", directory, "an object with check and lookup, or acheck and alookup")
    if clients is not None and not _has_any(clients, "find", "afind"):
        raise _refusal("clients", clients, "an object with find or afind")
    if store is not None and not all(_has_any(store, name) for name in _STORE_METHODS):
        raise _refusal("store", store, "an object such as a MemoryStore; a URL belongs into the configuration")
    hooks = {
        "clock": clock,
        "add_claims": provided.add_claims,
        "problem_body": provided.problem_body,
        "problem_page": provided.problem_page,
    }
    for name, hook in hooks.items():
        if hook is not None:
            _check_function(name, hook)
    if provided.problem_page is not None and not has_pages(config):
        raise ConfigurationError("problem_page: got one, wanted endpoints.pages = true, since nobody gets a page")


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


def _is_tracer(listener: object) -> TypeGuard[Tracer]:
    return isinstance(listener, Tracer)


def tracer_among(listeners: Iterable[Listener]) -> Tracer | None:
    """Return the first of *listeners* that makes spans too, or None."""
    return next(filter(_is_tracer, listeners), None)


def _check_function(name: str, function: object) -> None:
    if not callable(function):
        raise _refusal(name, function, "a function")
    if isinstance(function, type):
        raise _refusal(name, function, "a function or an instance")
    called = getattr(function, "__call__", None)  # noqa: B004 - it is called
    if any(kind(each) for kind in (isgeneratorfunction, isasyncgenfunction) for each in (function, called)):
        # Its body would never run.
        raise _refusal(name, function, "a plain function, not a generator")
    if iscoroutinefunction(function) or iscoroutinefunction(called):
        # The coroutine that it returns would never be awaited.
        raise _refusal(name, function, "a plain function, not an async one")


def _has_any(value: object, *names: str) -> bool:
    return not isinstance(value, type) and any(callable(getattr(value, name, None)) for name in names)


def _refusal(name: str, value: object, wanted: str) -> ConfigurationError:
    return ConfigurationError(f"{name}: got {described(value)}, wanted {wanted}")
