"""A sign-in by cookie takes the place of whoever the browser was before (ASVS 7.2.4)."""

import pytest

from safeconduct.events import SessionEnded
from safeconduct.stores import MemoryStore
from visiting import ACCESS, DEVICE, OWN_PAGE, REFRESH, Visitor

BOB = ("bob", "builder")


def who(visitor):
    visitor.ask("GET", "/auth/session")
    return visitor.answer.get("subject")


@pytest.fixture
def browser(anywhere):
    return Visitor(anywhere)


def test_b1_nobody_becomes_the_person_before(browser, clock):
    """The access cookie of the first has ended, the second did not ask to be remembered."""
    browser.sign_in(remember=True)
    before = dict(browser.jar)
    clock.advance(seconds=1000)
    del browser.jar[ACCESS]

    assert 200 == browser.sign_in(*BOB)

    assert {ACCESS, DEVICE} == browser.jar.keys()
    assert "bob" == who(browser)
    assert 401 == browser.ask("POST", "/auth/refresh")
    assert 200 == browser.ask("POST", "/auth/step-up", said={"password": "builder"})
    browser.jar = before
    assert 401 == browser.ask("POST", "/auth/refresh")


def test_b1_the_sign_out_of_the_second_ends_his_session(browser):
    browser.sign_in(remember=True)
    browser.sign_in(*BOB)
    jar = dict(browser.jar)

    assert 204 == browser.ask("POST", "/auth/logout")

    browser.jar = jar
    assert 401 == browser.ask("GET", "/me")


@pytest.mark.parametrize("brought", [(ACCESS,), (REFRESH,), (ACCESS, REFRESH)], ids=["access", "refresh", "both"])
@pytest.mark.parametrize("remember", [False, True], ids=["short", "remembered"])
def test_b1_each_cookie_that_came_ends_its_session(place, visitor, brought, remember):
    visitor.sign_in(remember=True)
    before = dict(visitor.jar)
    visitor.jar = {name: before[name] for name in brought}

    assert 200 == visitor.sign_in(*BOB, remember=remember)

    assert remember == (REFRESH in visitor.jar)
    assert ["alice"] == [event.subject for event in place.events if isinstance(event, SessionEnded)]
    visitor.jar = before
    assert 401 == visitor.ask("GET", "/me")
    assert 401 == visitor.ask("POST", "/auth/refresh")


def test_b1_an_access_cookie_that_has_expired_ends_its_session_too(visitor, place, clock):
    visitor.sign_in(remember=True)
    refresh = visitor.jar.pop(REFRESH)
    clock.advance(seconds=1000)

    assert 200 == visitor.sign_in(*BOB)

    assert 401 == Visitor(place).refresh(refresh)


def test_b1_cookies_of_two_people_end_both(visitor, place):
    visitor.sign_in(remember=True)
    alice = dict(visitor.jar)
    visitor.jar = {}
    visitor.sign_in(*BOB, remember=True)
    visitor.jar[REFRESH] = alice[REFRESH]

    visitor.sign_in()

    assert {"alice", "bob"} == {event.subject for event in place.events if isinstance(event, SessionEnded)}


def test_b1_a_program_ends_nothing_of_the_browser(visitor, place):
    """Tokens in the body replace no cookie."""
    visitor.sign_in(remember=True)

    status = visitor.ask("POST", "/auth/login", said={"username": "bob", "password": "builder"})

    assert 200 == status
    assert () == visitor.seen.values("set-cookie")
    assert "alice" == who(visitor)
    assert [] == [event for event in place.events if isinstance(event, SessionEnded)]


def test_b1_a_wrong_password_ends_nothing(visitor):
    visitor.sign_in(remember=True)

    assert 401 == visitor.sign_in("bob", "wrong")
    assert "alice" == who(visitor)


@pytest.mark.parametrize("value", ["x", '"', "x.y.z", "A" * 96, "A" * 88])
def test_b1_a_cookie_that_nobody_can_read_keeps_nobody_out(visitor, value):
    visitor.jar = {ACCESS: value, REFRESH: value}

    assert 200 == visitor.sign_in()
    assert {ACCESS, DEVICE} == visitor.jar.keys()


def test_b1_two_cookies_of_one_name_keep_nobody_out(visitor):
    twice = f"{REFRESH}=a; {REFRESH}=b; {ACCESS}=a; {ACCESS}=b"
    said = {"username": "alice", "password": "wonder", "cookies": True}

    assert 200 == visitor.ask("POST", "/auth/login", said=said, headers=[("cookie", twice), *OWN_PAGE])


def test_b1_a_browser_of_a_process_that_is_gone_signs_in(workers, format_of_tokens):
    """Over the memory its sessions went with it; nobody can end them, and nobody is kept out by them."""
    first = workers(tokens={"format": format_of_tokens})
    visitor = Visitor(first)
    visitor.sign_in(remember=True)
    if isinstance(first.auth._container._stores, MemoryStore):
        first.auth._container._stores.begin_instance()

    assert 200 == visitor.sign_in()
    assert "alice" == who(visitor)


def test_b1_a_store_that_is_away_signs_nobody_in(doomed):
    """Neither are cookies set nor is anybody told that he is signed in."""
    place, server = doomed
    visitor = Visitor(place)
    visitor.sign_in(remember=True)
    server.kill()

    assert 503 == visitor.sign_in(*BOB)
    assert () == visitor.seen.values("set-cookie")


def test_b1_a_page_of_a_trusted_origin_leaves_no_refresh_cookie(make):
    """From another site it brings no strict cookie along, and the browser has it all the same."""
    place = make(csrf={"trusted_origins": ["https://login.example"]})
    visitor = Visitor(place)
    visitor.sign_in(remember=True)
    said = {"username": "bob", "password": "builder", "cookies": True}

    assert 200 == visitor.ask(
        "POST", "/auth/login", said=said, headers=[("origin", "https://login.example")], with_jar=False
    )

    assert {ACCESS, DEVICE} == visitor.jar.keys()
    assert "bob" == who(visitor)
