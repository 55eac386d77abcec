"""A service gets into applications of ours, served by uvicorn and by a WSGI server, with each grant."""

import json

import httpx2
import jwt
import pytest

from http_callers import CALLERS
from safeconduct.service import (
    ClientCredentials,
    Options,
    SelfSigned,
    TokenExchange,
    TokenRequestRefused,
)
from served_services import BILLING, SECRET
from table_tokens import AUDIENCE, FOREIGN_KEY, ISSUER
from web_servers import WebServer

MANY = 50
SERVERS = {"uvicorn": "services_asgi", "gunicorn gthread": "services_wsgi"}


class Ours:
    """An application of ours on a real server."""

    def __init__(self, kind):
        self._server = WebServer(kind, f"served_services:{SERVERS[kind]}")
        host, port = self._server.address
        self.origin = f"http://{host}:{port}"
        self.token_url = f"{self.origin}/auth/token"

    def public(self, path):
        """Return the JSON of a public path."""
        return httpx2.get(self.origin + path, timeout=60).json()

    def tokens_of(self, client_id="reports", key=SECRET, **more):
        """Return the auth of a client of the token endpoint, which does not get the audience in an assertion wrong."""
        return ClientCredentials(client_id, key, token_url=self.token_url, issuer=ISSUER, **more)

    def close(self):
        """End the server."""
        self._server.close()


@pytest.fixture(scope="module", params=SERVERS)
def ours(request):
    """Return each server in turn."""
    running = Ours(request.param)
    yield running
    running.close()


def who(caller, ours, auth):
    """Return what the application says about the caller."""
    status, text = caller.call("GET", f"{ours.origin}/", auth=auth)
    return json.loads(text) if status == 200 else (status, json.loads(text)["code"])


@pytest.mark.parametrize(
    ("client_id", "key", "scopes", "roles"),
    [("reports", SECRET, ["read", "write"], ["auditor"]), ("robot", FOREIGN_KEY, ["read"], [])],
    ids=["secret", "key"],
)
def test_s1_a_self_signed_service_is_let_in(ours, caller, client_id, key, scopes, roles):
    """Without any request to a token endpoint, and never as a person."""
    before = ours.public("/count")

    found = who(caller, ours, SelfSigned(client_id, key, audience=AUDIENCE))

    assert (f"client:{client_id}", client_id, scopes, roles, "remembered") == (
        found["subject"], found["client_id"], found["scopes"], found["roles"], found["level"],
    )  # fmt: skip
    assert before == ours.public("/count")


def test_s1_scopes_are_no_more_than_asked_for(ours, caller):
    assert ["read"] == who(caller, ours, SelfSigned("reports", SECRET, audience=AUDIENCE, scopes=["read"]))["scopes"]


def test_s1_a_single_use_token_counts_once(ours, caller):
    """A cached token is refused at its second use and replaced; a service that knows signs one for each request."""
    auth = SelfSigned("once", SECRET[::-1], audience=AUDIENCE, single_use=True)

    tokens = {who(caller, ours, auth)["jti"] for _ in range(3)}

    assert 3 == len(tokens)


@pytest.mark.parametrize(
    "auth",
    [
        SelfSigned("reports", SECRET[::-1], audience=AUDIENCE),
        SelfSigned("reports", SECRET, audience=BILLING),
        SelfSigned("robot", SECRET, audience=AUDIENCE),
        SelfSigned("nobody", SECRET, audience=AUDIENCE),
        SelfSigned("reports", SECRET, audience=AUDIENCE, scopes=["admin"]),
        SelfSigned("reports", SECRET, audience=AUDIENCE, options=Options(clock=lambda: 1_000_000_000)),
    ],
    ids=["secret", "audience", "key", "name", "scope", "clock"],
)
def test_s1_what_does_not_fit_is_refused(ours, auth, caller):
    """The 401 goes to the caller after one more attempt."""
    assert (401, "invalid_token") == who(caller, ours, auth)


@pytest.mark.parametrize(
    ("client_id", "key", "method"),
    [
        ("reports", SECRET, "client_secret_basic"),
        ("reports", SECRET, "client_secret_post"),
        ("reports", SECRET, "client_secret_jwt"),
        ("robot", FOREIGN_KEY, "private_key_jwt"),
    ],
)
def test_client_credentials_by_each_authentication(ours, caller, client_id, key, method):
    auth = ours.tokens_of(client_id, key, authentication=method, scopes=["read"])

    found = who(caller, ours, auth)

    assert (f"client:{client_id}", ["read"]) == (found["subject"], found["scopes"])


def test_fifty_callers_make_one_token_request(ours, caller):
    """Counted by the server."""
    before = ours.public("/count")["count"]

    answers = caller.call_at_once(MANY, f"{ours.origin}/", auth=ours.tokens_of())

    assert {200} == {status for status, _ in answers}
    assert before + 1 == ours.public("/count")["count"]


@pytest.mark.parametrize(
    ("more", "error"),
    [
        ({"key": SECRET[::-1]}, "invalid_client"),
        ({"client_id": "nobody"}, "invalid_client"),
        ({"client_id": "once", "key": SECRET[::-1]}, "unauthorized_client"),
        ({"scopes": ["admin"]}, "invalid_scope"),
        ({"audience": "https://elsewhere.example"}, "invalid_target"),
    ],
)
def test_a_refusal_of_the_endpoint_is_typed(ours, caller, more, error):
    with pytest.raises(TokenRequestRefused) as caught:
        caller.call("GET", f"{ours.origin}/", auth=ours.tokens_of(**more))

    assert error == caught.value.error
    assert SECRET not in str(caught.value)


def test_a_token_for_another_audience_is_for_it_alone(ours):
    """What the service sends there is refused here."""
    auth = ours.tokens_of(audience=BILLING)

    claims = jwt.decode(auth._tokens().get().value, options={"verify_signature": False})

    assert (BILLING, "client:reports") == (claims["aud"], claims["sub"])
    assert (401, "invalid_token") == who(CALLERS[0], ours, auth)


def test_s2_a_service_acts_for_the_user(ours, caller):
    """The exchanged token is the user's, names the service as the actor, and has no more scopes than both."""
    alice = ours.public("/token-of-alice")["token"]
    exchange = TokenExchange(
        "reports", SECRET, token_url=ours.token_url, audience=AUDIENCE, scopes=["read"], subject_token=lambda: alice
    )

    found = who(caller, ours, exchange)

    assert ("alice", ["read"], "remembered") == (found["subject"], found["scopes"], found["level"])
    assert "reports" in found["actor"]["sub"]


def test_s2_a_client_cannot_be_acted_for(ours, caller):
    """A client's own token is no subject token."""
    own = ours.tokens_of()._tokens().get().value
    exchange = TokenExchange("reports", SECRET, token_url=ours.token_url, audience=BILLING)

    with pytest.raises(TokenRequestRefused) as caught:
        caller.call("GET", f"{ours.origin}/", auth=exchange.on_behalf_of(own))

    assert "invalid_request" == caught.value.error
