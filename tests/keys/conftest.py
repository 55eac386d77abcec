"""Fixtures for the tests of key folders."""

import pytest

from key_folders import Watch
from safeconduct._keys.folder import write_key
from token_factory import jwk_for


@pytest.fixture
def watch():
    return Watch()


@pytest.fixture
def folder(tmp_path):
    write_key(tmp_path / "keys", jwk_for("ES256", "a"))
    return tmp_path / "keys"
