"""Attack the pages: lead people elsewhere, put markup into them, sign them in as somebody else, and cover them."""

from urllib.parse import quote, urlencode

import pytest

from app_reports import WORLDS
from login_site import ACCESS, DEVICE, OWN_PAGE, SITE, LoginSite
from navigating_person import CONTINUED, Person
from page_reader import FORM_TYPE, NAVIGATION, PageReader

RIGHT = {"username": "alice", "password": "wonder"}
#: What a browser would follow to another site, or what is ours, in every spelling.
ELSEWHERE = [
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/%2Fevil.example",
    "/%2f/evil.example",
    "/%252Fevil.example",
    "/%5Cevil.example",
    "/%255cevil.example",
    "/\t/evil.example",
    "\t//evil.example",
    "/\n/evil.example",
    "/a\r\nset-cookie: a=b",
    "/a%0d%0aset-cookie:%20a=b\r\n",
    " /evil",
    "/a b",
    "https://evil.example",
    "https:evil.example",
    "http:/evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "evil.example",
    "@evil.example",
    ".evil.example",
    "/..//evil.example",
    "/a/../..//evil.example",
    "/./me",
    "/%2e%2e/me",
    "/\u2215evil.example",
    "/\uff0fevil.example",
    "/\u3002evil.example",
    "/\u00e9",
    "/#//evil.example",
    "/me#top",
    "/" + "a" * 2048,
    "",
    "\x00/me",
    "/me\x00",
    "/auth/logout",
    "/auth/sign-in",
    "/auth/sign-in?next=/auth/sign-in",
    "/auth/session?a=1",
    "/auth/sessions/7",
    "/auth/openapi.json",
    "/auth//sign-in",
    "/auth/%73ign-in",
    "/auth/sign-in/",
    "/.well-known/jwks.json",
]
#: What may stand there, although it looks odd.
HERE = [
    "/",
    "/me",
    "/me?next=//evil.example",
    "/me?u=https://evil.example",
    "/@evil.example",
    "/auth",
    "/auth/other",
    "/a;b=c?d=%2F%2F",
]


@pytest.mark.parametrize("text", ELSEWHERE, ids=ascii)
def test_nobody_is_led_elsewhere(reader, text):
    """Not by the page, not by the form, not after a wrong password, and not after a sign-out."""
    browser = reader()

    assert 200 == browser.open(f"/auth/sign-in?next={quote(text, safe='')}")
    assert "/" == browser.page.forms[0].values["next"]
    assert 303 == browser.post("/auth/login", {**RIGHT, "password": "no", "next": text})
    assert "/auth/sign-in?error=invalid_credentials&next=/" == browser.location
    assert 303 == browser.post("/auth/login", {**RIGHT, "next": text})
    assert "/" == browser.location
    assert 200 == browser.open(f"/auth/sign-in?next={quote(text, safe='')}")
    assert ["/"] == browser.page.links
    token = browser.page.forms[0].values["csrf_token"]
    assert 303 == browser.post("/auth/step-up", {"password": "wonder", "csrf_token": token, "next": text})
    assert "/" == browser.location
    assert 303 == browser.post("/auth/logout", {"next": text})
    assert "/" == browser.location


@pytest.mark.parametrize("text", HERE)
def test_a_path_of_this_site_stays(reader, text):
    browser = reader()

    assert (303, text) == (browser.post("/auth/login", {**RIGHT, "next": text}), browser.location)


@pytest.mark.parametrize("text", ["//evil.example", "/shop//evil.example", "/shop/auth/logout", "/auth/logout", ""])
def test_below_a_mount_nobody_is_led_elsewhere_either(make, text):
    """The beginning of the application is below its prefix."""
    browser = PageReader(make(), root_path="/shop")

    assert (303, "/shop/") == (browser.post("/shop/auth/login", {**RIGHT, "next": text}), browser.location)


@pytest.mark.parametrize(
    "text",
    [
        "/me?a=\"'><script>alert(1)</script>",
        '/"><img/src=x/onerror=alert(1)>',
        "/me?a=&quot;onfocus=x",
        "/{0}{title}%s",
    ],
)
def test_markup_in_next_is_text(reader, text):
    """It stands in an attribute of a field and of a link."""
    browser = reader(access={"rules": [{"path": "/me", "level": "multifactor"}]})

    browser.open(f"/auth/sign-in?{urlencode({'next': text})}")
    page = browser.page
    assert text == page.forms[0].values["next"]
    assert {"script", "img"}.isdisjoint(page.tags)
    assert [*page.forms[0].inputs] == ["next", "username", "password", "remember"]
    browser.post("/auth/login", RIGHT)
    browser.open(f"/auth/sign-in?{urlencode({'next': text})}")
    assert [text] == browser.page.links
    assert {"script", "img"}.isdisjoint(browser.page.tags)


