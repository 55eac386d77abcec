"""Several ``Auth`` inside each other serve their own endpoints; one ``Auth`` serves them outside, however deep."""

import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from app_reports import WORLDS, AsgiReport, wsgi_application
from login_site import LoginSite, login_configuration
from memory_directory import MemoryDirectory
from mixed_apps import NESTS, PREFIX, WSGI_NESTS
from page_reader import PageReader
from safeconduct import Auth, requires
from safeconduct.asgi import AuthMiddleware
from safeconduct.starlette import install

OTHER_ISSUER = "https://inner.example"
OTHER_COOKIES = {"access": "__Host-inner", "refresh": "__Host-inner-refresh", "device": "__Host-inner-device"}
RULES = [{"path": "/admin", "level": "explicit", "max_age_seconds": 300}]


@pytest.fixture
def close():
    """Return a list; what is in it at the end is closed."""
    made = []
    yield made
    for each in reversed(made):
        each.close()


def new_site(close, world, **fields):
    site = LoginSite(world, **{"sources": ["cookie"]} | fields)
    close.append(site)
    return site


def other_auth(close, site):
    """Return an ``Auth`` with an issuer, a user and cookies of its own."""
    config = login_configuration(
        issuer=OTHER_ISSUER, audience=OTHER_ISSUER, sources=["cookie"], cookies=OTHER_COOKIES, access={"rules": RULES}
    )
    auth = Auth(config, directory=MemoryDirectory(carol="looking glass"), clock=site.clock)
    close.append(auth)
    return auth


@pytest.fixture(params=NESTS)
def browser(request, close):
    """A browser of two applications, one inside the other, each behind an ``Auth`` of its own."""
    public = {"public": ["/", PREFIX + "/{rest...}"], "rules": RULES}
    site = new_site(close, "wsgi" if request.param in WSGI_NESTS else "asgi", access=public)
    site.application = NESTS[request.param](site.auth, other_auth(close, site))
    return PageReader(site)


def sign_in_inside(browser):
    """Follow the redirection of the inner one, and sign in there."""
    assert 303 == browser.open(PREFIX + "/me")
    assert f"{PREFIX}/auth/sign-in?next={PREFIX}/me" == browser.location
    assert 200 == browser.open(browser.location)
    assert 303 == browser.submit(username="carol", password="looking glass", remember="true")
    assert PREFIX + "/me" == browser.location


def test_each_auth_has_its_own_people(browser):
    """The user of one can sign in at its own page alone, and is nobody to the other."""
    sign_in_inside(browser)
    assert 200 == browser.open(PREFIX + "/me")
    assert b"carol" in browser.response.body

    assert (303, "/auth/sign-in?next=/me") == (browser.open("/me"), browser.location)
    assert 200 == browser.open(browser.location)
    assert 303 == browser.submit(username="carol", password="looking glass")
    assert "error=invalid_credentials" in browser.location
    assert 303 == browser.sign_in()
    assert 200 == browser.open("/me")
    assert b"alice" in browser.response.body
    assert {"__Host-safeconduct", *OTHER_COOKIES.values()} <= {*browser.cookies, "__Host-safeconduct"}


def test_each_auth_proves_passwords_again_by_itself(browser):
    browser.sign_in()
    sign_in_inside(browser)
    browser.site.clock.advance(seconds=301)

    for prefix, password in ((PREFIX, "looking glass"), ("", "wonder")):
        assert 401 == browser.open(prefix + "/admin")
        assert prefix + "/auth/step-up" == browser.page.forms[0].action
        assert 303 == browser.submit(password=password)
        assert prefix + "/admin" == browser.location
        assert 200 == browser.open(browser.location)


def test_signing_out_of_one_leaves_the_other(browser):
    browser.sign_in()
    sign_in_inside(browser)
    assert 200 == browser.open(PREFIX + "/auth/sign-in")

    assert (303, PREFIX + "/auth/sign-in") == (browser.submit(browser.page.forms[0]), browser.location)

    assert (303, 200) == (browser.open(PREFIX + "/me"), browser.open("/me"))


