"""An open connection of a client ends with the client's entry, its secret, its revocation or its token."""

import pytest

from client_tokens import OTHER_SECRET, SECRET, client_claims, sign
from open_connections import bearer, monitored_site, open_socket
from safeconduct import Client
from table_tokens import AUDIENCE

ENTRY = {"client_id": "reports", "secret": SECRET, "scopes": ("read",)}


class Table:
    """Clients in a table."""

    def __init__(self):
        self.rows = {"reports": Client(**ENTRY)}
        self.asked = 0

    def find(self, client_id):
        """Return the client of that name."""
        self.asked += 1
        return self.rows.get(client_id)


@pytest.fixture
def table():
    return Table()


@pytest.fixture
def site(table):
    made = monitored_site(app_clients=table)
    yield made
    made.close()


def token_at(site, **changes):
    return sign(client_claims(site.clock(), AUDIENCE, **changes))


@pytest.mark.parametrize("change", [None, {"scopes": ()}, {"secret": OTHER_SECRET}])
def test_a_socket_ends_with_the_clients_entry(site, table, change):
    """Once the answer about the client is old."""
    connection = open_socket(site, bearer(token_at(site)))
    site.clock.advance(seconds=1)
    assert connection.ask("a") == "a"
    table.rows = {} if change is None else {"reports": Client(**{**ENTRY, **change})}
    site.clock.advance(seconds=1)
    assert connection.code() == 4401
    connection.end()


def test_a_socket_goes_on_while_the_client_is_as_it_was(site, table):
    """Its entry is looked up again and again."""
    connection = open_socket(site, bearer(token_at(site)))
    for times in (2, 3):
        site.clock.advance(seconds=2)
        while table.asked < times:
            assert connection.ask("a") == "a"
    assert connection.ask("still") == "still"
    connection.leave()
    connection.end()


def test_a_socket_ends_with_the_token_and_can_be_extended(site):
    """By another token of the same client, and of no other."""
    connection = open_socket(site, bearer(token_at(site)))
    site.clock.advance(seconds=200)
    assert connection.ask(f"extend {token_at(site)}") == "client:reports"
    assert connection.ask(f"extend {token_at(site, client='other')}") == "WrongIssuer"
    site.clock.advance(seconds=200)
    assert connection.ask("still") == "still"
    site.clock.advance(seconds=200)
    assert connection.code() == 4401
    connection.end()


def test_a_socket_ends_with_the_clients_revocation(site):
    """As with that of any credential."""
    connection = open_socket(site, bearer(token_at(site)))
    site._runner.run(site.auth.async_sessions.revoke_client("reports"))
    assert connection.code() == 4401
    connection.end()


def test_a_token_that_counts_once_opens_a_socket_that_goes_on(table, site):
    """Its use is no revocation of the connection; its subprotocol is as good as its header."""
    table.rows["reports"] = Client(**ENTRY, single_use=True)
    token = token_at(site, jti="a")
    connection = open_socket(site, bearer(token))
    site.clock.advance(seconds=1)
    assert connection.ask("a") == "a"
    assert connection.ask(f"extend {token}") == "RevokedToken"
    assert connection.ask(f"extend {token_at(site, jti='b')}") == "client:reports"
    connection.leave()
    connection.end()


def test_a_subprotocol_carries_a_clients_token(table):
    """A service is no browser, and may use either."""
    site = monitored_site(app_clients=table, sources=["bearer", "subprotocol"])
    connection = open_socket(
        site, ("sec-websocket-protocol", f"bearer, {token_at(site)}"), ("origin", "https://app.example")
    )
    assert connection.ask("a") == "a"
    connection.leave()
    connection.end()
    site.close()
