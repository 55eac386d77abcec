"""Guard a function with ``requires``, and read the identity below the middleware."""

import asyncio
import contextvars
import sys
from types import ModuleType

import pytest

from safeconduct import ConfigurationError, allows, current, principal, requires
from safeconduct._core.decision import Passed
from safeconduct.errors import InsufficientRights, MissingCredential, StepUpRequired, Unavailable
from safeconduct.guard import PASSED
from safeconduct.principal import Anonymous, Principal


def alice(**fields):
    """Return a principal."""
    return Principal(subject="alice", issuer="i", scheme="bearer", expires_at=2000, **fields)


def within(identity, function, now=1000.0):
    """Call *function* as in a request by *identity*."""

    def enter():
        PASSED.set(Passed.of(identity, lambda: now, object()))
        return function()

    return contextvars.copy_context().run(enter)


@pytest.mark.parametrize("function", [current, principal, requires()(lambda: None)])
def test_outside_of_a_request_nobody_is_there(function):
    """A forgotten middleware is a ``LookupError`` and not a pass."""
    with pytest.raises(LookupError, match="`safeconduct doctor module:app` says what to write"):
        function()


@pytest.mark.parametrize("module", [None, ModuleType("half imported")])
def test_an_integration_that_is_not_imported_yet_knows_no_request(monkeypatch, module):
    """Another thread may be importing it just now."""
    for name in ("safeconduct.flask", "safeconduct.quart"):
        monkeypatch.delitem(sys.modules, name, raising=False)
        if module is not None:
            monkeypatch.setitem(sys.modules, name, module)

    with pytest.raises(LookupError, match="no request is being served here"):
        current()


def test_every_call_returns_the_same_identity():
    asks = alice()

    assert within(asks, current) is asks
    assert within(asks, principal) is asks


def test_an_anonymous_caller_is_no_principal():
    anonymous = Anonymous(reason="invalid_token")

    assert within(anonymous, current) is anonymous
    with pytest.raises(MissingCredential):
        within(anonymous, principal)


def test_a_caller_whose_credential_was_not_checked_is_not_told_that_it_is_missing():
    unchecked = Anonymous(reason="unavailable")

    for guarded in (principal, requires()(lambda: None)):
        with pytest.raises(Unavailable):
            within(unchecked, guarded)


@pytest.mark.parametrize(
    ("wanted", "has", "expected"),
    [
        ({}, {}, None),
        ({"scopes": ["a", "b"]}, {"scopes": frozenset("abc")}, None),
        ({"scopes": ["a", "b"]}, {"scopes": frozenset("a")}, InsufficientRights),
        ({"roles": ["a", "b"]}, {"roles": frozenset("b")}, None),
        ({"roles": ["a", "b"]}, {"roles": frozenset("c")}, InsufficientRights),
        ({"level": "explicit"}, {"level": "multifactor"}, None),
        ({"level": "explicit"}, {"level": "remembered"}, StepUpRequired),
        ({"max_age_seconds": 10}, {"auth_time": 990}, None),
        ({"max_age_seconds": 10}, {"auth_time": 989}, StepUpRequired),
        ({"max_age_seconds": 0}, {"auth_time": 1000}, None),
        ({"schemes": ["cookie", "bearer"]}, {}, None),
        ({"schemes": {"cookie"}}, {}, InsufficientRights),
        ({"schemes": ["bearer"], "scopes": ["a"]}, {}, InsufficientRights),
    ],
)
@pytest.mark.parametrize("is_async", [False, True])
def test_a_function_is_called_only_for_whom_it_wants(wanted, has, expected, is_async):
    """The error says what is missing, and the function is not called."""
    called = []

    @requires(**wanted)
    def plain(*args, **named):
        called.append((args, named))
        return 7

    @requires(**wanted)
    async def awaited(*args, **named):
        called.append((args, named))
        return 7

    def call():
        return asyncio.run(awaited(1, b=2)) if is_async else plain(1, b=2)

    if expected is None:
        assert within(alice(**has), call) == 7
        assert [((1,), {"b": 2})] == called
    else:
        with pytest.raises(expected):
            within(alice(**has), call)
        assert [] == called


def test_without_an_auth_there_are_no_rules_to_ask():
    """An identity that code has put there by hand belongs to no configuration."""
    with pytest.raises(LookupError, match="no Auth"):
        within(alice(), lambda: allows("GET", "/"))


def test_a_function_keeps_its_name():
    @requires()
    def view():
        """Show."""

    assert ("view", "Show.") == (view.__name__, view.__doc__)


@pytest.mark.parametrize(
    "wanted",
    [
        {"scopes": "read"},
        {"roles": "admin"},
        {"level": "root"},
        {"max_age_seconds": -1},
        {"schemes": "bearer"},
        {"schemes": []},
        {"schemes": ["bearer", "subprotocol"]},
    ],
    ids=str,
)
def test_a_requirement_that_cannot_be_met_is_refused_at_once(wanted):
    """A string instead of a list would require its letters."""
    with pytest.raises(ConfigurationError) as caught:
        requires(**wanted)

    assert next(iter(wanted)) in str(caught.value)


def test_a_class_is_not_decorated():
    """A wrapped class would lose its methods or serve them unprotected, so decorating one is an error."""
    with pytest.raises(ConfigurationError, match="got the class Papers: decorate its methods"):

        @requires(roles=["clerk"])
        class Papers:
            """An endpoint."""
