"""Send every row of the request table to every real server."""

import pytest

from request_table import cases_of, check_row, closing
from web_servers import server_drivers

DRIVERS, CASES = cases_of(server_drivers())
_closed = pytest.fixture(scope="module", autouse=True)(closing(DRIVERS))


@pytest.mark.parametrize(("name", "row"), CASES)
def test_row(name, row):
    """The result is the same as in process, or as the driver's deviations say."""
    check_row(DRIVERS[name], row)
