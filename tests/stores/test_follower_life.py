"""The follower's thread ends with its store or its owner, begins anew in a forked child, and tells how it fares."""

import gc
import threading
import time

import pytest

from followed_store import LATER_MS, Writer, query
from login_site import login_configuration
from safeconduct import Auth
from safeconduct._core.run_sync import run_sync
from safeconduct.errors import Unavailable
from safeconduct.events import ViewCurrent, ViewStale
from safeconduct.stores.redis.server import ENDS_WITHIN_SECONDS
from store_servers import in_child

ASKED = query("alice", issued_ms=LATER_MS - 1)


@pytest.fixture
def stores(server, open_stores):
    made = open_stores(server.url, keeps_view=True, staleness_seconds=60)
    yield made
    made.end()


def start(stores):
    """Start the thread, and wait until it has loaded the view."""
    run_sync(stores.blocking().ask(ASKED))
    while not stores._follower.view.holds(ASKED):
        pass
    return stores._follower._thread


def test_closing_the_store_ends_the_thread_although_it_waits_for_changes(stores):
    """The server would let it wait for five seconds more."""
    thread = start(stores)

    stores.end()

    assert not thread.is_alive()


def test_a_thread_that_does_not_end_is_not_waited_for(stores):
    """A process ends in time."""
    thread, held = stores._follower, threading.Event()
    thread._thread = threading.Thread(target=held.wait, daemon=True)
    thread._thread.start()

    thread.wait(time.monotonic())

    assert thread._thread.is_alive()
    held.set()
    thread._thread.join()
    assert 0 < ENDS_WITHIN_SECONDS < 1


def test_an_auth_that_nobody_has_any_more_ends_its_thread(server):
    """It was never closed; what it has handed out goes on to ask the store."""
    config = login_configuration(
        store={"url": server.url}, revocation={"consistency": "bounded", "staleness_seconds": 60}
    )
    auth = Auth(config)
    assert float("inf") == auth.view_age_seconds
    sessions = auth.sessions
    sessions.revoke_subject("alice")
    view = auth._container.bounded_view
    view.begin()
    thread = view.keeper._thread
    while auth.view_age_seconds > 60:
        pass

    del auth
    gc.collect()

    thread.join()
    sessions.revoke_subject("alice")
    view.begin()
    assert thread is view.keeper._thread
    # The connection that this has opened is in the way of tests that count connections.
    server.say("CLIENT", "KILL", "TYPE", "normal")


def test_a_child_of_a_process_whose_thread_is_busy_follows_anew(stores, server, open_stores):
    """It waits for no lock that the thread held, and its parent goes on."""
    writer = Writer(open_stores(server.url))
    start(stores)

    def follow():
        stores._follower.connect()
        return stores._follower.view.verdict(query("last"))

    for number in range(20):
        writer.end(f"s{number}")
        assert "counts" == in_child(follow)
    writer.end("last")

    while stores._follower.view.verdict(query("last")) != "ended":
        pass
    assert "ended" == in_child(follow)


def test_a_view_that_becomes_too_old_is_announced_and_so_is_its_recovery(server, open_stores, events, monotonic):
    """Operators learn that requests ask the store."""
    stores = open_stores(server.url, keeps_view=True, staleness_seconds=0.004)
    follower = stores._follower
    follower.connect()
    monotonic.seconds += 0.003
    follower._age.look()
    server.say("CLIENT", "KILL", "TYPE", "normal")
    monotonic.seconds += 7

    for _ in range(2):
        with pytest.raises(Unavailable):
            follower.follow()
        follower.disconnect()
        follower._age.look()
    monotonic.seconds += 1
    follower.connect()

    found = [event for event in events if isinstance(event, (ViewStale, ViewCurrent))]
    assert [
        ViewStale(age_seconds=pytest.approx(7.003), shards=1),
        ViewCurrent(age_seconds=pytest.approx(8.003), shards=1),
    ] == found
    follower.disconnect()
    stores.end()


def test_a_thread_that_does_not_run_is_told_of_once(stores, monotonic, caplog):
    """As under uWSGI without threads; requests ask the store meanwhile."""
    follower = stores._follower
    follower._thread = threading.current_thread()
    monotonic.seconds += follower._longest_step_seconds - 0.001
    follower.start()
    assert "" == caplog.text
    monotonic.seconds += 1

    for _ in range(2):
        run_sync(stores.blocking().ask(ASKED))

    assert 1 == caplog.text.count("--enable-threads")
    follower._thread = None


def test_a_store_without_a_view_has_nothing_to_begin(server, open_stores):
    stores = open_stores(server.url, keeps_view=True)
    stores._follower.view.keeper = None

    stores._follower.view.begin()
    stores._follower.view.end()

    assert not stores._follower.is_started
    stores.end()


def test_a_follower_that_was_ended_before_does_not_start(stores):
    stores._follower.view.end()

    stores._follower.view.begin()

    assert not stores._follower.is_started
