"""Close WebSockets when the store loses its data, goes away or fails."""

import pytest

from login_site import stores_of
from login_stack import ManualTime
from open_connections import EchoApp, OpenSocket, bearer, monitored_site, open_socket
from safeconduct.errors import Unavailable
from safeconduct.events import Fault
from safeconduct.stores import MemoryStore
from store_servers import KINDS, Server
from table_tokens import NOW, mint


@pytest.fixture(scope="module", params=KINDS)
def server(request):
    server = Server(request.param)
    yield server
    server.stop()


@pytest.fixture
def site(server):
    moment = ManualTime()
    made = monitored_site(stores=stores_of(server.kind, server, moment, print), clock=moment.clock)
    yield made
    made.close()


def test_a_server_is_asked_about_all_of_them(site):
    """The revoked connection ends, and the others go on."""
    ended, connection = open_socket(site, bearer(mint())), open_socket(site, bearer(mint("bob")))

    site.auth.sessions.revoke_subject("alice")

    assert 4401 == ended.code()
    assert "hello" == connection.ask("hello")


def test_an_emptied_server_closes(site, server):
    """1013, because revocations are unknown; a new connection needs a new sign-in."""
    connection = open_socket(site, bearer(mint()))

    server.say("FLUSHALL")

    assert 1013 == connection.code()
    assert 401 == status(site)


def status(site):
    """Return the status of the response to a handshake."""
    message = OpenSocket(site, bearer(mint())).next()
    return message.get("status", message["type"])


def test_a_server_that_is_down_closes(site, server):
    connection = open_socket(site, bearer(mint()))

    server.kill()
    try:
        assert 1013 == connection.code()
    finally:
        server.start()
    # The check announced it, and it is no fault of ours.
    assert not any(isinstance(event, Fault) for event in site.events)


@pytest.fixture
def echo():
    return EchoApp()


class Failing(MemoryStore):
    """A store that works until it is told to fail."""

    error = None

    async def ask(self, question):
        if self.error is not None:
            raise self.error
        return await super().ask(question)

    def holds(self, question):
        return self.error is None and super().holds(question)

    def fail(self, error):
        self.error, self.version = error, object()


@pytest.mark.parametrize("error", [Unavailable("out"), ZeroDivisionError()], ids=["out", "faulty"])
def test_a_store_that_is_out_closes(error, echo):
    """1013, "try again later": whether the credential is valid is unknown."""
    stores = Failing(clock=lambda: NOW, horizon_ms=86_400_000, leeway_ms=10_000)
    site = monitored_site(echo, stores=stores)
    connection = open_socket(site, bearer(mint()))

    stores.fail(error)

    assert 1013 == connection.code()
    assert [] == connection.end()
    assert [1013] == echo.codes
    site.close()


def test_a_round_that_fails_closes(echo):
    """After any error, no connection goes on unmonitored."""
    stores = Failing(clock=lambda: NOW, horizon_ms=86_400_000, leeway_ms=10_000)
    site = monitored_site(echo, stores=stores)
    both = [open_socket(site, bearer(mint(name))) for name in ("alice", "bob")]

    stores.holds, stores.version = None, object()

    assert [1013, 1013] == [connection.code() for connection in both]
    site.close()


def test_a_thousand_sockets_close(site):
    """One revocation on the server ends all of them (fault 43)."""
    many = [open_socket(site, bearer(mint(f"user-{number % 100}"))) for number in range(1000)]

    site.auth.sessions.revoke_everything()

    assert {4401} == {connection.code() for connection in many}
    assert all(connection.end() == [] for connection in many)
