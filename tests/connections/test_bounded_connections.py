"""An open connection ends as soon as this process knows of the revocation, and in an outage by the rule."""

import pytest

from app_client import SentRequest, wsgi_environ
from bounded_site import BoundedSite
from login_stack import ManualTime
from open_connections import EchoApp, bearer, open_socket
from safeconduct.events import RevocationUnchecked
from safeconduct.stores.redis.follower import Follower
from store_servers import KINDS, Server
from table_tokens import mint

STALE_SECONDS = 60.0


@pytest.fixture(scope="module", params=KINDS)
def server(request):
    server = Server(request.param)
    yield server
    server.stop()


@pytest.fixture
def open_site(server, monkeypatch):
    """Open a site with a loaded view, whose follower the test moves, and whose connections are often checked."""
    monkeypatch.setattr(Follower, "start", lambda _self: None)
    server.say("FLUSHALL")
    made = []

    def build(world="asgi", **revocation):
        site = BoundedSite(
            world, server, ManualTime(), app=EchoApp() if world == "asgi" else streaming,
            staleness_seconds=STALE_SECONDS, **revocation,
        )  # fmt: skip
        made.append(site)
        if world == "asgi":
            site.auth.asgi_gate().connection_checks.tick_seconds = 0.01
        site.follow()
        return site

    yield build
    for site in made:
        site.close()


def streaming(_environ, start_response):
    start_response("200 OK", [("content-type", "text/event-stream")])
    yield from (b"data: %d\n\n" % number for number in range(9))


def test_a_connection_ends_when_the_view_learns_of_the_revocation(open_site):
    """The store is asked next in a minute; the other connection goes on."""
    site = open_site()
    ended, connection = open_socket(site, bearer(mint())), open_socket(site, bearer(mint("bob")))
    other = open_site("wsgi")
    other.auth.sessions.revoke_subject("alice")

    site.follow()

    assert 4401 == ended.code()
    assert "hello" == connection.ask("hello")


def test_a_wsgi_stream_ends_before_its_next_chunk(open_site):
    site, other = open_site("wsgi"), open_site("wsgi")
    name, value = bearer(mint())
    environ = wsgi_environ(SentRequest("GET", "/live", ((name, value.encode()),), "https"))
    body = iter(site.application(environ, lambda *_started: None))
    assert b"data: 0\n\n" == next(body)
    other.auth.sessions.revoke_subject("alice")
    assert b"data: 1\n\n" == next(body)

    site.follow()

    assert next(body, None) is None


def test_a_connection_ends_once_the_view_is_too_old_in_an_outage(open_site, server):
    """1013: what was revoked since is not known."""
    site = open_site()
    connection = open_socket(site, bearer(mint()))
    server.kill()
    try:
        site.clock.advance(seconds=STALE_SECONDS)

        assert 1013 == connection.code()
    finally:
        server.start()


def test_a_connection_goes_on_in_an_outage_where_requests_do(open_site, server):
    """The event says that it was not checked; a connection that is known to be revoked ends."""
    site = open_site(on_outage="serve")
    connection, ended = open_socket(site, bearer(mint())), open_socket(site, bearer(mint("bob")))
    other = open_site("wsgi")
    other.auth.sessions.revoke_subject("bob")
    site.follow()
    assert 4401 == ended.code()
    server.kill()
    try:
        site.clock.advance(seconds=STALE_SECONDS)

        while not any(isinstance(event, RevocationUnchecked) for event in site.events):
            assert "hello" == connection.ask("hello")
        assert "still here" == connection.ask("still here")
    finally:
        server.start()


def test_under_a_strict_rule_the_view_does_not_decide(open_site):
    """The store is asked every ``staleness_seconds``, and the view says nothing in between."""
    rule = {"path": "/live", "consistency": "strict"}
    site = open_site(access={"rules": [rule]})
    connection = open_socket(site, bearer(mint()))
    checks = site.auth.asgi_gate().connection_checks
    [watched] = next(iter(checks.monitors.values()))._connections

    assert [] == checks.newly_doubtful([watched.watch])
    assert watched.watch.held
    assert "hello" == connection.ask("hello")
