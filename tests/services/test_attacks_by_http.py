"""
Attack one application from outside: it has clients, API keys, exchange and hand-over, in both worlds.

Every row is a request that must be refused with exactly this status and error, while the application is not called; a
row of ``ALLOWED`` is its twin that must pass, so that no refusal is for another reason.
"""

import json
from urllib.parse import urlencode

import pytest
from joserfc import jwt as jose
from joserfc.jwk import OctKey

from app_reports import WORLDS
from attacked_site import (
    BILLING,
    FORM,
    KEY,
    LONG_SECRET,
    OTHER_SECRET,
    PUBLIC_TEXT,
    SECRET,
    AttackedSite,
)
from handed_over import ONE, Browser
from login_site import ACCESS, OWN_PAGE, SITE
from table_tokens import AUDIENCE, ISSUER, mint

YEAR = 31_536_000


@pytest.fixture(params=WORLDS)
def world(request):
    return request.param


@pytest.fixture
def site(world):
    site = AttackedSite(world)
    yield site
    site.close()


def twice(send):
    """Send the same twice, and return the second response; the first must pass."""
    first = send()
    assert first.status in {200, 303}, first.body
    return send()


def used_assertion(site):
    text = site.assertion()
    return twice(lambda: site.assert_by(text))


def used(site, client="once"):
    text = site.signed(client, jti="a" * 22)
    return twice(lambda: site.get(text))


def chain(site, hops):
    """Exchange a user's token so many times, each time by another client, and return the last response."""
    token = site.user_token()
    for hop in range(hops - 1):
        token = site.exchanged(token, client=f"hop{hop}", audience=AUDIENCE)
    return site.exchange(token, client=f"hop{hops - 1}", audience=AUDIENCE)


def expired(site):
    token = site.user_token()
    site.clock.advance(seconds=1000)
    return site.exchange(token)


def revoked(site):
    token = site.user_token()
    site.revoke("subject", "alice")
    return site.exchange(token)


def signed_out(site):
    login = site.sign_in()
    token = login.tokens["access_token"]
    assert 204 == login.request("POST", "/auth/logout", bearer=token)
    return site.exchange(token)


def revoked_client(site, send):
    """Revoke the client, let a minute pass, and let it sign anew."""
    site.revoke("client", "reports")
    site.clock.advance(seconds=60)
    return send(site)


#: Each with the status and the ``code`` of the body.
BEARER = {
    "replayed jti": (used, 401),
    "single use without jti": (lambda s: s.get(s.signed("once")), 401),
    "wrong aud": (lambda s: s.get(s.signed(aud="https://elsewhere.example")), 401),
    "no aud": (lambda s: s.get(s.signed(aud=None)), 401),
    "aud of another service": (lambda s: s.get(s.signed(aud=BILLING)), 401),
    "aud is the issuer": (lambda s: s.get(s.signed(aud=ISSUER)), 401),
    "aud is the endpoint": (lambda s: s.get(s.signed(aud=f"{SITE}/auth/token")), 401),
    "another client's secret": (lambda s: s.get(s.signed(key=OTHER_SECRET)), 401),
    "another client's key": (lambda s: s.get(s.signed(key=KEY, alg="ES256")), 401),
    "another client's key and kid": (
        lambda s: s.get(s.signed(key=KEY, alg="ES256", header={"kid": "foreign"})), 401),
    "a secret under the name of a key": (lambda s: s.get(s.signed("robot", key=SECRET), "/"), 401),
    "the public key as a secret": (lambda s: s.get(_confused(s), "/"), 401),
    "sub is not iss": (lambda s: s.get(s.signed(sub="once")), 401),
    "sub is a user": (lambda s: s.get(s.signed(sub="alice")), 401),
    "sub is a subject": (lambda s: s.get(s.signed(sub="client:reports")), 401),
    "client_id of another": (lambda s: s.get(s.signed(client_id="once")), 401),
    "a year's lifetime": (lambda s: s.get(s.signed(exp=int(s.clock()) + YEAR)), 401),
    "a second too long": (lambda s: s.get(s.signed(exp=int(s.clock()) + 3601)), 401),
    "an old iat hides a long life": (lambda s: s.get(s.signed(iat=int(s.clock()) - YEAR)), 401),
    "no exp": (lambda s: s.get(s.signed(exp=None)), 401),
    "no iat": (lambda s: s.get(s.signed(iat=None)), 401),
    "expired": (lambda s: s.get(s.signed(iat=int(s.clock()) - 300, exp=int(s.clock()) - 11)), 401),
    "algorithm of another client": (lambda s: s.get(s.signed(key=LONG_SECRET, alg="HS512")), 401),
    "usual algorithm of one with another": (lambda s: s.get(s.signed("long", alg="HS256")), 401),
    "no algorithm": (lambda s: s.get(_unsigned(s)), 401),
    "scope beyond the client's": (lambda s: s.get(s.signed(scope="read write")), 401),
    "scope of another client": (lambda s: s.get(s.signed(scope="write")), 401),
    "scope is a list": (lambda s: s.get(s.signed(scope=["read"])), 401),
    "an assertion as Bearer": (lambda s: s.get(s.assertion()), 401),
    "typ of a hand-over": (lambda s: s.get(s.signed(header={"typ": "safeconduct-handover+jwt"})), 401),
    "typ of a refresh token": (lambda s: s.get(s.signed(header={"typ": "rt+jwt"})), 401),
    "an unknown client": (lambda s: s.get(s.signed("nobody")), 401),
    "a client named like our issuer": (lambda s: s.get(s.signed(ISSUER)), 401),
    "a client named like a trust": (lambda s: s.get(s.signed(ONE)), 401),
    "a critical header": (lambda s: s.get(s.signed(header={"crit": ["exp"]})), 401),
    "a key in the header": (
        lambda s: s.get(s.signed(key=OTHER_SECRET, header={"jwk": {"kty": "oct", "k": "YQ"}})), 401),
    "a token for somebody else": (lambda s: s.get(s.credentials("hop0", resource=BILLING), "/"), 401),
    "a hand-over as Bearer": (lambda s: s.get(s.handed_over(), "/"), 401),
    "an exchanged token for somebody else": (lambda s: s.get(s.exchanged(s.user_token(), resource=BILLING), "/"), 401),
    "a revoked client signs anew": (lambda s: revoked_client(s, lambda s: s.get(s.signed())), 401),
    "a revoked API key's checksum": (lambda s: s.get(s.api_key()[:-1] + "_", "/"), 401),
    "a client where users are wanted": (lambda s: s.get(s.signed(), "/users"), 403),
    "a client's token where users are wanted": (lambda s: s.get(s.credentials(), "/users"), 403),
    "an API key where users are wanted": (lambda s: s.get(s.api_key(), "/users"), 403),
    "a client without the scope": (lambda s: s.get(s.signed("robot", key=KEY, alg="ES256")), 403),
    "an API key without the scope": (lambda s: s.get(s.api_key()), 403),
}  # fmt: skip
CODES = {401: "invalid_token", 403: "insufficient_rights"}


