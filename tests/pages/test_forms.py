"""Send the forms of pages, and be led on by redirections."""

import json

import pytest

from login_site import ACCESS, DEVICE, OWN_PAGE, REFRESH, SITE, LoginClient
from page_reader import FORM_TYPE, NAVIGATION
from safeconduct.events import RequestRefused, TokenRefused

WRONG = {"username": "alice", "password": "wrong"}
RIGHT = {"username": "alice", "password": "wonder"}
SETTINGS = {"rules": [{"path": "/settings", "level": "explicit", "max_age_seconds": 300}]}


def refusals_of(browser):
    """Return the errors of the refusals that the listeners heard of."""
    return [event.error for event in browser.site.events if isinstance(event, (RequestRefused, TokenRefused))]


@pytest.fixture
def signed_in(reader):
    """Make a site, and return a browser in which alice is signed in."""

    def make(**fields):
        browser = reader(access=SETTINGS, **fields)
        assert 303 == browser.sign_in(remember="true")
        return browser

    return make


def test_a_sign_in_leads_to_the_page_wished_for_with_cookies(reader):
    """No token is in a body."""
    browser = reader()

    assert 303 == browser.sign_in(target="/me?a=1&b=%26")

    assert ("/me?a=1&b=%26", b"") == (browser.location, browser.response.body)
    assert {"location", "content-length", "cache-control", "set-cookie"} == dict(browser.response.fields).keys()
    assert ("no-store",) == browser.response.values("cache-control")
    assert {ACCESS, DEVICE} == browser.cookies.keys()
    assert 200 == browser.open(browser.location)
    assert "alice" == browser.response.report["who"]


def test_the_box_gives_a_long_term_credential(reader):
    browser = reader()

    browser.sign_in(remember="true")

    assert {ACCESS, DEVICE, REFRESH} == browser.cookies.keys()


@pytest.mark.parametrize(
    ("access", "page"), [({}, "/auth/sign-in"), ({"sign_in_url": "/hello"}, "/hello")], ids=["ours", "own"]
)
def test_a_wrong_password_leads_back_to_the_sign_in_page(reader, access, page):
    """The next try leads to the same page; the address names neither the user nor the password."""
    browser = reader(access=access, endpoints={"pages": True})

    for _ in range(3):
        assert 303 == browser.post("/auth/login", {**WRONG, "next": "/me?a=1&b=2"})
        assert f"{page}?error=invalid_credentials&next=/me%3Fa%3D1%26b%3D2" == browser.location

    assert {} == browser.cookies
    assert ["BadCredentials"] * 3 == refusals_of(browser)


def test_a_store_that_is_out_leads_back_too(reader):
    """Nobody is signed in, and nothing says that the password was wrong."""
    browser = reader()
    browser.site.lose_secrets()

    assert 303 == browser.post("/auth/login", {**RIGHT, "next": "/me"})

    assert "/auth/sign-in?error=unavailable&next=/me" == browser.location
    assert {} == browser.cookies


@pytest.mark.parametrize("mode", ["offer", "require"])
def test_a_form_without_a_navigation_is_answered_as_before(reader, mode):
    """A script that sends a form reads the answer itself."""
    browser = reader(cookies={"mode": mode})
    script = [("sec-fetch-mode", "same-origin"), ("sec-fetch-site", "same-origin"), *OWN_PAGE, FORM_TYPE]

    status = browser.client.request("POST", "/auth/login", headers=script, body=b"username=alice&password=wonder")
    right = browser.client.json
    wrong = browser.client.request("POST", "/auth/login", headers=script, body=b"username=alice&password=no")

    assert (200, 401) == (status, wrong)
    assert ("csrf_token" in right) == (mode == "require")
    assert "invalid_token" == browser.client.json["code"]


def test_without_pages_a_form_is_answered_as_before(reader):
    browser = reader(endpoints={"pages": False})

    assert 200 == browser.post("/auth/login", {**RIGHT, "cookies": "true"})

    assert "session_id" in json.loads(browser.response.body)


def test_a_json_body_is_no_form(reader):
    """A navigation cannot send one; what does gets the answer for programs."""
    browser = reader()

    assert 200 == browser.client.request("POST", "/auth/login", headers=[*NAVIGATION, *OWN_PAGE], json_body=RIGHT)
    assert "access_token" in browser.client.json


