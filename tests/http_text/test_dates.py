"""Read and write the date of a header field."""

from email.utils import formatdate

from hypothesis import given
from hypothesis import strategies as st

from safeconduct._http.set_cookie import LAST_INSTANT, to_http_date

_instants = st.integers(0, LAST_INSTANT)


@given(_instants)
def test_it_is_written_as_the_standard_library_does(instant):
    """The standard library writes the same, independently of the locale."""
    assert formatdate(instant, usegmt=True) == to_http_date(instant)