def _confused(site):
    """Sign with the text of a public key, as a verifier that lets the header choose would check it."""
    now = int(site.clock())
    claims = {"iss": "robot", "sub": "robot", "aud": AUDIENCE, "iat": now, "exp": now + 300}
    key = OctKey.import_key(PUBLIC_TEXT)
    return jose.encode({"alg": "HS256", "kid": "foreign"}, claims, key, algorithms=["HS256"])


def _unsigned(site):
    body = site.signed().split(".")[1]
    return "eyJhbGciOiJub25lIn0." + body + "."


@pytest.mark.parametrize("attack", BEARER)
def test_a_bearer_attack_is_refused(site, attack):
    """401 and 403 as RFC 6750 §3.1 has them; the application is not called."""
    send, status = BEARER[attack]

    response = send(site)

    assert (status, CODES[status], None) == (response.status, json.loads(response.body)["code"], response.report)
    [challenge] = response.values("www-authenticate")
    assert ('error="invalid_token"' if status == 401 else 'error="insufficient_scope"') in challenge


ALLOWED = {
    "self-signed": lambda s: s.get(s.signed()),
    "with a jti, twice": lambda s: used(s, "reports"),
    "typ at+jwt": lambda s: s.get(s.signed(header={"typ": "at+jwt"})),
    "typ JWT": lambda s: s.get(s.signed(header={"typ": "JWT"})),
    "an hour": lambda s: s.get(s.signed(exp=int(s.clock()) + 3600)),
    "once": lambda s: s.get(s.signed("once", jti="a" * 22)),
    "HS512": lambda s: s.get(s.signed("long", alg="HS512")),
    "a key": lambda s: s.get(s.signed("robot", key=KEY, alg="ES256"), "/"),
    "client credentials": lambda s: s.get(s.credentials()),
    "an assertion": lambda s: s.assert_by(s.assertion()),
    "a user": lambda s: s.get(s.user_token(), "/users"),
    "an API key": lambda s: s.get(s.api_key(), "/"),
    "exchange": lambda s: s.exchange(s.user_token(), resource=BILLING),
    "an exchanged token": lambda s: s.get(s.exchanged(s.user_token(), audience=AUDIENCE), "/"),
    "four hops": lambda s: chain(s, 4),
}


@pytest.mark.parametrize("name", ALLOWED)
def test_what_the_attacks_imitate_is_allowed(site, name):
    assert 200 == ALLOWED[name](site).status