def test_a_form_without_next_leads_to_the_beginning(reader):
    browser = reader()

    assert (303, "/") == (browser.post("/auth/login", RIGHT), browser.location)


@pytest.mark.parametrize("body", [b"username=alice&password=wonder&next=/a&next=/b", b"username=alice", b"x"])
def test_a_form_that_is_not_understood_is_refused_by_a_page(reader, body):
    browser = reader()

    assert 400 == browser.post("/auth/login", {}, body=body)

    assert "malformed or ambiguous" in browser.page.text
    assert 0 == browser.site.directory.checks


def test_a_step_up_leads_to_the_page_wished_for(signed_in, clock):
    """The page that was refused is the form."""
    browser = signed_in()
    clock.advance(seconds=400)

    assert 401 == browser.open("/settings?tab=mail")
    assert "insufficient_user_authentication" in browser.response.values("www-authenticate")[0]
    [form] = browser.page.forms
    assert ("/auth/step-up", "/settings?tab=mail") == (form.action, form.values["next"])
    assert "current-password" == form.inputs["password"]["autocomplete"]
    assert 303 == browser.submit(password="wonder")

    assert "/settings?tab=mail" == browser.location
    assert 200 == browser.open(browser.location)


def test_a_wrong_password_shows_the_step_up_again(signed_in, clock):
    """The way on stays, and the answer is the one that a program gets."""
    browser = signed_in()
    clock.advance(seconds=400)
    browser.open("/settings?tab=mail")

    assert 401 == browser.submit(password="wrong")

    assert browser.response.values("www-authenticate")
    assert '<p role="alert">The user name or the password is wrong.</p>' in browser.response.body.decode()
    assert "/settings?tab=mail" == browser.page.forms[0].values["next"]
    assert 303 == browser.submit(password="wonder")
    assert 200 == browser.open(browser.location)


def test_the_last_wrong_password_ends_the_session_and_leads_to_sign_in(signed_in, clock):
    """Five in a row end it; the way on stays even then."""
    browser = signed_in()
    clock.advance(seconds=400)
    browser.open("/settings")
    form = browser.page.forms[0]

    statuses = [browser.submit(form, password="wrong") for _ in range(6)]

    assert [401] * 5 + [303] == statuses
    assert "/auth/sign-in?next=/settings" == browser.location


def test_a_step_up_without_the_token_of_its_page_is_refused(signed_in, clock):
    """The field of the form counts as the header field, and is compared like it."""
    browser = signed_in()
    clock.advance(seconds=400)
    browser.open("/settings")
    form = browser.page.forms[0]
    checks = browser.site.directory.checks

    without = browser.post(form.action, {"password": "wonder", "next": "/settings"})
    wrong = browser.submit(form, password="wonder", csrf_token="x" * 43)
    in_header = [*OWN_PAGE, ("x-csrf-token", form.values["csrf_token"])]
    twice = browser.post(form.action, form.values | {"password": "wonder"}, headers=in_header)

    assert [403, 403, 403] == [without, wrong, twice]
    assert checks == browser.site.directory.checks
    assert 303 == browser.submit(form, password="wonder")


def test_a_script_may_send_the_token_in_a_form(signed_in, clock):
    """So that it can send a form of a page as it is."""
    browser = signed_in()
    clock.advance(seconds=400)
    browser.open("/settings")
    values = browser.page.forms[0].values

    script = [("sec-fetch-mode", "cors"), FORM_TYPE, *OWN_PAGE]
    body = f"password=wonder&csrf_token={values['csrf_token']}".encode()

    assert 200 == browser.client.request("POST", "/auth/step-up", headers=script, body=body)
    assert "explicit" == browser.client.json["level"]


def test_a_token_in_another_body_is_none(signed_in, clock):
    """JSON needs a preflight from elsewhere, and a script that sends it can add the header field."""
    browser = signed_in()
    clock.advance(seconds=400)
    browser.open("/settings")
    token = browser.page.forms[0].values["csrf_token"]
    script = [("sec-fetch-mode", "cors"), ("content-type", "application/json"), *OWN_PAGE]
    body = json.dumps({"password": "wonder", "csrf_token": token}).encode()

    assert 403 == browser.client.request("POST", "/auth/step-up", headers=script, body=body)


