"""
Find out who is asking anywhere below the middleware, and what they may do.

``current`` and ``principal`` return the caller, ``allows`` asks the access rules, ``requires`` guards a function, and
``csrf_token`` is for its forms.
"""

import contextlib
import functools
import inspect
import secrets
import sys
from collections.abc import Callable, Collection
from contextvars import ContextVar
from typing import Annotated, Final, NoReturn, ParamSpec, TypeVar

from safeconduct._core.csrf import MASK_BYTES
from safeconduct._core.decision import Passed
from safeconduct._core.permissions import Permissions
from safeconduct._core.requirement import Requirement, refusal_of
from safeconduct._core.wrong_arguments import wants
from safeconduct.config.access import SCHEMES
from safeconduct.errors import ConfigurationError
from safeconduct.principal import LEVELS, Identity, Level, NeverRead, Principal

P = ParamSpec("P")
R = TypeVar("R")

PASSED: Final[ContextVar[Passed | None]] = ContextVar("safeconduct", default=None)
"""The ``Passed`` of the current request; the ASGI and the WSGI middleware set and reset it."""

_NO_DEPENDENCY: Final = NeverRead("dependencies: got requires(…), wanted Depends(Require(…)) from safeconduct.fastapi")

#: The integrations that are asked where ``PASSED`` is not set: in a framework's thread or test context.
_CONTEXTS: Final = ("safeconduct.flask", "safeconduct.quart")


def current() -> Identity:
    """
    Return who is asking in the current request.

    Raises:
        LookupError: If it is not called within a request that came through the middleware.
    """
    return _passed().identity


def principal() -> Principal:
    """
    Return the principal of the current request.

    Raises:
        MissingCredential: If the caller is an ``Anonymous``; if it is not caught, the answer is 401.
        Unavailable: The same, if their credential could not be checked; the answer is 503.
        LookupError: If it is not called within a request that came through the middleware.
    """
    identity = current()
    if not isinstance(identity, Principal):
        raise refusal_of(identity)
    return identity


def allows(method: str, path: str, *, root_path: str = "") -> bool:
    """
    Say whether the access rules would let the current caller send another request, as ``Auth.allows`` does.

    The rules are those of the innermost middleware around the caller of this function.

    Args:
        method: Its method, such as "POST".
        path: Its path as in a URL: percent-encoded, relative to the application inside the middleware.
        root_path: A prefix that *path* may begin with (``root_path`` or ``SCRIPT_NAME``).

    Raises:
        LookupError: If it is not called within a request that came through the middleware.
        ValueError: If *path* does not begin with a slash.
    """
    passed = _passed()
    permissions = passed.owner
    if isinstance(permissions, Permissions):
        return permissions.allow(passed.identity, method, path, root_path=root_path, now=passed.clock())
    raise LookupError("the identity of this request comes from no Auth, so that there are no access rules to ask")


def csrf_token() -> str:
    """
    Return the CSRF token of the current session, for ``X-CSRF-Token``.

    A hidden field ``csrf_token`` counts too, in a form for ``/auth/step-up`` or ``/auth/logout-everywhere`` only.

    It is masked anew at each call, so that a compressed page does not betray it (BREACH); each of them counts until the
    session's next sign-in.  It is empty where none is asked for: without a cookie that signs someone in.

    Raises:
        LookupError: If it is not called within a request that came through the middleware.
    """
    passed = _passed()
    permissions = passed.owner
    if not isinstance(permissions, Permissions):
        return ""
    return permissions.csrf.masked_token(passed.identity, secrets.token_bytes(MASK_BYTES)) or ""