def test_each_auth_hides_its_own_cookies_beside_those_of_the_other(browser):
    """Also by the fast path, which a closed page that was seen before takes."""
    browser.sign_in(remember="true")
    sign_in_inside(browser)

    for _ in range(3):
        for page, user in ((PREFIX + "/me", b"carol"), ("/me", b"alice")):
            assert 200 == browser.open(page)
            assert {user} == set(browser.response.body.split())


def test_csrf_tokens_of_one_do_not_count_for_the_other(browser):
    browser.sign_in()
    sign_in_inside(browser)
    browser.open("/token")
    token = browser.response.body.decode()

    answer = browser.post(PREFIX + "/auth/step-up", {"csrf_token": token, "password": "looking glass"})

    assert 403 == answer


def mounted(world, app, prefix):
    """Return an application in which *app* is mounted."""
    if world == "asgi":
        return Starlette(routes=[Mount(prefix, app=app)])
    return DispatcherMiddleware(wsgi_application, {prefix: app})


def wrapped(world, auth, app):
    """Return *app* behind *auth*."""
    return auth.asgi(app) if world == "asgi" else auth.wsgi(app)


@pytest.mark.parametrize("world", WORLDS)
@pytest.mark.parametrize("depth", [2, 3, 4])
def test_the_outermost_of_one_auth_serves_the_endpoints_at_any_depth(close, world, depth):
    """Only the innermost rules close the page."""
    prefixes = [f"/level{number}" for number in range(1, depth)]
    public = ["".join(prefixes[number:]) + "/{rest...}" for number in range(depth - 1)]
    site = new_site(close, world, access={"public": public})
    app = wrapped(world, site.auth, AsgiReport() if world == "asgi" else wsgi_application)
    for prefix in reversed(prefixes):
        app = wrapped(world, site.auth, mounted(world, app, prefix))
    site.application, browser = app, PageReader(site)
    page = "".join(prefixes) + "/me"

    assert (303, f"/auth/sign-in?next={page}") == (browser.open(page), browser.location)
    assert 200 == browser.open(browser.location)
    assert (303, page) == (browser.submit(username="alice", password="wonder"), browser.location)
    assert 200 == browser.open(page)


@pytest.mark.parametrize("world", WORLDS)
def test_one_auth_around_another_leads_nobody_to_its_own_pages(close, world):
    """A, B and B again: the middle one serves what the innermost one needs."""
    site = new_site(close, world, access={"public": ["/{rest...}"]})
    inner = other_auth(close, site)
    app = wrapped(world, inner, AsgiReport() if world == "asgi" else wsgi_application)
    app = wrapped(world, inner, mounted(world, app, "/deep"))
    site.application = wrapped(world, site.auth, mounted(world, app, PREFIX))
    browser = PageReader(site)
    sign_in_inside(browser)
    browser.site.clock.advance(seconds=301)

    assert 401 == browser.open(PREFIX + "/deep/admin")

    assert PREFIX + "/auth/step-up" == browser.page.forms[0].action


def test_a_mount_without_a_middleware_leads_to_the_endpoints_outside(close):
    """What its view raises is answered where its prefix is in the scope."""

    @requires()
    async def view(_request):
        return PlainTextResponse("in")

    site = new_site(close, "asgi", access={"public": [PREFIX + "/{rest...}"]})
    app = Starlette(routes=[Mount(PREFIX, app=Starlette(routes=[Route("/me", view)]))])
    install(app, site.auth)
    site.application, browser = app, PageReader(site)

    assert (303, f"/auth/sign-in?next={PREFIX}/me") == (browser.open(PREFIX + "/me"), browser.location)


def test_a_middleware_that_is_mounted_alone_serves_its_endpoints_itself(close):
    site = new_site(close, "asgi")
    inner = Starlette(routes=[Route("/me", lambda _request: PlainTextResponse("in"))])
    inner.add_middleware(AuthMiddleware, auth=site.auth)
    site.application, browser = Starlette(routes=[Mount(PREFIX, app=inner)]), PageReader(site)

    assert (303, f"{PREFIX}/auth/sign-in?next={PREFIX}/me") == (browser.open(PREFIX + "/me"), browser.location)
    assert 200 == browser.open(browser.location)
    assert PREFIX + "/auth/login" == browser.page.forms[0].action