TOKEN_ENDPOINT = {
    "replayed assertion": (used_assertion, "invalid_client", 401),
    "assertion for another audience": (lambda s: s.assert_by(s.assertion(aud=AUDIENCE)), "invalid_client", 401),
    "assertion with two audiences": (
        lambda s: s.assert_by(s.assertion(aud=[ISSUER, "https://elsewhere.example"])), "invalid_client", 401),
    "assertion without jti": (lambda s: s.assert_by(s.assertion(jti=None)), "invalid_client", 401),
    "assertion for an hour": (lambda s: s.assert_by(s.assertion(exp=int(s.clock()) + 3600)), "invalid_client", 401),
    "assertion with another's secret": (lambda s: s.assert_by(s.assertion(key=OTHER_SECRET)), "invalid_client", 401),
    "assertion with another's key": (
        lambda s: s.assert_by(s.assertion(key=KEY, alg="ES256")), "invalid_client", 401),
    "assertion for another": (lambda s: s.assert_by(s.assertion(sub="robot")), "invalid_client", 401),
    "self-signed token as assertion": (lambda s: s.assert_by(s.signed(jti="x")), "invalid_client", 401),
    "assertion of a revoked client": (
        lambda s: revoked_client(s, lambda s: s.assert_by(s.assertion())), "invalid_client", 401),
    "a revoked client asks": (
        lambda s: revoked_client(s, lambda s: s.ask(grant_type="client_credentials")), "invalid_client", 401),
    "another's secret": (
        lambda s: s.ask(grant_type="client_credentials", secret=OTHER_SECRET), "invalid_client", 401),
    "without the grant": (lambda s: s.ask("once", grant_type="client_credentials"), "unauthorized_client", 400),
    "scope beyond the client's": (
        lambda s: s.ask(grant_type="client_credentials", scope="read write"), "invalid_scope", 400),
    "audience of another client": (
        lambda s: s.ask(grant_type="client_credentials", resource=BILLING), "invalid_target", 400),
    "a password": (lambda s: s.ask(grant_type="password", username="alice", password="wonder"),
                   "unsupported_grant_type", 400),
    "exchange of an expired token": (expired, "invalid_request", 400),
    "exchange of a revoked token": (revoked, "invalid_request", 400),
    "exchange after sign-out": (signed_out, "invalid_request", 400),
    "exchange of a client's token": (lambda s: s.exchange(s.credentials()), "invalid_request", 400),
    "exchange of a self-signed token": (lambda s: s.exchange(s.signed()), "invalid_request", 400),
    "exchange of an API key": (lambda s: s.exchange(s.api_key()), "invalid_request", 400),
    "exchange of a hand-over": (lambda s: s.exchange(s.handed_over()), "invalid_request", 400),
    "exchange of a foreign token": (
        lambda s: s.exchange(mint(by="foreign", iss=ONE)), "invalid_request", 400),
    "act too deep": (lambda s: chain(s, 5), "invalid_request", 400),
    "exchange beyond the user's scopes": (
        lambda s: s.exchange(s.user_token("bob", "builder"), scope="invoice:pay"), "invalid_scope", 400),
    "exchange beyond the client's scopes": (
        lambda s: s.exchange(s.user_token(), scope="invoice:read"), "invalid_scope", 400),
}  # fmt: skip


@pytest.mark.parametrize("attack", TOKEN_ENDPOINT)
def test_an_attack_on_the_token_endpoint_is_refused(site, attack):
    """Each with the error of RFC 6749 §5.2, RFC 7521 §4.2.1, RFC 8693 §2.2.2 or RFC 8707 §2."""
    send, error, status = TOKEN_ENDPOINT[attack]

    response = send(site)

    body = json.loads(response.body)
    assert (status, error) == (response.status, body["error"])
    assert "access_token" not in body
    assert ("no-store",) == response.values("cache-control")


def test_where_issuer_and_audience_are_one_the_grants_tell_the_two_apart(world):
    """A client that signs its own tokens marks its assertions; one that does not signs nothing but assertions."""
    site = AttackedSite(world, audience=ISSUER)
    token, mark = site.signed(aud=ISSUER, jti="x"), site.assertion(aud=ISSUER)
    other = site.signed("hop0", aud=ISSUER, jti="y")

    assert [200, 401] == [site.get(token).status, site.assert_by(token).status]
    assert [401, 200] == [site.get(mark).status, site.assert_by(mark).status]
    assert [401, 200] == [site.get(other, "/").status, site.assert_by(other).status]
    site.close()


#: Tokens that no sign-in gave.
NO_SIGN_IN = {
    "a client": lambda s: s.signed(),
    "a client's token": lambda s: s.credentials(),
    "an exchanged token": lambda s: s.exchanged(s.user_token(), audience=AUDIENCE),
    "an API key": lambda s: s.api_key(),
}


