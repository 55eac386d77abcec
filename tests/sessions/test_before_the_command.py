"""What can fail fails before the store is told anything: no token is burnt, and no session is left behind."""

from datetime import date

import pytest

from login_scene import ACCESS, GRACE, RequestOrigin
from safeconduct._core.directory import Account
from safeconduct._keys.keyset import KeySet
from safeconduct.errors import ConfigurationError, NotSupported, Unavailable
from safeconduct.events import Fault, HookFailed, SignedIn, SteppedUp
from stateless_scene import StatelessHouse
from tokencraft import jwk_for

HALF = ACCESS / 2
NO_KEY = KeySet.of([jwk_for("A256KW", "e1")], is_own=True)
DEEP = [[]]
for _ in range(40):
    DEEP = [DEEP]

#: What a hook may return and no token can say, or none that our own reader takes.
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
    """An author's hook that returns what it is told to."""

    def __init__(self):
        self.says = {"tenant": "t1"}

    def __call__(self, _principal):
        return self.says


@pytest.fixture(params=UNSPEAKABLE.values(), ids=UNSPEAKABLE)
def unspeakable(request):
    return request.param


def refresh(house, tokens):
    return house.refresh(tokens)


def step_up(house, tokens):
    return house.step_up(tokens, refresh_token=tokens.refresh_token.value)


def renew(house, tokens):
    half = tokens.issued_at + HALF
    house.clock.advance(seconds=max(0, half - house.clock()))
    return house.renew(tokens)


VERBS = pytest.mark.parametrize("verb", [refresh, renew, step_up])


@VERBS
def test_b3_claims_that_no_token_can_say_burn_nothing(build, unspeakable, verb):
    """The same tokens do as soon as the hook is mended, however long that took."""
    hook = Hook()
    house = build(add_claims=hook)
    tokens = house.sign_in()
    hook.says = unspeakable

    with pytest.raises(Unavailable):
        verb(house, tokens)

    hook.says = {"tenant": "t2"}
    house.clock.advance(seconds=GRACE + 1)
    assert "t2" == house.use(verb(house, tokens)).claims["tenant"]
    assert ["add_claims"] == [event.hook for event in house.events if isinstance(event, HookFailed)]


def test_b3_claims_that_no_token_can_say_begin_no_session(build, unspeakable):
    hook = Hook()
    house = build(add_claims=hook)
    hook.says = unspeakable

    with pytest.raises(Unavailable):
        house.sign_in()

    assert () == house.run(house.open_sessions.list("alice"))
    assert [HookFailed] == [type(event) for event in house.events]


@pytest.mark.parametrize("wire_format", ["jws", "jwe"])
def test_b3_claims_that_no_token_can_say_are_told_to_nobody_without_a_store(unspeakable, wire_format):
    hook = Hook()
    hook.says = unspeakable
    house = StatelessHouse(add_claims=hook, wire_format=wire_format)

    with pytest.raises(Unavailable):
        house.sign_in()

    assert [HookFailed] == [type(event) for event in house.events]


@VERBS
def test_b3_without_a_key_nothing_is_burnt(build, verb):
    house = build()
    tokens, own = house.sign_in(), house.own
    house.own = NO_KEY

    with pytest.raises(Unavailable, match="no active key"):
        verb(house, tokens)

    house.own = own
    house.clock.advance(seconds=GRACE + 1)
    assert house.use(verb(house, tokens))
    assert Fault(where="keys", error="ConfigurationError") in house.events
    assert len([event for event in house.events if isinstance(event, SteppedUp)]) <= 1


def test_b3_without_a_key_no_session_begins(build):
    house = build()
    house.own = NO_KEY

    with pytest.raises(Unavailable):
        house.sign_in()

    assert () == house.run(house.open_sessions.list("alice"))
    assert [] == [event for event in house.events if isinstance(event, SignedIn)]


def meanwhile(house, act):
    """Do something between the trial and the store's command."""
    open_ = house.world.store.sessions.open

    async def later(ref, opening):
        act()
        return await open_(ref, opening)

    house.world.store.sessions.open = later


def test_b3_a_key_that_goes_meanwhile_still_signs(build):
    """The keys that made the trial make the token."""
    house = build()
    meanwhile(house, lambda: setattr(house, "own", NO_KEY))

    assert house.use(house.sign_in())


def test_b3_what_a_hook_changes_afterwards_is_not_said(build):
    said = {"tenants": ["t1"]}
    house = build(add_claims=lambda _: said)
    meanwhile(house, lambda: said["tenants"].append(date(2026, 1, 2)))

    assert ["t1"] == house.use(house.sign_in()).claims["tenants"]


def test_b3_an_account_that_no_token_can_say_is_its_callers_fault(build):
    """No hook is blamed where there is none."""
    house = build()
    account = Account("alice", roles=["x" * 40_000])

    with pytest.raises(ConfigurationError, match="16384"):
        house.run(house.session_verbs.sign_in(account, username="alice"))

    assert [] == house.events
    assert () == house.run(house.open_sessions.list("alice"))


@pytest.mark.parametrize("remember", [False, True])
def test_b3_a_token_too_long_for_its_cookie_begins_no_session(build, remember):
    hook = Hook()
    hook.says = {"tenant": "x" * 4000}
    page = RequestOrigin(transport="cookie")

    for house in (build(add_claims=hook), StatelessHouse(add_claims=hook)):
        with pytest.raises(NotSupported):
            house.sign_in(remember=remember, origin=page)
        assert [] == house.events
        assert house.sign_in(remember=remember)


def test_b3_a_long_term_credential_too_long_for_its_cookie_begins_no_session():
    house = StatelessHouse()

    with pytest.raises(NotSupported):
        house.sign_in(username="x" * 4000, origin=RequestOrigin(transport="cookie"))

    assert [] == house.events
    assert house.sign_in(username="x" * 4000)
