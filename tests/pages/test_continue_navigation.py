"""``access.continue_navigation`` leads a person's navigation to ``/auth/continue``: when it helps, and once."""

import asyncio

import pytest

from app_client import SentRequest, play, socket_scope
from app_reports import WORLDS
from login_site import SITE, LoginSite
from navigating_person import ACCESS, CONTINUED, Person
from safeconduct._core.continuation import Continuation
from safeconduct.errors import Unavailable

HALF, LIFE, DAY = 451, 900, 86_400
ON = {
    "continue_navigation": True,
    "public": ["/public/{rest...}", "/"],
    "rules": [{"path": "/keys/{rest...}", "schemes": ["bearer"]}, {"path": "/strict", "consistency": "strict"}],
}


@pytest.fixture(params=WORLDS)
def site(request):
    """A site that leads people on."""
    made = LoginSite(request.param, access=ON)
    yield made
    made.close()


@pytest.fixture
def person(site):
    """A person at it."""
    return Person(site)


def leads(response, target):
    """Return whether a response leads to the endpoint, with the page wished for, and sets nothing."""
    location = f"/auth/continue?next={target}"
    return response.status == 303 and response.values("location") == (location,) and not response.values("set-cookie")


@pytest.mark.parametrize("path", ["/orders", "/strict", "/public/news", "/"])
def test_past_half_life_a_navigation_is_led_to_be_renewed_once(site, person, path):
    """On closed and on public pages, whether the store is asked or not; the token is new afterwards."""
    person.sign_in()
    assert person.navigate(f"{path}?page=2") == 200
    assert [f"{path}?page=2"] == person.steps
    site.clock.advance(seconds=HALF)
    before = person.cookies[ACCESS]

    assert person.navigate(f"{path}?page=2") == 200

    assert [f"{path}?page=2", f"/auth/continue?next={path}%3Fpage%3D2", f"{path}?page=2"] == person.steps
    assert before != person.cookies[ACCESS]


def test_a_navigation_that_was_seen_before_is_led_too(site, person):
    """The fast path, which remembers the route and the cookie, leaves it to the slow one."""
    person.sign_in()
    # It trusts what it remembers for a second.
    site.clock.advance(seconds=HALF - 1.5)
    assert [200] * 4 == [person.one("/orders").status for _ in range(4)]
    site.clock.advance(seconds=0.8)

    assert leads(person.one("/orders"), "/orders")


def test_before_half_life_nobody_is_led_anywhere(site, person):
    """One second before."""
    person.sign_in()
    site.clock.advance(seconds=HALF - 2)

    assert person.navigate("/orders") == 200
    assert ["/orders"] == person.steps


def test_a_person_stays_signed_in_for_an_hour_of_clicking(site, person):
    """The tokens live for a quarter of an hour, and each is renewed past its half."""
    person.sign_in()
    led = 0
    for minute in range(60):
        site.clock.advance(seconds=60)
        assert person.navigate(f"/orders?at={minute}", "same-origin") == 200
        led += len(person.steps) > 1

    assert led == 7
    site.clock.advance(seconds=LIFE + 1)
    person.navigate("/orders", "same-origin")
    assert "/auth/sign-in?next=/orders" == person.steps[-1]


@pytest.mark.parametrize("path", ["/orders", "/strict", "/public/news"])
@pytest.mark.parametrize("origin", ["none", "same-origin", "same-site"])
def test_who_is_remembered_comes_back_a_day_later(site, person, path, origin):
    """By typing the address, to a closed page as to a public one."""
    person.sign_in(remember="true")
    site.clock.advance(seconds=DAY)

    assert person.navigate(path, origin) == 200

    detour = [f"/auth/continue?from=self&next={path}"] if origin == "same-site" else []
    assert [path, f"/auth/continue?next={path}", *detour, path] == person.steps
    assert ACCESS in person.cookies


def test_who_is_remembered_comes_back_by_a_link_on_another_site(site, person):
    """The strict cookie cannot be seen in that request, so that everyone is led there."""
    person.sign_in(remember="true")
    site.clock.advance(seconds=DAY)

    assert person.navigate("/orders?page=2", "cross-site") == 200

    assert [
        "/orders?page=2",
        "/auth/continue?next=/orders%3Fpage%3D2",
        "/auth/continue?from=self&next=/orders%3Fpage%3D2",
        "/orders?page=2",
    ] == person.steps


def test_an_unknown_person_from_another_site_ends_at_the_sign_in_page(person):
    """By the same way, without a loop."""
    assert person.navigate("/orders", "cross-site") == 200
    assert "/auth/sign-in?next=/orders" == person.steps[-1]
    assert len(person.steps) == 4


def test_an_unknown_person_sees_a_public_page_at_once(person):
    """A reader whom a search engine sends has nothing to continue."""
    assert person.navigate("/public/news", "cross-site") == 200
    assert ["/public/news"] == person.steps


def test_an_unknown_person_who_types_the_address_is_led_to_sign_in(person):
    """There is no refresh cookie."""
    assert person.navigate("/orders") == 200
    assert ["/orders", "/auth/sign-in?next=/orders"] == person.steps


