"""Let no fault of the network pass a revoked token, refuse a valid one with 401, or outlive its cause."""

import threading

import pytest

from outage import Outage
from proxied_site import MODES, STRICT, sockets_to


def test_a6_a_black_hole_is_given_up_within_the_deadline(site, proxy, other):
    """The server accepts and never replies."""
    Outage(site, other).survive(proxy.swallow, proxy.heal)

    assert sockets_to(proxy.port) <= 2


def test_a7_a_refused_connection_is_refused_at_once(site, proxy, other):
    Outage(site, other).survive(proxy.refuse, proxy.heal)

    assert sockets_to(proxy.port) <= 2


@pytest.mark.parametrize("seconds", [0.5, 5.0])
def test_a8_a_slow_store_is_not_waited_for(site, proxy, other, seconds):
    """Its replies are late, and no other request reads them."""
    outage = Outage(site, other)

    def begin():
        proxy.latency_seconds = seconds

    outage.survive(begin, proxy.heal)


def test_a8_a_store_within_the_deadline_is_waited_for(site, proxy, other):
    outage = Outage(site, other)
    proxy.latency_seconds = 0.05

    assert [200, 401] == [site.ask(login) for login in (outage.valid, outage.ended)]
    outage.other.end(outage.ended_meanwhile)
    site.let_view_age()

    assert 401 == site.ask(outage.ended_meanwhile)
    assert 200 == site.ask(outage.valid)


@pytest.mark.parametrize("seconds", [0.02])
def test_a8_a_reply_that_drips_is_not_waited_for(site, proxy, other, seconds):
    """Each byte arrives in time, and the reply does not."""
    outage = Outage(site, other)

    def begin():
        proxy.drip_seconds = seconds

    outage.survive(begin, proxy.heal)


def test_a8_a_server_that_is_stopped_is_not_waited_for(open_site, fresh_server, opened_by):
    """Its kernel still accepts connections and bytes."""
    proxy, other = opened_by(fresh_server)

    Outage(open_site(proxy.url), other, can_revoke=False).survive(fresh_server.pause, fresh_server.resume)


@pytest.mark.parametrize("mode", ["every"])
@pytest.mark.parametrize("words", [("CLIENT", "PAUSE", "1500", "ALL"), ("DEBUG", "SLEEP", "1.5")], ids=" ".join)
def test_a8_a_server_that_pauses_is_not_waited_for(open_site, server, proxy, other, words):
    """Whenever the pause ends, no answer is wrong."""
    outages = [Outage(open_site(proxy.url, mode=each), other, can_revoke=False) for each in MODES]

    pausing = threading.Thread(target=server.say, args=words)
    pausing.start()
    for outage in outages:
        with outage.site.hurried():
            outage.site.let_view_age()
            assert outage.site.ask(outage.valid) in {200, 503}
            assert outage.site.ask(outage.ended) in {401, 503}
    pausing.join()

    for outage in outages:
        outage.check_over()


def test_a8_a_server_that_takes_no_writes_is_followed(site, server, other):
    """``CLIENT PAUSE … WRITE`` stops every script, and the log can be read."""
    outage = Outage(site, other, can_revoke=False)
    server.say("CLIENT", "PAUSE", 60_000, "WRITE")

    with site.hurried():
        site.let_view_age()
        site.wait_for_view()
        answers = [site.ask(outage.valid), site.ask(outage.ended)]
    server.say("CLIENT", "UNPAUSE")

    assert answers[0] == 200 or (site.mode == STRICT and answers[0] == 503)
    assert answers[1] in {401, 503}
    outage.check_over()
