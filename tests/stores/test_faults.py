"""Answer correctly or not at all when a server fails, and recover without a restart."""

import contextlib
import socket
import threading

import pytest

from safeconduct._core.store import Revocation
from safeconduct.errors import Unavailable
from safeconduct.events import StoreRecovered, StoreUnavailable
from safeconduct.stores import scripts
from safeconduct.stores.redis import calls, client, connection, shard_calls
from safeconduct.stores.redis.addresses import parse_address
from safeconduct.stores.redis.health import EVERY_SECONDS, FAILURES, OPEN_SECONDS
from safeconduct.testing.store_contract.revocations import ALICE, TOKEN, question
from store_servers import free_port

QUICK_MS = 80


def begin(world):
    return world.run(world.store.begin_epoch(0, reason="new", seen=None))


def ask(world, *marks):
    return world.run(world.store.ask(question(marks=marks, cuts=[ALICE])))


def revoke(world, revocation_key=TOKEN):
    return world.run(world.store.revoke(0, Revocation("token", revocation_key, (0,), 1 << 50)))


@contextlib.contextmanager
def hurried(world):
    """Use a short deadline within a block whose commands wait in vain."""
    wire_in_use = world.run(_wire_of(world.store))
    usual, wire_in_use._deadline_seconds = wire_in_use._deadline_seconds, QUICK_MS / 1000
    yield
    wire_in_use._deadline_seconds = usual


async def _wire_of(store):
    return store._clients.client()


def unavailable(world, *marks):
    with pytest.raises(Unavailable) as caught:
        ask(world, *marks)
    return caught.value.reason


def test_a_refused_connection_is_unavailable(enter, open_stores):
    world = enter(open_stores(f"redis://127.0.0.1:{free_port()}"))

    assert "does not answer" in unavailable(world)


def test_the_password_is_in_no_error(enter, open_stores, server):
    world = enter(open_stores(f"redis://somebody:hunter2@127.0.0.1:{server.port}"))

    with pytest.raises(Unavailable) as caught:
        ask(world)

    chain, error = "", caught.value
    while error is not None:
        chain += repr(error) + str(error)
        error = error.__cause__ or error.__context__
    assert "hunter2" not in chain


def test_a_paused_server_is_unavailable_and_comes_back(enter, open_stores, fresh_server):
    """A reply after the deadline is read by no other request."""
    world = enter(open_stores(fresh_server.url))
    begin(world)
    revoke(world)
    fresh_server.pause()

    with hurried(world):
        reason = unavailable(world)
    fresh_server.resume()

    assert "does not answer" in reason
    assert ask(world, TOKEN).is_revoked
    assert not ask(world).is_revoked


def test_client_pause_is_unavailable(enter, open_stores, server):
    world = enter(open_stores(server.url))
    begin(world)
    server.say("CLIENT", "PAUSE", 20 * QUICK_MS, "ALL")

    with hurried(world):
        reason = unavailable(world)
    server.say("PING")

    assert "does not answer" in reason
    assert not ask(world).is_revoked


def test_a_restarted_server_with_its_data_is_taken_up(enter, open_stores, fresh_server):
    """A connection that the restart closed costs one retry and no error."""
    fresh_server.keep_changes("always")
    world = enter(open_stores(fresh_server.url))
    epoch = begin(world)
    revoke(world)
    fresh_server.kill()
    fresh_server.start()

    answer = ask(world, TOKEN)

    assert answer.is_revoked
    assert epoch == answer.epoch


def test_a_restarted_empty_server_has_no_epoch(enter, open_stores, fresh_server):
    world = enter(open_stores(fresh_server.url))
    begin(world)
    fresh_server.kill()
    fresh_server.start()

    answer = ask(world, TOKEN)

    assert answer.epoch is None
    assert answer.is_empty


def test_a_killed_connection_costs_no_answer(enter, open_stores, server):
    world = enter(open_stores(server.url))
    begin(world)
    server.say("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")

    assert not ask(world).is_revoked


def test_a_flushed_script_is_sent_again(enter, open_stores, server):
    world = enter(open_stores(server.url))
    begin(world)
    revoke(world)
    server.say("SCRIPT", "FLUSH")

    assert ask(world, TOKEN).is_revoked


