"""Ask by plain commands in one round trip while nothing has changed, and let the script decide everywhere else."""

from dataclasses import replace

import pytest

from data_loss import DATA_LOSSES
from safeconduct._core.revocation_query import RevocationQuery
from safeconduct._core.store import Revocation
from safeconduct.errors import Unavailable
from safeconduct.stores.redis.health import EVERY_SECONDS
from safeconduct.stores.redis.plain_ask import REFUSED_SECONDS, SCRIPT_EVERY_SECONDS
from safeconduct.testing.store_contract.revocations import ALICE, KEY, LEEWAY_MS, OTHER, SESSION, TOKEN, question
from store_servers import Server
from store_traffic import Interruption, RoundTrips
from worlds import Blocking, Native

META, REV = "safeconduct:{sc:00}:meta", "safeconduct:{sc:00}:rev"
ENDS_MS = 1 << 52
#: The tag of a session that began in no epoch of this store, but in some server's.
TAG = b"\xff" * 8


@pytest.fixture
def world(enter, open_stores, server):
    return begun(enter(open_stores(server.url)))


@pytest.fixture
def trips(monkeypatch, server, world):  # noqa: ARG001 - the connection is open by then
    return RoundTrips(monkeypatch, server)


def begun(world):
    world.run(world.store.begin_epoch(0, reason="new", seen=None))
    return world


def a_token(world, **fields):
    """Return the question about a token that was issued just now."""
    iat_ms = world.run(world.store.issue_time(question(cuts=(ALICE, SESSION)))).iat_ms
    return RevocationQuery(
        0, **{"marks": (TOKEN, KEY), "cuts": (ALICE, SESSION), "issued_ms": iat_ms, "ends_ms": ENDS_MS, **fields}
    )


def ask(world, query):
    return world.run(world.store.ask(query))


def a_known_token(world, **fields):
    """Return the question about a token of a shard that this process knows."""
    query = a_token(world, **fields)
    ask(world, query)
    return query


def revoke(world, key=TOKEN, *, kind="token"):
    return world.run(world.store.revoke(0, Revocation(kind, key, (0,), 1 << 50)))


def test_the_second_question_needs_no_script(world, trips):
    query = a_token(world)
    first = ask(world, query)
    trips.reset()

    second = ask(world, query)

    assert (1, 0) == (trips.count, trips.scripts)
    assert first.epoch == second.epoch
    assert not second.is_revoked


@pytest.mark.parametrize(("key", "kind"), [(TOKEN, "token"), (KEY, "key"), (ALICE, "subject"), (SESSION, "session")])
@pytest.mark.parametrize("is_own", [True, False], ids=["own", "another process's"])
def test_a_revocation_counts_at_the_next_question(enter, open_stores, server, world, trips, key, kind, is_own):
    """What another process revoked costs this one a script, once; a token that is refused costs one round trip."""
    query = a_known_token(world)
    revoke(world if is_own else enter(open_stores(server.url)), key, kind=kind)
    trips.reset()

    statuses = [ask(world, query).is_revoked for _ in range(3)]

    assert [True] * 3 == statuses
    assert ((3, 0) if is_own else (4, 1)) == (trips.count, trips.scripts)


def test_what_was_revoked_of_others_does_not_matter(world, trips):
    query = a_known_token(world)
    revoke(world, OTHER, kind="subject")
    trips.reset()

    assert not ask(world, query).is_revoked
    assert (1, 0) == (trips.count, trips.scripts)


def test_a_token_of_after_the_cut_off_counts(world, trips):
    old = a_known_token(world)
    before_ms = revoke(world, ALICE, kind="subject").before_ms
    last, young = replace(old, issued_ms=before_ms), a_token(world)
    trips.reset()

    assert [True, True, False] == [ask(world, query).is_revoked for query in (old, last, young)]
    assert (3, 0) == (trips.count, trips.scripts)


@pytest.mark.parametrize("lacks", ["marks", "cuts"])
def test_a_question_may_have_marks_or_cut_offs_only(world, trips, lacks):
    """A password has no marks."""
    query = a_known_token(world, **{lacks: ()})
    trips.reset()

    assert not ask(world, query).is_revoked
    assert (1, 0) == (trips.count, trips.scripts)
    revoke(world, *((ALICE,) if lacks == "marks" else (TOKEN,)), kind="subject" if lacks == "marks" else "token")
    assert ask(world, query).is_revoked


