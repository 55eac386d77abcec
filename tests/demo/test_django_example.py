"""The Django project of the examples passes its checks and its own tests, in a folder with keys."""

import shutil
import subprocess
import sys

import pytest

from command_line import run, without_environment
from project_files import PROJECT


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Return a copy of the project, with keys."""
    without_environment(monkeypatch)
    folder = tmp_path / "project"
    shutil.copytree(PROJECT / "examples/django", folder, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.chdir(folder)
    assert 0 == run("keys", "new").code
    return folder


@pytest.mark.parametrize("command", ["check", "test"])
def test_manage(project, command):
    """``manage.py check`` finds nothing, and ``manage.py test`` passes."""
    done = subprocess.run(
        [sys.executable, "manage.py", command], cwd=project, capture_output=True, text=True, check=False, timeout=100
    )

    assert 0 == done.returncode, done.stdout + done.stderr
    assert "no issues" in done.stdout + done.stderr
