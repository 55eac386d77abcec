"""Sign users in from pages of the application: every check of a sign-in runs, whatever form the request has."""

import asyncio
from types import SimpleNamespace

import pytest

from app_reports import WORLDS
from login_site import ACCESS, DEVICE, OWN_PAGE, REFRESH, LoginClient, login_configuration
from memory_directory import MemoryDirectory
from own_pages import Browser, OwnPages
from safeconduct import Account, Auth, ConfigurationError
from safeconduct.errors import BadCredentials, CrossSiteRequest, NotSupported, TooManyAttempts


@pytest.fixture(params=WORLDS)
def pages(request):
    """Such an application."""
    made = OwnPages(request.param)
    yield made
    made.site.close()


@pytest.fixture
def browser(pages):
    """A browser at it."""
    return Browser(pages.site)


def is_signed_in(browser):
    """Return whether a closed page opens."""
    return browser.request("GET", "/me") == 200


def test_a_programmatic_sign_in_sets_what_the_endpoint_sets(pages, browser):
    """Access, refresh and device, with the same attributes."""
    other = LoginClient(pages.site)
    other.sign_in(remember=True)
    theirs = {line.partition("=")[0]: line.partition(";")[2] for line in other.response.values("set-cookie")}

    assert browser.sign_in(remember=True) == 200

    assert theirs == {name: line.partition(";")[2] for name, line in browser.lines().items()}
    assert {ACCESS, REFRESH, DEVICE} == set(theirs)
    assert is_signed_in(browser)


def test_what_it_sets_is_refreshed_by_cookie(pages, browser):
    """The session knows that its tokens travel in cookies."""
    browser.sign_in(remember=True)
    pages.site.clock.advance(seconds=3600)

    assert browser.request("POST", "/auth/refresh") == 200
    assert is_signed_in(browser)


def test_without_remember_a_refresh_cookie_from_before_is_deleted(browser):
    """Nobody becomes the person before."""
    browser.sign_in(remember=True)
    refresh = browser.cookies[REFRESH]

    assert browser.sign_in("bob", "builder") == 200

    assert "Max-Age=0" in browser.lines()[REFRESH]
    browser.cookies[REFRESH] = refresh
    assert browser.request("POST", "/auth/refresh") == 401


def test_the_session_of_the_cookies_before_ends(browser):
    """A copy of the cookie from before the sign-in is worth nothing (ASVS 7.2.4)."""
    browser.sign_in(remember=True)
    before = dict(browser.cookies)

    browser.sign_in("bob", "builder", remember=True)
    now = dict(browser.cookies)

    browser.cookies = {ACCESS: before[ACCESS]}
    assert not is_signed_in(browser)
    browser.cookies = {REFRESH: before[REFRESH]}
    assert browser.request("POST", "/auth/refresh") == 401
    browser.cookies = now
    assert is_signed_in(browser)


def test_a_hidden_refresh_cookie_alone_ends_its_session_too(pages, browser):
    """The application cannot see the cookie, and need not."""
    browser.sign_in(remember=True)
    refresh = browser.cookies[REFRESH]
    browser.cookies = {REFRESH: refresh}

    assert browser.sign_in("bob", "builder") == 200

    assert refresh not in repr(pages.seen)
    browser.cookies = {REFRESH: refresh}
    assert browser.request("POST", "/auth/refresh") == 401


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([("origin", "https://evil.example")], 403),
        ([("origin", "null")], 403),
        ([("sec-fetch-site", "cross-site")], 403),
        ([("sec-fetch-site", "same-site")], 403),
        ([("referer", "https://evil.example/page")], 403),
        ([], 403),
        ([("sec-fetch-site", "same-origin")], 200),
        ([("referer", "https://app.example/page")], 200),
    ],
    ids=str,
)
def test_the_origin_step_comes_before_the_throttle(headers, status):
    """A foreign page signs nobody in, and uses up no attempt."""
    made = OwnPages("wsgi", login={"failures_per_account_and_network": 1})
    body = {"username": "alice", "password": "wrong"}
    browser = Browser(made.site)
    for _ in range(3):
        browser.request("POST", "/sign-in", json_body=body, headers=headers)
        if status == 403:
            assert ("CrossSiteRequest",) == browser.response.values("x-error")
    body["password"] = "wonder"
    page = OWN_PAGE if status == 403 else headers
    expected = 200 if status == 403 else 429

    assert expected == browser.request("POST", "/sign-in", json_body=body, headers=page)
    made.site.close()


