"""Refuse to trust a server that may evict a revocation."""

import pytest

from safeconduct._core.store import Revocation
from safeconduct.errors import Unavailable
from safeconduct.events import StoreUnavailable
from safeconduct.stores.redis.connection import ServerError
from safeconduct.stores.redis.health import EVERY_SECONDS, ServerHealth
from safeconduct.testing.store_contract.revocations import question


def begin(world):
    return world.run(world.store.begin_epoch(0, reason="new", seen=None))


def ask(world):
    return world.run(world.store.ask(question()))


@pytest.mark.parametrize("policy", ["allkeys-lru", "volatile-ttl", "allkeys-random"])
def test_an_evicting_server_is_unavailable_and_the_remedy_is_reported(enter, open_stores, server, events, policy):
    server.say("CONFIG", "SET", "maxmemory-policy", policy)
    world = enter(open_stores(server.url))

    with pytest.raises(Unavailable):
        ask(world)

    assert [StoreUnavailable] == [type(event) for event in events]
    assert "CONFIG SET maxmemory-policy noeviction" in events[0].reason
    assert policy in events[0].reason


def test_the_remedy_works_at_once(enter, open_stores, server):
    server.say("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    world = enter(open_stores(server.url))
    with pytest.raises(Unavailable):
        begin(world)
    server.say("CONFIG", "SET", "maxmemory-policy", "noeviction")

    assert begin(world).name


def test_a_policy_that_changes_later_is_noticed(enter, open_stores, server, monotonic):
    world = enter(open_stores(server.url))
    begin(world)
    server.say("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    monotonic.seconds += EVERY_SECONDS

    with pytest.raises(Unavailable):
        ask(world)


def test_it_is_reported_once_a_minute(enter, open_stores, server, monotonic, events):
    server.say("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    world = enter(open_stores(server.url))

    for seconds in (0, 59, 1, 59, 1):
        monotonic.seconds += seconds
        with pytest.raises(Unavailable):
            ask(world)

    assert 3 == len(events)


def test_eviction_can_be_accepted(enter, open_stores, server):
    server.say("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    world = enter(open_stores(server.url, accept_eviction=True))

    assert begin(world).name


RIGHTS = ("on", ">pw", "~*", "+@scripting", "+@read", "+@write", "+@connection", "+time")


@pytest.mark.parametrize(("policy", "is_fit"), [("noeviction", True), ("allkeys-lru", False)])
def test_where_config_is_forbidden_info_tells(enter, open_stores, server, monotonic, policy, is_fit):
    """Managed servers refuse CONFIG, so INFO is used."""
    server.say("CONFIG", "SET", "maxmemory-policy", policy)
    server.say("ACL", "SETUSER", "managed", "reset", *RIGHTS, "+info", "-config")
    world = enter(open_stores(f"redis://managed:pw@127.0.0.1:{server.port}"))

    if is_fit:
        begin(world)
        monotonic.seconds += EVERY_SECONDS
        assert not ask(world).is_revoked
    else:
        with pytest.raises(Unavailable):
            begin(world)


def test_where_config_is_forbidden_later_info_tells(enter, open_stores, server, monotonic):
    server.say("ACL", "SETUSER", "changed", "reset", *RIGHTS, "+info", "+config")
    world = enter(open_stores(f"redis://changed:pw@127.0.0.1:{server.port}"))
    begin(world)
    server.say("ACL", "SETUSER", "changed", "-config")
    monotonic.seconds += EVERY_SECONDS

    assert not ask(world).is_revoked


def test_where_nothing_tells_the_server_is_unfit(enter, open_stores, server, events):
    server.say("ACL", "SETUSER", "mute", "reset", *RIGHTS, "-config", "-info")
    world = enter(open_stores(f"redis://mute:pw@127.0.0.1:{server.port}"))

    with pytest.raises(Unavailable):
        begin(world)

    assert "accept_eviction" in events[0].reason


@pytest.mark.parametrize("reply", [None, [], [b"maxmemory-policy"], b"", b"# Memory\r\nused_memory:1\r\n", 7], ids=repr)
def test_a_policy_that_cannot_be_read_is_none(reply):
    health = ServerHealth(accept_eviction=False, monotonic=lambda: 0.0, announce=print)
    health.judge([ServerError("NoPermissionError"), reply])

    with pytest.raises(Unavailable):
        health.refuse_unfit()


def test_a_warm_question_is_one_command(enter, open_stores, server):
    """Every request costs one command once its connection is open."""
    world = enter(open_stores(server.url))
    begin(world)
    ask(world)
    before = _commands(server)

    for _ in range(10):
        ask(world)

    assert {"evalsha": 10} == _difference(before, _commands(server))


def _commands(server):
    """Count the commands of clients, without those that a script calls."""
    return {
        name: int(server.statistic("commandstats", f"cmdstat_{name}").split(",")[0].partition("=")[2])
        for name in ("evalsha", "eval", "config|get", "role", "client|setinfo", "hello")
        if f"cmdstat_{name}:" in server.say("INFO", "commandstats")
    }


def _difference(before, after):
    return {name: count - before.get(name, 0) for name, count in after.items() if count != before.get(name, 0)}


@pytest.mark.parametrize("name", ["rev", "cut"])
def test_a14_a_set_that_was_evicted_is_a_loss(enter, open_stores, server, name):
    """Eviction takes a whole key; the state of the data is another key, and does not show it."""
    first, second = enter(open_stores(server.url)), enter(open_stores(server.url))
    begin(first)
    first.run(first.store.revoke(0, Revocation("token", b"t" + b"x" * 16, (0,), 1 << 50)))
    assert ["new", "new"] == [ask(second).epoch.reason for _ in range(2)]
    server.say("DEL", f"safeconduct:{{sc:00}}:{name}")

    seen = ask(second)

    assert ("lost", "empty") == (seen.epoch.reason, seen.epoch.witness)
    assert ask(first).epoch == seen.epoch
    assert ask(second).epoch == seen.epoch
