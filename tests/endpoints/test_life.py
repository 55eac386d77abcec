"""Rows of the corpus of stateful attacks through the endpoints, over every kind of store; and the life of a login."""

import pytest

from safeconduct.events import RefreshReused, SignedIn
from visiting import ACCESS, REFRESH, Visitor


@pytest.fixture
def visitor(anywhere):
    return Visitor(anywhere)


def names(place):
    return [type(event).__name__ for event in place.events]


def test_stateful_scenarios_001_rotation_happy_path(visitor):
    visitor.take(remember=True)

    for _ in range(2):
        assert (200, 200) == (visitor.refresh(), visitor.use())


def test_stateful_scenarios_003_reuse_ends_the_family(anywhere, clock):
    """After the grace, thief and owner can't both go on (RFC 9700 §4.14.2)."""
    thief, owner = Visitor(anywhere), Visitor(anywhere)
    owner.take(remember=True)
    thief.refresh(owner.held["refresh_token"])
    clock.advance(seconds=11)

    assert (401, "invalid_grant") == (owner.refresh(), owner.answer["code"])
    assert (401, 401) == (thief.refresh(), thief.use())
    assert RefreshReused.__name__ in names(anywhere)


def test_stateful_scenarios_007_a_lost_answer_is_given_again(visitor):
    visitor.take(remember=True)
    first = visitor.held["refresh_token"]
    visitor.refresh(first)
    lost = visitor.held["refresh_token"]

    assert 200 == visitor.refresh(first)
    assert lost == visitor.held["refresh_token"]
    assert 200 == visitor.refresh()


def test_stateful_scenarios_013_logout_kills_access_and_refresh(visitor):
    visitor.take(remember=True)

    assert 204 == visitor.ask("POST", "/auth/logout", bearer=visitor.held["access_token"])
    assert (401, 401) == (visitor.use(), visitor.refresh())


def test_stateful_scenarios_021_session_fixation(visitor):
    """What was there before the sign-in is worth nothing afterwards, and is replaced."""
    visitor.jar = {ACCESS: "planted", REFRESH: "planted"}
    visitor.sign_in(remember=True)
    first = dict(visitor.jar)
    visitor.sign_in(remember=True)

    assert "planted" not in first.values()
    assert first[ACCESS] != visitor.jar[ACCESS]
    assert first[REFRESH] != visitor.jar[REFRESH]
    assert 2 == names(visitor.place).count(SignedIn.__name__)


def test_stateful_scenarios_023_disabled_user(anywhere, visitor):
    visitor.take(remember=True)
    del anywhere.folk.accounts["alice"]

    assert 401 == visitor.refresh()
    assert 401 == visitor.use()


def test_stateful_scenarios_033_a_remembered_proof_is_asked_for_its_expiry(visitor, clock):
    visitor.take()
    assert 200 == visitor.use()

    clock.advance(seconds=911)

    assert 401 == visitor.use()


def test_stateful_scenarios_041_login_rate_limit(make):
    """No spoofed address resets it, no other user suffers, the right password is no way around."""
    visitor = Visitor(make(login={}))
    wrong = [visitor.take("alice", "wrong") for _ in range(6)]
    waited = visitor.seen.values("retry-after")
    spoofed = visitor.ask(
        "POST",
        "/auth/login",
        said={"username": "alice", "password": "wonder"},
        headers=[("x-forwarded-for", "203.0.113.9"), ("forwarded", "for=203.0.113.9")],
    )

    assert [401] * 5 + [429] == wrong
    assert int(waited[0]) > 0
    assert (429, 200) == (spoofed, visitor.take("bob", "builder"))


def test_stateful_scenarios_051_nobody_may_keep_tokens(visitor):
    visitor.take(remember=True)
    kept = [visitor.seen.values("cache-control")]
    visitor.refresh()
    kept.append(visitor.seen.values("cache-control"))

    assert [("no-store",)] * 2 == kept


def test_who_comes_back_is_remembered_and_proves_himself_for_what_is_dangerous(visitor, clock):
    """L8, L9: a long-term credential stands for an explicit sign-in for one short life."""
    visitor.sign_in(remember=True)
    clock.advance(seconds=600)
    visitor.ask("POST", "/auth/refresh")
    soon = visitor.answer["level"]
    clock.advance(seconds=3600)
    visitor.ask("POST", "/auth/refresh")
    later, visitor.csrf = visitor.answer["level"], visitor.answer["csrf_token"]
    visitor.ask("POST", "/auth/step-up", said={"password": "wonder"})

    assert ("explicit", "remembered", "explicit") == (soon, later, visitor.answer["level"])
