"""What no client gets by token exchange; each with the error of RFC 8693 §2.2.2, RFC 6749 §5.2 or RFC 8707 §2."""

import json

import pytest

from exchange_site import ACCESS_TOKEN, EXCHANGE, JWT, SECRET, ExchangeClient, clients, entry, exchange_site, user_token
from issued_tokens import BILLING, STOCK, TOKENS, claims_of, issue, verify
from login_site import LoginClient
from oauth_site import TOKEN, assertion, basic
from safeconduct.errors import InsufficientRights
from table_tokens import AUDIENCE, FOREIGN_KEY, IDP, mint, public

TRUST = {"issuer": IDP, "audience": AUDIENCE, "algorithms": ["ES256"], "keys": {"keys": [public(FOREIGN_KEY)]}}
#: It has the form of an API key: ``sck_``, 65 characters in base 62.
API_KEY = "sck_" + "A" * 65


@pytest.fixture(params=["memory://", "none"])
def site(request, world, clock):
    site = exchange_site(world, clock=clock, store=request.param, tokens=TOKENS, trust=[TRUST])
    yield site
    site.close()


@pytest.fixture
def client(site):
    return ExchangeClient(site)


@pytest.fixture
def token(site):
    return user_token(site)


def other_token(client):
    """Return the token of a client, by client credentials."""
    assert 200 == client.post(TOKEN, {"grant_type": "client_credentials"}, headers=[basic("other", SECRET)])
    return client.json["access_token"]


def refresh_token(site):
    login = LoginClient(site)
    login.get_tokens(remember=True)
    return login.tokens["refresh_token"]


def deep(levels):
    actor = {"sub": "first"}
    for _ in range(levels - 1):
        actor = {"sub": "next", "act": actor}
    return actor


SUBJECT_TOKENS = {
    "expired": lambda *_: mint(iat=1_799_990_000, iat_ms=1_799_990_000_000, exp=1_799_990_900),
    "of the future": lambda *_: mint(iat=1_800_009_000, iat_ms=1_800_009_000_000, exp=1_800_009_900),
    "badly signed": lambda site, _: user_token(site)[:-4] + "AAAA",
    "unsigned": lambda site, _: user_token(site).rpartition(".")[0] + ".",
    "a client's": lambda _, client: other_token(client),
    "a client's by name": lambda *_: mint("client:other"),
    "self-signed by a client": lambda *_: assertion("signer", key=SECRET, alg="HS256", aud=AUDIENCE),
    "an assertion": lambda *_: assertion("other", key=SECRET, alg="HS256"),
    "foreign": lambda *_: mint(by="foreign", iss=IDP),
    "of an unknown issuer": lambda *_: mint(by="foreign", iss="https://evil.example"),
    "an API key": lambda *_: API_KEY,
    "a hand-over": lambda *_: mint(typ="safeconduct-handover+jwt"),
    "an ID token": lambda *_: mint(typ="JWT"),
    "without a name for its type": lambda *_: mint(typ=""),
    "bound to a key": lambda *_: mint(cnf={"jkt": "x"}),
    "bound to nothing": lambda *_: mint(cnf={}),
    "for another audience": lambda site, _: issue(site, verify(site, user_token(site)), audience=BILLING),
    "a refresh token": lambda site, _: refresh_token(site),
    "act is four deep": lambda *_: mint(act=deep(4)),
    "act is twenty deep": lambda *_: mint(act=deep(20)),
    "act names nobody": lambda *_: mint(act={"name": "a"}),
    "act is null": lambda *_: mint(act={"sub": None}),
    "act is a text": lambda *_: mint(act="front"),
    "act is a list": lambda *_: mint(act=[{"sub": "front"}]),
    "act within is a text": lambda *_: mint(act={"sub": "a", "act": "b"}),
    "may_act is for another client": lambda *_: mint(may_act={"sub": "other"}),
    "may_act is empty": lambda *_: mint(may_act={}),
    "scope is a list": lambda *_: mint(scope=["invoice:pay"]),
    "roles is a text": lambda *_: mint(roles="admin"),
    "sid is a number": lambda *_: mint(sid=5),
    "no token": lambda *_: "x",
    "not ASCII": lambda *_: "é.é.é",
    "too long": lambda *_: "a" * 7_000,
}


