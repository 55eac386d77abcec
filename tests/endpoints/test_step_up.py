"""``POST /auth/step-up``: the password again, and what the session is worth then."""

import pytest

from safeconduct.errors import TooManyAttempts
from visiting import ACCESS, REFRESH, Visitor


def remembered(visitor, clock):
    """Sign in as a page and come back when only the cookie remembers."""
    visitor.sign_in(remember=True)
    clock.advance(seconds=2000)
    visitor.ask("POST", "/auth/refresh")
    visitor.csrf = visitor.answer["csrf_token"]
    return visitor.answer["level"]


def test_a_page_steps_up_by_cookie(visitor, clock):
    """The older tokens of the session end, and with them the CSRF token of before."""
    assert "remembered" == remembered(visitor, clock)
    before, csrf = dict(visitor.jar), visitor.csrf

    assert 200 == visitor.ask("POST", "/auth/step-up", said={"password": "wonder"})

    answer = visitor.answer
    assert "explicit" == answer["level"]
    assert csrf != answer["csrf_token"]
    assert {"access_token", "refresh_token"}.isdisjoint(answer)
    assert before[REFRESH] != visitor.jar[REFRESH]
    now, visitor.jar = dict(visitor.jar), before
    assert 401 == visitor.ask("GET", "/me")
    visitor.jar = now
    assert 403 == visitor.ask("POST", "/me")
    visitor.csrf = answer["csrf_token"]
    assert 200 == visitor.ask("POST", "/me")


def test_a_program_steps_up_and_its_refresh_token_is_rotated_if_it_came(visitor, clock):
    visitor.take(remember=True)
    clock.advance(seconds=1)
    token = visitor.held["access_token"]

    assert 200 == visitor.ask(
        "POST", "/auth/step-up", said={"password": "wonder", "refresh_token": visitor.held["refresh_token"]},
        bearer=token,
    )  # fmt: skip

    answer = visitor.answer
    assert answer["refresh_token"] != visitor.held["refresh_token"]
    assert (401, 200) == (visitor.use(token), visitor.use(answer["access_token"]))


def test_who_comes_by_a_header_leaves_the_cookies_alone(place):
    """A browser sends them along; they are of another session."""
    visitor = Visitor(place)
    visitor.take()
    visitor.sign_in("bob", "builder", remember=True)
    before = dict(visitor.jar)

    assert 200 == visitor.ask("POST", "/auth/step-up", said={"password": "wonder"}, bearer=visitor.held["access_token"])

    assert "access_token" in visitor.answer
    assert "refresh_token" not in visitor.answer
    assert before == visitor.jar


def test_a_refresh_token_by_the_wrong_way_is_refused(visitor):
    """A page that shows a token in a body has stolen it."""
    visitor.sign_in(remember=True)
    stolen = visitor.jar.pop(REFRESH)

    status = visitor.ask("POST", "/auth/step-up", said={"password": "wonder", "refresh_token": stolen})

    assert 401 == status


def test_without_a_refresh_cookie_the_access_cookie_alone_is_new(visitor):
    visitor.sign_in()
    before = dict(visitor.jar)

    assert 200 == visitor.ask("POST", "/auth/step-up", said={"password": "wonder"})

    assert before[ACCESS] != visitor.jar[ACCESS]
    assert REFRESH not in visitor.jar


def test_five_wrong_passwords_end_the_session(visitor):
    """Whoever tries holds its token and may have stolen it."""
    visitor.take()
    token = visitor.held["access_token"]

    statuses = [visitor.ask("POST", "/auth/step-up", said={"password": "x"}, bearer=token) for _ in range(5)]

    assert [401] * 5 == statuses
    assert 401 == visitor.use()


@pytest.mark.parametrize(
    ("said", "status"), [({}, 400), ({"password": True}, 400), ({"password": "x", "refresh_token": "y"}, 401)], ids=str
)
def test_what_is_wrong_is_told(visitor, said, status):
    visitor.take()

    assert status == visitor.ask("POST", "/auth/step-up", said=said, bearer=visitor.held["access_token"])


def test_a_foreign_page_proves_nothing(visitor):
    visitor.sign_in()
    visitor.csrf = None

    assert 403 == visitor.ask("POST", "/auth/step-up", said={"password": "wonder"})


def test_it_needs_an_access_token(visitor):
    assert 401 == visitor.ask("POST", "/auth/step-up", said={"password": "wonder"})


@pytest.mark.parametrize("store", ["memory://", "none"])
def test_h_code_that_steps_up_knows_no_device(make, store):
    """Without a device cookie the tries of the whole account count, from wherever they came."""
    place = make(store=store, login={"failures_per_account": 2, "failures_per_account_and_network": 9})
    visitor = Visitor(place)
    visitor.take()
    token = visitor.held["access_token"]
    for _ in range(2):
        visitor.ask("POST", "/auth/login", said={"username": "alice", "password": "wrong"}, with_jar=False)

    with pytest.raises(TooManyAttempts):
        place.auth.sessions.step_up(token, "wonder")


def test_a_device_counts_for_the_name_of_the_session(make):
    """What strangers fill keeps a known device from nothing."""
    place = make(login={"failures_per_account": 2, "failures_per_account_and_network": 3})
    known, stranger = Visitor(place), Visitor(place)
    known.sign_in()
    stranger.take()
    for _ in range(2):
        stranger.ask("POST", "/auth/login", said={"username": "alice", "password": "wrong"})
    token = stranger.held["access_token"]

    assert 429 == stranger.ask("POST", "/auth/step-up", said={"password": "wonder"}, bearer=token)
    assert 200 == known.ask("POST", "/auth/step-up", said={"password": "wonder"})
