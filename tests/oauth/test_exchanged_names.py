"""Show what a user is called in a token that a client acts with, and never what the client is called."""

import pytest

from exchange_site import SECRET, ExchangeClient, entry, exchange_site, user_token
from issued_tokens import BILLING, STOCK, TOKENS, claims_of, issue, staff, verify
from login_site import LoginClient
from oauth_site import basic
from safeconduct import Account

NAME = "Älice Example"
FORMS = ["name", "display_name", "username", "preferred_username", "sub", "subject", "remote_user", "claims", "act"]


@pytest.fixture(params=["jws", "opaque"])
def site(request, world, clock):
    people = staff()
    rights = people.accounts["alice"]
    people.accounts["alice"] = Account(
        "alice", level="explicit", roles=rights.roles, scopes=rights.scopes, display_name=NAME
    )
    # A user may have the name of a client.
    people.accounts["front"] = Account("front", display_name="Front Desk")
    site = exchange_site(world, clock=clock, directory=people, tokens={**TOKENS, "format": request.param})
    yield site
    site.close()


@pytest.fixture
def client(site):
    return ExchangeClient(site)


def shown(site, token):
    """Return what the session endpoint and a principal say about the bearer of a token."""
    client = LoginClient(site)
    assert 200 == client.request("GET", "/auth/session", bearer=token, with_cookies=False)
    principal = verify(site, token)
    assert (principal.display_name, principal.subject) == (client.json["display_name"], client.json["subject"])
    return principal.display_name, principal.subject, principal.remote_user


def test_an_exchanged_token_shows_what_its_user_is_called(site, client):
    """The actor is in ``act`` alone, also where a user has the same name as the client."""
    exchanged = client.exchanged(user_token(site))

    assert (NAME, "alice", "alice") == shown(site, exchanged)
    assert {"sub": "front"} == verify(site, exchanged).actor


def test_so_does_each_further_exchange(site, client):
    token = user_token(site)
    for actor in ("second", "third", "fourth"):
        token = client.exchanged(token, by=actor)
        assert (NAME, "alice", "alice") == shown(site, token)


def test_so_does_a_token_that_the_server_issues_for_a_user(site):
    principal = verify(site, user_token(site))

    assert (NAME, "alice", "alice") == shown(site, issue(site, principal, scopes=["invoice:pay"]))


def test_a_user_without_a_name_is_called_by_their_subject(site, client):
    assert ("bob", "bob", "bob") == shown(site, client.exchanged(user_token(site, "bob", "builder")))


@pytest.mark.parametrize("form", FORMS)
def test_a_client_cannot_say_what_its_user_is_called(site, client, form):
    """A parameter that the endpoint does not know is ignored (RFC 6749 §3.2)."""
    token = user_token(site)

    exchanged = client.exchanged(token, **{form: "Mallory"})

    assert (NAME, "alice", "alice") == shown(site, exchanged)
    assert "Mallory" not in str(dict(verify(site, exchanged).claims))


@pytest.mark.parametrize("form", FORMS)
def test_a_client_cannot_say_what_it_is_called_itself(site, client, form):
    fields = {"grant_type": "client_credentials", form: "Mallory"}
    assert 200 == client.post("/auth/token", fields, headers=[basic("other", SECRET)])

    assert (None, "client:other", None) == shown(site, client.json["access_token"])


@pytest.mark.parametrize("audience", [BILLING, STOCK])
def test_another_server_is_not_told(site, client, audience):
    """It would show nothing but the subject, which is what it knows the user by."""
    exchanged = client.exchanged(user_token(site), by="second", audience=audience)
    issued = issue(site, verify(site, user_token(site)), audience=audience)

    assert [False, False] == ["name" in claims_of(token) for token in (exchanged, issued)]


def test_introspection_calls_the_user_by_their_name(site, world, clock):
    """RFC 7662 §2.2: ``username`` is that of the resource owner who authorized the token."""
    entries = [entry("front"), entry("reader", grants=["introspection"], audiences=[])]
    people = site.directory
    other = exchange_site(world, clock=clock, directory=people, clients=entries, tokens=TOKENS)
    client = ExchangeClient(other)
    exchanged = client.exchanged(user_token(other))

    assert 200 == client.post("/auth/introspect", {"token": exchanged}, headers=[basic("reader", SECRET)])
    other.close()

    assert (True, NAME, "alice", "front") == (
        client.json["active"], client.json["username"], client.json["sub"], client.json["client_id"],
    )  # fmt: skip
