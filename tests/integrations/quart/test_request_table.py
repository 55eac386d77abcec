"""Send every row of the request table through Quart."""

import pytest

from quart_table import drivers
from request_table import cases_of, check_row, closing

DRIVERS, CASES = cases_of(drivers())
_closed = pytest.fixture(scope="module", autouse=True)(closing(DRIVERS))


@pytest.mark.parametrize(("name", "row"), CASES)
def test_row(name, row):
    """Status, code, challenge, fields and the identity that the application saw are as the row says."""
    check_row(DRIVERS[name], row)
