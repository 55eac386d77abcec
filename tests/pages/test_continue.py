"""``GET /auth/continue`` renews and refreshes for a page, by a navigation of our own alone."""

import pytest

from app_reports import WORLDS
from login_site import LoginSite
from navigating_person import ACCESS, CONTINUED, REFRESH, Person

ACCESS_SECONDS = 900
PAGE = {"public": ["/public", "/"], "default": "authenticated"}


@pytest.fixture(params=WORLDS)
def site(request):
    """A site with pages, which lead nobody to the endpoint by themselves."""
    made = LoginSite(request.param, access=PAGE)
    yield made
    made.close()


@pytest.fixture
def person(site):
    """A person at it."""
    return Person(site)


def is_led_to(person, place):
    """Return whether the last answer leads to *place*, and marks the browser in any case."""
    response = person.response
    assert CONTINUED in person.cookies
    return response.status == 303 and response.values("location") == (place,)


def to_sign_in(target):
    """Return where the sign-in page is."""
    return f"/auth/sign-in?next={target}"


def test_a_token_past_half_life_is_renewed(site, person):
    """By cookie, and no token is in the body."""
    person.sign_in()
    before = person.cookies[ACCESS]
    site.clock.advance(seconds=ACCESS_SECONDS // 2 + 1)

    response = person.one("/auth/continue?next=/orders%3Fpage%3D2")

    assert is_led_to(person, "/orders?page=2")
    assert response.body == b""
    assert before != person.cookies[ACCESS]
    assert person.one("/orders?page=2").status == 200


def test_a_token_that_is_not_due_is_left_alone(person):
    """Nothing happens but the redirection."""
    person.sign_in()
    before = dict(person.cookies)

    person.one("/auth/continue?next=/orders")

    assert is_led_to(person, "/orders")
    assert before == {name: value for name, value in person.cookies.items() if name != CONTINUED}


def test_after_the_end_a_refresh_cookie_is_refreshed(site, person):
    """Both cookies are new."""
    person.sign_in(remember="true")
    before = person.cookies[REFRESH]
    site.clock.advance(seconds=86_400)
    assert ACCESS not in person.cookies

    person.one("/auth/continue?next=/orders")

    assert is_led_to(person, "/orders")
    assert before != person.cookies[REFRESH]
    assert person.one("/orders").status == 200


def test_without_anything_to_continue_with_it_leads_to_the_sign_in_page(person):
    """With the page wished for."""
    person.one("/auth/continue?next=/orders")

    assert is_led_to(person, to_sign_in("/orders"))


def test_a_public_page_is_shown_without_a_sign_in(person):
    """A dead refresh cookie must not lock anyone out of what everyone may see."""
    person.sign_in(remember="true")
    dead = person.jar[REFRESH]
    person.site.auth.sessions.sign_out_everywhere("alice")
    person.jar = {REFRESH: dead}

    person.one("/auth/continue?next=/public")
    assert is_led_to(person, "/public")
    person.one("/auth/continue?next=/orders")

    assert is_led_to(person, to_sign_in("/orders"))
    assert dead == person.jar[REFRESH]


def test_a_revoked_token_is_not_renewed(site, person):
    """The session is over."""
    person.sign_in()
    site.clock.advance(seconds=ACCESS_SECONDS // 2 + 1)
    site.auth.sessions.sign_out_everywhere("alice")

    person.one("/auth/continue?next=/orders")

    assert is_led_to(person, to_sign_in("/orders"))


def test_a_token_that_was_renewed_too_long_ago_is_not_renewed_again(site, person):
    """One chain lives: the copy of a thief or of a lost answer ends with its token."""
    person.sign_in()
    old = person.jar[ACCESS]
    site.clock.advance(seconds=ACCESS_SECONDS // 2 + 1)
    person.one("/auth/continue?next=/orders")
    site.clock.advance(seconds=60)
    person.jar[ACCESS] = old

    person.one("/auth/continue?next=/orders")

    assert is_led_to(person, to_sign_in("/orders"))


def test_two_tabs_refresh_with_one_token_and_both_go_on(site, person):
    """The slower one is STALE or repeats the rotation: the browser has the cookies of the faster one."""
    person.sign_in(remember="true")
    old = person.jar[REFRESH]
    site.clock.advance(seconds=86_400)
    person.one("/auth/continue?next=/a")
    first = dict(person.jar)
    person.jar = {REFRESH: old}

    person.one("/auth/continue?next=/b")

    assert is_led_to(person, "/b")
    person.jar = first
    assert person.one("/b").status == 200


def test_a_stale_refresh_token_leads_on_and_clears_nothing(site, person):
    """Two rotations within the grace: the oldest token of them ends nothing."""
    person.sign_in(remember="true")
    oldest = person.jar[REFRESH]
    site.clock.advance(seconds=86_400)
    person.one("/auth/continue?next=/a")
    del person.jar[ACCESS]
    person.one("/auth/continue?next=/a")
    jar = dict(person.jar)
    person.jar = {REFRESH: oldest}

    person.one("/auth/continue?next=/b")

    assert is_led_to(person, "/b")
    assert [CONTINUED] == [line.partition("=")[0] for line in person.response.values("set-cookie")]
    person.jar = jar
    assert person.one("/b").status == 200


def test_a_reused_refresh_token_ends_the_session(site, person):
    """After the grace it is a copy."""
    person.sign_in(remember="true")
    old = person.jar[REFRESH]
    site.clock.advance(seconds=86_400)
    person.one("/auth/continue?next=/a")
    site.clock.advance(seconds=600)
    person.jar = {REFRESH: old}

    person.one("/auth/continue?next=/orders")

    assert is_led_to(person, to_sign_in("/orders"))


def test_while_the_store_is_out_nobody_is_led_to_sign_in(site, person):
    """The person is signed in still; the cookie of the endpoint is set all the same."""
    person.sign_in()
    signed_in = person.cookies[ACCESS]
    nowhere = {"url": "redis://127.0.0.1:1", "deadline_ms": 100}
    person.site = LoginSite(site.world, access=PAGE, clock=site.clock, store=nowhere)

    assert person.one("/auth/continue?next=/orders").status == 503
    assert CONTINUED in person.cookies
    assert signed_in == person.cookies[ACCESS]
    person.site.close()


@pytest.mark.parametrize("cookies", [f"{REFRESH}=a; {REFRESH}=b", f"{REFRESH}=junk", f'{REFRESH}="x', f"{ACCESS}=junk"])
def test_a_malformed_cookie_is_no_obstacle(person, cookies):
    """The person signs in again."""
    person.jar["x"] = f"1; {cookies}", 9e12, "Lax"

    person.one("/auth/continue?next=/orders")

    assert is_led_to(person, to_sign_in("/orders"))


DUE = [("a renewal", {}, ACCESS_SECONDS // 2 + 1), ("a refresh", {"remember": "true"}, 86_400)]


@pytest.mark.parametrize(
    ("fields", "method"),
    [
        ([("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document"), ("sec-fetch-site", "cross-site")], "GET"),
        ([("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document"), ("sec-fetch-site", "same-site")], "GET"),
        ([("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")], "GET"),
        ([("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe"), ("sec-fetch-site", "same-origin")], "GET"),
        ([("sec-fetch-mode", "navigate"), ("sec-fetch-site", "same-origin")], "GET"),
        ([("sec-fetch-mode", "cors"), ("sec-fetch-dest", "document"), ("sec-fetch-site", "same-origin")], "GET"),
        ([("sec-fetch-mode", "no-cors"), ("sec-fetch-dest", "image"), ("sec-fetch-site", "cross-site")], "GET"),
        ([("sec-fetch-dest", "document"), ("sec-fetch-site", "none")], "GET"),
        ([("accept", "text/html")], "GET"),
        ([("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document"), ("sec-fetch-site", "none")], "HEAD"),
    ],
    ids=str,
)
@pytest.mark.parametrize(("name", "more", "seconds"), DUE, ids=[each[0] for each in DUE])
def test_anything_but_a_navigation_of_our_own_gets_a_page_and_changes_nothing(
    site, person, fields, method, name, more, seconds
):
    """The page leads once to the same URL, which makes the navigation our own."""
    person.sign_in(**more)
    site.clock.advance(seconds=seconds)
    before = {key: value for key, value in person.jar.items() if key != CONTINUED}

    response = person.send(method, "/auth/continue?next=/orders", fields)

    assert response.status == 200, name
    assert ("no-store",) == response.values("cache-control")
    assert ("same-origin",) == response.values("referrer-policy")
    if method == "GET":
        assert b'content="0; url=/auth/continue?from=self&amp;next=/orders"' in response.body
    assert before == {key: value for key, value in person.jar.items() if key != CONTINUED}
    assert CONTINUED in person.cookies
    # Once, and never again.
    person.send(method, "/auth/continue?from=self&next=/orders", fields)
    assert is_led_to(person, "/orders" if name == "a renewal" else to_sign_in("/orders"))
    assert before == {key: value for key, value in person.jar.items() if key != CONTINUED}


@pytest.mark.parametrize(
    "field", [("sec-purpose", "prefetch"), ("sec-purpose", "prefetch;prerender"), ("purpose", "prefetch")]
)
@pytest.mark.parametrize(("name", "more", "seconds"), DUE, ids=[each[0] for each in DUE])
def test_a_speculative_request_is_answered_503_and_nothing_happens(site, person, field, name, more, seconds):
    """A browser fetches in advance what nobody has asked for."""
    person.sign_in(**more)
    site.clock.advance(seconds=seconds)
    before = {key: value for key, value in person.jar.items() if key != CONTINUED}

    response = person.one("/auth/continue?next=/orders", "same-origin", headers=[field])

    assert response.status == 503, name
    assert before == {key: value for key, value in person.jar.items() if key != CONTINUED}
    assert CONTINUED in person.cookies


def test_a_link_on_another_site_comes_through_by_the_page(site, person):
    """The strict refresh cookie is not sent with the first request, and with the second one it is."""
    person.sign_in(remember="true")
    site.clock.advance(seconds=86_400)

    assert person.navigate("/auth/continue?next=/orders", "cross-site") == 200

    assert ["/auth/continue?next=/orders", "/auth/continue?from=self&next=/orders", "/orders"] == person.steps


@pytest.mark.parametrize(
    ("query", "target"),
    [
        ("", "/"),
        ("next=//evil.example", "/"),
        ("next=https://evil.example", "/"),
        ("next=/%5Cevil.example", "/"),
        ("next=/a%0d%0aset-cookie:x", "/"),
        ("next=/auth/continue", "/"),
        ("next=/auth/logout", "/"),
        ("next=/a%23b", "/"),
        ("next=/" + "a" * 2048, "/"),
        ("next=/a%3Fb%3D%22%3E%3Cscript%3E", '/a?b="><script>'),
    ],
    ids=lambda text: text[:40],
)
def test_next_never_leads_elsewhere(person, query, target):
    """Neither to another site, nor to one of our endpoints."""
    person.sign_in()

    person.one(f"/auth/continue?{query}")

    assert is_led_to(person, target)


def test_what_next_has_cannot_break_out_of_the_page(person):
    """The page escapes it twice, as a URL and as HTML."""
    response = person.one("/auth/continue?next=/a%3Fb%3D%22%3E%3Cscript%3E%27", "cross-site")

    assert b"<script" not in response.body
    assert b"next=/a%3Fb%3D%22%3E%3Cscript%3E%27" in response.body
    assert b"default-src 'none'" in response.values("content-security-policy")[0].encode()


def test_a_token_in_a_header_is_not_continued(site, person):
    """All tokens travel by cookies, and a browser that navigates sends no header of ours."""
    person.sign_in()
    token = person.cookies[ACCESS]
    person.jar.clear()
    site.clock.advance(seconds=ACCESS_SECONDS // 2 + 1)

    person.one("/auth/continue?next=/orders", headers=[("authorization", f"Bearer {token}")])

    assert is_led_to(person, to_sign_in("/orders"))


def test_a_query_that_is_malformed_is_refused(person):
    """And marks the browser all the same."""
    assert person.one("/auth/continue?next=/a&next=/b").status == 400
    assert CONTINUED in person.cookies


def test_other_methods_are_405(person):
    """The path is ours."""
    assert person.one("/auth/continue", method="POST").status == 405


def test_without_pages_and_without_the_option_there_is_none():
    """The path is the application's."""
    for fields in ({"endpoints": {"pages": False}}, {"cookies": {"mode": "off"}}, {"sources": ["bearer"]}):
        made = LoginSite("asgi", access=PAGE, **fields)
        person = Person(made)
        assert person.one("/auth/continue").status == 401
        made.close()


def test_where_there_is_no_sign_in_page_it_is_refused():
    """401, and no loop."""
    made = LoginSite("asgi", access={"continue_navigation": True}, endpoints={"pages": False})
    person = Person(made)

    assert person.navigate("/auth/continue?next=/orders", "none") == 401
    assert person.navigate("/auth/continue?next=/orders", "cross-site") == 401
    made.close()


def test_without_a_store_it_refreshes_and_renews_nothing():
    """No token can grow there; a refresh cookie is worth what it is worth elsewhere."""
    made = LoginSite("wsgi", access=PAGE, store="none")
    person = Person(made)
    person.sign_in(remember="true")
    before = person.cookies[ACCESS]
    made.clock.advance(seconds=ACCESS_SECONDS // 2 + 1)

    person.one("/auth/continue?next=/orders")
    assert is_led_to(person, "/orders")
    assert before == person.cookies[ACCESS]
    made.clock.advance(seconds=ACCESS_SECONDS)
    person.one("/auth/continue?next=/orders")

    assert is_led_to(person, "/orders")
    assert person.one("/orders").status == 200
    made.close()


def test_the_name_of_its_cookie_follows_that_of_the_access_cookie():
    """As the other names do where TLS ends elsewhere."""
    names = {"access": "shop", "refresh": "shop-r", "device": "shop-d", "secure": False}
    made = LoginSite("asgi", access=PAGE, cookies=names)
    person = Person(made)

    (line,) = person.one("/auth/continue").values("set-cookie")

    assert line.startswith("shop-continued=1; Path=/; Max-Age=10; ")
    assert line.endswith("; HttpOnly; SameSite=Lax")
    made.close()
