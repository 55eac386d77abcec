"""Let no fault of the network pass a revoked token, refuse a valid one with 401, or outlive its cause."""

import pytest

from proxied_site import SERVING, STRICT, sockets_to, until


class Outage:
    """
    Tokens before, during and after an outage, in the order in which it is survived.

    Args:
        site: The application, which reaches its store through the proxy.
        other: The process that revokes.
    """

    def __init__(self, site, other):
        self.site, self.other = site, other
        self.valid, self.ended = other.sign_in("alice"), other.sign_in("bob")
        self.ended_meanwhile = other.sign_in("carol")
        assert [200] * 3 == [site.ask(login) for login in (self.valid, self.ended, self.ended_meanwhile)]
        other.end(self.ended)
        site.wait_for_view()
        if site.mode == STRICT:
            assert 401 == site.ask(self.ended)
        until(lambda: site.ask(self.ended) == 401)

    def check_begun(self):
        """While the view is fresh, it answers; requests that ask the store get 503."""
        site = self.site
        sent = site.sent_by(lambda: self.answers.append(site.ask(self.valid)))
        if site.mode == STRICT:
            assert [503] == self.answers
        else:
            assert ([200], 0) == (self.answers, sent)

    def check_old(self):
        """When it is too old, nothing that was revoked passes by it."""
        site = self.site
        self.other.end(self.ended_meanwhile)
        site.let_view_age()
        assert (200 if site.mode == SERVING else 503) == site.ask(self.valid)
        assert 503 == site.ask(self.ended)
        # With "serve" what nobody told this process passes, which is what that promises.
        assert (200 if site.mode == SERVING else 503) == site.ask(self.ended_meanwhile)

    def check_over(self):
        """The store is back, and every answer is right again."""
        site = self.site
        site.recover(self.valid)
        assert [401, 401] == [site.ask(login) for login in (self.ended, self.ended_meanwhile)]
        if site.mode != STRICT:
            assert 0 == site.sent_by(lambda: site.ask(self.valid))

    def survive(self, begin, end):
        """Check all of it."""
        self.answers = []
        begin()
        with self.site.hurried():
            self.check_begun()
            self.check_old()
        end()
        self.check_over()


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