@pytest.mark.parametrize("kind", SUBJECT_TOKENS)
def test_only_a_users_valid_token_of_ours_is_exchanged(site, client, kind):
    subject = SUBJECT_TOKENS[kind](site, client)

    status = client.exchange(subject)

    assert (400, "invalid_request") == (status, client.json["error"])
    assert "access_token" not in client.json


def test_a_handed_over_users_token_is_not_exchanged(world, clock):
    """Under our name, another issuer's alice would be ours."""
    site = exchange_site(world, clock=clock, trust=[TRUST | {"hand_over": True}])
    client = ExchangeClient(site)

    assert IDP == verify(site, mint(pi=IDP)).issuer
    assert (400, "invalid_request") == (client.exchange(mint(pi=IDP)), client.json["error"])
    with pytest.raises(InsufficientRights):
        issue(site, verify(site, mint(pi=IDP)))
    site.close()


def test_a_single_use_token_of_another_client_is_not_used_up(world, clock):
    site = exchange_site(
        world, clock=clock, clients=[*clients(), entry("once", grants=["self_signed"], single_use=True)]
    )
    token = assertion("once", key=SECRET, alg="HS256", aud=AUDIENCE)

    assert 400 == ExchangeClient(site).exchange(token)

    assert 200 == LoginClient(site).use(token)
    site.close()


REQUESTS = {
    "no subject token": ({"without": ["subject_token"]}, "invalid_request"),
    "an empty subject token": ({"subject_token": ""}, "invalid_request"),
    "no type": ({"without": ["subject_token_type"]}, "invalid_request"),
    "a refresh token's type": (
        {"subject_token_type": "urn:ietf:params:oauth:token-type:refresh_token"}, "invalid_request",
    ),
    "an ID token's type": ({"subject_token_type": "urn:ietf:params:oauth:token-type:id_token"}, "invalid_request"),
    "a refresh token wanted": (
        {"requested_token_type": "urn:ietf:params:oauth:token-type:refresh_token"}, "invalid_request",
    ),
    "SAML wanted": ({"requested_token_type": "urn:ietf:params:oauth:token-type:saml2"}, "invalid_request"),
    "an actor token": ({"actor_token": "x", "actor_token_type": ACCESS_TOKEN}, "invalid_request"),
    "an actor token without a type": ({"actor_token": "x"}, "invalid_request"),
    "an actor token's type alone": ({"actor_token_type": ACCESS_TOKEN}, "invalid_request"),
    "a scope of the user alone": ({"scope": "invoice:read"}, "invalid_scope"),
    "a scope of the client alone": ({"scope": "stock:read"}, "invalid_scope"),
    "one scope too many": ({"scope": "invoice:pay stock:read"}, "invalid_scope"),
    "a malformed scope": ({"scope": 'invoice:pay "'}, "invalid_scope"),
    "another client's audience": ({"audience": STOCK}, "invalid_target"),
    "an unknown audience": ({"audience": "https://evil.example"}, "invalid_target"),
    "two audiences": ({"audience": [BILLING, AUDIENCE]}, "invalid_target"),
    "an audience and another resource": ({"audience": AUDIENCE, "resource": BILLING}, "invalid_target"),
    "a client that may not": ({"by": "other"}, "unauthorized_client"),
}  # fmt: skip


@pytest.mark.parametrize("request_name", REQUESTS)
def test_only_what_client_and_user_may_is_given(client, token, request_name):
    fields, error = REQUESTS[request_name]

    assert (400, error) == (client.exchange(token, **fields), client.json["error"])


@pytest.mark.parametrize(
    "name", ["subject_token", "subject_token_type", "requested_token_type", "scope", "grant_type", "actor_token"]
)
def test_no_parameter_comes_twice(client, token, name):
    """Also with the same value; which one counts would depend on who reads it (RFC 8693 §2.1, RFC 6749 §3.2)."""
    values = {
        "subject_token": token,
        "subject_token_type": ACCESS_TOKEN,
        "requested_token_type": JWT,
        "scope": "invoice:pay",
        "grant_type": EXCHANGE,
        "actor_token": "x",
    }

    assert (400, "invalid_request") == (client.exchange(token, **{name: [values[name]] * 2}), client.json["error"])


def test_json_is_no_form(client, token):
    body = {"grant_type": EXCHANGE, "subject_token": [token], "subject_token_type": ACCESS_TOKEN}

    status = client.post(
        TOKEN, body=json.dumps(body).encode(), headers=[basic("front", SECRET), ("content-type", "application/json")]
    )

    assert (400, "invalid_request") == (status, client.json["error"])


