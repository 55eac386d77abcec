"""Rows of the corpus of stateful attacks about sessions, over every kind of store."""

import pytest

from corpora import cases
from login_stack import ACCESS, GRACE
from safeconduct.errors import InvalidToken, ReusedRefreshToken, RevokedToken, Unavailable
from safeconduct.events import RefreshReused, SessionEnded

PAST_THE_GRACE = GRACE + 1


def test_stateful_scenarios_001_rotation_happy_path(stack):
    first = stack.sign_in()
    second = stack.refresh(first)
    third = stack.refresh(second)

    assert "alice" == stack.use(second).subject
    assert 3 == len({one.refresh_token.value for one in (first, second, third)})
    assert 1 == len({one.session_id for one in (first, second, third)})


def test_stateful_scenarios_003_reuse_by_attacker_first_then_victim(stack, clock):
    first = stack.sign_in()
    theirs = stack.refresh(first)
    clock.advance(seconds=PAST_THE_GRACE)

    with pytest.raises(ReusedRefreshToken) as caught:
        stack.refresh(first)

    assert first.session_id == caught.value.session_id
    with pytest.raises(RevokedToken):
        stack.refresh(theirs)
    with pytest.raises(RevokedToken):
        stack.use(theirs)
    ended = [event for event in stack.events if isinstance(event, RefreshReused | SessionEnded)]
    assert [RefreshReused, SessionEnded] == [type(event) for event in ended]


def test_stateful_scenarios_007_response_lost_client_retries_within_grace(stack):
    first = stack.sign_in()
    lost = stack.refresh(first)

    again = stack.refresh(first)

    assert lost.refresh_token == again.refresh_token
    assert stack.refresh(again)


def test_stateful_scenarios_009_transaction_failure_does_not_burn_token(stack, clock):
    """The directory fails before anything is written, and the old token is valid after the grace period."""
    first = stack.sign_in()
    accounts, stack.directory.accounts = stack.directory.accounts, None
    with pytest.raises(Unavailable):
        stack.refresh(first)
    stack.directory.accounts = accounts
    clock.advance(seconds=PAST_THE_GRACE)

    assert stack.refresh(first)


def test_stateful_scenarios_011_absolute_lifetime(stack, clock):
    tokens = stack.sign_in()
    refreshes = 0
    while True:
        clock.advance(seconds=7 * 86400 + 60)
        try:
            tokens = stack.refresh(tokens, extend=True)
        except InvalidToken:
            break
        refreshes += 1

    assert 4 == refreshes


def test_stateful_scenarios_013_logout_kills_access_and_refresh(stack):
    tokens = stack.sign_in()

    stack.run(stack.session_verbs.sign_out(stack.principal(tokens)))

    with pytest.raises(RevokedToken):
        stack.use(tokens)
    with pytest.raises(RevokedToken):
        stack.refresh(tokens)


def test_stateful_scenarios_015_logout_with_expired_access_token_still_kills_family(stack, clock):
    tokens = stack.sign_in()
    clock.advance(seconds=ACCESS + 11)

    stack.run(stack.session_verbs.sign_out_with(tokens.refresh_token.value))

    with pytest.raises(RevokedToken):
        stack.refresh(tokens)


def test_stateful_scenarios_019_revoke_all_and_new_login_in_the_same_second(stack, clock):
    clock.advance(seconds=0.2)
    before = stack.sign_in()
    clock.advance(seconds=0.3)
    stack.run(stack.session_verbs.sign_out_everywhere("alice"))
    clock.advance(seconds=0.2)

    after = stack.sign_in()

    with pytest.raises(RevokedToken):
        stack.use(before)
    assert "alice" == stack.use(after).subject
    assert stack.refresh(after)


def test_stateful_scenarios_023_disabled_user(stack):
    tokens = stack.sign_in()
    del stack.directory.accounts["alice"]

    with pytest.raises(RevokedToken):
        stack.refresh(tokens)
    with pytest.raises(RevokedToken):
        stack.use(tokens)


def test_stateful_scenarios_027_clock_rollback(stack, clock):
    tokens = stack.sign_in()
    stack.run(stack.session_verbs.sign_out(stack.principal(tokens)))
    clock.advance(seconds=-5)

    with pytest.raises(RevokedToken):
        stack.use(tokens)
    with pytest.raises(RevokedToken):
        stack.refresh(tokens)


def test_stateful_scenarios_049_tenant_isolation(build, open_stores):
    """The same name at two issuers is two users, because all keys include the issuer."""
    stores = open_stores("memory")
    one, other = build(stores), build(stores, issuer="https://other.example", first=1 << 20)
    theirs = other.sign_in("alice")
    ours = one.sign_in("alice")

    one.run(one.session_verbs.sign_out_everywhere("alice"))

    assert other.use(theirs)
    assert other.refresh(theirs)
    with pytest.raises(RevokedToken):
        one.use(ours)


def test_every_row_that_is_named_here_is_in_the_corpus():
    known = {case["id"].replace("-", "_") for case in cases("attacks/stateful-scenarios")}
    named = {name.removeprefix("test_")[:22] for name in globals() if name.startswith("test_stateful")}

    assert set() == named - known
