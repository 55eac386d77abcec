"""Cut accounts off (``login.cut_off = "cached"``), and let services exchange and look up the tokens of before."""

import pytest

from exchange_site import SECRET, ExchangeClient, clients, entry, exchange_site, user_token
from issued_tokens import BILLING, TOKENS
from login_site import LoginClient
from oauth_site import basic
from safeconduct import Account
from safeconduct.errors import RevokedToken
from table_tokens import AUDIENCE

SCOPES = ["invoice:pay", "invoice:read"]


@pytest.fixture(params=["asgi", "wsgi"])
def world(request):
    return request.param


@pytest.fixture(params=["memory://", "none"])
def site(world, request):
    more = [entry("looker", grants=["introspection"]), entry("alice", grants=["token_exchange"])]
    site = exchange_site(
        world,
        store=request.param,
        clients=clients() + more,
        login={"cut_off": "cached"},
        revocation={"staleness_seconds": 5},
        tokens=TOKENS,
    )
    yield site
    site.close()


def cut_off(site, **fields):
    """Update the row of alice."""
    site.directory.accounts["alice"] = Account("alice", scopes=SCOPES, **fields)


def use(site, token):
    """Send a request with a token, and return the status."""
    return LoginClient(site).use(token)


def is_active(site, token):
    """Ask about a token."""
    client = ExchangeClient(site)
    assert 200 == client.post("/auth/introspect", {"token": token}, headers=[basic("looker", SECRET)])
    return client.json["active"]


@pytest.mark.parametrize("audience", [AUDIENCE, BILLING])
@pytest.mark.parametrize("how", ["disabled", "cut off"])
def test_no_token_outlives_the_cut_off_by_an_exchange(site, audience, how):
    """The new one would be younger than the cut-off."""
    token, client = user_token(site), ExchangeClient(site)
    assert 200 == client.exchange(token, audience=audience)
    site.clock.advance(seconds=60)
    cut_off(site, **({"disabled": True} if how == "disabled" else {"cut_off": site.clock()}))
    site.clock.advance(seconds=60)

    assert (400, "invalid_request") == (client.exchange(token, audience=audience), client.json["error"])
    assert not is_active(site, token)


def test_a_remembered_account_lets_no_token_be_made_anew(site):
    """A request may pass until the account is looked up again, and what it makes would count for longer."""
    token, client = user_token(site), ExchangeClient(site)
    principal = site.auth.verify(token)
    site.clock.advance(seconds=60)
    assert 200 == use(site, token)
    cut_off(site, cut_off=site.clock())
    site.clock.advance(seconds=1)
    assert 200 == use(site, token)

    assert 400 == client.exchange(token, audience=AUDIENCE)
    with pytest.raises(RevokedToken):
        site.auth.tokens.issue(principal, audience=BILLING)


def test_a_sign_in_after_the_cut_off_is_exchanged(site):
    cut_off(site, cut_off=site.clock())
    site.clock.advance(seconds=2)
    token, client = user_token(site), ExchangeClient(site)
    assert is_active(site, token)
    assert is_active(site, client.exchanged(token, audience=AUDIENCE))


def test_a_user_with_the_name_of_a_client_is_cut_off(site):
    """The token names the client that acts for them, and is theirs all the same."""
    token, client = user_token(site), ExchangeClient(site)
    exchanged = client.exchanged(token, by="alice", audience=AUDIENCE)
    assert 200 == use(site, exchanged)
    cut_off(site, disabled=True)
    site.clock.advance(seconds=60)
    assert 401 == use(site, exchanged)


def test_a_user_with_the_name_of_our_own_client_is_cut_off(world):
    """``tokens.client_id`` is in every token that a sign-in makes."""
    site = exchange_site(world, login={"cut_off": "cached"}, tokens={"client_id": "alice"}, clients=[])
    token = user_token(site)
    assert 200 == use(site, token)
    cut_off(site, disabled=True)
    site.clock.advance(seconds=60)
    assert 401 == use(site, token)
    site.close()