def test_markup_in_a_refused_target_is_text(reader):
    """The form of a step-up has the path and the query, too."""
    browser = reader(access={"rules": [{"path": "/{rest...}", "level": "multifactor"}]})
    browser.sign_in()

    assert 401 == browser.open("/%22%3E%3Cscript%3E?a=\"'><script>alert(1)</script>")

    assert ["next", "csrf_token", "password"] == list(browser.page.forms[0].inputs)
    assert "script" not in browser.page.tags
    assert b"<script" not in browser.response.body


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", '"><b>', "alice\r\nset-cookie: a=b"])
def test_a_user_name_is_never_shown_again(reader, name):
    """Neither in the address, which is logged, nor on the page."""
    browser = reader()

    browser.post("/auth/login", {"username": name, "password": "s3cret", "next": "/me"})

    assert "/auth/sign-in?error=invalid_credentials&next=/me" == browser.location
    browser.open(browser.location)
    assert b"s3cret" not in browser.response.body
    assert "value" not in browser.page.forms[0].inputs["username"]


@pytest.mark.parametrize(
    "page",
    [
        [("origin", "https://evil.example")],
        [("origin", "https://app.example.evil.example")],
        [("origin", "http://app.example")],
        [("origin", "null")],
        [("origin", "null"), ("sec-fetch-site", "cross-site")],
        [("origin", SITE), ("origin", "https://evil.example")],
        [("sec-fetch-site", "cross-site")],
        [("sec-fetch-site", "same-site")],
        [("sec-fetch-site", "none")],
        [("referer", "https://evil.example/app.example")],
        [],
    ],
    ids=str,
)
def test_a_foreign_page_signs_nobody_in(reader, page):
    """It is refused before a password is compared or a try is counted, and by a page."""
    browser = reader(login={})

    statuses = {browser.post("/auth/login", {**RIGHT, "next": "/me"}, headers=page) for _ in range(60)}

    assert {403} == statuses
    assert "did not come from a page of this site" in browser.page.text
    assert ({}, 0) == (browser.cookies, browser.site.directory.checks)
    assert 303 == browser.post("/auth/login", RIGHT)


@pytest.mark.parametrize("page", [OWN_PAGE, [("origin", "null"), ("sec-fetch-site", "same-origin")]], ids=str)
def test_a_page_of_ours_signs_a_person_in(reader, page):
    browser = reader()

    assert 303 == browser.post("/auth/login", RIGHT, headers=page)
    assert {ACCESS, DEVICE} == browser.cookies.keys()


@pytest.mark.parametrize("text", ["/delete/all", "/delete/all/", "/delete/%61ll", "/delete/all?sure=yes"])
def test_no_sign_in_ends_with_what_another_site_may_not_begin(reader, text):
    """A link elsewhere leads to the sign-in page, and that to a page whose GET is marked unsafe."""
    browser = reader(access={"rules": [{"path": "/delete/{name}", "unsafe": True}]}, csrf={"token": "fallback"})

    browser.open(f"/auth/sign-in?next={quote(text, safe='')}")
    assert "/" == browser.page.forms[0].values["next"]
    assert 303 == browser.post("/auth/login", {**RIGHT, "next": text})
    assert "/" == browser.location
    browser.open(f"/auth/sign-in?next={quote(text, safe='')}")
    assert ["/"] == browser.page.links


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("passed", [451, 86_400], ids=["half of its life", "a day"])
def test_no_page_of_ours_begins_what_another_site_may_not(world, passed):
    """The navigation that our pages begin is our own, and would pass where a link on another site is refused."""
    access = {"continue_navigation": True, "rules": [{"path": "/delete/{name}", "unsafe": True}]}
    made = LoginSite(world, access=access, csrf={"token": "fallback"})
    person = Person(made)
    person.sign_in(remember="true")
    assert person.navigate("/delete/all", "cross-site") == 403
    assert person.navigate("/delete/all", "same-origin") == 200
    made.clock.advance(seconds=passed)

    for target in ("/delete/all", "/auth/continue?next=/delete/all", "/auth/continue?next=/delete/%2561ll/%3F"):
        person.jar.pop(CONTINUED, None)
        assert (person.navigate(target, "cross-site"), person.steps[-1]) in {(403, target), (200, "/")}
    assert person.navigate("/delete/all", "same-origin") == 200
    assert ["/delete/all"] == person.steps
    made.close()


