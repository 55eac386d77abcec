"""Detect lost data by what a process or a token knows and the server does not."""

import asyncio
import contextlib
import re
import threading

import pytest

from data_loss import Replica
from safeconduct._core.revocation_keys import epoch_tag
from safeconduct._core.revocation_query import RevocationQuery, UntrustedStore
from safeconduct._core.run_sync import run_sync
from safeconduct._core.store import Revocation
from safeconduct.errors import Unavailable
from safeconduct.events import StoreUnavailable
from safeconduct.stores.redis.connection import ServerRun, read_run
from safeconduct.stores.redis.health import OPEN_SECONDS
from safeconduct.stores.redis.watermarks import Watermark, Watermarks
from safeconduct.testing.store_contract.revocations import ALICE, TOKEN, question
from worlds import Blocking, Native

META, LOG = "safeconduct:{sc:00}:meta", "safeconduct:{sc:00}:log"
SESSION_END = 1 << 52


def begin(world):
    return world.run(world.store.begin_epoch(0, reason="new", seen=None))


def ask(world, *marks):
    return world.run(world.store.ask(question(marks=marks, cuts=[ALICE])))


def revoke(world, revocation_key=TOKEN):
    return world.run(world.store.revoke(0, Revocation("token", revocation_key, (0,), 1 << 50)))


def show(world, tag, issued_ms):
    """Query the store about one of our tokens with a session."""
    return world.run(world.store.ask(RevocationQuery(0, (), (), issued_ms, SESSION_END, tag))).epoch


def lines(server):
    return int(re.findall(r":(\d+)", server.say("HSTRLEN", META, "lines"))[0]) // 16


@pytest.fixture
def long_running_server(server):
    """Return a server that has run for longer than its data exist."""
    while int(server.statistic("server", "uptime_in_seconds")) < 2:
        pass
    return server


@pytest.fixture
def two(enter, open_stores, long_running_server):
    """Return two processes at one server."""
    first, second = enter(open_stores(long_running_server.url)), enter(open_stores(long_running_server.url))
    begin(first)
    for world in (first, second):
        ask(world)
    return first, second


@pytest.fixture
def start_replica(fresh_server):
    """Return a replica that has all data and takes over, with an append-only file by default."""
    made = []

    def begin_replica(**options):
        made.append(Replica(fresh_server, is_behind=False, **options))
        return made[-1]

    yield begin_replica
    for one in made:
        one.stop()


@pytest.mark.parametrize("fsync", ["always", "everysec"])
def test_e1_a_clean_restart_with_all_changes_is_no_loss(enter, open_stores, fresh_server, fsync):
    fresh_server.keep_changes(fsync)
    old = enter(open_stores(fresh_server.url))
    epoch = begin(old)
    revoke(old)
    fresh_server.end()
    fresh_server.start()

    young = enter(open_stores(fresh_server.url))
    assert epoch == ask(young, TOKEN).epoch == ask(old, TOKEN).epoch
    assert ask(old, TOKEN).is_revoked
    assert 1 == lines(fresh_server)