def test_an_access_cookie_from_another_site_is_renewed_past_half_life(site, person):
    """The lax cookie came along; the renewal waits for the navigation of our own."""
    person.sign_in()
    site.clock.advance(seconds=HALF)

    assert person.navigate("/orders", "cross-site") == 200
    assert len(person.steps) == 4


def test_the_cookie_of_the_endpoint_keeps_everyone_away_for_ten_seconds(site, person):
    """Whatever went wrong there, nobody goes round in circles."""
    person.sign_in(remember="true")
    site.clock.advance(seconds=HALF)
    person.jar[CONTINUED] = "1", site.clock() + 10, "Lax"

    assert person.navigate("/orders") == 200
    assert ["/orders"] == person.steps
    site.clock.advance(seconds=DAY)
    person.jar[CONTINUED] = "1", site.clock() + 10, "Lax"
    person.navigate("/orders")
    assert ["/orders", "/auth/sign-in?next=/orders"] == person.steps
    person.navigate("/orders", "cross-site")
    assert ["/orders", "/auth/sign-in?next=/orders"] == person.steps
    site.clock.advance(seconds=10)
    assert person.navigate("/orders") == 200
    assert "/orders" == person.steps[-1]


def test_a_cookie_of_the_endpoint_that_comes_twice_counts_too(site, person):
    """What cannot be read leads nobody on."""
    person.sign_in()
    site.clock.advance(seconds=HALF)
    person.jar[CONTINUED] = f"1; {CONTINUED}=2", site.clock() + 10, "Lax"

    assert person.one("/orders").status == 200


@pytest.mark.parametrize("world", WORLDS)
def test_a_token_that_ends_with_its_session_is_never_led_on(world):
    """It cannot grow: the store says so once, and afterwards the fast path knows."""
    made = LoginSite(world, access=ON, sessions={"short_absolute_lifetime_seconds": LIFE})
    person = Person(made)
    person.sign_in()
    made.clock.advance(seconds=HALF)

    for _ in range(3):
        assert person.navigate("/orders") == 200
        assert ["/orders"] == person.steps
    made.clock.advance(seconds=LIFE)
    person.navigate("/orders")
    assert ["/orders", "/auth/sign-in?next=/orders"] == person.steps
    made.close()


