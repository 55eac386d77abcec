"""
Fixtures for pytest: ``pytest_plugins = ["safeconduct.testing.plugin"]`` in the topmost ``conftest.py``.

It is not found by itself: a plugin that is imports the package before coverage is measured, and a project that
measures its tests would see the package's lines as never run.
"""

from typing import Any

import pytest

from safeconduct.testing.clock import Clock
from safeconduct.testing.keys import throw_away_keys


@pytest.fixture
def safeconduct_clock() -> Clock:
    """Return a clock of this test's own that stands still, for ``Auth(clock=…)``."""
    return Clock()


@pytest.fixture
def safeconduct_keys() -> dict[str, Any]:
    """Return keys of this test's own, for ``Config(keys=…)``."""
    return throw_away_keys()