# redis-py 5 leaves a lost Unix socket open until it is garbage-collected.
@pytest.mark.filterwarnings("ignore:.*unclosed <socket:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
@pytest.mark.parametrize("keeps_changes", [True, False], ids=["with a file", "without"])
def test_e1_a_clean_failover_is_no_loss(enter, open_stores, fresh_server, start_replica, keeps_changes):
    """Without an append-only file, data received after its start prove that the replica is up to date."""
    old = enter(open_stores(fresh_server.socket_url))
    epoch = begin(old)
    replica = start_replica(keeps_changes=keeps_changes)
    replica.run_for(seconds=2)
    revoke(old)
    replica.take_over()

    young = enter(open_stores(fresh_server.socket_url))
    assert epoch == ask(young, TOKEN).epoch == ask(old, TOKEN).epoch
    assert ask(old, TOKEN).is_revoked


@pytest.mark.filterwarnings("ignore:.*unclosed <socket:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
def test_e1_a_replica_that_received_nothing_since_its_start_looks_like_a_restart(
    enter, open_stores, fresh_server, start_replica
):
    old = enter(open_stores(fresh_server.socket_url))
    begin(old)
    revoke(old)
    while int(fresh_server.statistic("server", "uptime_in_seconds")) < 2:
        pass
    replica = start_replica(keeps_changes=False)
    replica.take_over()

    assert "restart" == ask(enter(open_stores(fresh_server.socket_url))).epoch.witness


def test_e1_a_restart_without_a_file_of_changes_is_a_loss_for_a_fresh_process_too(enter, open_stores, fresh_server):
    """This holds after a clean restart too, because the two cannot be distinguished."""
    old = enter(open_stores(fresh_server.url))
    epoch = begin(old)
    fresh_server.say("SAVE")
    fresh_server.end()
    fresh_server.start()

    seen = ask(enter(open_stores(fresh_server.url))).epoch
    assert ("lost", "restart") == (seen.reason, seen.witness)
    assert epoch.name != seen.name
    assert (seen, "") == (ask(old).epoch, ask(old).epoch.witness)


def test_e1_what_breaks_connections_is_no_loss(two, server):
    first, second = two
    for number in range(20):
        revoke(first, b"t%016d" % number)
        server.say(*(("SCRIPT", "FLUSH") if number % 2 else ("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")))
        assert "new" == ask(second).epoch.reason

    assert 0 == lines(server)


@pytest.mark.parametrize("left", [0, 1, 5])
def test_e1_a_log_that_was_trimmed_past_what_a_process_knows_is_no_loss(two, server, left):
    first, second = two
    for number in range(20):
        revoke(first, b"t%016d" % number)
        if number == 3:
            ask(second)
    server.say("XTRIM", LOG, "MAXLEN", max(left, 1))

    assert "new" == ask(second).epoch.reason


def test_e1_many_workers_at_once_prove_nothing(open_stores, server, monotonic):
    """Threads and tasks revoke and query while connections are killed; late replies change nothing."""
    threads, tasks = open_stores(server.url, pool_size=4), open_stores(server.url, pool_size=4)
    world = Blocking(threads)
    begin(world)
    seen = set()

    async def work(store, name):
        for number in range(40):
            # A command whose two connections were both killed has no reply.
            with contextlib.suppress(Unavailable):
                await store.revoke(0, Revocation("token", b"t%s%013d" % (name, number), (0,), 1 << 50))
                seen.add((await store.ask(question(marks=[TOKEN]))).epoch.reason)

    def killing():
        for _ in range(10):
            server.say("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")

    workers = [
        threading.Thread(target=lambda name=b"%03d" % n: run_sync(work(threads.blocking(), name))) for n in range(6)
    ]
    workers.append(threading.Thread(target=killing))
    native = Native(tasks)

    async def storm():
        await asyncio.gather(*(work(native.store, b"n%02d" % number) for number in range(6)))

    for worker in workers:
        worker.start()
    native.run(storm())
    for worker in workers:
        worker.join()
    native.close()

    assert seen <= {"new"}
    monotonic.seconds += OPEN_SECONDS
    assert "new" == ask(world).epoch.reason
    world.close()


@pytest.mark.parametrize("loses", ["the log", "the head", "the tail"])
def test_e1_what_a_process_knows_and_the_data_has_not_is_a_loss(two, server, loses):
    first, second = two
    for number in range(3):
        revoke(first, b"t%016d" % number)
    ask(second)
    if loses == "the log":
        server.say("DEL", LOG)
        server.say("HSET", META, "head", "5-0")
    elif loses == "the head":
        server.say("HDEL", META, "head")
        server.say("DEL", LOG)
    else:
        last, before = re.findall(r"\d{10,}-\d+", server.say("XREVRANGE", LOG, "+", "-", "COUNT", 1))
        server.say("XDEL", LOG, last)
        server.say("HSET", META, "head", before)

    witnessed = ask(second).epoch
    assert ("lost", "mark") == (witnessed.reason, witnessed.witness)
    assert ("lost", "") == (ask(first).epoch.reason, ask(first).epoch.witness)


def test_e1_a_process_learns_from_what_it_writes_itself(two, server):
    """The process revoked something, and has sent no query since."""
    first, _ = two
    revoke(first)
    server.say("DEL", LOG)
    server.say("HDEL", META, "head")

    assert "mark" == ask(first).epoch.witness


@pytest.mark.parametrize("is_set_back", [True, False])
def test_e1_a_line_that_left_the_old_one_too_early_is_a_loss(enter, open_stores, two, server, is_set_back):
    """Another run of the server continued from an older state, and has written more than was lost."""
    first, second = two
    for number in range(2):
        revoke(first, b"t%016d" % number)
    ask(second)
    if is_set_back:
        last, before = re.findall(r"\d{10,}-\d+", server.say("XREVRANGE", LOG, "+", "-", "COUNT", 1))
        server.say("XDEL", LOG, last)
        server.say("HSET", META, "head", before)
    server.say("HSET", META, "run", "another")
    young = enter(open_stores(server.url))
    for number in range(2, 6):
        revoke(young, b"t%016d" % number)

    assert 1 == lines(server)
    assert ("mark" if is_set_back else "") == ask(second).epoch.witness


def test_e1_a_line_is_drawn_once_for_a_run_and_64_are_kept(enter, open_stores, long_running_server):
    old, busy = enter(open_stores(long_running_server.url)), enter(open_stores(long_running_server.url))
    begin(old)
    ask(old)
    for number in range(70):
        long_running_server.say("HSET", META, "run", f"run-{number}")
        ask(busy)
        ask(busy)

    assert 64 == lines(long_running_server)
    assert 64 == int(long_running_server.say("HLEN", META)[1:]) - len(PLAIN_FIELDS)
    assert "mark" == ask(old).epoch.witness


#: The fields of ``meta`` beside the ends of lines.
PLAIN_FIELDS = (
    "epoch", "epoch_ms", "reason", "horizon", "horizon_until", "beat", "line", "lines", "run", "run_before",
    "shards",
)  # fmt: skip


def test_e1_a_connection_that_names_an_earlier_run_repeats_the_query(two, server):
    """A proxy switched servers; the process records a line only if it is certain."""
    first, _ = two
    run = server.statistic("server", "run_id")
    server.say("HSET", META, "run", "later", "run_before", run)

    assert "new" == ask(first).epoch.reason
    assert 1 == lines(server)
    assert run in server.say("HGET", META, "run")
    assert "later" in server.say("HGET", META, "run_before")


def test_e1_where_the_server_does_not_tell_its_run_no_line_is_drawn(enter, open_stores, server):
    server.say("ACL", "SETUSER", "mute", "reset", "on", ">pw", "~*", "+@all", "-info", "-config")
    world = enter(open_stores(f"redis://mute:pw@127.0.0.1:{server.port}", accept_eviction=True))
    begin(world)
    revoke(world)

    assert ask(world, TOKEN).is_revoked
    assert 0 == lines(server)


@pytest.mark.parametrize("is_full", [False, True])
def test_e1_a_server_that_is_full_after_a_restart_still_answers(enter, open_stores, fresh_server, is_full):
    fresh_server.keep_changes("always")
    world = enter(open_stores(fresh_server.url))
    begin(world)
    revoke(world)
    fresh_server.kill()
    fresh_server.start()
    fresh_server.say("CONFIG", "SET", "maxmemory", "1" if is_full else "0")

    assert ask(world, TOKEN).is_revoked
    assert (0 if is_full else 1) == lines(fresh_server)


def test_e6_a_primary_that_was_demoted_is_not_believed_by_the_next_command(enter, open_stores, fresh_server, events):
    """The reply shows the role, and so does the connection that is opened for another try."""
    world = enter(open_stores(fresh_server.url))
    begin(world)
    ask(world)
    fresh_server.say("REPLICAOF", "127.0.0.1", 1)

    for _ in range(2):
        with pytest.raises(UntrustedStore):
            ask(world)
    assert {StoreUnavailable} == {type(event) for event in events}

    fresh_server.say("REPLICAOF", "NO", "ONE")
    assert not ask(world).is_revoked


def test_e2_a_token_of_another_life_is_a_loss_in_a_new_store(two):
    first, _ = two
    epoch = ask(first).epoch

    witnessed = show(first, epoch_tag("another"), epoch.started_ms)

    assert (epoch.name, epoch.started_ms) == (witnessed.name, witnessed.started_ms)
    assert ("lost", "token") == (witnessed.reason, witnessed.witness)
    assert ("lost", "") == (ask(first).epoch.reason, ask(first).epoch.witness)


def test_e2_a_token_of_this_life_or_of_no_server_proves_nothing(two):
    first, _ = two
    epoch = ask(first).epoch

    for tag in (epoch_tag(epoch.name), b"\x7f" * 8, b"", b"\xff"):
        assert "new" == show(first, tag, epoch.started_ms).reason
        if len(tag) != 8 or tag[0] < 0x80:
            assert "new" == show(first, tag, epoch.started_ms + 10_000_000).reason


def test_e2_a_token_younger_than_all_that_was_stamped_is_a_loss(two):
    first, _ = two
    epoch = ask(first).epoch
    stamped = first.run(first.store.issue_time(question())).iat_ms
    assert "new" == show(first, epoch_tag("any"), stamped).reason

    witnessed = show(first, epoch_tag(epoch.name), stamped + 1)

    assert ("lost", "token") == (witnessed.reason, witnessed.witness)
    # The token itself is from the lost time, whatever the clock says.
    assert witnessed.started_ms >= stamped + 1
    assert "" == show(first, epoch_tag(epoch.name), stamped + 1).witness


def test_e1_a_late_reply_lowers_no_mark():
    marks = Watermarks()
    early, late = Watermark("e", 1, b"line", b"5-1"), Watermark("e", 1, b"line", b"5-10")
    for mark in (early, late, early, Watermark("older", 0, b"line", b"9-0")):
        marks.keep(0, mark)

    assert {0: late} == marks.known
    other = Watermark("f", 2, b"other")
    marks.keep(0, other)
    assert ({0: other}, b"0-0") == (marks.known, other.head)


DURABLE = ServerRun(b"abc", 90_999, has_aof=True, is_durable=True)
KEEPS = ServerRun(b"abc", 90_999, has_aof=True)
SNAPSHOTS = ServerRun(b"abc", 90_999)
INFO = b"# Server\r\nrun_id:abc\r\nuptime_in_seconds:10\r\n"


@pytest.mark.parametrize(
    ("replies", "run"),
    [
        ([INFO, b"aof_enabled:1\r\n", [b"100", b"7"], [b"appendfsync", b"always"]], DURABLE),
        ([INFO, b"aof_enabled:1\r\n", [b"100", b"7"], [b"appendfsync", b"everysec"]], KEEPS),
        ([INFO, b"aof_enabled:0\r\n", [b"100", b"7"], [b"appendfsync", b"always"]], SNAPSHOTS),
        ([INFO, None, [b"100", b"7"], None], SNAPSHOTS),
        ([None, None, [b"100", b"7"], None], ServerRun()),
        ([INFO, None, None, None], ServerRun()),
        ([INFO, None, [b"x"], None], ServerRun()),
    ],
)  # fmt: skip
def test_e1_what_a_server_does_not_tell_is_taken_for_absent(replies, run):
    assert run == read_run(replies)