def test_set_on_runs_the_origin_step_itself(pages):
    """Also where the application has proven the person in another way."""
    foreign = {"REQUEST_METHOD": "POST", "wsgi.url_scheme": "https", "HTTP_ORIGIN": "https://evil.example"}
    auth = Auth(login_configuration(), directory=MemoryDirectory(alice="wonder"))
    browser = LoginClient(pages.site)
    browser.sign_in()
    tokens = auth.sessions.sign_in(Account("alice"))

    with pytest.raises(CrossSiteRequest):
        auth.cookies.set_on(tokens, foreign | {"HTTP_COOKIE": f"{ACCESS}={tokens.access_token}"})
    assert auth.verify(tokens.access_token).subject == "alice"
    auth.close()


@pytest.fixture
def auth():
    """An ``Auth`` whose blocking methods are called."""
    with Auth(login_configuration(), directory=MemoryDirectory(alice="wonder", bob="builder")) as made:
        yield made


OWN = {
    "REQUEST_METHOD": "POST",
    "REMOTE_ADDR": "192.0.2.7",
    "wsgi.url_scheme": "https",
    "HTTP_ORIGIN": "https://app.example",
}
SCOPE = {
    "type": "http",
    "method": "POST",
    "scheme": "https",
    "path": "/",
    "headers": [(b"origin", b"https://app.example")],
}


@pytest.mark.parametrize(
    "request_",
    [
        OWN,
        SCOPE,
        SimpleNamespace(scope=SCOPE),
        SimpleNamespace(environ=OWN),
        SimpleNamespace(META=OWN),
        SimpleNamespace(env=OWN),
        SimpleNamespace(scope=None, environ=None, META=OWN),
        {**SCOPE, "headers": iter(SCOPE["headers"])},
    ],
    ids=["environ", "scope", ".scope", ".environ", ".META", ".env", "only META", "iterator"],
)
def test_every_form_of_a_request_is_read(auth, request_):
    """An application passes what its framework gives it."""
    account = auth.passwords.check("alice", "wonder", request=request_)

    if isinstance(request_, dict) and "headers" in request_:
        request_["headers"] = list(SCOPE["headers"])
    assert account.subject == "alice"
    assert [ACCESS, DEVICE, REFRESH] == sorted(
        line.partition("=")[0] for _, line in auth.cookies.set_on(auth.sessions.sign_in(account), request_)
    )


@pytest.mark.parametrize(
    "request_",
    [None, object(), {}, {"type": "http"}, "POST /", {"headers": []}],
    ids=["none", "object", "empty", "scope", "text", "mapping"],
)
def test_what_is_no_request_is_refused(auth, request_):
    """By a TypeError that says what is wanted; nothing is compared and nothing is set."""
    tokens = auth.sessions.sign_in(Account("alice"))

    for call in (
        lambda: auth.cookies.set_on(tokens, request_),
        lambda: auth.passwords.check("alice", "wonder", request=request_),
        lambda: auth.cookies.origin_of(request_),
    ):
        with pytest.raises(TypeError, match="wanted an ASGI scope"):
            call()


def test_the_tokens_of_a_step_up_do_not_end_their_own_session(auth):
    """They replace the cookie of the same session, whose refresh cookie stays."""
    origin = auth.cookies.origin_of(OWN)
    tokens = auth.sessions.sign_in(Account("alice"), remember=True, origin=origin)
    cookies = f"{ACCESS}={tokens.access_token}; {REFRESH}={tokens.refresh_token.value}"
    raised = auth.sessions.step_up(tokens.access_token, "wonder")

    fields = auth.cookies.set_on(raised, OWN | {"HTTP_COOKIE": cookies})

    assert [ACCESS] == [line.partition("=")[0] for _, line in fields]
    assert auth.verify(raised.access_token).level == "explicit"
    assert auth.sessions.refresh(tokens.refresh_token.value, origin=origin).session_id == tokens.session_id


