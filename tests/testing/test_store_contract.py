"""The contract of stores is public, finds errors, and is the only part of the kit that needs pytest."""

import subprocess
import sys

import pytest

import safeconduct.testing
from safeconduct.testing import SessionStoreContract, StoreContract

TESTS = """
import pytest

from safeconduct.stores import MemoryStore, RevocationStatus
from safeconduct.testing import Clock, SessionStoreContract, StoreContract


class Forgetful(MemoryStore):
    async def ask(self, query):
        return RevocationStatus((await super().ask(query)).epoch, is_empty=False, is_revoked=False, now_ms=None)


class Suspending(MemoryStore):
    async def issue_time(self, query):
        await Later()
        return await super().issue_time(query)


class Later:
    def __await__(self):
        yield


class Fixtures:
    @pytest.fixture
    def clock(self):
        return Clock()

    @pytest.fixture
    def stores(self, clock):
        return self.make(clock=clock, horizon_ms=self.horizon_ms, leeway_ms=self.leeway_ms)


class TestForgetful(Fixtures, StoreContract):
    make = Forgetful


class TestSuspending(Fixtures, StoreContract):
    make = Suspending


class TestRight(Fixtures, StoreContract):
    make = MemoryStore


class TestRightSessions(Fixtures, SessionStoreContract):
    make = MemoryStore
"""


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    """Return what pytest says about the stores above."""
    folder = tmp_path_factory.mktemp("stores")
    (folder / "test_stores.py").write_text(TESTS, "utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-rf", "-p", "no:randomly", "test_stores.py"]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder).stdout


def test_a_store_that_errs_fails(outcome):
    """One forgets revocations, and one waits where it must not."""
    failed = [line for line in outcome.splitlines() if line.startswith("FAILED")]

    assert any("TestForgetful::test_a_mark_revokes_by_presence" in line for line in failed)
    assert any("TestSuspending::test_a_stamp_is_younger_than_the_epoch[blocking]" in line for line in failed)
    assert not any("TestSuspending" in line and "[native]" in line for line in failed)


def test_a_store_that_is_right_passes(outcome):
    assert "TestRight" not in outcome
    assert " passed" in outcome


def test_a_failure_shows_the_values(outcome):
    """Pytest rewrites the assertions of the contract."""
    assert "assert False\n" in outcome
    assert "RevocationStatus(" in outcome


def test_the_kit_is_imported_without_pytest():
    program = "import sys, safeconduct.testing, safeconduct.testing.conformance; print('pytest' in sys.modules)"

    said = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True)

    assert "False\n" == said.stdout


def test_the_contracts_are_names_of_the_kit():
    assert (StoreContract, SessionStoreContract) == (
        safeconduct.testing.StoreContract,
        safeconduct.testing.SessionStoreContract,
    )
    with pytest.raises(AttributeError, match="has no attribute 'Store'"):
        safeconduct.testing.Store  # noqa: B018 - reading it raises
