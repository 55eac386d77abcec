"""A connection ends when the account that it depends on is cut off, deleted or cannot be looked up."""

import base64

import pytest

from app_client import SentRequest, wsgi_environ
from login_site import LoginClient, LoginSite
from open_connections import EchoApp, bearer, open_socket
from safeconduct import Account

FIELDS = {
    "login": {"cut_off": "cached"},
    "revocation": {"staleness_seconds": 0.01},
    "access": {"rules": [{"path": "/live", "long_lived": True}]},
}


def streaming(_environ, start_response):
    start_response("200 OK", [("content-type", "text/event-stream")])
    yield from (b"data: %d\n\n" % number for number in range(9))


@pytest.fixture(params=["memory://", "none"])
def opened(request):
    """Open a site, and a socket of alice's and one of bob's."""
    site = LoginSite(app=EchoApp(), store=request.param, **FIELDS)
    sockets = []
    for name, password in (("alice", "wonder"), ("bob", "builder")):
        client = LoginClient(site)
        client.get_tokens(name, password)
        sockets.append(open_socket(site, bearer(client.tokens["access_token"])))
    yield site, *sockets
    for socket in sockets:
        socket.stop()
    site.close()


def test_r4_a_connection_of_an_account_that_is_cut_off_ends(opened):
    site, alice, bob = opened
    assert "hello" == alice.ask("hello")

    site.directory.accounts["alice"] = Account("alice", cut_off=site.clock())
    site.clock.advance(seconds=1)

    assert 4401 == alice.code()
    assert "hello" == bob.ask("hello")


def test_r4_no_connection_goes_on_unchecked(opened):
    """The directory fails; both end, as they would without a store that is needed."""
    site, alice, bob = opened

    def lookup(_subject):
        raise OSError("down")

    site.directory.lookup = lookup
    site.clock.advance(seconds=1)

    assert [1013, 1013] == [alice.code(), bob.code()]


def test_r4_a_stream_behind_wsgi_ends_before_its_next_chunk():
    site = LoginSite("wsgi", app=streaming, **FIELDS)
    client = LoginClient(site)
    client.get_tokens()
    name, value = bearer(client.tokens["access_token"])
    environ = wsgi_environ(SentRequest("GET", "/live", ((name, value.encode()),), "https"))
    body = iter(site.application(environ, lambda *_started: None))
    assert b"data: 0\n\n" == next(body)

    site.directory.accounts["alice"] = Account("alice", cut_off=site.clock())
    site.clock.advance(seconds=1)

    assert [] == list(body)
    site.close()


def test_r4_a_password_that_is_proven_again_keeps_its_connection():
    """The account was cut off between the two proofs, and the second one counts."""
    site = LoginSite(app=EchoApp(), **FIELDS | {"sources": ["basic", "bearer"]})
    pair = base64.b64encode(b"alice:wonder").decode()
    socket = open_socket(site, ("authorization", f"Basic {pair}"))
    site.clock.advance(seconds=60)
    other_ended(site)
    assert 3 == site.directory.checks

    site.directory.accounts["alice"] = Account("alice", cut_off=site.clock() - 30)
    site.clock.advance(seconds=1)
    other_ended(site)

    assert "hello" == socket.ask("hello")
    socket.stop()
    site.close()


def other_ended(site):
    """Return once all connections were checked, which the end of another one shows."""
    client = LoginClient(site)
    client.get_tokens("bob", "builder")
    other = open_socket(site, bearer(client.tokens["access_token"]))
    kept = site.directory.accounts.pop("bob")
    site.clock.advance(seconds=0.02)
    assert 4401 == other.code()
    site.directory.accounts["bob"] = kept


def test_r4_no_connection_is_extended_by_a_token_of_before_the_cut_off():
    """The account is looked up within the staleness, as for a request."""
    site = LoginSite(app=EchoApp(), **FIELDS | {"revocation": {"staleness_seconds": 600}})
    site.auth.asgi_gate().connection_checks.staleness_seconds = 600
    client = LoginClient(site)
    client.get_tokens()
    token = client.tokens["access_token"]
    socket = open_socket(site, bearer(token))
    assert "alice" == socket.ask(f"extend {token}")

    site.directory.accounts["alice"] = Account("alice", cut_off=site.clock())
    site.clock.advance(seconds=601)

    assert "RevokedToken" == socket.ask(f"extend {token}")
    socket.stop()
    site.close()
