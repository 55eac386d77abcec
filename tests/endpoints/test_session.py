"""Show and end sessions: ``GET /auth/session``, ``GET /auth/sessions``, ``DELETE /auth/sessions/{id}``."""

import json

import pytest

from login_site import ACCESS, DEVICE, REFRESH, LoginClient, LoginSite
from safeconduct.errors import RevokedToken
from table_tokens import AUDIENCE, FOREIGN_KEY, IDP, NOW, mint, public

TRUST = [{"issuer": IDP, "audience": AUDIENCE, "algorithms": ["ES256"], "keys": {"keys": [public(FOREIGN_KEY)]}}]


def rels(client):
    return {link["rel"] for link in client.json["links"]}


def test_nobody_learns_how_to_sign_in(client):
    """The answer is 200, because asking is no error."""
    assert 200 == client.request("GET", "/auth/session")

    links = [
        {"rel": "login", "method": "POST", "href": "/auth/login"},
        {"rel": "sign-in", "method": "GET", "href": "/auth/sign-in"},
    ]
    assert {"is_authenticated": False, "links": links} == (client.json)


def test_h_a_page_learns_when_it_may_be_remembered_for_longer(client, clock):
    """The dates are given from half of the credential's lifetime on, and only if there is one."""
    client.sign_in(remember=True)
    remembered, now = client.json, int(clock())
    client.request("GET", "/auth/session")
    kept = client.json

    assert now + 14 * 86_400 == kept["extend_before"]
    assert (kept["extend_after"], kept["extend_before"]) == (remembered["extend_after"], remembered["extend_before"])
    client.sign_in()
    client.request("GET", "/auth/session")
    assert (None, None) == (client.json["extend_after"], client.json["extend_before"])


def test_a_page_learns_who_it_is_and_its_csrf_token(client, clock):
    """C4: a page asks for its rights, because it cannot read the token."""
    client.sign_in(remember=True)

    assert 200 == client.request("GET", "/auth/session")

    answer = client.json
    assert (True, "alice", "explicit", ["user"]) == tuple(
        answer[name] for name in ("is_authenticated", "subject", "level", "roles")
    )
    assert client.csrf == answer["csrf_token"]
    now = int(clock())
    assert (now, now + 900, now + 450) == (answer["issued_at"], answer["expires_at"], answer["renew_after"])
    assert {"logout", "logout-everywhere", "step-up", "sessions", "refresh"} == rels(client)
    assert client.cookies[ACCESS] not in client.response.body.decode()
    assert ("no-store",) == client.response.values("cache-control")


def test_a_program_gets_no_csrf_token(client):
    """No foreign page can make a client send the header."""
    client.get_tokens()

    client.request("GET", "/auth/session", bearer=client.tokens["access_token"])

    assert client.json["csrf_token"] is None
    assert "refresh" not in rels(client)


def test_links_come_with_their_time(client, clock):
    client.get_tokens(remember=True)
    clock.advance(seconds=451)
    client.request("GET", "/auth/session", bearer=client.tokens["access_token"])
    half_of_a_token = rels(client)
    clock.advance(seconds=8 * 86_400)
    client.refresh()
    client.request("GET", "/auth/session", bearer=client.tokens["access_token"])

    assert "renew" in half_of_a_token
    assert "extend" not in half_of_a_token
    assert "extend" in rels(client)
    assert "renew" not in rels(client)


def test_an_expired_session_without_remember_me_has_nothing_to_refresh(client, clock):
    client.sign_in()
    clock.advance(seconds=911)

    client.request("GET", "/auth/session")

    assert {"login", "sign-in"} == rels(client)


def test_an_expired_cookie_is_anonymous_and_may_refresh(client, clock):
    """A user returns: the access token has expired, and the long-term credential is valid (L9)."""
    client.sign_in(remember=True)
    clock.advance(seconds=2000)

    client.request("GET", "/auth/session")

    assert client.json["is_authenticated"] is False
    assert {"login", "sign-in", "refresh"} == rels(client)


def test_an_ended_session_is_anonymous(site, client):
    client.sign_in()
    site.auth.sessions.sign_out_everywhere("alice")

    assert (200, False) == (client.request("GET", "/auth/session"), client.json["is_authenticated"])


def test_a_bad_token_in_the_header_is_401(client):
    assert 401 == client.request("GET", "/auth/session", bearer="x.y.z")


def test_a_store_that_is_away_is_503_and_signs_nobody_out(killable_site):
    """A page must not mistake an outage for the end of its session."""
    site, server = killable_site
    client = LoginClient(site)
    client.sign_in()
    server.kill()

    assert 503 == client.request("GET", "/auth/session")


