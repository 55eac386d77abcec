"""Format the cells of a table."""

import pytest

from safeconduct.cli.output import as_text


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "-"),
        ("", "-"),
        ((), "-"),
        (0, "0"),
        (True, "yes"),
        (False, "no"),
        (["a", None], "a, -"),
        ("a\x1b[2J\nb\x9b", "a\\x1b[2J\\x0ab\\x9b"),
        ("\u00e9", "\u00e9"),
    ],
    ids=ascii,
)
def test_a_cell_is_text_that_steers_nothing(value, expected):
    """Text from a token or a file cannot move the cursor."""
    assert expected == as_text(value)
