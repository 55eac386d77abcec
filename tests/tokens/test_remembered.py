"""The memory is bounded, and no flood empties it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safeconduct._tokens.remembered import Remembered


@pytest.mark.parametrize("capacity", [0, 1, 2, 3, 8, 100])
def test_it_never_holds_more_than_its_capacity(capacity):
    """And with 0 nothing."""
    memory = Remembered(capacity)

    for number in range(500):
        memory.put(str(number), number)
        memory.get(str(number // 2))
        assert len(memory) <= capacity


@given(st.integers(1, 20), st.lists(st.tuples(st.booleans(), st.integers(0, 30)), max_size=200))
def test_it_holds_what_was_put_or_nothing(capacity, steps):
    """Never another value."""
    memory = Remembered(capacity)

    for is_put, number in steps:
        if is_put:
            memory.put(number.to_bytes(1), number)
        assert memory.get(number.to_bytes(1)) in (None, number)
        assert len(memory) <= capacity


def test_a_flood_of_fresh_values_leaves_what_is_used():
    """A caller with many valid tokens pushes out his own."""
    memory = Remembered(100)
    for number in range(20):
        memory.put(f"used-{number}", number)
        memory.get(f"used-{number}")

    for number in range(10_000):
        memory.put(f"fresh-{number}", number)

    assert list(range(20)) == [memory.get(f"used-{number}") for number in range(20)]


def test_a_flood_that_comes_twice_leaves_what_is_used_meanwhile():
    """Each value of the flood is asked for again, and so are the used ones, now and then."""
    memory = Remembered(100)
    memory.put("used", 1)
    memory.get("used")

    for number in range(10_000):
        memory.put(str(number), number)
        memory.get(str(number))
        if number % 30 == 0:
            assert 1 == memory.get("used")


def test_what_is_not_used_any_more_goes():
    """Within two turns."""
    memory = Remembered(8)
    memory.put("old", 1)
    memory.get("old")

    for number in range(20):
        memory.put(str(number), number)
        memory.get(str(number))

    assert memory.get("old") is None


def test_clear_forgets_everything():
    """As after a change of keys."""
    memory = Remembered(8)
    memory.put("a", 1)

    memory.clear()

    assert memory.get("a") is None
    assert 0 == len(memory)
