"""The thread that keeps a local view current starts with the first question, and goes on until it is ended."""

import pytest

from followed_store import query
from safeconduct._core.run_sync import run_sync
from safeconduct.errors import Unavailable
from safeconduct.events import Fault, StoreUnavailable
from safeconduct.stores.redis import follower as follower_module


def test_the_thread_loads_and_follows_until_it_is_ended(server, writer, open_stores):
    """The first question starts it, and it ends by itself after the store was closed."""
    stores = open_stores(server.url, keeps_view=True, staleness_seconds=0.004)
    follower = stores._follower
    assert not follower.is_started
    run_sync(stores.blocking().ask(query("alice")))
    thread = follower._thread
    run_sync(stores.blocking().ask(query("alice")))
    assert thread is follower._thread
    while not follower.view.shards:
        pass

    writer.end("alice")
    while follower.view.verdict(query("alice")) != "ended":
        pass

    stores.end()
    thread.join()
    follower.start()
    assert not follower._thread.is_alive()


@pytest.mark.parametrize("error", [Unavailable("away"), RuntimeError("a fault")], ids=["away", "fault"])
def test_the_thread_survives_whatever_is_raised(server, open_stores, events, monkeypatch, error):
    """It connects anew; a fault is announced."""
    stores = open_stores(server.url, keeps_view=True, staleness_seconds=0.004)
    follower, connect, raised = stores._follower, stores._follower.connect, []
    monkeypatch.setattr(follower_module, "RETRY_SECONDS", 0)

    def once():
        if not raised:
            raised.append(error)
            raise error
        connect()

    monkeypatch.setattr(follower, "connect", once)
    follower.start()

    while not follower.view.shards:
        pass

    assert isinstance(error, Unavailable) != (Fault(error="RuntimeError", where="view") in events)
    stores.end()
    follower._thread.join()


def test_without_a_thread_the_store_is_asked(server, open_stores, events, monkeypatch):
    """A process that may start none is told so, and tries again at the next question."""
    stores, started = open_stores(server.url, keeps_view=True), []

    def refuse(_thread):
        started.append(1)
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(follower_module.threading.Thread, "start", refuse)

    assert not run_sync(stores.blocking().ask(query("alice"))).is_revoked
    assert not run_sync(stores.blocking().ask(query("alice"))).is_revoked

    assert 2 == len(started)
    assert Fault(error="RuntimeError", where="view") in events
    stores.end()


def test_a_follower_that_cannot_connect_is_announced(fresh_server, open_stores, events):
    """Its failures add up over its connections, and requests are let through as before."""
    stores = open_stores(fresh_server.url, keeps_view=True)
    fresh_server.kill()

    for _ in range(3):
        with pytest.raises(Unavailable):
            stores._follower.connect()
        stores._follower.disconnect()

    assert [StoreUnavailable] == [type(event) for event in events]
    assert not stores._topology.node.breaker.is_open
    stores.end()