SCRIPT_DECIDES = {
    "as old as the data": lambda query, epoch: replace(query, issued_ms=epoch.started_ms),
    "perhaps of the future": lambda query, _: replace(query, issued_ms=query.issued_ms + 10 * LEEWAY_MS),
    "needs its session": lambda query, _: replace(query, required_session="gone"),
    "opaque": lambda query, _: replace(query, reference=b"gone"),
    "a witness": lambda query, _: replace(query, instance=TAG, issued_ms=query.issued_ms + 5),
}


@pytest.mark.parametrize("kind", SCRIPT_DECIDES)
def test_the_script_decides_about_special_tokens(world, trips, kind):
    known = a_known_token(world)
    query = SCRIPT_DECIDES[kind](known, ask(world, known).epoch)
    trips.reset()

    status = ask(world, query)

    assert 1 == trips.scripts
    assert (2 if kind == "a witness" else 1) == trips.count
    assert (kind in {"needs its session", "opaque"}) == status.is_revoked
    assert ("token" if kind == "a witness" else "") == status.epoch.witness


def test_entries_that_may_be_forgotten_are_left_to_the_script(world, server, trips):
    query = a_known_token(world, ends_ms=5_000_000)
    server.say("HSET", META, "pruned_s", "5000")
    trips.reset()

    assert ask(world, query).is_revoked
    assert (2, 1) == (trips.count, trips.scripts)


CHANGES = {
    "epoch": "another", "epoch_ms": "5", "reason": "lost", "line": "another", "head": "7-7", "run": "another",
    "pruned_s": "garbage", "stamped": "garbage",
}  # fmt: skip


@pytest.mark.parametrize("field", CHANGES)
def test_the_script_decides_where_the_data_are_not_the_known_ones(world, server, trips, field):
    query = a_known_token(world, instance=b"")
    server.say("HSET", META, field, CHANGES[field])
    trips.reset()

    if field == "pruned_s":
        with pytest.raises(Unavailable):
            ask(world, query)
    else:
        ask(world, query)

    assert 2 <= trips.count
    assert 1 <= trips.scripts


def test_the_script_is_sent_now_and_then_instead(world, monotonic, trips, server):
    """It confirms the horizon, writes the beat and brings the clock; the server's health is asked in the same go."""
    query = a_known_token(world)
    server.say("HDEL", META, "beat", "horizon_until")
    monotonic.seconds += SCRIPT_EVERY_SECONDS
    trips.reset()

    statuses = [ask(world, query).now_ms for _ in range(3)]

    assert (3, 1) == (trips.count, trips.scripts)
    assert [False, True, True] == [now_ms is None for now_ms in statuses]
    assert 1 == trips.commands("role")
    assert ":2" in server.say("HEXISTS", META, "beat").replace(":1", ":2")


def test_each_shard_is_sent_the_script_now_and_then(enter, open_stores, server, monotonic, trips):
    """Another shard's request may have looked at the server's health meanwhile."""
    # The connection of the fixture is there; its data are spread over one shard.
    server.say("FLUSHALL")
    world = begun(enter(open_stores(server.url, shards=2)))
    world.run(world.store.begin_epoch(1, reason="new", seen=None))
    queries = [replace(a_known_token(world), shard=shard) for shard in (0, 1)]
    for query in queries:
        ask(world, query)
    monotonic.seconds += SCRIPT_EVERY_SECONDS
    trips.reset()

    for query in queries * 2:
        ask(world, query)

    assert (4, 2) == (trips.count, trips.scripts)


