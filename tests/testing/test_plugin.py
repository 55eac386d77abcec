"""Use the pytest fixtures: each test has its own, and only where it asks for them."""

import os
import subprocess
import sys

import pytest

from safeconduct import Auth, Config
from safeconduct.testing import signed_in

pytest_plugins = ["safeconduct.testing.plugin"]

SUITE = """
from safeconduct import Auth, Config
from safeconduct.testing import signed_in


def test_it(safeconduct_clock, safeconduct_keys):
    name = "https://api.example.com"
    with Auth(Config(issuer=name, audience=name, keys=safeconduct_keys, store="memory://"),
              clock=safeconduct_clock) as auth:
        assert signed_in(auth, "alice")
"""
#: Packages that only some applications have.
HEAVY = {"redis", "argon2", "uvicorn", "waitress", "flask", "starlette", "fastapi", "click"}


@pytest.fixture
def moved(safeconduct_clock):
    safeconduct_clock.advance(seconds=10)
    return safeconduct_clock


def test_a_test_has_one_clock_and_one_set_of_keys(moved, safeconduct_clock, safeconduct_keys):
    """Fixtures of the application and the test itself share them."""
    name = "https://api.example.com"
    config = Config(issuer=name, audience=name, keys=safeconduct_keys, store="memory://")

    with Auth(config, clock=safeconduct_clock) as auth:
        token = signed_in(auth, "alice")["Authorization"].removeprefix("Bearer ")
        proven = auth.verify(token)

    assert moved is safeconduct_clock
    assert int(safeconduct_clock()) == proven.auth_time


def test_a_project_names_it_and_warnings_stay_errors(tmp_path):
    """One line in the topmost ``conftest.py`` is enough, without warnings."""
    (tmp_path / "conftest.py").write_text('import safeconduct\n\npytest_plugins = ["safeconduct.testing.plugin"]\n')
    (tmp_path / "test_it.py").write_text(SUITE)

    finished = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider"],
        cwd=tmp_path,
        # Other plugins have their own warnings.
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert 0 == finished.returncode, finished.stdout + finished.stderr
    assert "1 passed" in finished.stdout


def test_it_loads_nothing_that_an_application_may_lack():
    """The plugin loads neither a framework nor a driver."""
    program = "import safeconduct.testing.plugin, sys\nprint(*sys.modules)"

    finished = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True)

    assert set() == set(finished.stdout.split()) & HEAVY


def test_the_package_for_tests_does_not_need_pytest():
    """Without pytest the other helpers work, as with ``unittest``."""
    program = "import safeconduct.testing, sys\nprint('pytest' in sys.modules)"

    finished = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True)

    assert "False" == finished.stdout.strip()
