"""Move a clock by hand."""

from safeconduct.testing import Clock


def test_it_stands_still_until_it_is_advanced():
    """The time changes only by ``advance``."""
    clock = Clock()
    before = clock()

    clock.advance(seconds=601)

    assert before + 601 == clock() == clock()


def test_it_begins_where_it_is_put():
    """All clocks start at the same time, unless another is given."""
    assert Clock()() == Clock()()
    assert 1_000.5 == Clock(seconds=1_000.5)()