def test_a_session_that_ends_between_two_queries_is_anonymous(site, client, monkeypatch):
    """The token is still valid when it is checked, but the record is gone when it is read."""
    client.sign_in()
    session_verbs = (site.auth._asgi if site.world == "asgi" else site.auth._wsgi).session_verbs
    monkeypatch.setattr(session_verbs._lookup, "read", _gone)

    assert (200, False) == (client.request("GET", "/auth/session"), client.json["is_authenticated"])


async def _gone(_ref):
    raise RevokedToken("the session is over")


def test_another_issuers_user_has_no_session_here(make):
    """A caller of another issuer is recognised, and has no sessions here."""
    client = LoginClient(make(trust=TRUST))
    client.site.clock.seconds = float(NOW)
    token = mint("alice", by="foreign", iss=IDP, jti="idp", iat_ms=None)

    client.request("GET", "/auth/session", bearer=token)

    assert (True, None) == (client.json["is_authenticated"], client.json["session_id"])
    assert {"logout"} == rels(client)
    assert 403 == client.request("GET", "/auth/sessions", bearer=token)
    assert 403 == client.request("POST", "/auth/logout-everywhere", bearer=token)
    assert 204 == client.request("POST", "/auth/logout", bearer=token)


def test_ending_another_session_ends_it(site):
    page, program = LoginClient(site), LoginClient(site)
    page.sign_in()
    program.get_tokens(remember=True)

    assert 204 == page.request("DELETE", f"/auth/sessions/{program.tokens['session_id']}")

    assert (401, 401) == (program.use(), program.refresh())
    assert 200 == page.request("GET", "/me")


def test_ending_the_current_session_takes_the_cookies(client):
    client.sign_in()
    client.request("GET", "/auth/session")

    assert 204 == client.request("DELETE", f"/auth/sessions/{client.json['session_id']}")
    assert {DEVICE} == client.cookies.keys()


def test_a_program_ends_its_own_session(client):
    client.get_tokens()

    status = client.request(
        "DELETE", f"/auth/sessions/{client.tokens['session_id']}", bearer=client.tokens["access_token"]
    )

    assert (204, ()) == (status, client.response.values("set-cookie"))


def test_ending_another_session_needs_an_explicit_sign_in(site, clock):
    """A remembered caller may be a thief; ending the current session is always allowed."""
    program, other = LoginClient(site), LoginClient(site)
    other.get_tokens()
    program.get_tokens(remember=True)
    clock.advance(seconds=901)
    program.refresh()
    token = program.tokens["access_token"]

    another = program.request("DELETE", f"/auth/sessions/{other.tokens['session_id']}", bearer=token)
    code = program.json["code"]
    own = program.request("DELETE", f"/auth/sessions/{program.tokens['session_id']}", bearer=token)

    assert (401, "insufficient_user_authentication", 204) == (another, code, own)


def test_a_session_of_another_person_is_404(site):
    alice, bob = LoginClient(site), LoginClient(site)
    alice.get_tokens()
    bob.get_tokens("bob", "builder")

    statuses = [
        alice.request("DELETE", f"/auth/sessions/{name}", bearer=alice.tokens["access_token"])
        for name in (bob.tokens["session_id"], "nonsense")
    ]

    assert [404, 404] == statuses
    assert 200 == bob.use()


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("GET", "/auth/login", "POST"),
        ("POST", "/auth/session", "GET, HEAD"),
        ("GET", "/auth/sessions/abc", "DELETE"),
        ("DELETE", "/.well-known/jwks.json", "GET, HEAD"),
    ],
    ids=str,
)
def test_a_wrong_method_is_405(client, method, path, allow):
    assert (405, (allow,)) == (client.request(method, path), client.response.values("allow"))


@pytest.mark.parametrize("path", ["/auth", "/auth/", "/auth/else", "/auth/sessions/a/b", "/auth/sessions/"], ids=str)
def test_everything_else_below_the_prefix_is_the_applications(client, path):
    """It is closed, like every path that is not public."""
    assert (401, "missing_credential") == (client.request("GET", path), client.json["code"])


def test_an_ambiguous_path_is_400(client):
    assert 400 == client.request("DELETE", "/auth/sessions/a%5Cb")


def test_the_prefix_is_the_authors(make):
    client = LoginClient(make(endpoints={"prefix": "/account/sign-in"}))
    json_body = {"username": "alice", "password": "wonder"}

    assert (200, 401) == (
        client.request("POST", "/account/sign-in/login", json_body=json_body),
        client.request("POST", "/auth/login", json_body=json_body),
    )


