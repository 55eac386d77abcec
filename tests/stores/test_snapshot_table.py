"""Pages become the table that a dictionary of their entries would be."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from safeconduct.stores.view.packed_table import SPAN
from safeconduct.stores.view.snapshot_table import TableBuilder
from view_pages import key_of, no_pause, page_of

DIGESTS = st.lists(st.sampled_from([0, 1, 255]), min_size=6, max_size=6).map(bytes)
PAGES = st.lists(st.dictionaries(DIGESTS, st.integers(1000, 1000 + SPAN - 1), max_size=20), max_size=4)


@pytest.mark.parametrize("around", [b"", b"\r\n$17\r\n"], ids=["next to each other", "apart"])
@settings(max_examples=15)
@given(pages=PAGES)
def test_a_table_says_what_a_dictionary_says(around, pages):
    """Of two entries of a digest the later one counts, also where it is earlier."""
    builder, model = TableBuilder(base=1000), {}
    for page in pages:
        builder.add(page_of({key_of(digest): each for digest, each in page.items()}, base=1000, around=around))
        model |= page

    table = builder.table(pause=no_pause)

    assert {digest: table.get(digest) for digest in model} == model
    assert len(table) == sum(map(len, pages))
    assert len(model) == len(table.swept(before=0, base=1000, pause=no_pause))


def test_many_entries_are_all_found():
    """More than the memory of a part begins with."""
    draw = random.Random(3)  # noqa: S311 - the same each time
    entries = {key_of(draw.randbytes(6)): draw.randrange(SPAN) for _ in range(30_000)}
    items = list(entries.items())
    builder = TableBuilder(base=0)
    for begin in range(0, len(items), 4000):
        builder.add(page_of(dict(items[begin : begin + 4000]), base=0))
    pauses = []

    table = builder.table(pause=lambda: pauses.append(1))

    assert all(table.get(key[1:7]) == instant for key, instant in entries.items())
    assert len(pauses) > 64
