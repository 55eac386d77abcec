"""Entries are the same whether they stand in a dictionary or are packed."""

import random

import pytest

from safeconduct.stores.view.entries import RECENT_ENTRIES, UNPACKED_ENTRIES, Entries
from safeconduct.stores.view.packed_table import SPAN


def _keys(count: int, seed: int = 1) -> list[bytes]:
    draw = random.Random(seed)  # noqa: S311 - the same each time
    return [b"s" + draw.randbytes(16) for _ in range(count)]


def _no_pause() -> None:
    """Let nobody else run."""


def _filled(keys: list[bytes]) -> Entries:
    entries = Entries(base=0)
    for instant, key in enumerate(keys):
        entries.put(key, instant)
        if entries.is_due:
            entries.pack(before=0, pause=_no_pause)
    return entries


@pytest.mark.parametrize("count", [10, UNPACKED_ENTRIES, UNPACKED_ENTRIES + 1, UNPACKED_ENTRIES + RECENT_ENTRIES + 2])
def test_every_key_keeps_its_instant(count):
    """No entry is lost when the recent ones are packed."""
    keys = _keys(count)

    entries = _filled(keys)

    assert [entries.get(key) for key in keys] == list(range(count))
    assert len(entries) == count
    assert all(entries.get(key) is None for key in _keys(100, seed=2))


def test_the_latest_instant_counts():
    """A key that is put again with an earlier instant keeps the later one, packed or not."""
    [key, *others] = _keys(UNPACKED_ENTRIES + 1)
    entries = Entries(base=0)

    entries.put(key, 20)
    entries.put(key, 10)
    assert entries.get(key) == 20

    for other in others:
        entries.put(other, 5)
    assert entries.is_due
    entries.pack(before=0, pause=_no_pause)
    entries.put(key, 10)
    assert entries.get(key) == 20
    entries.put(key, 30)
    assert entries.get(key) == 30


@pytest.mark.parametrize("count", [3, UNPACKED_ENTRIES + 1])
def test_a_snapshot_is_read_whole(count):
    """Few records become a dictionary, many a table; both say the same."""
    keys = _keys(count)
    records = [key + b"%013d" % instant for instant, key in enumerate(keys)]

    entries = Entries.of([b"".join(records[:2]), b"".join(records[2:])], base=0, pause=_no_pause)

    assert [entries.get(key) for key in keys] == list(range(count))


def test_instants_past_the_span_of_a_table_move_its_base():
    """A cut-off of two months later fits, and the older ones do not come to lie earlier."""
    old = _keys(UNPACKED_ENTRIES + 1)
    entries = _filled(old)
    [late, *recent] = _keys(RECENT_ENTRIES + 1, seed=3)

    entries.put(late, SPAN + 5)
    for key in recent:
        entries.put(key, SPAN)
    entries.pack(before=0, pause=_no_pause)

    assert entries.get(late) == SPAN + 5
    assert entries.get(recent[0]) == SPAN
    assert all(entries.get(key) >= instant for instant, key in enumerate(old))


def test_an_entry_without_end_keeps_no_other_one():
    """A revoked key stays, and revoked tokens are swept."""
    entries = _filled(_keys(UNPACKED_ENTRIES + 1))
    [key] = _keys(1, seed=5)
    entries.put(key, SPAN - 1)
    entries.pack(before=0, pause=_no_pause)

    entries.sweep(before=UNPACKED_ENTRIES, pause=_no_pause)

    assert SPAN - 1 == entries.get(key)
    assert 2 == len(entries)


@pytest.mark.parametrize("count", [10, UNPACKED_ENTRIES + 5])
def test_sweeping_forgets_what_has_ended(count):
    """Entries of earlier instants go, the others stay, packed or not."""
    keys = _keys(count)
    entries = _filled(keys)

    entries.sweep(before=4, pause=_no_pause)

    assert [entries.get(key) for key in keys[:5]] == [None, None, None, None, 4]
    assert len(entries) == count - 4


def test_a_reader_finds_every_entry_while_they_are_packed():
    """Every look-up during any pause finds its entry."""
    keys = _keys(UNPACKED_ENTRIES + 1)
    entries = Entries(base=0)
    for instant, key in enumerate(keys):
        entries.put(key, instant)
    seen = []

    entries.pack(before=0, pause=lambda: seen.append(all(entries.get(key) is not None for key in keys[::500])))

    assert seen
    assert all(seen)
