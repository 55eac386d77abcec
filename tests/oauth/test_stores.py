"""The OAuth endpoints over every kind of store, and while it cannot be asked."""

import pytest

from login_site import LoginClient, reopened, stores_of
from oauth_site import SECRETS, OAuthClient, assertion, basic, oauth_site
from store_servers import KINDS, Server


@pytest.fixture(params=["memory", *KINDS])
def workers(request, world, moment, servers):
    """Make sites over one store, each with its own connections like the workers of a site."""
    made = []
    server = None if request.param == "memory" else servers(request.param)
    stores = stores_of(request.param, server, moment, print)

    def begin(**fields):
        own = stores if server is None or not made else reopened(server, moment, print)
        site = oauth_site(world, clock=moment.clock, stores=own, **fields)
        made.append(site)
        return site

    yield begin
    for site in made:
        site.close()


@pytest.fixture
def clients(workers):
    return OAuthClient(workers()), OAuthClient(workers())


def ask(client, path, token, *, by="nightly"):
    assert 200 == client.post(path, {"token": token}, headers=[basic(by, SECRETS[by])])
    return client.json


def test_an_assertion_counts_in_one_worker(clients):
    """Whichever worker comes second refuses it."""
    one, other = clients
    text = assertion()

    assert [200, 401, 401] == [client.token_by_assertion(text) for client in (one, other, one)]


def test_a_token_ends_in_every_worker(clients):
    one, other = clients
    one.token()
    token = one.json["access_token"]
    assert ask(other, "/auth/introspect", token)["active"]

    ask(one, "/auth/revoke", token, by="reports")

    assert {"active": False} == ask(other, "/auth/introspect", token)


@pytest.mark.parametrize("format_of_tokens", ["jws", "opaque"])
def test_a_users_tokens_end_in_every_worker(workers, format_of_tokens):
    one, other = (OAuthClient(workers(tokens={"format": format_of_tokens})) for _ in range(2))
    user = LoginClient(one.site)
    user.get_tokens(remember=True)
    access, refresh = user.tokens["access_token"], user.tokens["refresh_token"]
    assert [True, True] == [ask(other, "/auth/introspect", token)["active"] for token in (access, refresh)]

    assert 200 == one.post("/auth/revoke", {"token": access})
    assert [False, True] == [ask(other, "/auth/introspect", token)["active"] for token in (access, refresh)]
    assert 200 == one.post("/auth/revoke", {"token": refresh})

    assert {"active": False} == ask(other, "/auth/introspect", refresh)


def test_a_token_of_after_a_revocation_counts(clients):
    """A cut-off ends what was issued before it: the store dates the next token later."""
    one, other = clients
    one.token()
    first = one.json["access_token"]
    one.site.auth.sessions.revoke_subject("client:reports")

    other.token()

    second = other.json["access_token"]
    assert [False, True] == [ask(other, "/auth/introspect", token)["active"] for token in (first, second)]


@pytest.fixture
def killed(world, moment):
    """Return a client whose store was killed after it got a token."""
    server = Server("valkey")
    site = oauth_site(world, clock=moment.clock, stores=stores_of("valkey", server, moment, print, by="url"))
    client = OAuthClient(site)
    client.token()
    token = client.json["access_token"]
    server.kill()
    yield client, token
    site.close()
    server.stop()


@pytest.mark.parametrize("path", ["/auth/token", "/auth/introspect", "/auth/revoke"])
@pytest.mark.parametrize("proof", ["secret", "assertion"])
def test_a_request_that_needs_the_store_waits_for_it(killed, path, proof):
    """503 with Retry-After in the form of OAuth; never 401, never a token, never ``active: false``."""
    client, token = killed
    fields = {"grant_type": "client_credentials", "token": token}
    headers = [basic("nightly", SECRETS["nightly"])] if proof == "secret" else []
    if proof == "assertion":
        kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        fields |= {"client_assertion_type": kind, "client_assertion": assertion()}

    assert 503 == client.post(path, fields, headers=headers)

    assert "temporarily_unavailable" == client.json["error"]
    assert ("application/json",) == client.response.values("content-type")
    assert 0 < int(client.response.values("retry-after")[0])


def test_a_wrong_secret_is_wrong_without_the_store(killed):
    """It is counted in this process alone."""
    client, _ = killed

    assert 401 == client.token(headers=[basic("nightly", "wrong")])
