"""Every store keeps the session contracts, in both worlds."""

import pytest

from long_term_contract import LongTermContract
from opaque_token_contract import OpaqueTokenContract
from renewal_contract import RenewalContract, StepUpContract
from rotation_contract import RotationContract
from session_contract import SessionContract
from session_limit_contract import SessionLimitContract
from store_servers import KINDS
from worlds import WORLDS


@pytest.fixture(params=WORLDS)
def inside(request, enter):
    """Enter both worlds, one after the other."""
    return lambda stores: enter(request.param, stores)


class TestMemory(
    RotationContract,
    RenewalContract,
    StepUpContract,
    LongTermContract,
    SessionContract,
    SessionLimitContract,
    OpaqueTokenContract,
):
    """The sessions in memory."""

    @pytest.fixture
    def world(self, inside, open_stores):
        return inside(open_stores("memory"))


class TestServer(
    RotationContract,
    RenewalContract,
    StepUpContract,
    LongTermContract,
    SessionContract,
    SessionLimitContract,
    OpaqueTokenContract,
):
    """The sessions on a server."""

    @pytest.fixture(params=KINDS)
    def world(self, request, inside, open_stores):
        world = inside(open_stores(request.param))
        world.run(world.store.begin_epoch(0, reason="new", seen=None))
        return world
