"""Read and write the date of a header field."""

from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safeconduct._http.dates import LAST_INSTANT, from_http_date, to_http_date

_instants = st.integers(0, LAST_INSTANT)


@given(_instants)
def test_it_is_written_as_the_standard_library_does(instant):
    """The standard library writes the same, independently of the locale."""
    assert formatdate(instant, usegmt=True) == to_http_date(instant)


@given(_instants)
def test_what_is_written_is_read(instant):
    """Round trip."""
    assert instant == from_http_date(to_http_date(instant))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Mon, 06 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 31 Feb 1994 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
        "sun, 06 nov 1994 08:49:37 gmt",
        "Sun, 06 Nov 0000 08:49:37 GMT",
        "Sun, 06 Now 1994 08:49:37 GMT",
        "Wed, 31 Dec 1969 23:59:59 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMT\n",
    ],
)
def test_any_other_form_is_none(text):
    """The two obsolete formats are refused too."""
    assert from_http_date(text) is None


@given(st.text())
def test_any_text_is_read_or_none(text):
    """Reading never raises."""
    assert from_http_date(text) is None or to_http_date(from_http_date(text)) == text
