"""With ``strict`` a request with an API key is one command on the store, with ``bounded`` none."""

import pytest

from api_key_site import ACCESS, SOURCES, ApiKeySite, people
from bounded_site import BoundedSite
from login_site import LoginClient, stores_of
from safeconduct.errors import Unavailable
from safeconduct.stores.redis.api_keys import RedisApiKeys
from safeconduct.stores.redis.follower import Follower
from safeconduct.stores.view.local_view import LocalView
from store_servers import KINDS
from store_traffic import RoundTrips

REQUESTS = 1000


@pytest.fixture(params=KINDS)
def server(request, servers):
    return servers(request.param)


@pytest.fixture
def trips(monkeypatch, server):
    return RoundTrips(monkeypatch, server)


@pytest.fixture
def asked(monkeypatch):
    """Return the questions that requests ask the server; the thread that follows the log asks others."""
    found = []

    def noted(method):
        def noting(self, query):
            found.append(query)
            return method(self, query)

        return noting

    monkeypatch.setattr(RedisApiKeys, "use", noted(RedisApiKeys.use))
    return found


class BoundedKeySite(BoundedSite, ApiKeySite):
    """A site that accepts API keys, whose follower the test moves step by step."""


@pytest.fixture
def bounded(world, moment, server, monkeypatch):
    """Make sites over one server, each with a view of its own, which only the test moves."""
    monkeypatch.setattr(Follower, "start", lambda _self: None)
    server.say("FLUSHALL")
    made = []

    def build(**fields):
        shared = {"sources": SOURCES, "directory": people()}
        site = BoundedKeySite(world, server, moment, access=ACCESS, fields=shared, **fields)
        made.append(site)
        return site

    yield build
    for site in made:
        site.close()


@pytest.fixture
def strict(make, server, moment):
    return make(stores=stores_of(server.kind, server, moment, print), revocation={"consistency": "strict"})


def test_a_strict_request_is_one_command(strict, trips):
    """Also the first one with a key, and the one that notes the use; plain commands, as for a token, are not enough."""
    client = LoginClient(strict)
    client.get_tokens()
    assert [200, 200] == [client.use(), client.use()]
    key, second = strict.create(), strict.create()
    # The server must know the script: the first call sends it twice.
    assert 200 == strict.get(key)
    trips.reset()

    assert [200] * REQUESTS == [strict.get(key) for _ in range(REQUESTS)]
    assert (REQUESTS, REQUESTS) == (trips.count, trips.scripts)
    trips.reset()
    assert 200 == strict.get(second)
    assert (1, 1) == (trips.count, trips.scripts)


def test_a_strict_request_is_one_command_while_the_owner_is_asked(strict, trips, clock):
    key = strict.create()
    assert 200 == strict.get(key)
    trips.reset()

    for _ in range(100):
        clock.advance(seconds=1)
        assert 200 == strict.get(key)

    assert (100, 100) == (trips.count, trips.scripts)
    assert 101 <= strict.directory.lookups
    assert int(clock()) - 60 < strict.auth.api_keys.list("alice")[0].last_used_at


def test_what_is_no_key_costs_no_command(strict, trips):
    key = strict.create()
    wrong = key.key[:-1] + ("0" if key.key[-1] != "0" else "1")
    trips.reset()

    assert [401] * 4 == [strict.get(each) for each in (wrong, key.key[:-1], key.key + "0", "sck_" + "0" * 9000)]
    assert 0 == trips.count


def test_a_bounded_request_is_no_command(bounded, asked):
    """Whatever ends the key is in the log that the view follows."""
    site = bounded()
    key = site.create()
    site.follow()
    assert [200] * 2 == [site.get(key) for _ in range(2)]
    asked.clear()

    assert [200] * REQUESTS == [site.get(key) for _ in range(REQUESTS)]
    assert [] == asked


@pytest.mark.parametrize("staleness_seconds", [1.0, 600.0])
def test_a_bounded_process_asks_once_a_minute(bounded, asked, clock, staleness_seconds):
    """That command notes the use; between two of them the owner is asked, and the store is not."""
    site = bounded(staleness_seconds=staleness_seconds)
    key = site.create()
    site.follow()
    assert 200 == site.get(key)
    asked.clear()

    for _ in range(59):
        clock.advance(seconds=1)
        site.follow()
        assert 200 == site.get(key)
    assert [] == asked
    clock.advance(seconds=1)
    site.follow()
    assert [200, 200] == [site.get(key), site.get(key)]
    assert 1 == len(asked)
    assert int(clock()) == site.auth.api_keys.list("alice")[0].last_used_at


@pytest.mark.parametrize("how", ["key", "token", "subject", "everything"])
def test_a_bounded_process_learns_what_ends_a_key(bounded, asked, how):
    """By the log; a process that has not followed yet is told by the next reply of the store."""
    site, other = bounded(), bounded()
    key = site.create()
    for each in (site, other):
        each.follow()
        assert [200] * 2 == [each.get(key) for _ in range(2)]

    {
        "key": lambda: other.auth.api_keys.revoke("alice", key.key_id),
        "token": lambda: other.auth.sessions.revoke_token(key.key_id),
        "subject": lambda: other.auth.sessions.revoke_subject("alice"),
        "everything": other.auth.sessions.revoke_everything,
    }[how]()
    site.follow()
    asked.clear()

    assert [401, 401] == [site.get(key), other.get(key)]
    assert 2 >= len(asked)


def test_a_bounded_process_that_loads_later_knows_what_ended(bounded):
    site = bounded()
    keys = [site.create(), site.create()]
    site.auth.api_keys.revoke("alice", keys[0].key_id)
    other = bounded()
    other.follow()

    assert [401, 200] == [other.get(key) for key in keys]


def test_a_sign_out_everywhere_leaves_a_key_that_the_view_knows(bounded, asked):
    site = bounded()
    key = site.create()
    site.follow()
    assert 200 == site.get(key)
    site.auth.sessions.sign_out_everywhere("alice")
    site.follow()
    asked.clear()

    assert 200 == site.get(key)
    assert [] == asked


def test_in_an_outage_a_known_key_counts_while_the_view_is_fresh(bounded, monkeypatch, clock):
    """Then it is refused, whatever ``on_outage`` says: nobody knows whether its record is there."""
    site = bounded(on_outage="serve")
    key = site.create()
    site.follow()
    assert 200 == site.get(key)
    monkeypatch.setattr(RedisApiKeys, "use", unavailable)

    clock.advance(seconds=0.9)
    assert 200 == site.get(key)
    clock.advance(seconds=0.2)
    monkeypatch.setattr(LocalView, "holds", lambda _view, _query: False)
    assert 503 == site.get(key)


async def unavailable(_keys, _query):
    raise Unavailable("the test stops the store")


@pytest.mark.parametrize("target", ["/strict", "/unasked"])
def test_a_rule_says_how_a_key_is_checked(bounded, asked, target):
    """``none`` leaves out no question that the record of a key depends on."""
    site = bounded()
    key = site.create()
    site.follow()
    assert [200] * 2 == [site.get(key, target) for _ in range(2)]
    asked.clear()

    assert [200] * 3 == [site.get(key, target) for _ in range(3)]
    assert (3 if target == "/strict" else 0) == len(asked)
