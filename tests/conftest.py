"""Set how many examples the properties of all tests try, and refuse tests that disturb others."""

import logging

import pytest
from hypothesis import HealthCheck, settings

# A deadline is a timing assertion, and a database of examples would make a run depend on the one before it.
settings.register_profile("plain", deadline=None, database=None)
settings.register_profile(
    "thorough",
    parent=settings.get_profile("plain"),
    max_examples=100_000,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("plain")


def pytest_collection_modifyitems(items):
    """Refuse an address in the name of a test: parallel workers would collect different tests and run none."""
    named = [item.nodeid for item in items if " at 0x" in item.nodeid]
    if named:
        raise pytest.UsageError(f"give these parameters ids: {named}")


@pytest.fixture(autouse=True)
def _log_as_before():
    """Fail a test that leaves the package's logger configured: in another order, another test would miss lines."""
    before = _log_settings()
    yield
    assert before == _log_settings()


def _log_settings():
    logger = logging.getLogger("safeconduct")
    # The command line adds a handler that writes nothing.
    handlers = [each for each in logger.handlers if not isinstance(each, logging.NullHandler)]
    return logger.level, logger.disabled, logger.propagate, handlers, logger.filters[:]
