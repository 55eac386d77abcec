"""Cache verified values within a bound that no flood can empty."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safeconduct._tokens.verified_cache import MOST_STEPS, VerifiedCache


class Value:
    """A value that counts how often its use is checked."""

    looks = 0

    def __init__(self, name):
        self.name, self._is_used = name, False

    @property
    def is_used(self):
        Value.looks += 1
        return self._is_used

    @is_used.setter
    def is_used(self, is_used):
        self._is_used = is_used


class Proving:
    """A cache, and the number of misses."""

    def __init__(self, capacity):
        self.memory, self.proofs, self.most_looks = VerifiedCache(capacity), 0, 0

    def ask(self, name):
        """Return whether *name* was cached, and add it otherwise."""
        if self.memory.get(name) is not None:
            return True
        self.proofs += 1
        before = Value.looks
        self.memory.put(name, Value(name))
        self.most_looks = max(self.most_looks, Value.looks - before)
        return False


@pytest.mark.parametrize("capacity", [0, 1, 2, 3, 4, 5, 8, 100])
def test_it_never_holds_more_than_its_capacity(capacity):
    """With capacity 0 it holds nothing."""
    proving = Proving(capacity)

    for number in range(500):
        proving.ask(str(number))
        proving.ask(str(number // 2))
        assert len(proving.memory.entries) <= capacity


@pytest.mark.parametrize("capacity", [1, 2, 3, 4, 5, 16, 1000])
def test_f1_as_many_as_its_capacity_are_all_recalled(capacity):
    """Each value misses once, in any order and number of accesses."""
    proving = Proving(capacity)
    names = [str(number) for number in range(capacity)]

    for order in (names, names, names[::-1], sorted(names), names):
        for name in order:
            proving.ask(name)

    assert capacity == proving.proofs


def test_f1_a_few_more_than_its_capacity_cost_a_few_more_proofs():
    """With a tenth too many values in rotation, the kept ones stay."""
    proving = Proving(1000)

    for _ in range(10):
        for number in range(1100):
            proving.ask(str(number))

    assert proving.proofs < 0.4 * 10 * 1100


def test_f1_a_put_looks_at_a_few_values_at_most():
    """Adding a value checks few others, even after every kept value was used."""
    proving = Proving(1000)
    for _ in range(3):
        for number in range(1000):
            proving.ask(str(number))

    for number in range(1000, 3000):
        proving.ask(str(number))
        proving.ask(str(number))

    # Also the one that leaves the probation part.
    assert MOST_STEPS - 1 <= proving.most_looks <= MOST_STEPS + 1


def test_f1_threads_neither_lose_places_nor_take_more():
    """Eight threads use shared and separate names; every value stays in exactly one queue."""
    memory, start = VerifiedCache(64), threading.Barrier(8)

    def work(own):
        start.wait()
        for number in range(3000):
            for name in (f"{own}-{number}", f"all-{number // 2}"):
                if memory.get(name) is None:
                    memory.put(name, Value(name))

    threads = [threading.Thread(target=work, args=(own,)) for own in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    queued = [*memory._fresh, *memory._kept]
    assert 64 == len(memory.entries) == len(queued)
    assert set(memory.entries) == set(queued)


@given(st.integers(1, 20), st.lists(st.tuples(st.booleans(), st.integers(0, 30)), max_size=200))
def test_it_holds_what_was_put_or_nothing(capacity, steps):
    """It never returns another value."""
    memory = VerifiedCache(capacity)

    for is_put, number in steps:
        key = number.to_bytes(1)
        if is_put:
            memory.put(key, Value(number))
        found = memory.get(key)
        assert found is None or found.name == number
        assert len(memory.entries) <= capacity


def test_a_flood_of_fresh_values_leaves_what_is_used():
    """A caller with many valid tokens evicts their own."""
    proving = Proving(100)
    for number in range(20):
        proving.ask(f"used-{number}")
        proving.ask(f"used-{number}")

    for number in range(10_000):
        proving.ask(f"fresh-{number}")

    assert all(proving.ask(f"used-{number}") for number in range(20))


def test_a_flood_that_came_first_is_evicted_by_used_values():
    """The flood filled the cache and is evicted by used values."""
    proving = Proving(100)
    for number in range(1000):
        proving.ask(f"fresh-{number}")

    for turn in range(4):
        for number in range(75):
            assert proving.ask(f"used-{number}") or turn == 0
            assert proving.ask(f"used-{number}")

    assert 1075 == proving.proofs


def test_a_flood_that_comes_twice_leaves_what_is_used_meanwhile():
    """Each value of the flood comes twice, and the used ones come now and then."""
    proving = Proving(100)
    proving.ask("used")
    proving.ask("used")

    for number in range(10_000):
        proving.ask(str(number))
        proving.ask(str(number))
        if number % 30 == 0:
            assert proving.ask("used")


def test_what_is_not_used_any_more_goes():
    """Values that are no longer used are evicted gradually."""
    proving = Proving(8)
    proving.ask("old")
    proving.ask("old")

    for number in range(40):
        proving.ask(str(number))
        proving.ask(str(number))

    assert not proving.ask("old")


def test_what_is_put_twice_is_the_first():
    """Two threads that verified the same bytes have the same result."""
    memory = VerifiedCache(8)
    memory.put("a", Value(1))
    memory.put("a", Value(2))

    assert 1 == memory.get("a").name
    assert 1 == len(memory.entries)
