"""Exchange a user's token for one that a client acts with (RFC 8693)."""

import pytest

from exchange_site import ACCESS_TOKEN, EXCHANGE, JWT, ExchangeClient, exchange_site, user_token
from issued_tokens import BILLING, STOCK, TOKENS, claims_of, issue, part_of, verify
from login_site import LoginClient, LoginSite
from safeconduct.events import ClientRefused, ClientTokenIssued
from table_tokens import AUDIENCE, ISSUER, mint


@pytest.fixture(params=["jws", "opaque"])
def site(request, world, clock):
    site = exchange_site(world, clock=clock, tokens={**TOKENS, "format": request.param})
    yield site
    site.close()


@pytest.fixture
def client(site):
    return ExchangeClient(site)


@pytest.fixture
def token(site):
    return user_token(site)


def test_a_client_gets_a_token_to_act_with_for_a_user(site, client, token, clock):
    """RFC 8693 §2.2.1 and §4.1: the user's subject and session, and the client as the actor."""
    assert 200 == client.exchange(token, audience=BILLING, scope="invoice:pay")

    answer = client.json
    assert {
        "token_type": "Bearer",
        "issued_token_type": ACCESS_TOKEN,
        "expires_in": 900,
        "scope": "invoice:pay",
    } == {name: value for name, value in answer.items() if name != "access_token"}
    claims = claims_of(answer["access_token"])
    assert 22 == len(claims.pop("jti"))
    assert int(clock()) == claims.pop("iat_ms") // 1000
    assert {
        "iss": ISSUER,
        "aud": BILLING,
        "sub": "alice",
        "client_id": "front",
        "sid": verify(site, token).session_id,
        "acr": "urn:safeconduct:acr:remembered",
        "scope": "invoice:pay",
        "act": {"sub": "front"},
        "iat": int(clock()),
        "exp": int(clock()) + 900,
    } == claims
    assert "at+jwt" == part_of(answer["access_token"], 0)["typ"]
    assert ("no-store",) == client.response.values("cache-control")


def test_it_is_announced(site, client, token):
    client.exchange(token, audience=BILLING, scope="invoice:pay")

    [event] = [event for event in site.events if isinstance(event, ClientTokenIssued)]
    assert ("front", EXCHANGE, "alice", BILLING) == (event.client_id, event.grant_type, event.subject, event.audience)


def test_without_a_target_it_is_for_our_own_audience(site, client, token):
    """And accepted here, as the user's with less."""
    exchanged = client.exchanged(token)

    principal = verify(site, exchanged)
    assert (AUDIENCE, "alice", "remembered") == (principal.claims["aud"], principal.subject, principal.level)
    assert ({"invoice:pay"}, frozenset()) == (principal.scopes, principal.roles)
    assert ({"sub": "front"}, None) == (principal.actor, principal.auth_time)
    assert 200 == LoginClient(site).use(exchanged)


def test_without_scope_it_has_what_both_have(client, token):
    """The user's are ``invoice:pay`` and ``invoice:read``, the client's ``invoice:pay`` and ``stock:read``."""
    client.exchange(token)

    assert "invoice:pay" == client.json["scope"]


def test_a_client_without_scopes_gets_none(client, token):
    client.exchange(token, by="mute")

    assert "scope" not in client.json
    assert "scope" not in claims_of(client.json["access_token"])


def test_roles_are_those_that_the_clients_entry_names_and_the_user_has(client, token):
    assert ["clerk"] == claims_of(client.exchanged(token, by="clerks"))["roles"]


@pytest.mark.parametrize("given", [ACCESS_TOKEN, JWT])
@pytest.mark.parametrize("wanted", [ACCESS_TOKEN, JWT])
def test_a_signed_token_may_be_called_a_jwt(site, client, given, wanted):
    if site.auth.config.tokens.format == "opaque":
        return
    client.exchange(user_token(site), subject_token_type=given, requested_token_type=wanted)

    assert wanted == client.json["issued_token_type"]


def test_audience_and_resource_may_name_the_same(client, token):
    assert 200 == client.exchange(token, audience=BILLING, resource=BILLING)
    assert BILLING == claims_of(client.json["access_token"])["aud"]


