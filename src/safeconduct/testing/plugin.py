"""
Provide pytest fixtures, with ``pytest_plugins = ["safeconduct.testing.plugin"]`` in the top-level ``conftest.py``.

The plugin has no entry point: pytest would import the package before coverage is measured, and a project that measures
coverage would see the module-level lines of the package as not run.
"""

from typing import Any

import pytest

from safeconduct.testing.clock import Clock
from safeconduct.testing.keys import throw_away_keys


@pytest.fixture
def safeconduct_clock() -> Clock:
    """Return a clock for this test that stands still, for ``Auth(clock=…)``."""
    return Clock()


@pytest.fixture
def safeconduct_keys() -> dict[str, Any]:
    """Return keys for this test, for ``Config(keys=…)``."""
    return throw_away_keys()
