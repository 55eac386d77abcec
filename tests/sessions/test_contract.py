"""Every store keeps the same contract of sessions, in both worlds."""

import pytest

from session_contract import RenewalContract, RotationContract, SessionContract, StepUpContract
from worlds import WORLDS


class TestMemory(RotationContract, RenewalContract, StepUpContract, SessionContract):
    """The sessions in this process."""

    @pytest.fixture(params=WORLDS)
    def world(self, request, memory_stores):
        world = WORLDS[request.param](memory_stores)
        yield world
        world.close()


class TestServer(RotationContract, RenewalContract, StepUpContract, SessionContract):
    """A server's sessions."""

    @pytest.fixture
    def clock(self, shift):
        return shift

    @pytest.fixture(params=WORLDS)
    def world(self, request, open_server, shift):
        world = WORLDS[request.param](open_server(shift))
        world.run(world.store.begin_epoch(0, reason="new", seen=None))
        yield world
        world.close()