@pytest.mark.parametrize("who", NO_SIGN_IN)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/auth/renew"),
        ("POST", "/auth/step-up"),
        ("POST", "/auth/logout-everywhere"),
        ("GET", "/auth/sessions"),
    ],
)
def test_what_is_no_sign_in_does_nothing_with_sessions(site, who, method, path):
    """403, and the session that it may have come from goes on."""
    login = site.sign_in()
    token = NO_SIGN_IN[who](site)
    site.clock.advance(seconds=200)

    body = json.dumps({"password": "wonder"}).encode() if path == "/auth/step-up" else b""
    fields = [("authorization", f"Bearer {token}"), ("content-type", "application/json")]
    response = site.site.request(method, path, fields, body)

    assert 403 == response.status
    assert 200 == site.get(login.tokens["access_token"], "/users").status


@pytest.mark.parametrize("who", NO_SIGN_IN)
def test_what_is_no_sign_in_is_no_cookie(site, who):
    """The browser's credential is that of a sign-in."""
    token = NO_SIGN_IN[who](site)

    response = site.site.request("GET", "/users", [("cookie", f"{ACCESS}={token}")])

    assert response.status in {401, 403}
    assert response.report is None


def test_a_client_named_like_a_user_is_not_that_user(site):
    """Neither has what the other has, and a cut-off of one does not end the other."""
    client, user = site.signed("alice"), site.user_token()

    whose = [site.get(token, "/").report["who"] for token in (client, user)]
    site.revoke("subject", "alice")

    assert ["client:alice", "alice"] == whose
    assert [200, 401] == [site.get(token, "/").status for token in (client, user)]


def test_a_user_named_like_a_client_is_no_client(site):
    """They cannot sign in, or are not taken for the client: nothing of the client's is theirs."""
    response = site.site.request(
        "POST", "/auth/login", [("content-type", "application/json"), *OWN_PAGE],
        json.dumps({"username": "client:reports", "password": "a name like a client's"}).encode(),
    )  # fmt: skip

    assert response.status in {401, 403, 503}


HAND_OVER_ORIGINS = ["https://evil.example", "http://one.example", "https://one.example.evil.example", "null", None]


@pytest.mark.parametrize("origin", HAND_OVER_ORIGINS)
def test_accept_from_a_foreign_origin_is_refused(site, origin):
    browser, token = Browser(site.site), site.handed_over()

    assert 403 == browser.accept(token, origin=origin)
    assert {} == browser.cookies
    assert 303 == browser.accept(token)


def test_a_hand_over_counts_once(site):
    browser, token = Browser(site.site), site.handed_over()

    assert [303, 401] == [browser.accept(token), Browser(site.site).accept(token)]


def test_a_hand_over_ends_after_a_minute(site):
    token = site.handed_over()
    site.clock.advance(seconds=71)

    assert 401 == Browser(site.site).accept(token)


@pytest.mark.parametrize("origin", [SITE, ONE])
def test_accept_over_another_person_needs_their_button(site, origin):
    """A page, no session: bob is still bob."""
    bob, token = Browser(site.site), site.handed_over()
    assert 200 == bob.sign_in("bob", "builder")

    assert 200 == bob.accept(token, origin=origin)

    assert "bob" == bob.session()["subject"]


@pytest.mark.parametrize(
    "token",
    [lambda s: s.user_token(), lambda s: s.signed(), lambda s: s.assertion(), lambda s: s.api_key(), lambda _: "x"],
    ids=["user", "client", "assertion", "API key", "word"],
)
def test_nothing_else_is_a_hand_over(site, token):
    body = urlencode({"token": token(site)}).encode()

    response = site.site.request("POST", "/auth/accept", [FORM, ("origin", SITE)], body)

    assert 401 == response.status
    assert () == response.values("set-cookie")


def test_what_was_handed_over_is_not_our_own_alice(site):
    """A foreign alice has the rights of the trust, and our alice's cut-off does not end them."""
    browser = Browser(site.site)
    browser.accept(site.handed_over())
    site.revoke("subject", "alice")

    session = browser.session()

    assert ("alice", ONE) == (session["subject"], session["issuer"])
    assert 403 == browser.request("POST", "/auth/step-up", json_body={"password": "wonder"})


@pytest.mark.parametrize("endpoint", ["introspect", "revoke"])
def test_looking_at_a_token_that_counts_once_does_not_use_it(site, endpoint):
    """Neither by a client that learns nothing of it, nor by a caller who may not end it."""
    text = site.signed("once", jti="b" * 22)
    sent_by = [site.basic("reports")] if endpoint == "introspect" else []
    site.site.request("POST", f"/auth/{endpoint}", [FORM, *sent_by], urlencode({"token": text}).encode())
    assert [200, 401] == [site.get(text).status for _ in range(2)]
