"""Serve the endpoints without a prefix: ``endpoints.prefix = ""``."""

import json

import pytest

from app_client import SentRequest, asgi_scope, call_asgi, call_wsgi, wsgi_environ
from login_site import LoginClient

PASSWORD = {"username": "alice", "password": "wonder"}
#: Every pair that is ours, but for the item of the last path.
PAIRS = {
    ("POST", "/login"), ("POST", "/refresh"), ("POST", "/renew"), ("POST", "/step-up"), ("POST", "/logout"),
    ("POST", "/logout-everywhere"), ("GET", "/session"), ("GET", "/sessions"), ("DELETE", "/sessions/{id}"),
    ("GET", "/sign-in"), ("GET", "/continue"), ("GET", "/.well-known/jwks.json"),
}  # fmt: skip


@pytest.fixture
def open_client(make):
    def begin(**access):
        return LoginClient(make(endpoints={"prefix": ""}, access=access))

    return begin


def sign_in(client):
    """Sign in with tokens in the body."""
    status = client.request("POST", "/login", json_body=PASSWORD, with_cookies=False)
    client.tokens = client.json
    return status


def is_served_by_the_application(client):
    """Say whether the last response came from the application."""
    return bool(client.response.values("x-report"))


def test_a1_a_life_without_a_prefix(open_client, clock):
    """Sign in, use, look, renew, end another session, sign out."""
    client = open_client()
    assert sign_in(client) == 200
    token = client.tokens["access_token"]
    assert client.use() == 200
    other = LoginClient(client.site)
    sign_in(other)

    assert client.request("GET", "/session", bearer=token) == 200
    assert client.json["subject"] == "alice"
    assert client.request("GET", "/sessions", bearer=token) == 200
    assert len(client.json["sessions"]) == 2
    assert client.request("DELETE", f"/sessions/{other.tokens['session_id']}", bearer=token) == 204
    clock.advance(seconds=500)
    assert client.request("POST", "/renew", bearer=token) == 200
    renewed = client.json["access_token"]
    assert client.request("POST", "/logout", bearer=renewed) == 204
    assert client.use(renewed) == 401


def test_the_exact_pairs_are_ours(open_client):
    client = open_client()
    routes = client.site.application._gate.endpoints.routes

    assert PAIRS == {(route.method, route.path) for route in routes}
    endpoints = client.site.application._gate.endpoints
    ours = {(method, path) for method, path in PAIRS if endpoints.owns(method, path.replace("{id}", "7"))}
    assert PAIRS == ours
    assert endpoints.owns("HEAD", "/session")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/login"), ("PUT", "/login"), ("post", "/login"), ("OPTIONS", "/login"), ("QUERY", "/login"),
        ("POST", "/session"), ("DELETE", "/sessions"), ("POST", "/sessions"), ("GET", "/sessions/7"),
        ("POST", "/sessions/7"), ("HEAD", "/sessions/7"), ("DELETE", "/sessions/7/8"), ("DELETE", "/sessions/"),
        ("POST", "/login/"), ("POST", "/Login"), ("POST", "//login"), ("GET", "/openapi.json"), ("GET", "/"),
        ("POST", "/auth/login"), ("HEAD", "/logout"),
    ],
)  # fmt: skip
def test_everything_else_is_the_applications(open_client, method, path):
    """It is closed without a credential, and the application answers with one; no 405 of ours comes between."""
    client = open_client()
    sign_in(client)

    assert client.request(method, path) == 401
    for _ in range(3):
        assert client.request(method, path, bearer=client.tokens["access_token"]) == 200
        assert is_served_by_the_application(client)


def test_the_rules_cover_what_the_application_serves_at_our_paths(open_client):
    """A public page at ``GET /login``, a rule for ``GET /sessions/{id}``; neither touches the pairs that are ours."""
    rules = [
        {"path": "/sessions/{id}", "methods": ["GET"], "roles": ["auditor"]},
        {"path": "/session", "roles": ["auditor"]},
        {"path": "/logout", "roles": ["auditor"]},
    ]
    client = open_client(public=["GET /login", "POST /refresh"], rules=rules)
    assert client.request("GET", "/login") == 200
    assert is_served_by_the_application(client)
    assert sign_in(client) == 200
    token = client.tokens["access_token"]

    assert client.request("GET", "/sessions/7", bearer=token) == 403
    assert client.request("PUT", "/session", bearer=token) == 403
    assert client.request("GET", "/session", bearer=token) == 200
    assert client.request("DELETE", "/sessions/none", bearer=token) == 404
    assert client.request("POST", "/refresh", json_body={}) == 401
    assert client.request("POST", "/logout", bearer=token) == 204