def test_at_the_end_of_the_session_there_is_no_loop(site, person):
    """The last renewal reaches it, and the last half of that token is used up quietly."""
    person.sign_in()
    led = []
    for _ in range(43_200 // 300 - 1):
        site.clock.advance(seconds=300)
        assert person.navigate("/orders", "same-origin") == 200
        led.append(len(person.steps))
    assert led[-1] == 1
    assert set(led) == {1, 3}
    site.clock.advance(seconds=300)
    person.navigate("/orders", "same-origin")
    assert ["/orders", "/auth/sign-in?next=/orders"] == person.steps


@pytest.mark.parametrize(
    ("fields", "method"),
    [
        ([], "GET"),
        ([("accept", "text/html")], "GET"),
        ([("sec-fetch-mode", "cors"), ("sec-fetch-dest", "empty"), ("sec-fetch-site", "same-origin")], "GET"),
        ([("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe"), ("sec-fetch-site", "same-origin")], "GET"),
        ([("sec-fetch-mode", "no-cors"), ("sec-fetch-dest", "image"), ("sec-fetch-site", "same-origin")], "GET"),
        ([("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document"), ("sec-fetch-site", "none")], "HEAD"),
        ([("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document"), ("sec-purpose", "prefetch")], "GET"),
        ([("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document"), ("purpose", "prefetch")], "GET"),
    ],
    ids=str,
)
def test_whatever_is_no_navigation_passes_with_a_token_past_half_life(site, person, fields, method):
    """Scripts, frames, images, and what a browser fetches in advance."""
    person.sign_in()
    site.clock.advance(seconds=HALF)
    before = dict(person.jar)

    assert [200, 200] == [person.send(method, "/orders", fields).status for _ in range(2)]
    assert before == person.jar


def test_a_form_is_not_led_away_from_what_it_sends(site, person):
    """A POST would lose its body."""
    person.sign_in()
    site.clock.advance(seconds=HALF)

    assert person.one("/orders", "same-origin", method="POST").status == 403


def test_a_handshake_is_not_led_away():
    """Whatever fields a client sends with it: the answer to it is no page."""

    async def accepts(_scope, receive, send):
        await receive()
        await send({"type": "websocket.accept"})

    made = LoginSite("asgi", app=accepts, access=ON)
    person = Person(made)
    person.sign_in()
    made.clock.advance(seconds=HALF)
    page = [("sec-fetch-mode", b"navigate"), ("sec-fetch-dest", b"document"), ("origin", SITE.encode())]
    cookie = ("cookie", f"{ACCESS}={person.cookies[ACCESS]}".encode())

    handshake = SentRequest("GET", "/live", (*page, cookie), "https")

    [message, *_] = asyncio.run(play(made.application, socket_scope(handshake)))

    assert message["type"] == "websocket.accept"
    made.close()


@pytest.mark.parametrize("path", ["/orders", "/public/news"])
@pytest.mark.parametrize("place", ["none", "cross-site"])
def test_a_speculative_request_is_503_where_a_click_would_refresh(site, person, path, place):
    """The browser must not show it as the answer to the click that follows, which is led on."""
    person.sign_in(remember="true")
    site.clock.advance(seconds=DAY)
    before = dict(person.jar)
    is_seen = place == "none" or path == "/orders"

    response = person.one(path, place, headers=[("sec-purpose", "prefetch")])

    assert response.status == (503 if is_seen else 200)
    assert before == person.jar
    assert person.navigate(path, place) == 200
    assert not is_seen or ACCESS in person.cookies


def test_a_credential_of_a_kind_that_is_not_accepted_is_403(site, person):
    """No renewal would make it another kind."""
    person.sign_in(remember="true")
    site.clock.advance(seconds=HALF)

    assert person.one("/keys/new").status == 403


def test_a_token_in_a_header_is_never_led_on(site, person):
    """A program can renew by itself."""
    person.sign_in(remember="true")
    token = person.cookies[ACCESS]
    site.clock.advance(seconds=HALF)

    assert person.one("/orders", headers=[("authorization", f"Bearer {token}")]).status == 200
    site.clock.advance(seconds=DAY)
    assert person.one("/orders", headers=[("authorization", f"Bearer {token}")]).status == 401


@pytest.mark.parametrize("world", WORLDS)
def test_a_token_in_a_header_that_does_not_count_is_never_led_on(world):
    """On a page that serves its caller as nobody, whatever the refresh cookie could do."""
    made = LoginSite(world, access={**ON, "on_invalid": "anonymous"})
    person = Person(made)
    person.sign_in(remember="true")
    made.clock.advance(seconds=DAY)

    assert person.one("/public/news", headers=[("authorization", "Bearer a.b.c")]).status == 200
    assert leads(person.one("/public/news"), "/public/news")
    made.close()


def test_a_revoked_session_is_led_to_sign_in(site, person):
    """Its refresh token is worth no more; the endpoint finds that out once."""
    person.sign_in(remember="true")
    site.auth.sessions.sign_out_everywhere("alice")

    person.navigate("/orders")

    assert ["/orders", "/auth/sign-in?next=/orders"] == person.steps


def test_a_dead_refresh_cookie_locks_nobody_out_of_public_pages(site, person):
    """They are led there and back, at most once in ten seconds."""
    person.sign_in(remember="true")
    site.auth.sessions.sign_out_everywhere("alice")
    site.clock.advance(seconds=DAY)

    assert person.navigate("/public/news") == 200
    assert ["/public/news", "/auth/continue?next=/public/news", "/public/news"] == person.steps
    assert person.navigate("/public/news") == 200
    assert ["/public/news"] == person.steps


def test_the_token_of_no_session_is_never_led_on(site, person):
    """One that code has issued, for a test or a job: nothing stands behind it that could be renewed."""
    person.jar[ACCESS] = site.auth.tokens.issue(subject="alice", lifetime_seconds=600), 9e12, "Lax"
    site.clock.advance(seconds=HALF)

    assert [200, 200] == [person.one("/orders").status for _ in range(2)]


def test_a_path_that_is_too_long_for_next_is_not_led_away(site, person):
    """Its person would end somewhere else."""
    person.sign_in()
    site.clock.advance(seconds=HALF)

    assert person.one("/orders?" + "a" * 2048).status == 200


@pytest.mark.parametrize("world", WORLDS)
def test_a_store_that_is_out_keeps_nobody_from_a_valid_page(world):
    """Whether the token can grow is asked again by the next navigation."""
    made = LoginSite(world, access=ON)
    person = Person(made)
    person.sign_in()
    made.clock.advance(seconds=HALF)
    parts = made.auth._asgi if world == "asgi" else made.auth._wsgi
    known = parts.session_verbs.status

    async def out(_principal):
        raise Unavailable("the store is out")

    parts.session_verbs.status = out
    assert person.one("/orders").status == 200
    parts.session_verbs.status = known
    assert leads(person.one("/orders"), "/orders")
    made.close()


def test_a_fault_on_the_fast_path_leaves_the_decision_to_the_slow_one(site, person, monkeypatch):
    """As every fault there does; it opens nothing, and closes nothing."""
    known, faults = Continuation.concerns, [KeyError("headers")]

    def fails_once(continuation, request):
        if faults:
            raise faults.pop()
        return known(continuation, request)

    person.sign_in()
    site.clock.advance(seconds=HALF)
    # A script's requests pass with a token that is due.
    assert [person.send("GET", "/orders").status for _ in range(2)] == [200, 200]
    monkeypatch.setattr(Continuation, "concerns", fails_once)

    assert person.send("GET", "/orders").status == 200
    assert [] == faults
    assert not any(type(event).__name__ == "Fault" for event in site.events)
