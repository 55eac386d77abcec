"""Give every document its own working directory."""

import os

import pytest


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Return an empty folder that is the working directory, importable, and sees no configuration."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    for name in [name for name in os.environ if name.startswith("SAFECONDUCT_")]:
        monkeypatch.delenv(name)
    return tmp_path
