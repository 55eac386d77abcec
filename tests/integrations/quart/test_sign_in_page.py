"""Quart: a sign-in page of the application's own, whose functions are awaited."""

import asyncio

import pytest
from quart import Quart, Response, request

from memory_directory import MemoryDirectory
from safeconduct import Auth, Config, current
from safeconduct.quart import Safeconduct
from safeconduct.testing import throw_away_keys

SITE = "https://app.example"
OWN_PAGE = {"Origin": SITE}
ACCESS, REFRESH, DEVICE = (f"__Host-safeconduct{end}" for end in ("", "-refresh", "-device"))


def shop(auth):
    """Return the application."""
    app, extension = Quart("shop"), Safeconduct(auth)
    extension.init_app(app)

    @app.post("/enter")
    async def enter():
        form = await request.form
        account = await extension.check_password(form["username"], form["password"])
        tokens = await auth.async_sessions.sign_in(
            account,
            username=account.subject,
            remember="remember" in form,
            origin=auth.async_cookies.origin_of(request),
        )
        response = Response(account.subject)
        response.set_cookie("mine", "kept")
        await extension.set_cookies(response, tokens)
        return response

    @app.post("/bye")
    async def bye():
        await auth.async_sessions.end(current().session_id)
        response = Response("bye")
        response.set_cookie("mine", "kept")
        extension.clear_cookies(response)
        return response

    @app.get("/me")
    async def me():
        return current().subject

    return app


class Browser:
    """A browser at the application, within one event loop."""

    def __init__(self, app):
        self.client = app.test_client()

    async def request(self, method, path, form=None, headers=OWN_PAGE):
        """Send a request; return the status, and the cookies that the response sets."""
        answer = await self.client.open(path, method=method, form=form, headers=headers, scheme="https")
        self.headers, self.text = answer.headers, await answer.get_data(as_text=True)
        lines = [each.partition(";")[0].partition("=") for each in answer.headers.getlist("Set-Cookie")]
        return answer.status_code, {name for name, _, value in lines if value}

    async def sign_in(self, name="alice", password="wonder", headers=OWN_PAGE, **more):
        """Send the form of the page."""
        return await self.request("POST", "/enter", {"username": name, "password": password, **more}, headers)

    def forget(self, name):
        """Let a cookie end."""
        self.client.delete_cookie("localhost", name)


@pytest.fixture
def auth():
    config = Config(
        issuer=SITE, audience=SITE, external_url=SITE, keys=throw_away_keys(), store="memory://", sources=["cookie"],
        csrf={"token": "fallback"}, access={"public": ["/enter"]}, login={"failures_per_account": 2},
    )  # fmt: skip
    with Auth(config, directory=MemoryDirectory(alice="wonder", bob="builder")) as auth:
        yield auth


def with_browsers(auth, scenario):
    """Run *scenario* with a function that opens a browser."""
    app = shop(auth)
    asyncio.run(scenario(lambda: Browser(app)))


def test_a_person_signs_in_and_out(auth):
    """Our cookies stand beside that of the view."""

    async def scenario(browser):
        alice = browser()
        assert (401, set()) == await alice.sign_in(password="wrong")
        assert (200, {ACCESS, REFRESH, DEVICE, "mine"}) == await alice.sign_in(remember="on")
        assert 200 == (await alice.request("GET", "/me"))[0]
        assert "alice" == alice.text

        assert (200, {"mine"}) == await alice.request("POST", "/bye")
        assert '"cache", "storage"' == alice.headers["Clear-Site-Data"]
        assert 401 == (await alice.request("GET", "/me"))[0]
        assert () == await auth.async_sessions.list("alice")

    with_browsers(auth, scenario)


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {}],
    ids=["foreign origin", "cross-site", "nothing"],
)
def test_another_site_signs_nobody_in(auth, headers):
    async def scenario(browser):
        assert (403, set()) == await browser().sign_in(headers=headers)
        assert () == await auth.async_sessions.list("alice")

    with_browsers(auth, scenario)


def test_the_session_before_ends(auth):
    """Also that of a refresh cookie, which the view does not see, once the access cookie is over (ASVS 7.2.4)."""

    async def scenario(browser):
        computer = browser()
        await computer.sign_in(remember="on")
        computer.forget(ACCESS)
        assert 401 == (await computer.request("GET", "/me"))[0]

        assert (200, {ACCESS, DEVICE, "mine"}) == await computer.sign_in("bob", "builder")

        assert () == await auth.async_sessions.list("alice")
        assert f"{REFRESH}=;" in str(computer.headers)

    with_browsers(auth, scenario)


def test_the_throttle_counts_its_passwords(auth):
    """A browser in which the person has signed in before is not locked out."""

    async def scenario(browser):
        known, unknown = browser(), browser()
        await known.sign_in()
        statuses = [(await unknown.sign_in(password="wrong"))[0] for _ in range(3)]
        assert [401, 401, 429] == statuses

        known.forget(ACCESS)
        assert 200 == (await known.sign_in())[0]

    with_browsers(auth, scenario)
