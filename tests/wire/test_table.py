"""Every row of the table over every real server."""

import pytest

from rows import ROWS
from servers_asked import over_the_wire
from verdicts import check

DRIVERS = {driver.name: driver for driver in over_the_wire()}
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
    """A request as it goes onto the wire comes out as it does in process, or as the driver's list says and why."""
    check(DRIVERS[name], row)
