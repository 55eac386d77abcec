"""The life of a login where no store keeps it: what works, what is refused by name, and what nobody can end."""

import pytest

from safeconduct import Auth, ConfigurationError
from safeconduct.errors import NotSupported
from visiting import ACCESS, REFRESH, Visitor, life_configuration


@pytest.fixture
def place(make):
    return make(store="none")


@pytest.fixture
def visitor(place):
    return Visitor(place)


def test_a_page_signs_in_and_out(visitor):
    """Cookies, CSRF and origin are what they are elsewhere."""
    assert 200 == visitor.sign_in(remember=True)
    assert 200 == visitor.ask("POST", "/me")
    visitor.csrf, kept = "wrong", visitor.csrf
    assert 403 == visitor.ask("POST", "/me")

    visitor.csrf = kept
    assert 204 == visitor.ask("POST", "/auth/logout")
    assert not {ACCESS, REFRESH} & visitor.jar.keys()


def test_a_refresh_token_stays_as_it_is_and_its_level_sinks(visitor, clock):
    """It stands for an explicit sign-in for one short life, and does not rotate."""
    visitor.take(remember=True)
    first = visitor.held["refresh_token"]
    assert visitor.held["extend_after"] is None
    levels = []
    for seconds in (60, 3600):
        clock.advance(seconds=seconds)
        assert 200 == visitor.refresh(first)
        assert "refresh_token" not in visitor.held
        levels.append(visitor.held["level"])
        assert 200 == visitor.use()

    assert ["explicit", "remembered"] == levels


def test_it_ends_after_a_week_at_the_latest(visitor, clock):
    visitor.take(remember=True)
    clock.advance(seconds=7 * 86_400)

    assert (401, "invalid_grant") == (visitor.refresh(), visitor.answer["code"])


def test_a_step_up_raises_the_level(visitor, clock):
    visitor.sign_in(remember=True)
    clock.advance(seconds=3600)
    visitor.ask("POST", "/auth/refresh")
    visitor.csrf = visitor.answer["csrf_token"]
    before = visitor.answer["level"]

    assert 200 == visitor.ask("POST", "/auth/step-up", said={"password": "wonder"})

    assert ("remembered", "explicit") == (before, visitor.answer["level"])


def test_what_only_a_store_can_do_is_refused_by_name(visitor):
    """501 is no promise that was half kept; a renewal is 403, as it is wherever the end can't grow."""
    visitor.take(remember=True)
    token, session_id = visitor.held["access_token"], visitor.held["session_id"]

    def asked(method, path):
        return visitor.ask(method, path, bearer=token)

    assert 501 == asked("GET", "/auth/sessions")
    assert 501 == asked("DELETE", f"/auth/sessions/{session_id}")
    assert 501 == asked("POST", "/auth/logout-everywhere")
    assert 403 == asked("POST", "/auth/renew")
    assert 501 == visitor.refresh(extend=True)


def test_a_copy_outlives_the_sign_out(visitor):
    """Nobody can end it: that is what a store is for, and why its end is never far."""
    visitor.take(remember=True)
    copied = visitor.held["refresh_token"]

    assert 204 == visitor.ask("POST", "/auth/logout", said={"refresh_token": copied}, with_jar=False)

    assert (200, 200) == (visitor.use(), visitor.refresh(copied))


def test_only_what_can_be_done_is_offered(visitor):
    visitor.take()
    visitor.ask("GET", "/auth/session", bearer=visitor.held["access_token"])

    assert {"logout", "step-up"} == {link["rel"] for link in visitor.answer["links"]}
    assert visitor.answer["renew_after"] is None


def test_who_is_gone_from_the_directory_is_refused(place, visitor):
    visitor.take(remember=True)
    del place.folk.accounts["alice"]

    assert 401 == visitor.refresh()


def test_nothing_is_revoked(make):
    """The verbs say so too, instead of doing nothing."""
    auth = make(store="none").auth

    for verb in (auth.sessions.sign_out_everywhere, auth.sessions.list, auth.sessions.revoke_subject):
        with pytest.raises(NotSupported):
            verb("alice")


@pytest.mark.parametrize("fields", [{"tokens": {"format": "opaque"}}, {"sessions": {"require_session": True}}], ids=str)
def test_what_needs_a_store_is_found_at_once(fields):
    with pytest.raises(ConfigurationError):
        Auth(life_configuration(store="none", **fields))