def test_each_form_has_its_token_masked_anew(signed_in, clock):
    """The page shows a part of the query, and a proxy may compress it (BREACH)."""
    browser = signed_in()
    clock.advance(seconds=400)
    tokens = set()
    for _ in range(2):
        browser.open("/settings")
        tokens.add(browser.page.forms[0].values["csrf_token"])

    assert [86, 86] == [len(token) for token in tokens]


def test_a_form_that_is_refused_leads_back_to_its_page(signed_in, clock):
    """A redirection cannot send it again."""
    browser = signed_in(csrf={"token": "fallback"})
    clock.advance(seconds=400)

    assert 401 == browser.post("/settings", {"a": "b"}, headers=[*OWN_PAGE, ("referer", f"{SITE}/form?x=1")])

    assert "What you sent was not carried out" in browser.page.text
    assert "/form?x=1" == browser.page.forms[0].values["next"]


@pytest.mark.parametrize(
    "referer",
    [[], ["https://evil.example/form"], ["nonsense"], [SITE], [f"{SITE}:444/form"]],
    ids=str,
)
def test_a_form_of_an_unknown_page_leads_to_the_beginning(signed_in, clock, referer):
    browser = signed_in(csrf={"token": "fallback"})
    clock.advance(seconds=400)

    assert 401 == browser.post("/settings", {"a": "b"}, headers=[*OWN_PAGE, *(("referer", each) for each in referer)])

    assert "/" == browser.page.forms[0].values["next"]


def test_a_caller_without_a_cookie_gets_no_form(reader, clock):
    """A token in a header is stepped up by a program."""
    browser = reader(access=SETTINGS)
    client = LoginClient(browser.site)
    client.get_tokens()
    clock.advance(seconds=400)

    status = client.request("GET", "/settings", headers=NAVIGATION, bearer=client.tokens["access_token"])

    assert (401, "insufficient_user_authentication") == (status, client.json["code"])


@pytest.mark.parametrize(
    ("values", "location"),
    [({}, "/auth/sign-in"), ({"next": "/hello?a=1"}, "/hello?a=1"), ({"next": "//evil.example"}, "/")],
    ids=str,
)
@pytest.mark.parametrize("path", ["/auth/logout", "/auth/logout-everywhere"])
def test_a_sign_out_leads_on(signed_in, path, values, location):
    """The cookies are deleted, the caches too, and the session has ended."""
    browser = signed_in()
    before = dict(browser.cookies)
    browser.open("/auth/sign-in")
    token = browser.page.forms[0].values["csrf_token"]

    assert 303 == browser.post(path, {"csrf_token": token, **values})

    assert location == browser.location
    assert {DEVICE} == browser.cookies.keys()
    assert ('"cache", "storage"',) == browser.response.values("clear-site-data")
    browser.client.cookies = before
    assert 303 == browser.open("/me")


def test_a_sign_out_without_cookies_leads_on_too(reader):
    browser = reader()

    assert (303, "/auth/sign-in") == (browser.post("/auth/logout", {}), browser.location)


def test_without_a_sign_in_page_nobody_is_led_there(reader):
    """A sign-out leads to the beginning, and a step-up without a session is refused by a page."""
    browser = reader(cookies={"mode": "off"})

    assert (303, "/") == (browser.post("/auth/logout", {}), browser.location)
    assert 401 == browser.post("/auth/step-up", {"password": "wonder"})
    assert [] == browser.page.links
    assert 501 == browser.post("/auth/login", RIGHT)
    assert "This server is not set up for that." in browser.page.text


def test_an_old_session_is_ended_by_a_sign_in(reader):
    """Nobody can plant a session that goes on beside the new one."""
    browser = reader()
    browser.sign_in("bob", "builder", remember="true")
    planted = dict(browser.cookies)

    assert 303 == browser.post("/auth/login", RIGHT)

    assert planted[ACCESS] != browser.cookies[ACCESS]
    assert REFRESH not in browser.cookies
    browser.client.cookies = planted
    assert 303 == browser.open("/me")
