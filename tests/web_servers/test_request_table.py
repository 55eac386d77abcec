"""Send every row of the request table to every real server."""

import pytest

from request_table import ROWS, check_row
from web_servers import server_drivers

DRIVERS = {driver.name: driver for driver in server_drivers()}
CASES = [
    pytest.param(driver.name, row, id=f"{driver.name}-{row.name}")
    for driver in DRIVERS.values()
    for row in ROWS
    if row.needs <= driver.offers
]


@pytest.fixture(scope="module", autouse=True)
def _closed():
    yield
    for driver in DRIVERS.values():
        driver.close()


@pytest.mark.parametrize(("name", "row"), CASES)
def test_row(name, row):
    """The result is the same as in process, or as the driver's deviations say."""
    check_row(DRIVERS[name], row)
