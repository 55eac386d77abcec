"""Step up without a store, and refuse the verbs that need one."""

import pytest

from login_stack import ACCESS, HOME, StatelessLoginStack, StaticDirectory
from safeconduct import RequestOrigin
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
from token_factory import ISSUER

DAY = 86400
PRINCIPALS_WITHOUT_SESSION = pytest.mark.parametrize(
    "changed",
    [{"issuer": "https://idp.example"}, {"session_id": None}, {"session_id": "x"}],
    ids=["another issuer", "a client", "an odd id"],
)


@pytest.fixture
def stack():
    return StatelessLoginStack()


def principal_without_session(**changed):
    fields = {"issuer": ISSUER, "session_id": "A" * 24, **changed}
    return Principal(subject="alice", scheme="bearer", expires_at=0, **fields)


def test_a_proof_makes_the_level_explicit_again(stack):
    tokens = stack.sign_in(level="multifactor")
    stack.clock.advance(seconds=ACCESS - 1)

    stepped = stack.step_up(tokens)

    assert "explicit" == stepped.level
    assert tokens.session_id == stepped.session_id
    assert tokens.issued_at + ACCESS - 1 == stack.principal(stepped).auth_time == stepped.csrf_generation
    assert stepped.refresh_token is None
    assert SteppedUp(subject="alice", session_id=tokens.session_id, level="explicit") == stack.events[-1]


def test_a_refresh_token_that_came_along_is_replaced_with_the_same_expiry(stack):
    """The absolute expiry does not change."""
    tokens = stack.sign_in()
    stack.clock.advance(seconds=DAY)
    refreshed = stack.refresh(tokens)

    stepped = stack.step_up(refreshed, refresh_token=tokens.refresh_token.value)

    assert tokens.refresh_token.expires_at == stepped.refresh_token.expires_at
    assert ("remembered", "explicit") == (stack.refresh(tokens).level, stack.refresh(stepped).level)


def test_the_user_is_asked_for_under_the_name_that_they_gave(stack):
    """Without the refresh token the name is unknown, and the subject is used instead."""
    stack.directory.passwords["Al"], stack.directory.accounts["Al"] = "wonder", Account("alice")
    stack.directory.passwords["alice"] = "other"
    tokens, usernames = stack.sign_in(username="Al"), []

    def knows_device(username):
        usernames.append(username)
        return True

    stack.step_up(tokens, refresh_token=tokens.refresh_token.value, knows_device=knows_device)
    stack.step_up(tokens, "other", knows_device=knows_device)

    assert ["Al", "alice"] == usernames


@pytest.mark.parametrize("name", ["alice", "bob"])
def test_the_refresh_token_of_another_session_is_refused(stack, name):
    tokens, other = stack.sign_in(), stack.sign_in(name)

    with pytest.raises(BindingMismatch):
        stack.step_up(tokens, refresh_token=other.refresh_token.value)


def test_a_wrong_password_steps_nothing_up(stack):
    with pytest.raises(BadCredentials):
        stack.step_up(stack.sign_in(), "wrong")


def test_the_throttle_bounds_the_wrong_passwords(stack):
    """Without a store there is no session to end after five failures."""
    tokens = stack.sign_in()

    refused = []
    for _ in range(51):
        with pytest.raises((BadCredentials, TooManyAttempts)) as caught:
            stack.step_up(tokens, "wrong", origin=RequestOrigin(network=HOME))
        refused.append(caught.type)

    assert TooManyAttempts is refused[-1]


def test_a_name_that_means_another_proves_nothing(stack):
    tokens = stack.sign_in()
    stack.directory.accounts["alice"] = Account("bob")

    with pytest.raises(BadCredentials):
        stack.step_up(tokens)


def test_a_static_directory_proves_within_a_session():
    stack = StatelessLoginStack(directory=StaticDirectory(alice="wonder"))

    assert frozenset({"user"}) == stack.principal(stack.step_up(stack.sign_in())).roles


def test_without_a_directory_there_is_no_step_up():
    stack = StatelessLoginStack(has_directory=False)

    with pytest.raises(NotSupported):
        stack.step_up(stack.sign_in())


@PRINCIPALS_WITHOUT_SESSION
def test_without_a_session_there_is_nothing_to_step_up_or_to_touch(stack, changed):
    session_verbs, principal = stack.session_verbs, principal_without_session(**changed)

    for verb in (
        lambda: session_verbs.step_up(principal, "wonder"),
        lambda: session_verbs.touch(principal),
        lambda: session_verbs.status(principal),
    ):
        with pytest.raises(NotRenewable):
            stack.run(verb())


def test_signing_out_does_nothing(stack):
    """The sign-out is local: the caller forgets the tokens, and a copy stays valid."""
    tokens, verbs = stack.sign_in(), stack.session_verbs
    events_before = list(stack.events)

    stack.run(verbs.sign_out(stack.principal(tokens)))
    stack.run(verbs.sign_out(principal_without_session(session_id=None)))
    stack.run(verbs.sign_out_with(tokens.refresh_token.value))
    stack.run(verbs.sign_out_with("garbage"))
    stack.run(verbs.sign_out_of(tokens.session_id))

    assert events_before == stack.events
    assert stack.refresh(tokens)


def test_what_only_a_store_can_do_is_refused(stack):
    verbs = stack.session_verbs

    for verb in (
        lambda: verbs.sign_out_everywhere("alice"),
        lambda: verbs.list("alice", current="s"),
        lambda: verbs.page("alice", current="s"),
        lambda: verbs.end("s", subject="alice"),
    ):
        with pytest.raises(NotSupported):
            stack.run(verb())


def test_a_session_lasts_as_long_as_its_tokens_and_offers_no_extension(stack):
    verbs, principal = stack.session_verbs, stack.principal(stack.sign_in())

    nothing = SessionStatus(is_kept=False, is_remembered=False, renew_after=None, extend_after=None, extend_before=None)

    assert stack.run(verbs.touch(principal)) is None
    assert nothing == stack.run(verbs.status(principal))


def test_an_account_that_is_disabled_does_not_step_up(stack):
    tokens = stack.sign_in()
    stack.directory.accounts["alice"] = Account("alice", disabled=True)
    stack.directory.check = lambda *_: Account("alice")

    with pytest.raises(RevokedToken):
        stack.step_up(tokens)
