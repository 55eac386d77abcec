"""Decide who compares a password next and who is refused, without threads and without a loop."""

import pytest

from safeconduct._core.directory import QueuePosition
from safeconduct.directories.comparison_queue import ComparisonQueue
from safeconduct.errors import ConfigurationError, Unavailable


class Waiters:
    """A queue, and the names that were woken, in order."""

    def __init__(self, **bounds):
        self.queue = ComparisonQueue(**bounds)
        self.woken = []

    def ask(self, name, network="net", needs="slot", key=None):
        position = QueuePosition(name if key is None else key, network, 0)
        return position, self.queue.ask(position, needs, lambda: self.woken.append(name))

    def wait(self, name, *arguments, **options):
        position, has_it = self.ask(name, *arguments, **options)
        assert not has_it
        return position

    def run(self, name, *arguments, **options):
        position, has_it = self.ask(name, *arguments, **options)
        assert has_it
        return position


def test_c1_as_many_run_as_there_are_slots_and_the_longest_wait_ends_first():
    waiters = Waiters(at_once=2, waiting=2)
    first, _ = waiters.run("a"), waiters.run("b")
    waiters.wait("c")
    waiters.wait("d")

    waiters.queue.leave_slot(first)

    assert ["c"] == waiters.woken
    assert (2, 1) == (waiters.queue.running, waiters.queue.waiting)


def test_c1_a_full_queue_refuses_the_next_one():
    waiters = Waiters(at_once=1, waiting=1)
    waiters.run("a")
    waiters.wait("b")

    with pytest.raises(Unavailable):
        waiters.ask("c", "another")

    assert [] == waiters.woken


def test_nobody_waits_where_there_is_no_queue():
    waiters = Waiters(at_once=1, waiting=0)
    waiters.run("a")

    with pytest.raises(Unavailable):
        waiters.ask("b")


def test_c1_one_comparison_of_an_account_and_network_has_the_turn():
    """The lock of a key passes to the first waiter, even if there are slots for all."""
    waiters = Waiters(at_once=8, waiting=8)
    first = waiters.run("a", needs="lock", key="k")
    second = waiters.wait("b", needs="lock", key="k")
    waiters.wait("c", needs="lock", key="k")
    waiters.run("d", needs="lock", key="o")

    waiters.queue.leave(first)

    assert ["b"] == waiters.woken
    assert waiters.queue.has(second, "lock")


def test_c1_a_turn_ends_with_the_thread_that_still_compares():
    """A caller that hangs up cannot start a second comparison for the account."""
    waiters = Waiters(at_once=8, waiting=8)
    position = waiters.run("a", needs="lock", key="k")
    assert waiters.queue.ask(position, "slot", list)
    waiters.wait("b", needs="lock", key="k")

    waiters.queue.leave(position)
    assert [] == waiters.woken

    waiters.queue.leave_slot(position)
    assert ["b"] == waiters.woken


def test_c1_one_network_fills_an_empty_queue():
    """Many users behind one address can sign in at the same time."""
    waiters = Waiters(at_once=2, waiting=32)
    waiters.run("a")
    waiters.run("b")

    for number in range(32):
        waiters.wait(f"user{number}", "office")

    assert 32 == waiters.queue.waiting
    with pytest.raises(Unavailable):
        waiters.ask("one more", "office")


def test_c1_a_network_with_less_than_a_quarter_is_let_into_a_full_queue():
    """In a full queue the newest waiter of the largest network is evicted: each network keeps a quarter."""
    waiters = Waiters(at_once=1, waiting=8)
    waiters.run("a")
    crowd = [waiters.wait(f"crowd{number}", "crowd") for number in range(8)]

    for number in range(2):
        waiters.wait(f"other{number}", "other")
    for number in range(2):
        waiters.wait(f"third{number}", "third")

    assert ["crowd7", "crowd6", "crowd5", "crowd4"] == waiters.woken
    assert not any(waiters.queue.has(position, "slot") for position in crowd[4:])
    # Two of eight are a quarter, which is all that a network may have while the queue is full.
    for network in ("other", "third", "crowd"):
        with pytest.raises(Unavailable):
            waiters.ask("one more", network)
    for number in range(2):
        waiters.wait(f"fourth{number}", "fourth")
    # Each network has its quarter now.
    with pytest.raises(Unavailable):
        waiters.ask("one more", "fifth")


def test_c1_slots_go_round_the_networks():
    """A late caller from another network is next."""
    waiters = Waiters(at_once=1, waiting=32)
    running = waiters.run("a", "crowd")
    places = {f"crowd{number}": waiters.wait(f"crowd{number}", "crowd") for number in range(4)}
    places |= {f"other{number}": waiters.wait(f"other{number}", "other") for number in range(2)}

    for _ in range(6):
        waiters.queue.leave_slot(running)
        running = places[waiters.woken[-1]]

    assert ["crowd0", "other0", "crowd1", "other1", "crowd2", "crowd3"] == waiters.woken


def test_c1_checks_that_run_are_of_several_networks():
    """A large queue is not filled by one network."""
    waiters = Waiters(at_once=4, waiting=4, at_once_per_network=2)
    first = waiters.run("a", "crowd")
    waiters.run("b", "crowd")
    waiters.wait("c", "crowd")
    waiters.run("d", "other")

    waiters.queue.leave_slot(first)

    assert ["c"] == waiters.woken


def test_a_waiter_that_gives_up_is_not_woken():
    waiters = Waiters(at_once=1, waiting=2)
    running = waiters.run("a")
    position = waiters.wait("b")

    assert not waiters.queue.has(position, "slot")
    waiters.queue.leave(position)
    waiters.queue.leave_slot(running)

    assert [] == waiters.woken
    assert (0, 0) == (waiters.queue.running, waiters.queue.waiting)


@pytest.mark.parametrize("needs", ["lock", "slot"])
def test_a_waiter_that_cannot_be_woken_is_skipped(needs):
    """Its loop has ended, so the waiter would never leave the queue."""
    waiters = Waiters(at_once=1, waiting=2)
    running = waiters.run("a", needs=needs, key="k")
    lost = QueuePosition("k", "net", 0)

    def wake():
        raise RuntimeError("the loop is closed")

    waiters.queue.ask(lost, needs, wake)
    waiters.wait("c", needs=needs, key="k")

    (waiters.queue.leave if needs == "lock" else waiters.queue.leave_slot)(running)

    assert ["c"] == waiters.woken


def test_one_who_runs_at_least():
    with pytest.raises(ConfigurationError, match="at_once must be 1 or more, got 0"):
        ComparisonQueue(at_once=0, waiting=1)
