"""An issuer that is no part of the application, and its clock."""

import pytest

from safeconduct.testing import Clock, FakeIssuer


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def issuer(tmp_path, clock):
    return FakeIssuer(tmp_path / "issuer.json", clock=clock)
