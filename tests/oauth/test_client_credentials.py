"""Give a service a token: ``POST /auth/token`` with ``client_credentials``."""

import pytest

from oauth_site import AUDIENCE, BILLING, SECRETS, OAuthClient, assertion
from safeconduct._core.oauth.token_endpoint import ClientTokenIssuer
from safeconduct._core.run_sync import run_sync
from safeconduct._tokens.reader import decode_segment, read_object
from safeconduct.errors import NotSupported
from safeconduct.events import ClientRefused, ClientTokenIssued, Fault


def claims_of(token):
    return read_object(decode_segment(token.split(".")[1].encode()))


def test_a_service_gets_a_token(client):
    """RFC 6749 §4.4.3: an access token, no refresh token, and no cache keeps it."""
    assert 200 == client.token()

    answer = client.json
    assert {"access_token", "token_type", "expires_in", "scope"} == answer.keys()
    assert ("Bearer", 900, "read write") == (answer["token_type"], answer["expires_in"], answer["scope"])
    assert ("application/json",) == client.response.values("content-type")
    assert ("no-store",) == client.response.values("cache-control")
    assert () == client.response.values("set-cookie")
    claims = claims_of(answer["access_token"])
    assert ("client:reports", "reports", AUDIENCE) == (claims["sub"], claims["client_id"], claims["aud"])
    assert ["auditor"] == claims["roles"]
    assert not {"sid", "rn", "act", "amr", "auth_time"} & claims.keys()


def test_the_token_is_accepted_as_that_of_a_service(site, client):
    client.token()

    response = site.request("GET", "/me", [("authorization", f"Bearer {client.json['access_token']}")])

    assert (200, "client:reports") == (response.status, response.report["who"])


def test_it_is_announced(site, client):
    client.token(scope="read", audience=BILLING)

    [event] = [event for event in site.events if isinstance(event, ClientTokenIssued)]
    assert ("reports", "client_credentials", "client:reports") == (event.client_id, event.grant_type, event.subject)
    assert (BILLING, ("read",)) == (event.audience, event.scopes)


@pytest.mark.parametrize("how", ["basic", "post", "private_key_jwt", "client_secret_jwt"])
def test_each_authentication_works(client, how):
    """RFC 6749 §2.3.1, RFC 7523 §2.2."""
    match how:
        case "basic":
            status = client.token("nightly")
        case "post":
            status = client.token(headers=[], client_id="reports", client_secret=SECRETS["reports"])
        case "private_key_jwt":
            status = client.token_by_assertion(assertion())
        case "client_secret_jwt":
            status = client.token_by_assertion(assertion("reports", key=SECRETS["reports"], alg="HS256"))

    assert 200 == status, client.json


def test_a_wrong_secret_is_refused(site):
    client = OAuthClient(site)

    assert 401 == client.token(headers=[], client_id="reports", client_secret="x" * 40)

    assert "invalid_client" == client.json["error"]
    [event] = [event for event in site.events if isinstance(event, ClientRefused)]
    assert (401, "reports", "a wrong secret") == (event.status, event.client_id, event.reason)


@pytest.mark.parametrize("how", ["secret", "secret of a signer", "assertion"])
def test_a_revoked_client_gets_no_more_tokens(site, client, how):
    """However it proves who it is, and whenever: it holds its secret, and dates its assertions itself."""

    def ask():
        match how:
            case "secret":
                return client.token("nightly")
            case "assertion":
                return client.token_by_assertion(assertion(now=int(site.clock())))
        return client.token_by_assertion(
            assertion("reports", key=SECRETS["reports"], alg="HS256", now=int(site.clock()))
        )

    name = {"secret": "nightly", "assertion": "robot"}.get(how, "reports")
    assert 200 == ask()
    issued = client.json["access_token"]
    assert 200 == site.request("GET", "/", [("authorization", f"Bearer {issued}")]).status
    revoke = site.auth._wsgi.sessions if site.world == "wsgi" else site.auth.async_sessions
    coroutine = revoke.revoke_client(name)
    _ = run_sync(coroutine) if site.world == "wsgi" else site._runner.run(coroutine)
    assert 401 == site.request("GET", "/", [("authorization", f"Bearer {issued}")]).status
    for seconds in (0, 90 * 86400):
        site.clock.advance(seconds=seconds)
        assert 401 == ask()
        assert "invalid_client" == client.json["error"]
    assert 200 == client.token("reports" if name != "reports" else "nightly")


@pytest.mark.parametrize("fault", [ZeroDivisionError, NotSupported])
def test_a_fault_of_ours_is_503_in_the_form_of_oauth(client, monkeypatch, fault):
    """Never a token, and never problem+json, which no OAuth client reads."""

    def break_down(*_arguments):
        raise fault

    monkeypatch.setattr(ClientTokenIssuer, "audience_for", break_down)

    assert 503 == client.token()

    assert "temporarily_unavailable" == client.json["error"]
    assert ("application/json",) == client.response.values("content-type")
    assert ("1",) == client.response.values("retry-after")
    faults = [event.error for event in client.site.events if isinstance(event, Fault)]
    assert (["ZeroDivisionError"] if fault is ZeroDivisionError else []) == faults


def test_the_scope_is_left_out_where_there_is_none(make):
    """RFC 6749 §3.3: a scope has at least one word."""
    client = OAuthClient(make(changes={"reports": {"scopes": []}}))

    assert 200 == client.token()

    assert "scope" not in client.json
    assert 400 == client.token(scope="read")
