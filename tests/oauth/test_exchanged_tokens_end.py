"""What ends an exchanged token, and what keeps one from being made, over every kind of store and consistency."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from bounded_site import BoundedSite
from exchange_site import ExchangeClient, clients, exchange_site, user_token
from issued_tokens import BILLING, TOKENS, claims_of, staff, verify
from login_site import LoginClient, LoginSite, reopened, stores_of
from safeconduct.stores import MemoryStore
from safeconduct.stores.redis.follower import Follower
from store_servers import KINDS, Server
from table_tokens import OWN_KEY

WHAT = ["session", "sign-out everywhere", "subject", "client", "key", "everything"]


@pytest.fixture
def by_hand(monkeypatch):
    """Let the tests move what follows the store."""
    monkeypatch.setattr(Follower, "start", lambda _self: None)


@pytest.fixture(params=["memory", *KINDS])
def both(request, world, moment, servers):
    """Make the site that exchanges, and the server that its tokens are for, over one store."""
    made = []
    server = None if request.param == "memory" else servers(request.param)
    stores = stores_of(request.param, server, moment, print)

    def build(**fields):
        ours = exchange_site(world, clock=moment.clock, stores=stores, tokens=TOKENS, **fields)
        again = stores if server is None else reopened(server, moment, print)
        billing = LoginSite(world, clock=moment.clock, stores=again, audience=BILLING, **fields)
        made.extend((ours, billing))
        begin_epoch(ours, moment)
        return ours, billing

    yield build
    for site in made:
        site.close()


def begin_epoch(site, moment):
    """Let the store's data begin a minute before anything is issued; the clocks of two commands differ a little."""
    site.auth.sessions.revoke_subject("before")
    moment.clock.advance(seconds=60)


def revoked(site, user, what, *, client_id="front"):
    """Revoke one thing that an exchanged token depends on."""
    sessions = site.auth.sessions
    {
        "session": lambda: sessions.end(user.session_id),
        "sign-out everywhere": lambda: sessions.sign_out_everywhere(user.subject),
        "subject": lambda: sessions.revoke_subject(user.subject),
        "client": lambda: sessions.revoke_client(client_id),
        "key": lambda: sessions.revoke_key(OWN_KEY["kid"]),
        "everything": sessions.revoke_everything,
        "token": lambda: sessions.revoke_token(user.token_id, subject=user.subject),
    }[what]()


@pytest.mark.parametrize("consistency", ["strict", "bounded"])
@pytest.mark.parametrize("what", WHAT)
def test_each_revocation_ends_it_at_the_other_server(both, consistency, what):
    ours, billing = both(revocation={"consistency": consistency})
    token = user_token(ours)
    exchanged = ExchangeClient(ours).exchanged(token, audience=BILLING)
    assert 200 == LoginClient(billing).use(exchanged)

    revoked(ours, verify(ours, token), what)

    assert 401 == LoginClient(billing).use(exchanged)


@pytest.mark.parametrize("consistency", ["strict", "bounded"])
@pytest.mark.parametrize("what", ["token", *(each for each in WHAT if each != "client")])
def test_what_was_revoked_is_not_exchanged(both, consistency, what):
    ours, _ = both(revocation={"consistency": consistency})
    client, token = ExchangeClient(ours), user_token(ours)

    revoked(ours, verify(ours, token), what)

    assert (400, "invalid_request") == (client.exchange(token), client.json["error"])


@pytest.mark.parametrize("consistency", ["strict", "bounded"])
def test_a_revoked_client_in_the_middle_ends_what_the_next_one_got(both, consistency):
    """Every actor counts, not only the last one."""
    ours, billing = both(revocation={"consistency": consistency})
    client, token = ExchangeClient(ours), user_token(ours)
    last = client.exchanged(client.exchanged(token, by="front"), by="second", audience=BILLING)
    assert 200 == LoginClient(billing).use(last)

    revoked(ours, verify(ours, token), "client")

    assert 401 == LoginClient(billing).use(last)
    assert 200 == LoginClient(ours).use(token)


