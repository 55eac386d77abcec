"""Every script in ``benchmarks/`` loads: what it imports of the package and of the tests is still there."""

import subprocess
import sys

import pytest

from project_files import PROJECT

#: ``soak.py`` starts it with a configuration, which it reads when it is loaded.
CONFIGURED = {"soak_app.py"}
SCRIPTS = sorted({path.name for path in (PROJECT / "benchmarks").glob("*.py")} - CONFIGURED)
LOAD = "import runpy, sys; runpy.run_path(sys.argv[1], run_name='loaded')"


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_benchmark_loads(name):
    """As a program would begin, in a process of its own."""
    folders = [str(PROJECT / folder) for folder in ("benchmarks", "tests/support")]

    done = subprocess.run(
        [sys.executable, "-c", LOAD, str(PROJECT / "benchmarks" / name)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={"PYTHONPATH": ":".join(folders), "PATH": "", "LOAD": "0"},
    )

    assert (0, "") == (done.returncode, done.stderr)