def test_without_the_clients_secret_nothing_is_exchanged(client, token):
    """The subject token does not authenticate the client."""
    form = {"grant_type": EXCHANGE, "subject_token": token, "subject_token_type": ACCESS_TOKEN}

    assert (401, "invalid_client") == (client.post(TOKEN, form), client.json["error"])
    assert 401 == client.post(TOKEN, form, headers=[basic("front", SECRET[:-1] + "x")])
    assert 401 == client.post(TOKEN, form, headers=[("authorization", f"Bearer {token}")])


def test_nothing_in_the_url_counts(client, token):
    assert 400 == client.post(
        f"{TOKEN}?scope=stock:read",
        {"grant_type": EXCHANGE, "subject_token": token, "subject_token_type": ACCESS_TOKEN},
        headers=[basic("front", SECRET)],
    )


@pytest.mark.parametrize(
    "claims", [{"act": {"sub": "front"}}, {"act": None}, {"rn": 0}, {"client_id": "front"}], ids=str
)
def test_the_applications_hook_cannot_write_who_acts(world, clock, claims):
    """Neither for the user's own token, which is 503."""
    site = exchange_site(world, clock=clock, add_claims=lambda _: claims)
    login = LoginClient(site)

    assert (503, "unavailable") == (login.get_tokens(), login.json["code"])
    site.close()


def test_the_hook_adds_nothing_to_an_exchanged_token(world, clock):
    site = exchange_site(world, clock=clock, add_claims=lambda _: {"tenant": "acme"})

    assert "tenant" not in claims_of(ExchangeClient(site).exchanged(user_token(site)))
    site.close()


ENDPOINTS = {
    "renew": ("POST", "/auth/renew", None),
    "step-up": ("POST", "/auth/step-up", {"password": "wonder"}),
    "logout-everywhere": ("POST", "/auth/logout-everywhere", None),
    "sessions": ("GET", "/auth/sessions", None),
    "session": ("DELETE", "/auth/sessions/{sid}", None),
}


@pytest.mark.parametrize("endpoint", ENDPOINTS)
@pytest.mark.parametrize("whose", ["exchanged", "a client's", "self-signed"])
def test_no_token_of_a_service_touches_sessions(site, client, token, clock, endpoint, whose):
    """Also past half of its life; ``rn`` and ``sid`` in what a client signs itself are its own words."""
    login, (method, target, body) = LoginClient(site), ENDPOINTS[endpoint]
    sid = verify(site, token).session_id
    made = {
        "exchanged": lambda: client.exchanged(token),
        "a client's": lambda: other_token(client),
        "self-signed": lambda: assertion(
            "signer",
            key=SECRET,
            alg="HS256",
            aud=AUDIENCE,
            sid=sid,
            rn=0,
            iat_ms=int(clock() * 1000),
            exp=1_800_000_800,
        ),
    }[whose]()
    clock.advance(seconds=451)

    status = login.request(method, target.format(sid=sid), json_body=body, bearer=made, with_cookies=False)

    assert (403, "not_renewable") == (status, login.json["code"])
    assert 200 == login.use(token)


@pytest.mark.parametrize("whose", ["exchanged", "a client's", "self-signed"])
def test_the_session_endpoint_describes_a_service_all_the_same(site, client, token, whose):
    login = LoginClient(site)
    made = {
        "exchanged": lambda: client.exchanged(token),
        "a client's": lambda: other_token(client),
        "self-signed": lambda: assertion("signer", key=SECRET, alg="HS256", aud=AUDIENCE),
    }[whose]()

    assert 200 == login.request("GET", "/auth/session", bearer=made, with_cookies=False)

    subjects = {"exchanged": "alice", "a client's": "client:other", "self-signed": "client:signer"}
    assert (subjects[whose], True) == (login.json["subject"], login.json["is_authenticated"])
    assert {"logout"} == {link["rel"] for link in login.json["links"]}


def test_a_client_cannot_be_passed_on_in_code(site, client):
    """``auth.tokens.issue`` is for persons."""
    for made in (other_token(client), assertion("signer", key=SECRET, alg="HS256", aud=AUDIENCE)):
        with pytest.raises(InsufficientRights):
            issue(site, verify(site, made))
