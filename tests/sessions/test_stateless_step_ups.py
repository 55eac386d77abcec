"""Step up where no store keeps the session, and the verbs on sessions that only a store can know."""

import pytest

from login_scene import ACCESS, HOME, RequestOrigin
from safeconduct._core.directory import Account
from safeconduct._core.sessions.verbs import SessionStatus
from safeconduct.errors import (
    BadCredentials,
    BindingMismatch,
    NotRenewable,
    NotSupported,
    RevokedToken,
    TooManyAttempts,
)
from safeconduct.events import SteppedUp
from safeconduct.principal import Principal
from stateless_scene import StatelessHouse, StaticFolk
from tokencraft import ISSUER

DAY = 86400
STRANGERS = pytest.mark.parametrize(
    "changed",
    [{"issuer": "https://idp.example"}, {"session_id": None}, {"session_id": "x"}],
    ids=["another issuer", "a client", "an odd id"],
)


@pytest.fixture
def house():
    return StatelessHouse()


def stranger(**changed):
    fields = {"issuer": ISSUER, "session_id": "A" * 24, **changed}
    return Principal(subject="alice", scheme="bearer", expires_at=0, **fields)


def test_a_proof_makes_the_level_explicit_again(house):
    tokens = house.sign_in(level="multifactor")
    house.clock.advance(seconds=ACCESS - 1)

    stepped = house.step_up(tokens)

    assert "explicit" == stepped.level
    assert tokens.session_id == stepped.session_id
    assert tokens.issued_at + ACCESS - 1 == house.principal(stepped).auth_time == stepped.csrf_generation
    assert stepped.refresh_token is None
    assert SteppedUp(subject="alice", session_id=tokens.session_id, level="explicit") == house.events[-1]


def test_the_refresh_token_that_came_along_is_made_anew_with_its_end(house):
    """The absolute end is not moved."""
    tokens = house.sign_in()
    house.clock.advance(seconds=DAY)
    refreshed = house.refresh(tokens)

    stepped = house.step_up(refreshed, refresh_token=tokens.refresh_token.value)

    assert tokens.refresh_token.expires_at == stepped.refresh_token.expires_at
    assert ("remembered", "explicit") == (house.refresh(tokens).level, house.refresh(stepped).level)


def test_the_user_is_asked_for_under_the_name_that_he_gave(house):
    """Without the refresh token nothing tells that name, and the subject's own has to do."""
    house.folk.passwords["Al"], house.folk.accounts["Al"] = "wonder", Account("alice")
    house.folk.passwords["alice"] = "other"
    tokens, asked = house.sign_in(username="Al"), []

    def knows_device(username):
        asked.append(username)
        return True

    house.step_up(tokens, refresh_token=tokens.refresh_token.value, knows_device=knows_device)
    house.step_up(tokens, "other", knows_device=knows_device)

    assert ["Al", "alice"] == asked


@pytest.mark.parametrize("name", ["alice", "bob"])
def test_the_refresh_token_of_another_session_is_refused(house, name):
    tokens, other = house.sign_in(), house.sign_in(name)

    with pytest.raises(BindingMismatch):
        house.step_up(tokens, refresh_token=other.refresh_token.value)


def test_a_wrong_password_steps_nothing_up(house):
    with pytest.raises(BadCredentials):
        house.step_up(house.sign_in(), "wrong")


def test_the_throttle_bounds_the_wrong_passwords(house):
    """There is no session to end after five."""
    tokens = house.sign_in()

    refused = []
    for _ in range(51):
        with pytest.raises((BadCredentials, TooManyAttempts)) as caught:
            house.step_up(tokens, "wrong", origin=RequestOrigin(network=HOME))
        refused.append(caught.type)

    assert TooManyAttempts is refused[-1]


def test_a_name_that_means_another_proves_nothing(house):
    tokens = house.sign_in()
    house.folk.accounts["alice"] = Account("bob")

    with pytest.raises(BadCredentials):
        house.step_up(tokens)


def test_a_static_directory_proves_within_a_session():
    house = StatelessHouse(folk=StaticFolk(alice="wonder"))

    assert frozenset({"user"}) == house.principal(house.step_up(house.sign_in())).roles


def test_without_a_directory_there_is_no_step_up():
    house = StatelessHouse(has_directory=False)

    with pytest.raises(NotSupported):
        house.step_up(house.sign_in())


@STRANGERS
def test_without_a_session_there_is_nothing_to_step_up_or_to_touch(house, changed):
    session_verbs, principal = house.session_verbs, stranger(**changed)

    for verb in (
        lambda: session_verbs.step_up(principal, "wonder"),
        lambda: session_verbs.touch(principal),
        lambda: session_verbs.status(principal),
    ):
        with pytest.raises(NotRenewable):
            house.run(verb())


def test_signing_out_does_nothing(house):
    """It is local: the caller forgets his tokens, and a copy of them lives on."""
    tokens, open_sessions = house.sign_in(), house.session_verbs
    told = list(house.events)

    house.run(open_sessions.sign_out(house.principal(tokens)))
    house.run(open_sessions.sign_out(stranger(session_id=None)))
    house.run(open_sessions.sign_out_with(tokens.refresh_token.value))
    house.run(open_sessions.sign_out_with("garbage"))
    house.run(open_sessions.sign_out_of(tokens.session_id))

    assert told == house.events
    assert house.refresh(tokens)


def test_what_only_a_store_can_do_is_refused(house):
    open_sessions = house.session_verbs

    for verb in (
        lambda: open_sessions.sign_out_everywhere("alice"),
        lambda: open_sessions.list("alice", current="s"),
        lambda: open_sessions.page("alice", current="s"),
        lambda: open_sessions.end("s", subject="alice"),
    ):
        with pytest.raises(NotSupported):
            house.run(verb())


def test_a_session_stands_as_long_as_its_tokens_and_has_no_prospects(house):
    open_sessions, principal = house.session_verbs, house.principal(house.sign_in())

    nothing = SessionStatus(is_kept=False, is_remembered=False, renew_after=None, extend_after=None, extend_before=None)

    assert house.run(open_sessions.touch(principal)) is None
    assert nothing == house.run(open_sessions.status(principal))


def test_an_account_that_is_disabled_does_not_step_up(house):
    tokens = house.sign_in()
    house.folk.accounts["alice"] = Account("alice", disabled=True)
    house.folk.check = lambda *_: Account("alice")

    with pytest.raises(RevokedToken):
        house.step_up(tokens)