def test_it_lives_no_longer_than_the_subject_token(site, client, token, clock):
    ends = verify(site, token).expires_at
    clock.advance(seconds=880)

    client.exchange(token)

    assert (20, ends) == (client.json["expires_in"], claims_of(client.json["access_token"])["exp"])


def test_it_lives_no_longer_than_the_session(world, clock):
    site = exchange_site(world, clock=clock, sessions={"short_absolute_lifetime_seconds": 100})
    client = ExchangeClient(site)
    token, begun = user_token(site), int(clock())
    clock.advance(seconds=70)

    client.exchange(token)

    assert (30, begun + 100) == (client.json["expires_in"], claims_of(client.json["access_token"])["exp"])
    site.close()


def test_an_exchanged_token_is_exchanged_again_by_the_next_client(client, token):
    """Each is named within the one that came after it."""
    for name in ("front", "second", "third", "fourth"):
        token = client.exchanged(token, by=name)

    claims = claims_of(token)
    assert {
        "sub": "fourth",
        "act": {"sub": "third", "act": {"sub": "second", "act": {"sub": "front"}}},
    } == claims["act"]
    assert ("alice", "fourth") == (claims["sub"], claims["client_id"])


def test_a_chain_of_five_is_refused(client, token):
    for name in ("front", "second", "third", "fourth"):
        token = client.exchanged(token, by=name)

    assert (400, "invalid_request") == (client.exchange(token, by="fifth"), client.json["error"])


def test_what_this_server_issued_for_a_user_is_exchanged_too(site, client, token):
    issued = issue(site, verify(site, token), scopes=["invoice:pay"])

    assert {"sub": "front", "act": {"sub": ISSUER}} == claims_of(client.exchanged(issued))["act"]


def test_a_second_exchange_gives_no_scope_back(client, token):
    narrow = client.exchanged(token, by="mute")

    assert (400, "invalid_scope") == (client.exchange(narrow, scope="invoice:pay"), client.json["error"])
    assert "scope" not in claims_of(client.exchanged(narrow))


@pytest.mark.parametrize(
    ("may_act", "status"),
    [
        ({"sub": "front"}, 200),
        ({"sub": "front", "iss": ISSUER}, 200),
        ({"client_id": "front"}, 200),
        ({"sub": "other"}, 400),
        ({"sub": "front", "client_id": "other"}, 400),
        ({"sub": "front", "iss": "https://idp.example"}, 400),
        ({"iss": ISSUER}, 400),
        ({"sub": ["front"]}, 400),
        ({"sub": "front", "aud": "x"}, 400),
        ("front", 400),
        (["front"], 400),
        (True, 400),
    ],
    ids=str,
)
def test_may_act_is_obeyed(world, clock, may_act, status):
    """The application's hook may name who may act for a user (RFC 8693 §4.4)."""
    site = exchange_site(world, clock=clock, add_claims=lambda _: {"may_act": may_act})
    client = ExchangeClient(site)

    assert status == client.exchange(user_token(site))

    if status == 200:
        assert may_act == claims_of(client.json["access_token"])["may_act"]
        assert 400 == client.exchange(client.json["access_token"], by="second")
    site.close()


def test_the_other_server_takes_it(site, client, token, clock, world):
    """It trusts us by our keys, and knows the client and the user."""
    billing = LoginSite(world, clock=clock, stores=site.auth._container.stores, audience=BILLING)
    exchanged = client.exchanged(token, audience=BILLING)

    principal = verify(billing, exchanged)

    assert ("alice", "front", {"sub": "front"}) == (principal.subject, principal.client_id, principal.actor)
    billing.close()


def test_a_refusal_is_announced_with_its_reason(site, client):
    """The client learns none of it."""
    assert 400 == client.exchange(mint(exp=1))

    [event] = [event for event in site.events if isinstance(event, ClientRefused)]
    assert ("front", 400, "invalid_request") == (event.client_id, event.status, event.error)
    assert event.reason not in client.response.body.decode()


def test_the_metadata_name_the_grant(site):
    assert 200 == LoginClient(site).request("GET", "/.well-known/oauth-authorization-server", with_cookies=False)


def test_an_audience_of_tokens_audiences_is_not_the_clients(client, token):
    """Each client has its own list."""
    assert (400, "invalid_target") == (client.exchange(token, audience=STOCK), client.json["error"])
