"""Step up: prove the password again within a session."""

import pytest

from login_stack import ACCESS
from safeconduct import RequestOrigin
from safeconduct._core.directory import Account
from safeconduct.errors import (
    BadCredentials,
    BindingMismatch,
    InvalidToken,
    NotSupported,
    ReusedRefreshToken,
    RevokedToken,
    Unavailable,
)
from safeconduct.events import SessionEnded, SteppedUp


def test_a_proof_makes_the_level_explicit_again_and_ends_older_tokens(stack, clock):
    tokens = stack.sign_in(level="multifactor")
    clock.advance(seconds=ACCESS / 2 + 1)
    renewed = stack.renew(tokens)

    stepped = stack.step_up(renewed)

    assert ("remembered", "explicit") == (renewed.level, stepped.level)
    assert stepped.issued_at <= stack.use(stepped).auth_time
    assert 1 == stepped.csrf_generation
    assert SteppedUp(subject="alice", session_id=tokens.session_id, level="explicit") in stack.events
    for older in (tokens, renewed):
        with pytest.raises(RevokedToken):
            stack.use(older)


def test_the_refresh_token_goes_on(stack):
    tokens = stack.sign_in()
    stepped = stack.step_up(tokens)

    assert stepped.refresh_token is None
    assert "explicit" == stack.refresh(tokens).level


def test_the_refresh_token_that_came_along_is_rotated(stack):
    tokens = stack.sign_in()

    stepped = stack.step_up(tokens, refresh_token=tokens.refresh_token.value)

    assert tokens.refresh_token.value != stepped.refresh_token.value
    assert stack.refresh(tokens).refresh_token == stepped.refresh_token
    assert stack.refresh(stepped)


def test_a_stale_refresh_token_steps_nothing_up(stack):
    tokens = stack.sign_in()
    stack.refresh(stack.refresh(tokens))

    with pytest.raises(ReusedRefreshToken):
        stack.step_up(tokens, refresh_token=tokens.refresh_token.value)
    assert stack.use(tokens)


def test_the_refresh_token_of_another_session_is_refused(stack):
    tokens, other = stack.sign_in(), stack.sign_in()

    with pytest.raises(BindingMismatch):
        stack.step_up(tokens, refresh_token=other.refresh_token.value)


def test_the_refresh_token_must_come_by_its_transport(stack):
    tokens = stack.sign_in()

    with pytest.raises(BindingMismatch):
        stack.step_up(tokens, refresh_token=tokens.refresh_token.value, origin=RequestOrigin(transport="cookie"))


def test_the_fifth_wrong_password_ends_the_session(stack):
    """The caller holds a token and may have stolen it."""
    tokens = stack.sign_in()
    for _ in range(5):
        with pytest.raises(BadCredentials):
            stack.step_up(tokens, "wrong")

    with pytest.raises(RevokedToken):
        stack.use(tokens)
    with pytest.raises(RevokedToken):
        stack.step_up(tokens)
    assert SessionEnded(subject="alice", session_id=tokens.session_id, reason="failures") in stack.events


def test_a_right_password_forgets_the_wrong_ones(stack):
    tokens = stack.sign_in()
    for _ in range(3):
        for _ in range(4):
            with pytest.raises(BadCredentials):
                stack.step_up(tokens, "wrong")
        tokens = stack.step_up(tokens)

    assert stack.use(tokens)


def test_a_name_that_means_another_by_now_proves_nothing(build):
    stack = build()
    tokens = stack.sign_in()
    stack.directory.accounts["alice"] = Account("bob")

    with pytest.raises(BadCredentials):
        stack.step_up(tokens)


def test_a_directory_that_fails_counts_no_failure(build):
    stack = build()
    tokens = stack.sign_in()
    stack.directory.passwords = None
    for _ in range(6):
        with pytest.raises(Unavailable):
            stack.step_up(tokens)

    assert stack.use(tokens)


def test_without_a_directory_there_is_no_step_up(build):
    stack = build(has_directory=False)

    with pytest.raises(NotSupported):
        stack.step_up(stack.sign_in())


def test_a_signed_out_session_steps_nothing_up(stack):
    tokens = stack.sign_in()
    stack.run(stack.session_verbs.sign_out(stack.principal(tokens)))

    with pytest.raises(InvalidToken):
        stack.step_up(tokens)
