"""The rows of the corpus of stateful attacks that are about sessions, over every kind of store, by their ids."""

import pytest

from corpora import cases
from login_scene import ACCESS, GRACE
from safeconduct.errors import InvalidToken, ReusedRefreshToken, RevokedToken, Unavailable
from safeconduct.events import RefreshReused, SessionEnded

PAST_THE_GRACE = GRACE + 1


def test_stateful_scenarios_001_rotation_happy_path(house):
    first = house.sign_in()
    second = house.refresh(first)
    third = house.refresh(second)

    assert "alice" == house.use(second).subject
    assert 3 == len({one.refresh_token.value for one in (first, second, third)})
    assert 1 == len({one.session_id for one in (first, second, third)})


def test_stateful_scenarios_003_reuse_by_attacker_first_then_victim(house, clock):
    first = house.sign_in()
    theirs = house.refresh(first)
    clock.advance(seconds=PAST_THE_GRACE)

    with pytest.raises(ReusedRefreshToken) as caught:
        house.refresh(first)

    assert first.session_id == caught.value.session_id
    with pytest.raises(RevokedToken):
        house.refresh(theirs)
    with pytest.raises(RevokedToken):
        house.use(theirs)
    ended = [event for event in house.events if isinstance(event, RefreshReused | SessionEnded)]
    assert [RefreshReused, SessionEnded] == [type(event) for event in ended]


def test_stateful_scenarios_007_response_lost_client_retries_within_grace(house):
    first = house.sign_in()
    lost = house.refresh(first)

    again = house.refresh(first)

    assert lost.refresh_token == again.refresh_token
    assert house.refresh(again)


def test_stateful_scenarios_009_transaction_failure_does_not_burn_token(house, clock):
    """The directory fails before anything is written, and the old token is good after the grace."""
    first = house.sign_in()
    accounts, house.folk.accounts = house.folk.accounts, None
    with pytest.raises(Unavailable):
        house.refresh(first)
    house.folk.accounts = accounts
    clock.advance(seconds=PAST_THE_GRACE)

    assert house.refresh(first)


def test_stateful_scenarios_011_absolute_lifetime(house, clock):
    tokens = house.sign_in()
    refreshes = 0
    while True:
        clock.advance(seconds=7 * 86400 + 60)
        try:
            tokens = house.refresh(tokens, extend=True)
        except InvalidToken:
            break
        refreshes += 1

    assert 4 == refreshes


def test_stateful_scenarios_013_logout_kills_access_and_refresh(house):
    tokens = house.sign_in()

    house.run(house.open_sessions.sign_out(house.principal(tokens)))

    with pytest.raises(RevokedToken):
        house.use(tokens)
    with pytest.raises(RevokedToken):
        house.refresh(tokens)


def test_stateful_scenarios_015_logout_with_expired_access_token_still_kills_family(house, clock):
    tokens = house.sign_in()
    clock.advance(seconds=ACCESS + 11)

    house.run(house.open_sessions.sign_out_with(tokens.refresh_token.value))

    with pytest.raises(RevokedToken):
        house.refresh(tokens)


def test_stateful_scenarios_019_revoke_all_and_new_login_in_the_same_second(house, clock):
    clock.advance(seconds=0.2)
    before = house.sign_in()
    clock.advance(seconds=0.3)
    house.run(house.open_sessions.sign_out_everywhere("alice"))
    clock.advance(seconds=0.2)

    after = house.sign_in()

    with pytest.raises(RevokedToken):
        house.use(before)
    assert "alice" == house.use(after).subject
    assert house.refresh(after)


def test_stateful_scenarios_023_disabled_user(house):
    tokens = house.sign_in()
    del house.folk.accounts["alice"]

    with pytest.raises(RevokedToken):
        house.refresh(tokens)
    with pytest.raises(RevokedToken):
        house.use(tokens)


def test_stateful_scenarios_027_clock_rollback(house, clock):
    tokens = house.sign_in()
    house.run(house.open_sessions.sign_out(house.principal(tokens)))
    clock.advance(seconds=-5)

    with pytest.raises(RevokedToken):
        house.use(tokens)
    with pytest.raises(RevokedToken):
        house.refresh(tokens)


def test_stateful_scenarios_049_tenant_isolation(build, open_stores):
    """The same name in two tenants is two people: everything is named with its issuer."""
    stores = open_stores("memory")
    one, other = build(stores), build(stores, issuer="https://other.example", first=1 << 20)
    theirs = other.sign_in("alice")
    ours = one.sign_in("alice")

    one.run(one.open_sessions.sign_out_everywhere("alice"))

    assert other.use(theirs)
    assert other.refresh(theirs)
    with pytest.raises(RevokedToken):
        one.use(ours)


def test_every_row_that_is_named_here_is_in_the_corpus():
    known = {case["id"].replace("-", "_") for case in cases("attacks/stateful-scenarios")}
    named = {name.removeprefix("test_")[:22] for name in globals() if name.startswith("test_stateful")}

    assert set() == named - known