def test_a_black_hole_is_unavailable(enter, open_stores, proxy):
    """A server that accepts and never answers is given up within the deadline."""
    proxy.is_black_hole = True
    world = enter(open_stores(proxy.url, deadline_ms=QUICK_MS))

    assert "does not answer" in unavailable(world)
    # None if the machine had no time for the first; a second would be a retry.
    assert proxy.connections <= 1


def test_after_failures_nobody_asks_but_a_probe(enter, open_stores, proxy, monotonic, events):
    """Requests do not queue for a dead server; one at a time probes it."""
    world = enter(open_stores(proxy.url))
    begin(world)
    proxy.is_black_hole = True
    proxy.cut()

    with hurried(world):
        reasons = [unavailable(world) for _ in range(FAILURES)]
        shut_out = unavailable(world)
        monotonic.seconds += OPEN_SECONDS
        probed = unavailable(world)
        after_probe = unavailable(world)
    proxy.is_black_hole = False
    monotonic.seconds += OPEN_SECONDS
    answer = ask(world)

    # An error without a cause sent no command.  Connections prove nothing: the proxy may count them late.
    assert "the store does not answer" == shut_out == after_probe
    assert all(reason.startswith("the store does not answer: ") for reason in [*reasons, probed])
    assert not answer.is_revoked
    assert [StoreUnavailable, StoreRecovered] == [type(event) for event in events]


def test_a_server_that_is_away_is_named_without_its_password(enter, open_stores, events):
    port = free_port()
    world = enter(open_stores(f"redis://someone:secret@127.0.0.1:{port}/0"))

    for _ in range(FAILURES):
        unavailable(world)

    assert [StoreUnavailable(reason=f"127.0.0.1:{port}: ConnectionError")] == events


@pytest.mark.parametrize("key", ["rev", "cut", "meta"])
def test_a_key_of_another_type_is_unavailable(enter, open_stores, server, key):
    """WRONGTYPE is an error and never "not revoked"."""
    world = enter(open_stores(server.url))
    begin(world)
    server.say("DEL", f"safeconduct:{{sc:00}}:{key}")
    server.say("SET", f"safeconduct:{{sc:00}}:{key}", "planted")

    assert "refuses" in unavailable(world, TOKEN)


@pytest.mark.parametrize("field", ["epoch_ms", "horizon", "horizon_until", "pruned_s"])
def test_a_field_that_is_no_number_is_unavailable(enter, open_stores, server, field):
    world = enter(open_stores(server.url))
    begin(world)
    server.say("HSET", "safeconduct:{sc:00}:meta", field, "x")

    assert unavailable(world)


def test_memory_that_is_full_fails_writes_and_answers_questions(enter, open_stores, server):
    world = enter(open_stores(server.url))
    begin(world)
    revoke(world)
    server.say("CONFIG", "SET", "maxmemory", "1")
    try:
        with pytest.raises(Unavailable) as caught:
            revoke(world, b"t-other")
        answer = ask(world, TOKEN)
    finally:
        server.say("CONFIG", "SET", "maxmemory", "0")

    assert "OutOfMemoryError" in caught.value.reason
    assert answer.is_revoked


def test_a_user_without_rights_is_unavailable(enter, open_stores, server):
    server.say("ACL", "SETUSER", "limited", "on", ">pw", "~*", "+config|get", "+role", "+ping")
    world = enter(open_stores(f"redis://limited:pw@127.0.0.1:{server.port}"))

    assert "NoPermissionError" in unavailable(world)


def test_a_replica_is_not_believed(enter, open_stores, fresh_server, monotonic):
    """A replica lags and may not know a revocation of its primary."""
    world = enter(open_stores(fresh_server.url))
    begin(world)
    fresh_server.say("REPLICAOF", "127.0.0.1", free_port())
    monotonic.seconds += EVERY_SECONDS

    assert "unfit" in unavailable(world)


def test_a_busy_server_is_unavailable(enter, open_stores, fresh_server):
    world = enter(open_stores(fresh_server.url))
    begin(world)
    fresh_server.say("CONFIG", "SET", "lua-time-limit", "1")
    busy = threading.Thread(target=_loop_for_ever, args=(fresh_server,))
    busy.start()

    while not _is_busy(fresh_server):
        pass
    reason = unavailable(world)
    fresh_server.say("SCRIPT", "KILL")
    busy.join()

    assert reason
    assert not ask(world).is_revoked


