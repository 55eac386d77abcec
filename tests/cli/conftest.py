"""Give every test of the command line its own empty working directory."""

import pytest

from command_line import without_environment, write_configuration
from store_servers import Server


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
def valkey():
    """Return a real Valkey that all tests of the command line share."""
    started = Server("valkey")
    yield started
    started.stop()


@pytest.fixture
def server(valkey):
    """Return the server, emptied and with an acceptable eviction policy."""
    valkey.say("FLUSHALL")
    valkey.say("CONFIG", "SET", "maxmemory-policy", "noeviction")
    return valkey


@pytest.fixture
def shared(folder, server):
    """Return a folder whose configuration names a real, empty store, and that has its keys."""
    write_configuration(folder, store=server.url)
    return folder