def test_one_path_takes_turns(open_client):
    """A remembered route of the application does not hide the endpoint at the same path, nor the reverse."""
    client = open_client()
    sign_in(client)
    token = client.tokens["access_token"]
    for _ in range(4):
        assert client.request("PUT", "/session", bearer=token) == 200
        assert is_served_by_the_application(client)
        assert client.request("GET", "/session", bearer=token) == 200
        assert not is_served_by_the_application(client)


def test_a_well_known_path_is_wholly_ours(open_client):
    client = open_client()

    assert client.request("GET", "/.well-known/jwks.json") == 200
    assert client.request("POST", "/.well-known/jwks.json") == 405
    assert client.response.values("allow") == ("GET, HEAD",)


@pytest.mark.parametrize("path", ["/sessions/a%5Cb", "/sessions/a%2561", "/sessions/%00", "/sessions/a%2Fb"])
def test_an_item_with_an_ambiguous_path_is_400(open_client, path):
    client = open_client()
    sign_in(client)

    status = client.request("DELETE", path, bearer=client.tokens["access_token"])

    # With an encoded slash there are two segments in one reading, which is a path of the application.
    assert status == (200 if "%2F" in path else 400)
    assert (status == 200) is is_served_by_the_application(client)


@pytest.mark.parametrize("world", ["asgi", "wsgi"], indirect=True)
@pytest.mark.parametrize("root_path", ["", "/api"])
def test_links_lead_to_the_root(open_client, world, root_path):
    """Below a mount prefix the root is the mount point."""
    site = open_client(links=[{"rel": "page", "method": "GET", "path": "/login"}], sign_in_url="/login").site
    request = SentRequest("GET", "/session", (("host", b"app.example"),), "https")
    if world == "asgi":
        response = site._runner.run(call_asgi(site.application, asgi_scope(request, root_path=root_path)))
    else:
        response = call_wsgi(site.application, wsgi_environ(request, SCRIPT_NAME=root_path))

    assert [
        {"rel": "login", "method": "POST", "href": f"{root_path}/login"},
        {"rel": "page", "method": "GET", "href": f"{root_path}/login"},
    ] == json.loads(response.body)["links"]


def test_the_sign_in_page_may_have_the_path_of_the_login(open_client):
    """GET shows the application's page, and its form posts to the same path."""
    client = open_client(sign_in_url="/login")

    browser = [("accept", "text/html"), ("sec-fetch-mode", "navigate")]
    assert client.request("GET", "/me", headers=browser) == 303
    assert client.response.values("location") == ("/login?next=/me",)
    assert client.request("GET", "/login", headers=browser) == 200
    assert is_served_by_the_application(client)
    assert sign_in(client) == 200


def test_switched_off_there_are_none(make):
    client = LoginClient(make(endpoints={"prefix": "", "enabled": False}))

    assert client.request("POST", "/login", json_body=PASSWORD) == 401
    assert client.json["code"] == "missing_credential"


def test_a_path_that_an_inner_middleware_remembers_is_still_ours(open_client):
    """Below a mount, the outer middleware has not served it; the same address served by a server's prefix is ours."""
    client = open_client()
    site = client.site
    sign_in(client)
    bearer = ("authorization", f"Bearer {client.tokens['access_token']}".encode())
    asked = SentRequest("GET", "/x/session", (("host", b"app.example"),), "https")
    known = SentRequest("GET", "/x/session", (*asked.headers, bearer), "https")
    inner = site.application

    async def mount(scope, receive, send):
        await inner({**scope, "root_path": "/x"}, receive, send)

    def wsgi_mount(environ, start_response):
        return inner({**environ, "SCRIPT_NAME": "/x", "PATH_INFO": "/session"}, start_response)

    if site.world == "asgi":
        outer = site.auth.asgi(mount)
        seen = [site._runner.run(call_asgi(outer, asgi_scope(known))) for _ in range(3)]
        response = site._runner.run(call_asgi(inner, asgi_scope(asked, root_path="/x")))
    else:
        outer = site.auth.wsgi(wsgi_mount)
        seen = [call_wsgi(outer, wsgi_environ(known)) for _ in range(3)]
        response = call_wsgi(inner, wsgi_environ(asked, SCRIPT_NAME="/x", PATH_INFO="/session"))

    assert [(200, True)] * 3 == [(each.status, each.report is not None) for each in seen]
    assert (200, False) == (response.status, json.loads(response.body)["is_authenticated"])