def test_a_foreign_page_signs_nobody_out(reader):
    """Also not where the browser sends the cookies along."""
    browser = reader()
    browser.sign_in()

    foreign = [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")]
    assert 403 == browser.post("/auth/logout", {"next": "/me"}, headers=foreign)

    assert 200 == browser.open("/me")


def test_a_foreign_page_steps_nobody_up(reader):
    browser = reader()
    browser.sign_in()
    browser.open("/auth/sign-in")
    token = browser.page.forms[0].values["csrf_token"]

    values = {"password": "wonder", "csrf_token": token}

    assert 403 == browser.post("/auth/step-up", values, headers=[("origin", "https://evil.example")])


def test_the_token_of_another_session_does_not_count(reader):
    """A person cannot lend their token to a page that someone else sends."""
    browser = reader()
    browser.sign_in("bob", "builder")
    browser.open("/auth/sign-in")
    of_bob = browser.page.forms[0].values["csrf_token"]
    browser.post("/auth/login", RIGHT)

    assert 403 == browser.post("/auth/step-up", {"password": "wonder", "csrf_token": of_bob})
    assert "the page is out of date. Open the page again." in browser.page.text


@pytest.mark.parametrize("content_type", ["text/plain", "multipart/form-data; boundary=x", "application/json"])
def test_another_type_of_body_is_no_form(reader, content_type):
    """A page elsewhere can send each of them without asking; none is parsed as a form."""
    browser = reader()
    headers = [*NAVIGATION, ("content-type", content_type), ("origin", SITE)]

    status = browser.client.request("POST", "/auth/login", headers=headers, body=urlencode(RIGHT).encode())

    assert status in {400, 415}
    assert {} == browser.cookies


def test_a_form_cannot_choose_how_its_tokens_travel(reader):
    """A navigation gets cookies, whatever the form says; its answer has no body."""
    browser = reader()

    assert 303 == browser.post("/auth/login", {**RIGHT, "cookies": "false"})

    assert {ACCESS, DEVICE} == browser.cookies.keys()
    assert b"" == browser.response.body


def test_a_refresh_token_in_a_form_does_not_get_into_an_address(reader):
    """What a form sends besides is not shown again."""
    browser = reader()

    browser.post("/auth/login", {**RIGHT, "password": "no", "refresh_token": "r3fresh", "error": "x", "extra": "y"})

    assert "/auth/sign-in?error=invalid_credentials&next=/" == browser.location


def test_a_body_that_is_too_long_is_refused_by_a_page(reader):
    browser = reader()

    assert 413 == browser.post("/auth/login", {**RIGHT, "next": "/" + "a" * 20_000})

    assert "The body is too large." in browser.page.text


def test_no_page_of_ours_is_kept_or_framed(reader):
    """Each of them: the sign-in page, who is signed in, a refusal, the step-up, and the redirections."""
    browser = reader(
        access={"rules": [{"path": "/me", "level": "multifactor"}, {"path": "/admin", "roles": ["admin"]}]}
    )
    answers = []
    for step in (
        lambda: browser.open("/auth/sign-in"),
        lambda: browser.post("/auth/login", {**RIGHT, "password": "no"}),
        lambda: browser.post("/auth/login", RIGHT),
        lambda: browser.open("/auth/sign-in"),
        lambda: browser.open("/me"),
        lambda: browser.submit(password="no"),
        lambda: browser.open("/admin"),
        lambda: browser.post("/auth/login", RIGHT, headers=[("origin", "https://evil.example")]),
        lambda: browser.post("/auth/logout", {}),
    ):
        step()
        answers.append(browser.response)

    assert [200, 303, 303, 200, 401, 401, 403, 403, 303] == [each.status for each in answers]
    assert {("no-store",)} == {each.values("cache-control") for each in answers}
    pages = [each for each in answers if each.body]
    assert 6 == len(pages)
    assert {("DENY",)} == {each.values("x-frame-options") for each in pages}
    assert all("frame-ancestors 'none'" in each.values("content-security-policy")[0] for each in pages)


def test_a_form_type_is_compared_whole(reader):
    """Two types are none."""
    browser = reader()
    twice = [*OWN_PAGE, FORM_TYPE]

    assert browser.post("/auth/login", RIGHT, headers=twice) in {400, 415}
