"""A service signs its own token, and is known by it in both worlds; see ``tests/tokens/test_client_tokens.py``."""

import logging

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from jwt.algorithms import ECAlgorithm

from client_tokens import OTHER_SECRET, SECRET, client_claims, sign
from memory_directory import MemoryDirectory
from safeconduct import Account, ConfigurationError
from safeconduct._core.run_sync import run_sync
from safeconduct._tokens.issuer import Grant
from table_tokens import AUDIENCE, ISSUER, OWN_KEY, SECRETS_KEY
from token_factory import jwk_for, key_for, sealed

KEY = generate_private_key(SECP256R1())
ACCESS = {"rules": [{"path": "/read", "scopes": ["read"]}, {"path": "/write", "scopes": ["write"]},
                    {"path": "/roles", "roles": ["reader"]}, {"path": "/explicit", "level": "explicit"},
                    {"path": "/people", "schemes": ["cookie", "bearer"]}, {"path": "/services", "schemes": ["client"]}],
          "public": ["/open"]}  # fmt: skip


def test_a_self_signed_token_is_a_client(site):
    """S1: no round trip, no token endpoint; a client is never a person (RFC 9700 §4.15)."""
    for _ in range(2):
        report = site.get(site.token()).report
        assert (report["who"], report["scheme"], report["level"]) == ("client:reports", "client", "remembered")
        assert report["name"] is None
        assert report.get("auth_type", "client") == "client"
    principal = site.auth.verify(site.token(jti="a")) if site.world == "wsgi" else None
    if principal:
        assert (principal.client_id, principal.issuer, principal.token_id) == ("reports", "reports", "a")
        assert principal.remote_user is principal.session_id is principal.auth_time is None


def test_rights_are_the_clients(make):
    """Scopes, roles and schemes of rules; no client reaches a level that a person proves."""
    site = make(access=ACCESS)
    token, less = site.token(), site.token(scope="list")
    targets = ("/read", "/write", "/roles", "/explicit", "/people", "/services", "/open")
    assert [site.status(token, target) for target in targets] == [200, 403, 200, 403, 403, 200, 200]
    assert [site.status(less, target) for target in ("/read", "/roles")] == [403, 200]


@pytest.mark.parametrize("carried", ["cookie", "subprotocol", "basic"])
def test_a_token_of_a_client_is_a_bearer_token(make, carried):
    """No client is in a browser: nothing that a browser sends by itself is a client."""
    site = make(sources=["bearer", "cookie", "basic"])
    fields = {
        "cookie": [("cookie", f"__Host-safeconduct={site.token()}")],
        "subprotocol": [("sec-websocket-protocol", f"bearer, {site.token()}")],
        "basic": [("authorization", "Basic cmVwb3J0czo4Vm4wcFF4MnNMcjd0WXc0ektjOW1CZDZoR2YzalJhRTF1VGk1b1hl")],
    }[carried]
    assert site.request("GET", "/", fields).status == 401


def test_no_rights_beyond_the_first_use(site):
    """A token that expires is refused, although it was remembered."""
    token = site.token()
    assert site.status(token) == 200
    site.clock.advance(seconds=310)
    assert site.status(token) == 401
    assert site.reasons()[-1][0] == "ExpiredToken"


def other(**fields):
    """Return a second client with a key, which may use another algorithm."""
    jwk = {**ECAlgorithm.to_jwk(KEY.public_key(), as_dict=True), "alg": "ES256", "kid": "k1"}
    return {"client_id": "billing", "keys": {"keys": [jwk]}, "scopes": ["write"], **fields}


REPORTS = {"client_id": "reports", "secret": SECRET, "scopes": ["read"]}


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"aud": "https://other.example"}, "WrongAudience"),
        ({"aud": "https://app.example/auth/token"}, "WrongTokenType"),
        ({"aud": ISSUER}, "WrongTokenType"),
        ({"header": {"typ": "client-authentication+jwt"}}, "WrongTokenType"),
        ({"header": {"typ": "rt+jwt"}}, "WrongTokenType"),
        ({"key": OTHER_SECRET}, "BadSignature"),
        ({"key": KEY, "algorithm": "ES256"}, "UnknownKey"),
        ({"key": KEY, "algorithm": "ES256", "header": {"kid": "k1"}}, "UnknownKey"),
        ({"key": SECRET * 2, "algorithm": "HS512"}, "UnknownKey"),
        ({"key": None, "algorithm": "none"}, "MalformedToken"),
        ({"client": "billing"}, "UnknownKey"),
        ({"sub": "billing"}, "MalformedToken"),
        ({"sub": "alice"}, "MalformedToken"),
        ({"client_id": "billing"}, "MalformedToken"),
        ({"client": "nobody"}, "WrongIssuer"),
        ({"scope": "read write"}, "MalformedToken"),
        ({"exp": 4_000_000_000}, "MalformedToken"),
        ({"iat": None}, "MalformedToken"),
        ({"exp": None}, "MalformedToken"),
        ({"iat": 1_900_000_000, "exp": 1_900_000_300}, "NotYetValidToken"),
        ({"iat": 1_800_000_005, "exp": 1_800_000_004}, "MalformedToken"),
        ({"cnf": {"jkt": "x"}}, "BindingMismatch"),
    ],
)
def test_an_attack_is_refused(make, changes, error):
    """The rows about what clients sign: each with its error, and one body for the caller."""
    site = make(clients=[REPORTS, other()])
    response = site.get(site.token(**changes))
    assert (response.status, site.reasons()[-1][0]) == (401, error)
    assert site.status(site.token()) == 200


