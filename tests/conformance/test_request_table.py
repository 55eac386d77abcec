"""
Send every row of the request table through every driver of this process that is no integration's.

Each integration has drivers in ``tests/support/<framework>_table.py``, and ``tests/integrations/<framework>`` sends the
rows through them, where that framework may be the only one that is installed.
"""

import pytest

from drivers import in_process
from project_files import PROJECT
from request_table import cases_of, check_row, closing

TESTS = PROJECT / "tests"
DRIVERS, CASES = cases_of(in_process())
_closed = pytest.fixture(scope="module", autouse=True)(closing(DRIVERS))


@pytest.mark.parametrize(("name", "row"), CASES)
def test_row(name, row):
    """Status, code, challenge, fields and the identity that the application saw are as the row says."""
    check_row(DRIVERS[name], row)


def test_every_integration_sends_the_whole_table():
    """A framework with drivers has a test that sends the rows through them, and the other way round."""
    tables = {file.name.removesuffix("_table.py") for file in (TESTS / "support").glob("*_table.py")} - {"request"}
    tests = {file.parent.name for file in (TESTS / "integrations").glob("*/test_request_table.py")}

    assert tables
    assert tables == tests
