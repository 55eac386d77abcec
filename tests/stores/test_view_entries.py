"""Entries are the same whether they stand in a dictionary or are packed."""

import random

import pytest

from safeconduct.stores.view.entries import RECENT_ENTRIES, UNPACKED_ENTRIES, Entries
from safeconduct.stores.view.packed_table import SPAN
from view_pages import no_pause, page_of


def _keys(count: int, seed: int = 1) -> list[bytes]:
    draw = random.Random(seed)  # noqa: S311 - the same each time
    return [b"s" + draw.randbytes(16) for _ in range(count)]


def _filled(keys: list[bytes]) -> Entries:
    entries = Entries(base=0)
    for instant, key in enumerate(keys):
        entries.put(key, instant)
        if entries.is_due:
            entries.pack(before=0, pause=no_pause)
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
    entries.pack(before=0, pause=no_pause)
    entries.put(key, 10)
    assert entries.get(key) == 20
    entries.put(key, 30)
    assert entries.get(key) == 30


@pytest.mark.parametrize("count", [0, 3, UNPACKED_ENTRIES, UNPACKED_ENTRIES + 1])
def test_a_snapshot_is_read_whole(count):
    """Few entries become a dictionary, many a table; both say the same, and the later page counts."""
    keys = _keys(count)
    instants = {key: 100 + instant for instant, key in enumerate(keys)}
    first, rest = dict(list(instants.items())[:7000]), dict(list(instants.items())[7000:])
    again = dict.fromkeys(keys[:1], SPAN - 1 + 100)

    pages = [page_of(each, base=100) for each in (first, rest, again) if each]
    entries = Entries.of(pages, base=100, pause=no_pause)

    assert {key: entries.get(key) for key in keys} == instants | again
    assert all(entries.get(key) is None for key in _keys(100, seed=2))


def test_instants_past_the_span_of_a_table_move_its_base():
    """A cut-off of two months later fits, and the older ones do not come to lie earlier."""
    old = _keys(UNPACKED_ENTRIES + 1)
    entries = _filled(old)
    [late, *recent] = _keys(RECENT_ENTRIES + 1, seed=3)

    entries.put(late, SPAN + 5)
    for key in recent:
        entries.put(key, SPAN)
    entries.pack(before=0, pause=no_pause)

    assert entries.get(late) == SPAN + 5
    assert entries.get(recent[0]) == SPAN
    assert all(entries.get(key) >= instant for instant, key in enumerate(old))


def test_an_entry_without_end_keeps_no_other_one():
    """A revoked key stays, and revoked tokens are swept."""
    entries = _filled(_keys(UNPACKED_ENTRIES + 1))
    [key] = _keys(1, seed=5)
    entries.put(key, SPAN - 1)
    entries.pack(before=0, pause=no_pause)

    entries.sweep(before=UNPACKED_ENTRIES, pause=no_pause)

    assert SPAN - 1 == entries.get(key)
    assert 2 == len(entries)


@pytest.mark.parametrize("count", [10, UNPACKED_ENTRIES + 5])
def test_sweeping_forgets_what_has_ended(count):
    """Entries of earlier instants go, the others stay, packed or not."""
    keys = _keys(count)
    entries = _filled(keys)

    entries.sweep(before=4, pause=no_pause)

    assert [entries.get(key) for key in keys[:5]] == [None, None, None, None, 4]
    assert len(entries) == count - 4


@pytest.mark.parametrize("count", [UNPACKED_ENTRIES + 1, UNPACKED_ENTRIES + RECENT_ENTRIES + 2])
def test_a_reader_finds_every_entry_while_they_are_packed(count):
    """Every look-up during any pause finds its entry, the first time and later, packing and sweeping."""
    keys, entries, seen = _keys(count), Entries(base=0), []

    def look() -> None:
        seen.append(all(entries.get(key) is not None for key in keys[: len(entries) : 500]))

    for instant, key in enumerate(keys):
        entries.put(key, instant)
        if entries.is_due:
            entries.pack(before=0, pause=look)
    entries.put(keys[0], SPAN + 5)
    entries.sweep(before=0, pause=look)
    entries.pack(before=0, pause=look)

    assert seen
    assert all(seen)
    assert entries.get(keys[0]) == SPAN + 5


def test_a_key_that_is_put_after_a_sweep_is_found():
    """The filter of the swept table lets it pass, as it does the recent ones."""
    entries = _filled(_keys(UNPACKED_ENTRIES + 1))
    [early, late] = _keys(2, seed=7)
    entries.put(early, 50)

    entries.sweep(before=0, pause=no_pause)
    entries.put(late, 60)

    assert [50, 60] == [entries.get(early), entries.get(late)]


def test_of_two_keys_that_begin_alike_the_later_instant_counts():
    """A key's other bytes of digest are not packed."""
    entries = _filled(_keys(UNPACKED_ENTRIES + 1))
    late, early = b"s" + bytes(6) + b"a" * 10, b"s" + bytes(6) + b"b" * 10
    entries.put(late, 70)
    entries.put(early, 60)

    entries.pack(before=0, pause=no_pause)

    assert [70, 70] == [entries.get(late), entries.get(early)]