def test_a_revoked_client_exchanges_nothing(both):
    """Its secret is known to someone else."""
    ours, _ = both()
    client, token = ExchangeClient(ours), user_token(ours)
    revoked(ours, verify(ours, token), "client")

    assert (401, "invalid_client") == (client.exchange(token), client.json["error"])


@pytest.mark.usefixtures("by_hand")
@pytest.mark.parametrize("kind", KINDS)
def test_what_the_local_view_does_not_know_yet_is_asked(world, servers, moment, kind):
    """A request may pass by the view's age; an exchanged token would carry that on."""
    server = servers(kind)
    server.say("FLUSHALL")
    fields = {"tokens": TOKENS, "directory": staff(), "clients": clients()}
    site, other = (BoundedSite(where, server, moment, fields=fields) for where in (world, "wsgi"))
    begin_epoch(site, moment)
    token, client = user_token(site), ExchangeClient(site)
    site.follow()
    other.auth.sessions.sign_out(token)

    assert 200 == LoginClient(site).use(token)
    assert (400, "invalid_request") == (client.exchange(token), client.json["error"])

    site.close()
    other.close()


@pytest.mark.usefixtures("by_hand")
@pytest.mark.parametrize("kind", KINDS)
def test_the_local_view_ends_it_as_it_ends_the_users(world, servers, moment, kind):
    server = servers(kind)
    server.say("FLUSHALL")
    fields = {"tokens": TOKENS, "directory": staff(), "clients": clients()}
    site, other = (BoundedSite(where, server, moment, fields=fields) for where in (world, "wsgi"))
    begin_epoch(site, moment)
    token, client = user_token(site), ExchangeClient(site)
    last = client.exchanged(client.exchanged(token), by="second")
    site.follow()
    assert 200 == LoginClient(site).use(last)
    other.auth.sessions.revoke_client("front")

    site.follow()

    assert (401, 200) == (LoginClient(site).use(last), LoginClient(site).use(token))

    site.close()
    other.close()


class RevokingStore(MemoryStore):
    """A store in which another process revokes something just before it gives the time of issue."""

    __slots__ = ("before",)

    async def issue_time(self, query):
        with ThreadPoolExecutor(1) as another:
            another.submit(self.before).result()
        return await super().issue_time(query)


@pytest.mark.parametrize("what", ["token", *WHAT])
def test_a_revocation_while_it_is_exchanged_counts(world, clock, what):
    stores = RevokingStore(clock=clock, horizon_ms=86_400_000, leeway_ms=10_000)
    stores.before = dict
    site = exchange_site(world, clock=clock, stores=stores)
    token, client = user_token(site), ExchangeClient(site)
    stores.before = partial(revoked, site, verify(site, token), what)

    assert (400, "invalid_request") == (client.exchange(token), client.json["error"])
    site.close()


def test_an_outage_is_503(world, moment):
    """It says nothing of the token (RFC 6749 §5.2 has no error for it)."""
    server = Server("valkey")
    stores = stores_of("valkey", server, moment, print, by="url")
    site = exchange_site(world, clock=moment.clock, stores=stores)
    token, client = user_token(site), ExchangeClient(site)
    server.stop()

    assert (503, "temporarily_unavailable") == (client.exchange(token), client.json["error"])
    site.close()


@pytest.mark.parametrize("what", ["session", "subject", "everything"])
def test_an_opaque_subject_token_ends_as_a_signed_one(world, clock, what):
    site = exchange_site(world, clock=clock, tokens={**TOKENS, "format": "opaque"})
    token, client = user_token(site), ExchangeClient(site)
    exchanged = client.exchanged(token)
    user = verify(site, token)

    revoked(site, user, what)

    assert (400, "invalid_request") == (client.exchange(token), client.json["error"])
    assert 401 == LoginClient(site).use(exchanged)
    assert user.session_id == claims_of(exchanged)["sid"]
    site.close()
