"""Fail before the store is changed: no token is used up, and no session is left behind."""

from datetime import date

import pytest

from login_stack import ACCESS, GRACE, StatelessLoginStack
from safeconduct import RequestOrigin
from safeconduct._core.directory import Account
from safeconduct._keys.keyset import KeySet
from safeconduct.errors import ConfigurationError, NotSupported, Unavailable
from safeconduct.events import Fault, HookFailed, SignedIn, SteppedUp
from token_factory import jwk_for

HALF = ACCESS / 2
NO_KEY = KeySet.of([jwk_for("A256KW", "e1")], is_own=True)
DEEP = [[]]
for _ in range(40):
    DEEP = [DEEP]

#: Values that a hook may return and that no token can contain, or none that we accept.
UNSPEAKABLE = {
    "date": {"since": date(2026, 1, 2)},
    "surrogate": {"tenant": "\ud800"},
    "surrogate name": {"\udfff": 1},
    "own claim": {"sub": "root"},
    "roles": {"roles": ["admin"]},
    "scope": {"scope": "admin"},
    "40 KB": {"tenant": "x" * 40_000},
    "long integer": {"tenant": 10**30},
    "nan": {"tenant": float("nan")},
    "deep": {"tenant": DEEP},
    "twice": {1: "a", "1": "b"},
    "no mapping": 5,
}


class Hook:
    """A claims hook that returns what the test sets."""

    def __init__(self):
        self.says = {"tenant": "t1"}

    def __call__(self, _principal):
        return self.says


@pytest.fixture(params=UNSPEAKABLE.values(), ids=UNSPEAKABLE)
def unspeakable(request):
    return request.param


def refresh(stack, tokens):
    return stack.refresh(tokens)


def step_up(stack, tokens):
    return stack.step_up(tokens, refresh_token=tokens.refresh_token.value)


def renew(stack, tokens):
    half = tokens.issued_at + HALF
    stack.clock.advance(seconds=max(0, half - stack.clock()))
    return stack.renew(tokens)


VERBS = pytest.mark.parametrize("verb", [refresh, renew, step_up])


@VERBS
def test_b3_claims_that_no_token_can_say_burn_nothing(build, unspeakable, verb):
    """The same tokens work as soon as the hook is repaired, however long that takes."""
    hook = Hook()
    stack = build(add_claims=hook)
    tokens = stack.sign_in()
    hook.says = unspeakable

    with pytest.raises(Unavailable):
        verb(stack, tokens)

    hook.says = {"tenant": "t2"}
    stack.clock.advance(seconds=GRACE + 1)
    assert "t2" == stack.use(verb(stack, tokens)).claims["tenant"]
    assert ["add_claims"] == [event.hook for event in stack.events if isinstance(event, HookFailed)]


def test_b3_claims_that_no_token_can_say_begin_no_session(build, unspeakable):
    hook = Hook()
    stack = build(add_claims=hook)
    hook.says = unspeakable

    with pytest.raises(Unavailable):
        stack.sign_in()

    assert () == stack.run(stack.session_verbs.list("alice"))
    assert [HookFailed] == [type(event) for event in stack.events]


@pytest.mark.parametrize("wire_format", ["jws", "jwe"])
def test_b3_claims_that_no_token_can_say_are_reported_to_nobody_without_a_store(unspeakable, wire_format):
    hook = Hook()
    hook.says = unspeakable
    stack = StatelessLoginStack(add_claims=hook, wire_format=wire_format)

    with pytest.raises(Unavailable):
        stack.sign_in()

    assert [HookFailed] == [type(event) for event in stack.events]


@VERBS
def test_b3_without_a_key_no_token_is_used_up(build, verb):
    stack = build()
    tokens, own = stack.sign_in(), stack.own
    stack.own = NO_KEY

    with pytest.raises(Unavailable, match="no active signing key"):
        verb(stack, tokens)

    stack.own = own
    stack.clock.advance(seconds=GRACE + 1)
    assert stack.use(verb(stack, tokens))
    assert Fault(where="keys", error="ConfigurationError") in stack.events
    assert len([event for event in stack.events if isinstance(event, SteppedUp)]) <= 1


def test_b3_without_a_key_no_session_begins(build):
    stack = build()
    stack.own = NO_KEY

    with pytest.raises(Unavailable):
        stack.sign_in()

    assert () == stack.run(stack.session_verbs.list("alice"))
    assert [] == [event for event in stack.events if isinstance(event, SignedIn)]


def meanwhile(stack, act):
    """Do something between the trial and the store command."""
    open_ = stack.world.store.sessions.open

    async def later(ref, opening):
        act()
        return await open_(ref, opening)

    stack.world.store.sessions.open = later


def test_b3_a_key_that_goes_meanwhile_still_signs(build):
    """The token is signed with the keys of the trial."""
    stack = build()
    meanwhile(stack, lambda: setattr(stack, "own", NO_KEY))

    assert stack.use(stack.sign_in())


def test_b3_what_a_hook_changes_afterwards_is_not_said(build):
    claims = {"tenants": ["t1"]}
    stack = build(add_claims=lambda _: claims)
    meanwhile(stack, lambda: claims["tenants"].append(date(2026, 1, 2)))

    assert ["t1"] == stack.use(stack.sign_in()).claims["tenants"]


def test_b3_an_account_that_no_token_can_say_is_its_callers_fault(build):
    """Without a hook the error does not mention one."""
    stack = build()
    account = Account("alice", roles=["x" * 40_000])

    with pytest.raises(ConfigurationError, match="16384"):
        stack.run(stack.session_verbs.sign_in(account, username="alice"))

    assert [] == stack.events
    assert () == stack.run(stack.session_verbs.list("alice"))


@pytest.mark.parametrize("remember", [False, True])
def test_b3_a_token_too_long_for_its_cookie_begins_no_session(build, remember):
    hook = Hook()
    hook.says = {"tenant": "x" * 4000}
    page = RequestOrigin(transport="cookie")

    for stack in (build(add_claims=hook), StatelessLoginStack(add_claims=hook)):
        with pytest.raises(NotSupported):
            stack.sign_in(remember=remember, origin=page)
        assert [] == stack.events
        assert stack.sign_in(remember=remember)


def test_b3_a_long_term_credential_too_long_for_its_cookie_begins_no_session():
    stack = StatelessLoginStack()

    with pytest.raises(NotSupported):
        stack.sign_in(username="x" * 4000, origin=RequestOrigin(transport="cookie"))

    assert [] == stack.events
    assert stack.sign_in(username="x" * 4000)
