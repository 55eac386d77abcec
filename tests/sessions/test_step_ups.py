"""Step up: a proof within a session."""

import pytest

from login_scene import ACCESS, RequestOrigin
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


def test_a_proof_makes_the_level_explicit_again_and_ends_older_tokens(house, clock):
    tokens = house.sign_in(level="multifactor")
    clock.advance(seconds=ACCESS / 2 + 1)
    renewed = house.renew(tokens)

    stepped = house.step_up(renewed)

    assert ("remembered", "explicit") == (renewed.level, stepped.level)
    assert stepped.issued_at <= house.use(stepped).auth_time
    assert 1 == stepped.csrf_generation
    assert SteppedUp(subject="alice", session_id=tokens.session_id, level="explicit") in house.events
    for older in (tokens, renewed):
        with pytest.raises(RevokedToken):
            house.use(older)


def test_the_refresh_token_goes_on(house):
    tokens = house.sign_in()
    stepped = house.step_up(tokens)

    assert stepped.refresh_token is None
    assert "explicit" == house.refresh(tokens).level


def test_the_refresh_token_that_came_along_is_rotated(house):
    tokens = house.sign_in()

    stepped = house.step_up(tokens, refresh_token=tokens.refresh_token.value)

    assert tokens.refresh_token.value != stepped.refresh_token.value
    assert house.refresh(tokens).refresh_token == stepped.refresh_token
    assert house.refresh(stepped)


def test_a_stale_refresh_token_steps_nothing_up(house):
    tokens = house.sign_in()
    house.refresh(house.refresh(tokens))

    with pytest.raises(ReusedRefreshToken):
        house.step_up(tokens, refresh_token=tokens.refresh_token.value)
    assert house.use(tokens)


def test_the_refresh_token_of_another_session_is_refused(house):
    tokens, other = house.sign_in(), house.sign_in()

    with pytest.raises(BindingMismatch):
        house.step_up(tokens, refresh_token=other.refresh_token.value)


def test_the_refresh_token_must_come_by_its_transport(house):
    tokens = house.sign_in()

    with pytest.raises(BindingMismatch):
        house.step_up(tokens, refresh_token=tokens.refresh_token.value, origin=RequestOrigin(transport="cookie"))


def test_the_fifth_wrong_password_ends_the_session(house):
    """Whoever guesses holds a token, and may have stolen it."""
    tokens = house.sign_in()
    for _ in range(5):
        with pytest.raises(BadCredentials):
            house.step_up(tokens, "wrong")

    with pytest.raises(RevokedToken):
        house.use(tokens)
    with pytest.raises(RevokedToken):
        house.step_up(tokens)
    assert SessionEnded(subject="alice", session_id=tokens.session_id, reason="failures") in house.events


def test_a_right_password_forgets_the_wrong_ones(house):
    tokens = house.sign_in()
    for _ in range(3):
        for _ in range(4):
            with pytest.raises(BadCredentials):
                house.step_up(tokens, "wrong")
        tokens = house.step_up(tokens)

    assert house.use(tokens)


def test_a_name_that_means_another_by_now_proves_nothing(build):
    house = build()
    tokens = house.sign_in()
    house.folk.accounts["alice"] = Account("bob")

    with pytest.raises(BadCredentials):
        house.step_up(tokens)


def test_a_directory_that_fails_counts_no_failure(build):
    house = build()
    tokens = house.sign_in()
    house.folk.passwords = None
    for _ in range(6):
        with pytest.raises(Unavailable):
            house.step_up(tokens)

    assert house.use(tokens)


def test_without_a_directory_there_is_no_step_up(build):
    house = build(has_directory=False)

    with pytest.raises(NotSupported):
        house.step_up(house.sign_in())


def test_a_signed_out_session_steps_nothing_up(house):
    tokens = house.sign_in()
    house.run(house.open_sessions.sign_out(house.principal(tokens)))

    with pytest.raises(InvalidToken):
        house.step_up(tokens)
