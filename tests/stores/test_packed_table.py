"""The packed table says what a dictionary would say, and takes nine bytes an entry."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from safeconduct.stores.view.packed_table import BITS, SPAN, PackedTable
from view_pages import no_pause

BASE = 1000
#: Few values for each byte, so that digests share groups, bytes and offsets.
DIGESTS = st.lists(st.sampled_from([0, 1, 255]), min_size=6, max_size=6).map(bytes)
INSTANTS = st.integers(BASE, BASE + SPAN - 1) | st.sampled_from([BASE, BASE + SPAN - 1])
ADDED = st.lists(st.dictionaries(DIGESTS, INSTANTS, max_size=20), max_size=4)


def _table(batches: list[dict[bytes, int]]) -> tuple[PackedTable, dict[bytes, int]]:
    table, model = PackedTable.empty(base=BASE), {}
    for batch in batches:
        table.add(batch, pause=no_pause)
        model |= batch
    return table, model


def _passes(table: PackedTable, digest: bytes) -> bool:
    prefix = int.from_bytes(digest[:3])
    return bool(table.filter[prefix >> table.shift] & BITS[prefix & 7])


@settings(max_examples=25)
@given(ADDED, DIGESTS)
def test_a_table_says_what_a_dictionary_says(batches, absent):
    """The entry that was added last counts, and a digest that was never added has none."""
    table, model = _table(batches)

    assert {digest: table.get(digest) for digest in model} == model
    assert table.get(absent) == model.get(absent)
    assert all(_passes(table, digest) for digest in model)


@settings(max_examples=15)
@given(ADDED, INSTANTS)
def test_sweeping_leaves_out_earlier_instants_alone(batches, before):
    """A swept table contains each later entry once, and its filter passes all of them."""
    table, model = _table(batches)

    swept = table.swept(before=before, base=BASE, pause=no_pause)

    kept = {digest: instant for digest, instant in model.items() if instant >= before}
    assert {digest: swept.get(digest) for digest in model} == {digest: kept.get(digest) for digest in model}
    assert len(swept) == len(kept)
    assert all(_passes(swept, digest) for digest in kept)


@settings(max_examples=15)
@given(ADDED)
def test_a_later_base_keeps_instants_or_moves_them_up_to_it(batches):
    """An instant that no longer fits becomes the base, so that a cut-off never comes to lie earlier."""
    table, model = _table(batches)
    base = BASE + SPAN // 2

    swept = table.swept(before=0, base=base, pause=no_pause)

    assert {digest: swept.get(digest) for digest in model} == {d: max(each, base) for d, each in model.items()}
    assert swept.base == base
    assert swept.holds(base + SPAN - 1)
    assert not swept.holds(base + SPAN)


def test_a_look_up_during_a_change_finds_what_was_there():
    """Chunks are replaced one by one, and each of them has all that it had."""
    digests = [bytes([first, second, 1, 2, 3, 4]) for first in range(256) for second in range(0, 256, 16)]
    table = PackedTable.empty(base=0)
    table.add(dict.fromkeys(digests, 5), pause=no_pause)
    seen = []

    def look() -> None:
        seen.append({table.get(digest) for digest in digests[::40]})

    table.add(dict.fromkeys(digests, 6), pause=look)
    swept = table.swept(before=0, base=0, pause=look)

    assert {5, 6} == set().union(*seen)
    assert {6} == {swept.get(digest) for digest in digests}
    assert len(digests) == len(swept)


def test_a_filter_grows_with_the_entries():
    """An entry has at least six bits of it, and what is absent seldom passes."""
    draw = random.Random(1)  # noqa: S311 - the same each time
    table = PackedTable.empty(base=0)
    assert not table.is_crowded
    table.add({draw.randbytes(6): 1 for _ in range(20_000)}, pause=no_pause)
    assert table.is_crowded

    table = table.refiltered(pause=no_pause)

    assert not table.is_crowded
    assert 6 * 20_000 <= 8 * len(table.filter) <= 12 * 20_000 * 1.1
    assert sum(_passes(table, draw.randbytes(6)) for _ in range(5000)) < 5000 * 0.2


def test_an_entry_takes_nine_bytes():
    """A million entries take less than ten mebibytes, with the offsets of all groups and a filter of 2^23 bits."""
    draw = random.Random(1)  # noqa: S311 - the same each time
    count = 20_000
    table = PackedTable.empty(base=0)
    table.add({draw.randbytes(6): 1 for _ in range(count)}, pause=no_pause)

    offsets = 4 * (65_536 + 16)
    assert table.size_bytes == 8 * count + offsets + len(table.filter)
    assert 8 * 10**6 + offsets + 2**20 < 10 * 2**20


def test_others_run_while_a_table_is_made():
    """Each way to make one pauses often, so that no request waits for the whole."""
    pauses, added = [], {each.to_bytes(2) + bytes(4): 1 for each in range(0, 65_536, 7)}
    table = PackedTable.empty(base=0)
    table.add(added, pause=lambda: pauses.append("added"))
    table.swept(before=0, base=0, pause=lambda: pauses.append("swept"))

    assert pauses.count("added") > 16
    assert pauses.count("swept") >= 512
