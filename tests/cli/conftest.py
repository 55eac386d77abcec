"""A place of its own for every test of the command line."""

import pytest

from commands import without_environment, write_configuration
from servers import Server


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """Return an empty folder that is the working directory, and see no configuration."""
    monkeypatch.chdir(tmp_path)
    without_environment(monkeypatch)
    return tmp_path


@pytest.fixture
def configured(folder):
    """Return a folder with a configuration without a shared store, and with its keys."""
    write_configuration(folder)
    return folder


@pytest.fixture(scope="session")
def server():
    """Return a real Valkey that all tests of the command line share."""
    valkey = Server("valkey")
    yield valkey
    valkey.stop()


@pytest.fixture
def shared(folder, server):
    """Return a folder whose configuration names a real, empty store, and that has its keys."""
    server.say("FLUSHALL")
    server.say("CONFIG", "SET", "maxmemory-policy", "noeviction")
    write_configuration(folder, store=server.url)
    return folder
