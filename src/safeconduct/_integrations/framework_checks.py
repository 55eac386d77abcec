"""
Read what a framework checks before it calls a view: dependencies of FastAPI and guards of Litestar.

Only what surely runs, and surely refuses an anonymous caller, is a requirement; the rest is ``UNREAD``.
"""

import inspect
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final, Literal

from safeconduct._core.requirement import AUTHENTICATED, OPEN, Requirement, requirements_of
from safeconduct._integrations.route import Route

UNREAD: Final = "unread"
"""In place of a requirement: there is a check, and it cannot be told whether it refuses anonymous callers."""

Check = Requirement | Literal["unread"]


def with_checks(route: Route, checks: Iterable[Check]) -> Route:
    """Return *route* with what *checks* before its view ask."""
    found = list(checks)
    asked = [each for each in found if each != UNREAD]
    added = sum(asked, OPEN if route.added is None else route.added) if asked else route.added
    return replace(route, added=added, has_unread_check=len(asked) < len(found))


def unread(checks: Iterable[Check]) -> list[Check]:
    """Return that each of *checks* may be replaced, or may not be reached."""
    return [UNREAD for _ in checks]


def fastapi_checks(route: Any) -> Iterator[Check]:
    """Yield what the dependencies of a *route* of FastAPI ask: the route's, its routers' and the application's."""
    module, dependant = sys.modules.get("safeconduct.fastapi"), getattr(route, "dependant", None)
    if module is not None and dependant is not None:
        provider: Any = getattr(route, "dependency_overrides_provider", None)
        yield from _dependencies(dependant, module, getattr(provider, "dependency_overrides", {}))


def litestar_checks(operation: Any) -> Iterator[Check]:
    """Yield what the guards of an *operation* of Litestar ask, on each of its layers, and ``current_principal``."""
    for check in operation.resolve_guards():
        found: list[Check] = [*requirements_of(getattr(check, "func", check))]
        # A guard around one of ours may catch its error.
        yield from unread(found) if hasattr(check, "__wrapped__") else found
    module, providers = sys.modules.get("safeconduct.litestar"), operation.resolve_dependencies()
    given = providers.get("current_principal")
    is_ours = module is not None and given is not None and given.dependency is vars(module)["_provide_principal"]
    if is_ours and "current_principal" in _needed(operation.signature_model, providers):
        yield AUTHENTICATED


def _needed(model: Any, providers: Mapping[str, Any]) -> set[str]:
    """Return the names of the dependencies that a function takes, and of what these take."""
    names = {name for name in model.__struct_fields__ if name in providers}
    below = {name: providers[name].signature_model for name in names}
    return names.union(*(_needed(each, providers) for each in below.values()))


def _dependencies(dependant: Any, module: Any, overrides: Mapping[Any, Any]) -> Iterator[Check]:
    for each in dependant.dependencies:
        found: list[Check] = [*_dependency(each, module), *_dependencies(each, module, overrides)]
        # What stands in its place, in a test for example, may ask for less.
        yield from unread(found) if each.call in overrides else found


def _dependency(dependant: Any, module: Any) -> Iterator[Check]:
    call = dependant.call
    # Those of every `Security(…, scopes=…)` on the way to it, which `identity` is given.
    scopes = {*(dependant.parent_oauth_scopes or ()), *(dependant.own_oauth_scopes or ())}
    if call is module.principal or (call is module.identity and scopes):
        yield Requirement(scopes=frozenset(scopes))
    elif isinstance(call, module.Require) and type(call).__call__ is module.Require.__call__:
        yield call.requirement
    elif inspect.unwrap(call) is module.principal or any(True for _ in requirements_of(call)):
        # A function around it may catch the error; `functools.wraps` copies the mark of `requires`.
        yield UNREAD
