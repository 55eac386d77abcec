"""Run the tests of a store as each world does: behind WSGI without an event loop, and behind ASGI in one."""

import asyncio
from collections.abc import Coroutine, Iterator
from typing import Any, ClassVar, Final, Protocol

import pytest

from safeconduct._core.run_sync import run_sync
from safeconduct._core.store import Store, StoreProvider
from safeconduct.testing.store_contract.long_term import LongTermContract
from safeconduct.testing.store_contract.opaque_tokens import OpaqueTokenContract
from safeconduct.testing.store_contract.renewals import RenewalContract, StepUpContract
from safeconduct.testing.store_contract.revocations import HORIZON_MS, LEEWAY_MS, RevocationContract
from safeconduct.testing.store_contract.rotations import RotationContract
from safeconduct.testing.store_contract.session_limits import SessionLimitContract
from safeconduct.testing.store_contract.sessions import SessionContract
from safeconduct.testing.store_contract.throttle import ThrottleContract


class StoreWorld(Protocol):
    """A port of a store, and a way to run its coroutines."""

    store: Store

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Run a coroutine of the port to its end."""
        ...

    def close(self) -> None:
        """Close the port's connections."""
        ...


class Blocking:
    """Run coroutines without a loop, as behind WSGI."""

    def __init__(self, stores: StoreProvider) -> None:
        self.store = stores.blocking()

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Run a coroutine, which must not suspend."""
        return run_sync(coroutine)

    def close(self) -> None:
        """Close the port's connections."""
        run_sync(self.store.close())


class Native:
    """Run coroutines in a loop, as behind ASGI."""

    def __init__(self, stores: StoreProvider) -> None:
        self.store = stores.native()
        self._runner = asyncio.Runner()
        self._runner.get_loop()

    def run(self, coroutine: Coroutine[Any, Any, Any]) -> Any:
        """Run a coroutine in the loop of this world."""
        return self._runner.run(coroutine)

    def close(self) -> None:
        """Close the port's connections, and the loop."""
        self._runner.run(self.store.close())
        self._runner.close()


WORLDS: Final[dict[str, type[Blocking] | type[Native]]] = {"blocking": Blocking, "native": Native}


class _InBothWorlds:
    #: The largest lifetime of a token, which the store under test is made with.
    horizon_ms: ClassVar[int] = HORIZON_MS
    #: The leeway that is granted to clocks, which the store under test is made with.
    leeway_ms: ClassVar[int] = LEEWAY_MS

    @pytest.fixture(params=WORLDS)
    def world(self, request: pytest.FixtureRequest, stores: StoreProvider) -> Iterator[StoreWorld]:
        """Enter both worlds, one after the other, with a store that has an epoch."""
        world = WORLDS[request.param](stores)
        world.run(world.store.begin_epoch(0, reason="new", seen=None))
        yield world
        world.close()


class StoreContract(_InBothWorlds, RevocationContract, ThrottleContract):
    """
    Test a store, with a subclass whose name begins with ``Test`` and that has two fixtures.

    ``stores`` returns a new, empty store: a ``StoreProvider``, made with ``horizon_ms`` and ``leeway_ms`` of this
    class.  ``clock`` returns the clock that the store reads, with ``advance(seconds=…)``, as ``safeconduct.testing``
    has it; *seconds* may be negative.  A store whose data outlive the process has a third one, ``resharded``: a store
    over the same data that spreads them over another number of shards, at least two.
    """

    @pytest.fixture
    def resharded(self) -> StoreProvider | None:
        """Return None: the data end with the process."""
        return None

    @pytest.fixture
    def resharded_world(self, world: Blocking | Native, resharded: StoreProvider | None) -> Iterator[StoreWorld]:
        """Enter the same world with the other number of shards."""
        if resharded is None:
            pytest.skip("the data end with the process")
        other = type(world)(resharded)
        yield other
        other.close()


class SessionStoreContract(
    _InBothWorlds,
    RotationContract,
    RenewalContract,
    StepUpContract,
    LongTermContract,
    SessionContract,
    SessionLimitContract,
    OpaqueTokenContract,
):
    """
    Test how a store keeps sessions, their refresh tokens, and opaque tokens.

    A subclass has the same fixtures as one of ``StoreContract``.
    """