def _loop_for_ever(server):
    server.say("EVAL", "while true do end", 0)


def _is_busy(server):
    return server.say("PING").startswith("-BUSY")


def test_a_reply_of_another_protocol_is_unavailable(enter, open_stores):
    """A server that is not Redis answers."""
    listener = socket.create_server(("127.0.0.1", 0))

    def answer():
        for _ in range(2):
            sock, _ = listener.accept()
            with sock:
                sock.recv(1 << 16)
                sock.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    thread = threading.Thread(target=answer)
    thread.start()
    world = enter(open_stores(f"redis://127.0.0.1:{listener.getsockname()[1]}"))

    assert "does not answer" in unavailable(world)
    thread.join()
    listener.close()


def test_a_database_that_is_not_there_is_unavailable(enter, open_stores, server):
    """After a refused SELECT the connection must not use database 0."""
    world = enter(open_stores(f"redis://127.0.0.1:{server.port}/4711"))

    assert "database" in unavailable(world)


def test_another_database_is_another_store(enter, open_stores, server):
    first, second = enter(open_stores(server.url)), enter(open_stores(f"unix://{server.socket}?db=3"))
    begin(first)

    assert ask(second).epoch is None


def test_a_closed_store_is_unavailable(enter, open_stores, server):
    stores = open_stores(server.url)
    world = enter(stores)
    begin(world)
    stores.end()

    assert "the store is closed" == unavailable(world)


def test_closed_connections_are_reopened(enter, open_stores, server):
    world = enter(open_stores(server.url))
    begin(world)
    world.run(world.store.close())

    assert not ask(world).is_revoked


def test_a_revocation_says_how_many_replicas_have_it(enter, open_stores, server):
    """Without a replica the number is 0, within the deadline, and the caller learns it."""
    world = enter(open_stores(server.url, deadline_ms=2000, min_replicas=1))
    begin(world)
    server.say("SCRIPT", "FLUSH")

    assert 0 == revoke(world).replicas


def test_a_revocation_whose_replicas_never_answered_is_written(enter, open_stores, server, monkeypatch):
    """A missing count of replicas does not undo a revocation."""
    monkeypatch.setattr(calls, "_REPLY_MS", -10_000)
    world = enter(open_stores(server.url, deadline_ms=1000, min_replicas=1))
    begin(world)

    written = revoke(world)

    assert 0 == written.replicas
    assert ask(world, TOKEN).is_revoked


def test_where_waiting_for_replicas_is_forbidden_none_is_counted(enter, open_stores, server):
    server.say("ACL", "SETUSER", "hasty", "reset", "on", ">pw", "~*", "+@all", "-wait")
    world = enter(open_stores(f"redis://hasty:pw@127.0.0.1:{server.port}", min_replicas=1))
    begin(world)

    assert 0 == revoke(world).replicas


def test_a_server_that_falls_silent_for_the_whole_deadline_is_asked_no_more():
    with pytest.raises(connection.ConnectionBroken):
        client._seconds_left(0.0)


def test_a_reply_of_another_shape_is_unavailable(enter, open_stores, server):
    """An epoch of another version is an error."""
    world = enter(open_stores(server.url))
    begin(world)
    server.say("HSET", "safeconduct:{sc:00}:meta", "epoch", b"\xff")

    assert "malformed" in unavailable(world)


def test_a_number_of_another_shape_is_unavailable():
    with pytest.raises(Unavailable):
        shard_calls.integer(b"1")


def test_an_epoch_that_did_not_begin_is_unavailable(enter, open_stores, server, monkeypatch):
    """A server whose script returns nothing is not mistaken for a new one."""
    monkeypatch.setattr(scripts, "BEGIN_EPOCH", scripts.ASK)
    world = enter(open_stores(server.url))

    with pytest.raises(Unavailable):
        begin(world)


def test_an_older_driver_is_told_not_to_introduce_itself(monkeypatch):
    monkeypatch.setattr(connection.importlib.util, "find_spec", {}.get)

    assert "lib_name" in connection.connection_arguments(parse_address("redis://"))