def test_a_number_that_is_none_is_refused(site):
    """NaN is no JSON, and no time is compared with it; a fraction of a second is a time."""
    claims = client_claims(site.clock(), AUDIENCE)
    whole = sign({**claims, "exp": claims["exp"] + 0.5})
    assert site.status(whole) == 200
    body = b'{"iss":"reports","sub":"reports","aud":"%s","iat":%d,"exp":NaN}' % (AUDIENCE.encode(), claims["iat"])
    assert site.status(jwt.PyJWS().encode(body, SECRET, "HS256", {"typ": None})) == 401
    doubled = b'{"iss":"reports","iss":"reports","sub":"reports"}'
    assert site.status(jwt.PyJWS().encode(doubled, SECRET, "HS256", {"typ": None})) == 401


def test_an_envelope_around_it_is_refused(make):
    """Anyone can encrypt; nobody encrypts for us what a client signs."""
    site = make(keys={"keys": [OWN_KEY, SECRETS_KEY, jwk_for("A256KW", "e1")]}, sources=["bearer"])
    envelope = sealed(site.token(), key_for("A256KW", "e1"))
    assert site.status(envelope) == 401
    assert site.status(site.token()) == 200


def test_a_client_is_never_a_person_at_our_endpoints(site):
    """Renew, step-up, the list of sessions and sign-out of everything are for people."""
    fields = [("authorization", f"Bearer {site.token()}")]
    for method, target in (("POST", "/auth/renew"), ("GET", "/auth/sessions"), ("POST", "/auth/logout-everywhere")):
        assert site.request(method, target, fields).status in {403, 404}, target


class MisnamingDirectory(MemoryDirectory):
    """A directory with a person who has chosen the name of a client."""

    def check(self, username, password):
        account = super().check(username, password)
        return Account("client:reports") if account and username == "mallory" else account


def test_a_person_cannot_sign_in_under_the_name_of_a_client(make):
    """Nobody is ``client:reports``: neither by password nor by Basic, which is a fault of the directory."""
    site = make(directory=MisnamingDirectory(alice="wonder", mallory="wonder"), sources=["bearer", "basic"])
    fields = [("content-type", "application/json"), ("origin", "https://app.example")]
    statuses = [
        site.request("POST", "/auth/login", fields, b'{"username": "%s", "password": "wonder"}' % name).status
        for name in (b"mallory", b"alice")
    ]
    assert statuses == [503, 200]
    assert site.request("GET", "/", [("authorization", "Basic bWFsbG9yeTp3b25kZXI=")]).status == 503
    with pytest.raises(ConfigurationError):
        Account("client:reports")


def test_an_open_route_does_not_mind(make):
    """With ``on_invalid = "reject"`` a wrong token is refused on an open route too, else its sender is anonymous."""
    lenient, strict = (make(access={**ACCESS, "on_invalid": value}) for value in ("anonymous", "reject"))
    assert lenient.get(lenient.token(key=OTHER_SECRET), "/open").report["who"] == "anonymous"
    assert strict.status(strict.token(key=OTHER_SECRET), "/open") == 401
    assert lenient.get(lenient.token(), "/open").report["who"] == "client:reports"


def test_nothing_secret_is_logged(site, caplog):
    """Neither the secret nor the token, whatever happens."""
    caplog.set_level(logging.DEBUG)
    tokens = [site.token(), site.token(key=OTHER_SECRET), site.token(aud="x"), site.token(client="nobody")]
    for token in tokens:
        site.get(token)
    everything = caplog.text + "".join(repr(event) for event in site.events)
    assert not any(text in everything for text in (SECRET, OTHER_SECRET, *(token.split(".")[1] for token in tokens)))


def test_a_token_of_our_own_for_a_client_is_a_clients(site):
    """Whatever ``acr`` it states."""
    token = _issued(site, "client:reports", "multifactor")
    report = site.get(token).report
    assert (report["scheme"], report["level"], report["name"]) == ("client", "remembered", None)
    assert site.request("GET", "/", [("cookie", f"__Host-safeconduct={token}")]).status == 401


def _issued(site, subject, level):
    issuer = site.auth._container.issuer
    now_ms = int(site.clock() * 1000)
    grant = Grant(subject=subject, level=level, client_id="reports", lifetime_seconds=300)
    return issuer.issue(grant, iat_ms=now_ms)


def test_run_sync_is_for_wsgi(site):
    """The clients of the configuration are found without waiting."""
    assert run_sync(site.auth._wsgi.clients.find("reports")).entry.client_id == "reports"
