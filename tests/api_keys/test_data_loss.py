"""An API key that was revoked does not come back with an old copy of the data."""

import pytest

from api_key_site import ApiKeySite
from data_loss import DATA_LOSSES
from login_site import reopened
from store_servers import KINDS, Server

# redis-py 5 leaves a lost Unix socket open until it is garbage-collected.
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*unclosed <socket:pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"),
]
LONG_SECONDS = 40 * 86_400


@pytest.fixture(params=KINDS)
def server(request):
    server = Server(request.param)
    yield server
    server.stop()


@pytest.fixture
def worker(server, world, moment):
    """Start workers over one server, each with its own connections and its own knowledge of the data."""
    made = []

    def start(**fields):
        site = ApiKeySite(world, clock=moment.clock, stores=reopened(server, moment, print), **fields)
        made.append(site)
        return site

    yield start
    for site in made:
        site.close()


@pytest.mark.parametrize("kind", DATA_LOSSES)
@pytest.mark.parametrize("how", ["key", "subject", "everything"])
def test_a_key_that_was_revoked_stays_so_when_the_data_goes_back(worker, server, clock, kind, how):
    """For ever: the key outlives the horizon, after which other credentials of that time have expired."""
    data_loss = DATA_LOSSES[kind](server)
    try:
        site = worker()
        key = site.create()
        assert 200 == site.get(key)
        data_loss.begin()
        {
            "key": lambda: site.auth.api_keys.revoke("alice", key.key_id),
            "subject": lambda: site.auth.sessions.revoke_subject("alice"),
            "everything": site.auth.sessions.revoke_everything,
        }[how]()
        data_loss.lose_data()
        clock.advance(seconds=60)

        assert {401} == {site.get(key) for _ in range(3)}
        assert 200 == site.get(site.create())
        clock.advance(seconds=LONG_SECONDS)
        assert [401, 401] == [site.get(key), worker().get(key)]
    finally:
        data_loss.stop()


def test_a_key_whose_record_is_lost_is_unknown(worker, server):
    site = worker()
    key = site.create()
    assert 200 == site.get(key)
    server.say("FLUSHALL")

    assert {503, 401} >= {site.get(key), site.get(key)}
    assert [401, 401] == [site.get(key), worker().get(key)]


def test_an_operator_may_adopt_the_data(worker, server):
    """A planned move keeps the keys, as it keeps the sessions."""
    site = worker()
    key = site.create()
    server.say("HSET", "safeconduct:{sc:00}:meta", "reason", "adopted", "epoch_ms", 1 << 52)

    assert 200 == worker().get(key)
    server.say("HSET", "safeconduct:{sc:00}:meta", "reason", "lost")
    assert 401 == worker().get(key)


@pytest.mark.parametrize("reply", [b"x", b"x" * 64], ids=["short", "long"])
def test_what_somebody_else_wrote_is_an_outage(worker, server, reply):
    """Nobody is let in by it, and nobody is told that their key is wrong."""
    site = worker()
    key = site.create()
    name = f"safeconduct:{{sc:00}}:k:{key.key_id[2:10]}"
    server.say("HSET", name, key.key_id[10:], reply, key.key_id[10:] + ":", "no JSON")

    assert site.get(key) in {401, 503}
    server.say("DEL", name)
    server.say("SET", name, "a string")
    assert 503 == site.get(key)
