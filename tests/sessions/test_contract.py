"""Every store keeps the session contracts, in both worlds."""

import pytest

from opaque_token_lifetimes import OpaqueTokenLifetimes
from safeconduct.testing.store_contract import SessionStoreContract
from store_servers import KINDS


class TestMemory(SessionStoreContract, OpaqueTokenLifetimes):
    """The sessions in memory."""

    @pytest.fixture
    def stores(self, open_stores):
        return open_stores("memory")


class TestServer(SessionStoreContract, OpaqueTokenLifetimes):
    """The sessions on a server."""

    @pytest.fixture(params=KINDS)
    def stores(self, request, open_stores):
        return open_stores(request.param)
