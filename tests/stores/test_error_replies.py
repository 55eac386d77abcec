"""Answer 503 when a server refuses a command, and tell the operator why."""

import logging

import pytest

from faulty_connections import RefusingServer
from login_site import LoginSite, stores_of
from login_stack import ManualTime
from memory_directory import MemoryDirectory
from safeconduct._core.store import Revocation
from safeconduct.errors import Unavailable
from safeconduct.events import StoreUnavailable
from safeconduct.stores.redis.connection import ServerError
from safeconduct.stores.redis.health import FAILURES
from safeconduct.stores.redis.refusals import RefusalReporter
from safeconduct.testing.store_contract.revocations import TOKEN, question
from table_tokens import mint

WORDS = {
    "OOM": "OOM command not allowed when used memory > 'maxmemory'.",
    "NOPERM": "NOPERM User limited has no permissions to run the 'evalsha' command",
    "WRONGTYPE": "WRONGTYPE Operation against a key holding the wrong kind of value script: f00, on @user_script:1.",
    "NOREPLICAS": "NOREPLICAS Not enough good replicas to write.",
    "BUSY": "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
    "LOADING": "LOADING Redis is loading the dataset in memory",
    "MISCONF": "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.",
    "READONLY": "READONLY You can't write against a read only replica. script: f00, on @user_script:1.",
    "TRYAGAIN": "TRYAGAIN Multiple keys request during rehashing of slot",
    "CLUSTERDOWN": "CLUSTERDOWN The cluster is down",
    "MOVED": "MOVED 3999 127.0.0.1:6381",
    "ASK": "ASK 3999 127.0.0.1:6381",
    "CROSSSLOT": "CROSSSLOT Keys in request don't hash to the same slot",
    "NOAUTH": "NOAUTH Authentication required.",
    "WRONGPASS": "WRONGPASS invalid username-password pair or user is disabled.",
    "MASTERDOWN": "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
    "NOSCRIPT": "NOSCRIPT No matching script. Please use EVAL.",
    "SHARDS": "SHARDS 4",
    "ODDITY": "ODDITY of a version to come",
}
#: The server is one node of a cluster; any of its errors will do.
NODE = {"MOVED", "ASK", "CROSSSLOT"}


@pytest.fixture
def refuse():
    begun = []

    def begin(error):
        server = RefusingServer(error)
        begun.append(server)
        return server

    yield begin
    for server in begun:
        server.stop()


def ask(world):
    with pytest.raises(Unavailable) as caught:
        world.run(world.store.ask(question()))
    return caught.value


@pytest.mark.parametrize("word", WORDS)
def test_e8_a_refusal_is_unavailable_and_reported_once_a_minute(enter, open_stores, refuse, monotonic, events, word):
    """It is logged at WARNING or above with the server's error word, and repeated while it lasts."""
    world = enter(open_stores(refuse(WORDS[word]).url, accept_eviction=True))

    counts = []
    for seconds in (0, 59, 1):
        monotonic.seconds += seconds
        ask(world)
        counts.append(len(events))

    # The circuit breaker may have opened at the third, which is reported too.
    assert [1, 1] == counts[:2]
    assert counts[2] in {2, 3}
    assert all(isinstance(event, StoreUnavailable) and event.log_level >= logging.WARNING for event in events)
    assert all(("one node of a cluster" if word in NODE else word) in event.reason for event in events)


@pytest.mark.parametrize("word", ["LOADING", "NOAUTH", "WRONGPASS"])
def test_e8_the_breaker_says_the_same_word(enter, open_stores, refuse, events, word):
    """Where redis-py treats a refusal as a broken connection, the circuit breaker opens too."""
    world = enter(open_stores(refuse(WORDS[word]).url))

    for _ in range(FAILURES):
        ask(world)

    assert 2 == len(events)
    assert all(word in event.reason for event in events)


def test_e8_refused_user_is_reported(enter, open_stores, server, events):
    world = enter(open_stores(f"redis://:wrong@127.0.0.1:{server.port}"))

    ask(world)

    assert ["correct" in event.reason for event in events] == [True]


def test_e8_a_database_that_is_not_there_is_reported(enter, open_stores, server, events):
    world = enter(open_stores(f"redis://127.0.0.1:{server.port}/4711"))

    ask(world)

    assert ["store.url" in event.reason for event in events] == [True]


def test_e8_what_a_server_makes_up_is_reported_once_in_a_minute():
    """The server's words do not fill the memory."""
    events = []
    reporter = RefusalReporter(monotonic=lambda: 0.0, announce=events.append)

    for number in range(1000):
        reporter.report_refusal(ServerError(f"WORD{number}"))
    reporter.report_broken("ConnectionError")

    assert ["the store refuses a command (WORD0)"] == [event.reason for event in events]


def out_of_memory(server):
    server.say("CONFIG", "SET", "maxmemory", "1")


def without_replicas(server):
    server.say("CONFIG", "SET", "min-replicas-to-write", "1")


def restored(server):
    server.say("CONFIG", "SET", "maxmemory", "0")
    server.say("CONFIG", "SET", "min-replicas-to-write", "0")


@pytest.mark.parametrize(
    ("happen", "word"), [(out_of_memory, "OOM"), (without_replicas, "NOREPLICAS")], ids=["memory", "replicas"]
)
def test_e8_a_real_server_that_takes_no_writes_is_reported(enter, open_stores, server, events, happen, word):
    world = enter(open_stores(server.url))
    world.run(world.store.begin_epoch(0, reason="new", seen=None))
    happen(server)
    try:
        with pytest.raises(Unavailable):
            world.run(world.store.revoke(0, Revocation("token", TOKEN, (0,), 1 << 50)))
    finally:
        restored(server)

    assert [StoreUnavailable] == [type(event) for event in events]
    assert word in events[0].reason


@pytest.mark.parametrize("gate", ["asgi", "wsgi"])
def test_e8_a_request_is_503_and_calls_no_application(server, gate):
    """``Retry-After`` says to come back; the event says why."""
    moment, events = ManualTime(), []
    stores = stores_of(server.kind, server, moment, events.append)
    site = LoginSite(gate, stores=stores, clock=moment.clock, directory=MemoryDirectory(alice="wonder"))
    server.say("SET", "safeconduct:{sc:00}:meta", "planted")

    seen = site.request("GET", "/", [("authorization", f"Bearer {mint()}")])
    site.close()

    assert 503 == seen.status
    assert seen.values("retry-after")
    assert seen.report is None
    assert "unavailable" in seen.body.decode()
    assert ["WRONGTYPE" in event.reason for event in events] == [True]
