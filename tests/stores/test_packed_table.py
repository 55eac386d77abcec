"""The packed table says what a dictionary would say, and takes nine bytes an entry."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from safeconduct.stores.view.packed_table import SPAN, PackedTable

#: Few values for each byte, so that digests share groups, bytes and offsets.
DIGESTS = st.lists(st.sampled_from([0, 1, 255]), min_size=7, max_size=7).map(bytes)
INSTANTS = st.integers(1000, 1000 + SPAN - 1)
ADDED = st.lists(st.dictionaries(DIGESTS, INSTANTS, max_size=20), max_size=4)


def _no_pause() -> None:
    """Let nobody else run."""


def _table(batches: list[dict[bytes, int]]) -> tuple[PackedTable, dict[bytes, int]]:
    table, model = PackedTable.of((), base=1000, pause=_no_pause), {}
    for batch in batches:
        table, model = table.merged(batch, pause=_no_pause), model | batch
    return table, model


@settings(max_examples=40)
@given(ADDED, DIGESTS)
def test_a_table_says_what_a_dictionary_says(batches, absent):
    """The entry that was added last counts, and a digest that was never added has none."""
    table, model = _table(batches)

    assert {digest: table.get(digest) for digest in model} == model
    assert table.get(absent) == model.get(absent)


@settings(max_examples=20)
@given(ADDED, INSTANTS)
def test_sweeping_leaves_out_earlier_instants_alone(batches, before):
    """A swept table contains each later entry once."""
    table, model = _table(batches)

    swept = table.swept(before=before, base=1000, pause=_no_pause)

    kept = {digest: instant for digest, instant in model.items() if instant >= before}
    assert {digest: swept.get(digest) for digest in model} == {digest: kept.get(digest) for digest in model}
    assert len(swept) == len(kept)


@settings(max_examples=20)
@given(ADDED)
def test_a_later_base_keeps_instants_or_moves_them_up_to_it(batches):
    """An instant that no longer fits becomes the base, so that a cut-off never comes to lie earlier."""
    table, model = _table(batches)
    base = 1000 + SPAN // 2

    swept = table.swept(before=0, base=base, pause=_no_pause)

    assert {digest: swept.get(digest) for digest in model} == {d: max(each, base) for d, each in model.items()}


@settings(max_examples=20)
@given(st.dictionaries(DIGESTS, INSTANTS))
def test_a_snapshot_becomes_the_same_table(entries):
    """Records from a server are the digest and the distance from the base."""
    records = [b"s" + digest + bytes(9) + b"%013d" % instant for digest, instant in entries.items()]

    table = PackedTable.of([b"".join(records[:3]), b"".join(records[3:])], base=1000, pause=_no_pause)

    assert {digest: table.get(digest) for digest in entries} == entries
    assert len(table) == len(entries)


def test_an_entry_takes_nine_bytes():
    """A million entries take less than ten mebibytes, with the offsets of all groups."""
    draw = random.Random(1)  # noqa: S311 - the same each time
    count = 20_000
    table = PackedTable.of(
        [b"".join(b"s" + draw.randbytes(16) + b"%013d" % 7 for _ in range(count))], base=0, pause=_no_pause
    )

    assert table.size_bytes == 9 * count + 4 * 65_537
    assert 9 * 10**6 + 4 * 65_537 < 10 * 2**20


def test_others_run_while_a_table_is_made():
    """Both ways to make one pause often, so that no request waits for the whole."""
    pauses, added = [], {each.to_bytes(2) + bytes(5): 1 for each in range(10_000)}
    table = PackedTable.of((), base=0, pause=_no_pause).merged(added, pause=lambda: pauses.append("merged"))
    table.swept(before=0, base=0, pause=lambda: pauses.append("swept"))

    assert pauses.count("merged") > 30
    assert pauses.count("swept") > 200
