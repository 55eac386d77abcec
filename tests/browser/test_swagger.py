"""Sign in by "Authorize" on FastAPI's `/docs`, driven in Chromium with the Swagger UI that it loads elsewhere."""

import contextlib
import re
import socket
from importlib.resources import files
from typing import Annotated

import pytest
from fastapi import Depends, FastAPI
from playwright.sync_api import expect
from starlette.applications import Starlette
from starlette.routing import Mount

from auth_setups import configuration
from demo_servers import serving_asgi
from memory_directory import MemoryDirectory
from safeconduct import Auth, Principal
from safeconduct.fastapi import CurrentPrincipal, Require, install

UI = files("drf_spectacular_sidecar") / "static" / "drf_spectacular_sidecar" / "swagger-ui-dist"
DOCS = ("/docs", "/openapi.json", "/docs/oauth2-redirect")


class Site:
    """A FastAPI application and its `/docs`, served by uvicorn."""

    def __init__(self, *, place="/", root_path="", **fields):
        with socket.socket() as sock, contextlib.ExitStack() as stack:
            sock.bind(("127.0.0.1", 0))
            sock.listen()
            origin = f"http://127.0.0.1:{sock.getsockname()[1]}"
            cookies = {"access": "access", "refresh": "refresh", "device": "device", "secure": False}
            fields = {"cookies": cookies, "sources": ["bearer", "cookie"]} | fields
            config = configuration(
                access={"public": DOCS, "rules": []}, external_url=origin, endpoints={}, csrf={}, trust=[], **fields
            )
            directory = MemoryDirectory(alice="wonder")
            self.auth = stack.enter_context(Auth(config, directory=directory))
            app = self._application()
            served = app if place == "/" else Starlette(routes=[Mount(place, app=app)])
            served = below(root_path, served) if root_path else served
            stack.enter_context(serving_asgi(served, sock))
            self.docs = origin + place.rstrip("/") + root_path + "/docs"
            self.close = stack.pop_all().close

    def _application(self):
        app = FastAPI()

        @app.get("/me")
        def me(user: CurrentPrincipal) -> str:
            return f"{user.subject} by {user.scheme}"

        @app.post("/payments")
        def pay(user: Annotated[Principal, Depends(Require(level="explicit"))]) -> str:
            return f"paid by {user.subject} by {user.scheme}"

        install(app, self.auth)
        return app


def below(root_path, app):
    """Serve *app* below a prefix, as uvicorn does with ``--root-path`` behind a proxy that removes it."""

    async def serve(scope, receive, send):
        await app({**scope, "root_path": root_path}, receive, send)

    return serve


@pytest.fixture
def open_docs(browsers):
    """Open `/docs` of a new site in a fresh profile."""
    with contextlib.ExitStack() as stack:

        def opened(**how):
            site = Site(**how)
            stack.callback(site.close)
            profile = browsers.profile()
            stack.callback(profile.close)
            page = profile.new_page()
            page.route(re.compile("^https://"), from_disk)
            page.goto(site.docs)
            return page

        yield opened


def from_disk(route):
    """Answer for the server from which `/docs` loads its script and its style."""
    file = UI / route.request.url.rpartition("/")[2]
    if file.is_file():
        route.fulfill(path=str(file))
    else:
        route.abort()


def authorize(page, password="wonder"):
    """Sign in by the form of the password flow."""
    page.get_by_role("button", name="Authorize").first.click()
    form = page.locator(".auth-container", has_text="OAuth2, password")
    form.locator("#oauth_username").fill("alice")
    form.locator("#oauth_password").fill(password)
    form.locator("button.authorize").click()
    return form


def execute(page, operation):
    """Send a request from the page, and return the live response."""
    block = page.locator(f"#operations-default-{operation}")
    block.locator(".opblock-summary").click()
    block.get_by_role("button", name="Try it out").click()
    block.get_by_role("button", name="Execute").click()
    return block.locator(".live-responses-table")


@pytest.mark.parametrize(
    "how", [{}, {"root_path": "/api/v1"}, {"place": "/mounted"}], ids=["plain", "root path", "mounted"]
)
def test_authorize_signs_in(open_docs, how):
    page = open_docs(**how)

    form = authorize(page)
    expect(form.locator("button", has_text="Logout")).to_be_visible()
    form.locator("button", has_text="Close").click()

    expect(execute(page, "me_me_get")).to_contain_text("alice by bearer")
    expect(execute(page, "pay_payments_post")).to_contain_text("paid by alice by bearer")


def test_a_wrong_password_is_shown(open_docs):
    form = authorize(open_docs(), "wrong")

    expect(form).to_contain_text("auth errorError")
    expect(form.locator("button", has_text="Logout")).to_have_count(0)


def test_without_a_sign_in_the_answer_is_401(open_docs):
    """The description says so too."""
    response = execute(open_docs(), "me_me_get")

    expect(response).to_contain_text("401")
    expect(response).to_contain_text("missing_credential")


def test_where_a_page_gets_no_token_no_form_is_offered(open_docs):
    """With `cookies.mode = "require"` the sign-in of a page is answered by cookies, which "Authorize" cannot send."""
    cookies = {"access": "access", "refresh": "refresh", "device": "device", "secure": False, "mode": "require"}
    page = open_docs(cookies=cookies)

    page.get_by_role("button", name="Authorize").first.click()
    expect(page.locator(".auth-container", has_text="bearer")).to_have_count(1)
    expect(page.locator(".auth-container", has_text="OAuth2, password")).to_have_count(0)