def test_an_unfit_server_is_asked_by_the_script(world, monotonic, server):
    query = a_known_token(world)
    server.say("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    monotonic.seconds += EVERY_SECONDS

    for _ in range(2):
        with pytest.raises(Unavailable):
            ask(world, query)


def test_what_the_other_world_learned_is_known(open_stores, server, trips):
    """Both worlds of a process share what they know of the data."""
    stores = open_stores(server.url)
    blocking, native = Blocking(stores), Native(stores)
    begun(blocking)
    query = a_token(blocking)
    for each in (blocking, native):
        ask(each, query)
    revoke(blocking, OTHER, kind="subject")
    trips.reset()

    assert not ask(native, query).is_revoked
    assert (1, 0) == (trips.count, trips.scripts)
    native.close()


def test_an_epoch_that_the_other_world_learned_is_left_to_the_script(open_stores, server, trips):
    stores = open_stores(server.url)
    blocking, native = Blocking(stores), Native(stores)
    begun(blocking)
    query = a_token(blocking)
    before = ask(blocking, query).epoch
    ask(native, query)
    server.say("FLUSHALL")
    after = blocking.run(blocking.store.begin_epoch(0, reason="lost", seen=before))
    trips.reset()

    assert after == ask(native, query).epoch != before
    assert (1, 1) == (trips.count, trips.scripts)
    native.close()


def flushed(server, _other):
    server.say("FLUSHALL")


def revoked(_server, other):
    revoke(other)


def pruned(server, _other):
    server.say("ZREM", REV, TOKEN)
    server.say("HSET", META, "pruned_s", str(ENDS_MS // 1000 + 1))


@pytest.mark.parametrize("happen", [flushed, revoked, pruned])
def test_a_change_between_the_commands_is_noticed(open_stores, server, world, monkeypatch, happen):
    """The state of the data is read last."""
    query, other = a_known_token(world), Blocking(open_stores(server.url))
    if happen is pruned:
        revoke(world)
        server.say("ZREM", REV, TOKEN)
    Interruption(monkeypatch, lambda: happen(server, other))

    status = ask(world, query)

    assert (True, None) == (status.is_empty, status.epoch) if happen is flushed else status.is_revoked


@pytest.mark.parametrize("loss", DATA_LOSSES)
def test_e1_a_loss_is_noticed_as_by_the_script(enter, open_stores, fresh_server, loss):
    """The connection to another run of the server, or to another server, is new."""
    world = begun(enter(open_stores(fresh_server.socket_url)))
    with_loss = DATA_LOSSES[loss](fresh_server)
    query = a_known_token(world)
    with_loss.begin()
    try:
        revoke(world)
        assert ask(world, query).is_revoked
        with_loss.lose_data()

        status = ask(world, query)
    finally:
        with_loss.stop()

    assert "lost" == status.epoch.reason
    assert status.epoch.witness in {"mark", "restart"}


def refused_by_acl(server, command):
    server.say("ACL", "SETUSER", "narrow", "reset", "on", ">pw", "~*", "+@all", f"-{command}")
    return f"redis://narrow:pw@127.0.0.1:{server.port}"


@pytest.mark.parametrize("command", ["zmscore", "zadd"])
def test_where_a_command_is_forbidden_the_script_decides(enter, open_stores, server, monotonic, trips, events, command):
    """The plain commands are tried again after a while."""
    world = begun(enter(open_stores(refused_by_acl(server, command))))
    query = a_known_token(world)
    trips.reset()

    counts = []
    for seconds in (0, 0, REFUSED_SECONDS, 0):
        monotonic.seconds += seconds
        trips.count = 0
        assert not ask(world, query).is_revoked
        counts.append(trips.count)

    assert [2, 1, 1, 2] == counts
    assert [] == events
    server.say("ACL", "DELUSER", "narrow")


def test_an_older_server_is_asked_by_the_script(enter, open_stores, living_server, monkeypatch):
    """Redis has ZMSCORE since 6.2."""
    server = Server(living_server.kind, "--rename-command", "ZMSCORE", "")
    try:
        world = begun(enter(open_stores(server.url)))
        trips, query = RoundTrips(monkeypatch, server), a_known_token(world)
        assert not ask(world, query).is_revoked
        revoke(world)

        assert ask(world, query).is_revoked
        assert 0 == trips.commands("zmscore")
    finally:
        server.stop()


@pytest.mark.parametrize("key", [REV, META.replace("meta", "cut")])
def test_a14_a_set_that_was_evicted_is_left_to_the_script(world, server, trips, key):
    query = a_known_token(world)
    assert "new" == ask(world, query).epoch.reason
    server.say("DEL", key)
    trips.reset()

    seen = ask(world, query)

    assert (2, "lost", "empty") == (trips.count, seen.epoch.reason, seen.epoch.witness)


def test_a_key_of_another_application_is_unavailable(world, server):
    query = a_known_token(world)
    server.say("SET", REV, "planted")

    with pytest.raises(Unavailable):
        ask(world, query)


def test_e1_a_server_that_became_a_replica_is_unavailable_at_once(world, server):
    """Between two looks at its health the plain commands show it."""
    query = a_known_token(world)
    server.say("REPLICAOF", "127.0.0.1", "1")
    try:
        with pytest.raises(Unavailable):
            ask(world, query)
    finally:
        server.say("REPLICAOF", "NO", "ONE")