def test_the_tokens_of_another_session_replace_a_refresh_cookie_that_is_malformed(auth):
    """Nothing can be read out of it, and it is deleted."""
    tokens = auth.sessions.sign_in(Account("alice"))

    fields = auth.cookies.set_on(tokens, OWN | {"HTTP_COOKIE": f"{REFRESH}=junk; {REFRESH}=junk; {ACCESS}=junk"})

    assert any(line.startswith(f"{REFRESH}=;") and "Max-Age=0" in line for _, line in fields)


def test_a_refresh_token_for_headers_is_not_put_into_a_cookie(auth):
    """It would be refused when it comes back, which a person would see weeks later."""
    tokens = auth.sessions.sign_in(Account("alice"), remember=True)

    with pytest.raises(ConfigurationError, match="origin_of"):
        auth.cookies.set_on(tokens, OWN)


def test_a_token_that_is_too_long_ends_nothing():
    """The browser stays signed in as before."""
    claims = {}
    with Auth(login_configuration(), directory=MemoryDirectory(alice="w"), add_claims=lambda _: claims) as auth:
        before = auth.sessions.sign_in(Account("alice"))
        claims["long"] = "x" * 4000
        tokens = auth.sessions.sign_in(Account("alice"))
        request = {**OWN, "HTTP_COOKIE": f"{ACCESS}={before.access_token}"}
        with pytest.raises(NotSupported):
            auth.cookies.set_on(tokens, request)

        assert "alice" == auth.verify(before.access_token).subject


def test_without_a_store_the_refresh_cookie_of_the_session_stays():
    """It names its session itself."""
    with Auth(login_configuration(store="none"), directory=MemoryDirectory(alice="wonder")) as auth:
        origin = auth.cookies.origin_of(OWN)
        tokens = auth.sessions.sign_in(Account("alice"), remember=True, origin=origin)
        refreshed = auth.sessions.refresh(tokens.refresh_token.value, origin=origin)
        cookies = {"HTTP_COOKIE": f"{REFRESH}={tokens.refresh_token.value}"}

        assert [ACCESS] == [line.partition("=")[0] for _, line in auth.cookies.set_on(refreshed, OWN | cookies)]
        other = auth.sessions.sign_in(Account("alice"))
        assert any("Max-Age=0" in line for _, line in auth.cookies.set_on(other, OWN | cookies))


def test_clear_returns_what_a_sign_out_sends(pages, browser):
    """The access and the refresh cookie are deleted; the device stays known."""
    browser.sign_in(remember=True)
    expected = LoginClient(pages.site)
    expected.sign_in(remember=True)
    expected.request("POST", "/auth/logout")

    assert browser.request("GET", "/out") == 200

    assert expected.response.values("set-cookie") == browser.response.values("set-cookie")
    assert ('"cache", "storage"',) == browser.response.values("clear-site-data")
    assert [DEVICE] == list(browser.cookies)


def test_a_wrong_password_is_counted_and_a_known_device_skips_the_limit_of_the_account():
    """The throttle and the device cookie are those of the sign-in endpoint."""
    with Auth(
        login_configuration(login={"failures_per_account_and_network": 2}), directory=MemoryDirectory(alice="wonder")
    ) as auth:
        for _ in range(2):
            with pytest.raises(BadCredentials):
                auth.passwords.check("alice", "wrong", request=OWN)
        with pytest.raises(TooManyAttempts):
            auth.passwords.check("alice", "wonder", request=OWN)


def test_a_known_device_signs_in_to_an_account_under_attack():
    """Its cookie is hidden from the application, and found all the same."""
    made = OwnPages("asgi", login={"failures_per_account": 1, "failures_per_account_and_network": 9})
    known = Browser(made.site)
    assert known.sign_in() == 200
    device, other = {DEVICE: known.cookies[DEVICE]}, Browser(made.site)
    other.sign_in(password="wrong")
    assert other.sign_in() == 429

    known.cookies = device

    assert known.sign_in() == 200
    made.site.close()


def test_the_blocking_verbs_name_their_twins(auth):
    """They would block a loop."""
    tokens = auth.sessions.sign_in(Account("alice"))

    async def block(call):
        return call()

    for call, name in (
        (lambda: auth.cookies.set_on(tokens, OWN), "async_cookies.set_on"),
        (lambda: auth.passwords.check("alice", "wonder", request=OWN), "async_passwords.check"),
    ):
        with pytest.raises(RuntimeError, match=name):
            asyncio.run(block(call))