@wants('@requires() or @requires(scopes=["read"]), with parentheses and named arguments')
def requires(
    *,
    scopes: Collection[str] = (),
    roles: Collection[str] = (),
    level: Level | None = None,
    max_age_seconds: int | None = None,
    schemes: Collection[str] | None = None,
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """
    Let a function be called only for a principal that meets every argument; without arguments, for any principal.

    Works with plain and ``async`` functions alike.  The requirement is checked at each call.

    Args:
        scopes: All of them are needed.
        roles: One of them is enough.
        level: The lowest level that is accepted.
        max_age_seconds: How long ago, at most, the user may have proven who they are.
        schemes: The kinds of credentials that are accepted, such as "cookie", "bearer" or "client". Default: all.

    Raises:
        ConfigurationError: If no principal can meet an argument, an argument is a single string instead of a collection
            of names, or a class is decorated: decorate its methods.
    """
    return Decorator(
        new_requirement(scopes=scopes, roles=roles, level=level, max_age_seconds=max_age_seconds, schemes=schemes)
    )


def new_requirement(
    *,
    scopes: Collection[str] = (),
    roles: Collection[str] = (),
    level: Level | None = None,
    max_age_seconds: int | None = None,
    schemes: Collection[str] | None = None,
) -> Requirement:
    """
    Return the requirement that the arguments of ``requires`` make; the integrations' own guards take the same ones.

    Raises:
        ConfigurationError: As ``requires``.
    """
    return Requirement(
        scopes=_set_of_names("scopes", scopes),
        role_sets=(_set_of_names("roles", roles),) if roles else (),
        level=_checked_level(level),
        max_age_seconds=_checked_age(max_age_seconds),
        schemes=_checked_schemes(schemes),
    )


def check(requirement: Requirement, identity: Identity) -> None:
    """
    Check that *identity* meets *requirement*, by the clock of the current request.

    Raises:
        AuthError: If it is not met.
        LookupError: If it is not called within a request that came through the middleware.
    """
    requirement.check(identity, now=_passed().clock())


class Decorator:
    """
    Guard a function with a requirement; ``requires`` returns it.

    Integrations recognize it by its class, and FastAPI by its signature, where it is passed as a guard, a hook or a
    dependency by mistake.
    """

    def __init__(self, requirement: Requirement) -> None:
        self._requirement = requirement

    @wants("@requires(…) above a function, since it is no guard, hook or dependency", name="what requires(…) returned")
    def __call__(self, function: Annotated[Callable[P, R], _NO_DEPENDENCY]) -> Callable[P, R]:
        """Return *function*, called only for a principal that meets the requirement."""
        _require_function(function)
        guarded = _guarded(function, self._requirement)
        # `safeconduct routes` reads both.  A view that is registered with this mark was guarded after that, in vain.
        with contextlib.suppress(AttributeError):
            function.safeconduct_is_guarded = True  # type: ignore[attr-defined]
        vars(guarded)["safeconduct_requirement"] = self._requirement
        return guarded

    @property
    def dependency(self) -> NoReturn:
        """
        Refuse to be listed among the dependencies of FastAPI, which reads the attribute of this name first.

        Raises:
            ConfigurationError: Always.
        """
        raise ConfigurationError(_NO_DEPENDENCY.instead)


def _require_function(function: Callable[..., object]) -> None:
    if inspect.isclass(function):
        # Frameworks look for methods on a class, and would not find them on a function.
        raise ConfigurationError(
            f"requires(…) wants a function, got the class {function.__name__}: decorate its methods"
        )
    if not callable(function) or hasattr(function, "resolve_guards"):
        # What Litestar's decorators return: it is registered with the function inside.
        kind = type(function).__name__
        above = f"@{kind}" if kind in {"classmethod", "property"} else "the route decorator"
        raise ConfigurationError(f"requires(…) wants a function, got a {kind}: put it below {above}")


def _guarded(function: Callable[P, R], requirement: Requirement) -> Callable[P, R]:
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def check_and_await(*args: P.args, **kwargs: P.kwargs) -> object:
            check(requirement, current())
            return await function(*args, **kwargs)

        return check_and_await  # type: ignore[return-value]  # a coroutine function in, a coroutine function out

    @functools.wraps(function)
    def check_and_call(*args: P.args, **kwargs: P.kwargs) -> R:
        check(requirement, current())
        return function(*args, **kwargs)

    return check_and_call


def _passed() -> Passed:
    passed = PASSED.get()
    if passed is None:
        passed = next(filter(None, map(_passed_in_context, _CONTEXTS)), None)
    if passed is None:
        raise LookupError(
            "no request is being served here: this runs outside of one, or the middleware is missing, and then "
            "`safeconduct doctor module:app` says what to write"
        )
    return passed


def _passed_in_context(name: str) -> Passed | None:
    """Return the ``Passed`` of the framework's current context, by the integration called *name*."""
    # Not imported, since imports point down; an integration that nobody has imported has no context.
    look: Callable[[], Passed | None] | None = getattr(sys.modules.get(name), "_passed_in_context", None)
    return None if look is None else look()


def _set_of_names(field: str, names: Collection[str]) -> frozenset[str]:
    if isinstance(names, str):
        raise ConfigurationError(f"requires({field}=…) wants a collection of names, got the string {names!r}")
    return frozenset(names)


def _checked_schemes(schemes: Collection[str] | None) -> frozenset[str] | None:
    if schemes is None:
        return None
    kinds = _set_of_names("schemes", schemes)
    if not kinds or not kinds.issubset(SCHEMES):
        raise ConfigurationError(f"requires(schemes=…) wants some of {', '.join(SCHEMES)}, got {sorted(kinds)}")
    return kinds


def _checked_level(level: Level | None) -> Level | None:
    if level is not None and level not in LEVELS:
        raise ConfigurationError(f"requires(level=…) wants one of {', '.join(LEVELS)}, got {level!r}")
    return level


def _checked_age(max_age_seconds: int | None) -> int | None:
    if max_age_seconds is not None and max_age_seconds < 0:
        raise ConfigurationError(f"requires(max_age_seconds=…) wants no negative number, got {max_age_seconds}")
    return max_age_seconds
