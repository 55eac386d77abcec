"""Set how many examples the properties of all tests try, and refuse names of tests that differ between workers."""

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