def test_where_they_are_off_nothing_is_served(make):
    client = LoginClient(make(endpoints={"enabled": False}))

    assert 401 == client.request("GET", "/auth/session")


def test_the_description_names_every_endpoint(client):
    """The document is OpenAPI 3.1, for generators of clients."""
    client.request("GET", "/auth/openapi.json")

    document = client.json
    assert "3.1.0" == document["openapi"]
    served = {(row.method.lower(), row.path) for row in client.site.application._gate.endpoints.routes}
    documented = {(method, path) for path, methods in document["paths"].items() for method in methods}
    assert served - {("get", "/.well-known/jwks.json")} == documented
    names = [each["operationId"] for path in document["paths"].values() for each in path.values()]
    assert len(names) == len(set(names))


def test_head_is_get_without_a_body(client):
    assert (200, b"") == (client.request("HEAD", "/auth/session"), client.response.body)


def test_no_call_of_a_page_shows_a_token(client, clock):
    """K1: every call is tried, with everything that a script can send."""
    client.sign_in(remember=True)
    seen = [client.response]
    clock.advance(seconds=460)
    calls = [
        ("GET", "/auth/session", None), ("GET", "/auth/sessions", None), ("POST", "/auth/renew", None),
        ("POST", "/auth/step-up", {"password": "wonder"}), ("POST", "/auth/refresh", {"extend": False}),
        ("GET", "/auth/openapi.json", None), ("GET", "/.well-known/jwks.json", None),
        ("POST", "/auth/login", {"username": "alice", "password": "wonder", "cookies": True, "remember": True}),
        ("POST", "/auth/logout", None),
    ]  # fmt: skip
    tokens = {client.cookies[ACCESS], client.cookies[REFRESH]}
    for method, path, json_body in calls:
        client.request(method, path, json_body=json_body)
        if "csrf_token" in (documented := json.loads(client.response.body or b"{}")):
            client.csrf = documented["csrf_token"]
        seen.append(client.response)
        tokens |= {value for name, value in client.cookies.items() if name != DEVICE}

    assert [200] * 9 + [204] == [each.status for each in seen]
    shown = [each.body.decode() + str([f for f in each.fields if f[0] != "set-cookie"]) for each in seen]
    assert not [token for token in tokens for text in shown if token in text]
    assert len(tokens) >= 8


def test_an_inner_middleware_of_the_same_auth_serves_none(world, clock):
    """The outer middleware serves them."""
    site = LoginSite(world, clock=clock)
    site.application = (site.auth.asgi if world == "asgi" else site.auth.wsgi)(site.application)
    client = LoginClient(site)

    assert (200, 200) == (client.get_tokens(), client.use())
    site.close()


def test_b10_an_id_of_another_process_is_404_and_its_tokens_are_503(make):
    """Anybody can invent an id, but not a token with our tag."""
    client, other = LoginClient(make()), LoginClient(make())
    client.get_tokens()
    other.get_tokens(remember=True)

    assert 404 == client.request(
        "DELETE",
        f"/auth/sessions/{other.tokens['session_id']}",
        bearer=client.tokens["access_token"],
        with_cookies=False,
    )
    assert "not_found" == client.json["code"]
    assert 503 == client.refresh(other.tokens["refresh_token"])


def test_h_the_description_names_the_parameters_that_a_path_has(client):
    """Fields that cannot be sent are not documented, because a generated client would send them."""
    assert 200 == client.request("GET", "/auth/openapi.json")

    named = {
        (path, parameter["name"])
        for path, operations in client.json["paths"].items()
        for operation in operations.values()
        for parameter in operation.get("parameters", ())
        if parameter["in"] == "path"
    }

    assert {("/auth/sessions/{id}", "id")} == named


def test_h_the_description_names_the_bodies_that_are_read(client):
    """A body is required only if one of its fields is."""
    assert 200 == client.request("GET", "/auth/openapi.json")

    bodies = {
        path.rpartition("/")[2]: operation["requestBody"]["required"]
        for path, operations in client.json["paths"].items()
        for operation in operations.values()
        if "requestBody" in operation
    }

    assert {"login": True, "step-up": True, "refresh": False, "logout": False} == bodies


def test_h_the_description_says_where_a_token_is_needed(client):
    assert 200 == client.request("GET", "/auth/openapi.json")

    needing = {
        path.rpartition("/")[2]
        for path, operations in client.json["paths"].items()
        for operation in operations.values()
        if "security" in operation
    }

    assert {"renew", "step-up", "logout-everywhere", "sessions", "{id}"} == needing
