"""Starlette: what templates are given, and the cookies of a sign-in page of one's own."""

import jinja2
import pytest
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.templating import Jinja2Templates
from starlette.testclient import TestClient

from auth_setups import SITE, auth_for, configuration, now
from memory_directory import MemoryDirectory
from safeconduct import Auth
from safeconduct.errors import CrossSiteRequest
from safeconduct.starlette import clear_cookies, context_processor, install, set_cookies
from table_tokens import tokens


def test_templates_know_who_is_asking_and_what_they_may_do():
    asked = "{{ allows('GET', '/admin') }} {{ allows('GET', '/x/me') }} {{ csrf_token is defined }}"
    page = "{{ current_identity.display_name }} " + asked
    environment = jinja2.Environment(loader=jinja2.DictLoader({"page": page}), autoescape=True)
    templates = Jinja2Templates(env=environment, context_processors=[context_processor])

    async def view(request):
        return templates.TemplateResponse(request, "page")

    app = Starlette(routes=[Route("/me", view)])
    install(app, auth_for("main"))
    client = TestClient(app, base_url=SITE, root_path="/x")

    answer = client.get("/x/me", headers={"authorization": f"Bearer {tokens()['alice']}"})

    assert "alice False True True" == answer.text


@pytest.fixture
def client():
    """Return a test client of an application with a sign-in page of its own."""
    auth = Auth(configuration(access={"public": ["/in", "/out"]}), directory=MemoryDirectory(alice="wonder"), clock=now)

    async def sign_in(request):
        account = await auth.async_passwords.check("alice", "wonder", request=request)
        tokens = await auth.async_sessions.sign_in(account, origin=auth.async_cookies.origin_of(request))
        response = PlainTextResponse("in")
        await set_cookies(auth, response, tokens, request)
        return response

    async def sign_out(_request):
        response = PlainTextResponse("out")
        clear_cookies(auth, response)
        return response

    async def me(request):
        return PlainTextResponse(request.user.subject)

    app = Starlette(
        routes=[Route("/in", sign_in, methods=["POST"]), Route("/out", sign_out), Route("/me", me)],
    )
    install(app, auth)
    return TestClient(app, base_url=SITE)


def test_a_sign_in_page_of_ones_own(client):
    assert "in" == client.post("/in", headers={"origin": SITE}).text
    assert "alice" == client.get("/me").text

    client.get("/out")

    assert 401 == client.get("/me").status_code


def test_a_page_elsewhere_signs_nobody_in(client):
    refused = client.post("/in", headers={"origin": "https://evil.example"})

    assert (403, CrossSiteRequest.code) == (refused.status_code, refused.json()["code"])
    assert "set-cookie" not in refused.headers
