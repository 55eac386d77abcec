"""Move a clock by hand."""

from safeconduct.testing import Clock


def test_it_stands_still_until_it_is_told():
    """Two looks are one instant, and time passes by as much as was said."""
    clock = Clock()
    before = clock()

    clock.advance(seconds=601)

    assert before + 601 == clock() == clock()


def test_it_begins_where_it_is_put():
    """The same instant for every test, or another one by choice."""
    assert Clock()() == Clock()()
    assert 1_000.5 == Clock(seconds=1_000.5)()
