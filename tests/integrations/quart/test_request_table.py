"""Send every row of the request table through Quart."""

import pytest

from quart_table import drivers
from request_table import ROWS, check_row

DRIVERS = {driver.name: driver for driver in drivers()}
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
    """Status, code, challenge, fields and the identity that the application saw are as the row says."""
    check_row(DRIVERS[name], row)
