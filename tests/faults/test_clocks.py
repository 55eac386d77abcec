"""Refuse what was revoked whichever clock jumps, and serve what is valid by the store's clock."""

import time
from datetime import timedelta

import pytest

from login_site import LoginClient
from proxied_site import STRICT, OtherProcess, until
from safeconduct.events import ClockSkewed
from safeconduct.stores.redis.plain_ask import SCRIPT_EVERY_SECONDS

MINUTES_5 = timedelta(minutes=5).total_seconds()
HOURS_2 = timedelta(hours=2).total_seconds()
PARALLEL = 20


class Shift:
    """How far a clock is from the true one, in seconds."""

    def __init__(self):
        self.seconds = 0.0

    def ms(self):
        return int(self.seconds * 1000)

    def clock(self):
        return time.time() + self.seconds


@pytest.fixture
def shift():
    return Shift()


@pytest.fixture
def shifted(server, shift):
    """Return another process for which the store's clock is shifted."""
    process = OtherProcess(server.url, shift_ms=shift.ms)
    yield process
    process.close()


def end_one_of_two(site, other):
    valid, ended = other.sign_in("alice"), other.sign_in("bob")
    assert [200, 200] == [site.ask(valid), site.ask(ended)]
    other.end(ended)
    until(lambda: site.mode == STRICT or site.ask(ended) == 401)
    return valid, ended


@pytest.mark.parametrize("seconds", [HOURS_2, -MINUTES_5], ids=["forward", "back"])
def test_a17_a_store_whose_clock_jumps_forgets_nothing(open_site, proxy, shifted, shift, seconds):
    """Entries outlive their tokens by the store's clock, and what it has pruned counts as expired."""
    site = open_site(proxy.url, shift_ms=shift.ms)
    _, ended = end_one_of_two(site, shifted)

    for jump in (seconds, 0):
        shift.seconds = jump
        # Each write forgets what has ended by then.
        for name in ("carol", "dave"):
            shifted.end(shifted.sign_in(name))
        site.let_view_age()
        assert 401 == site.ask(ended)
        site.wait_for_view()
        assert 401 == site.ask(ended)


@pytest.mark.parametrize("seconds", [MINUTES_5, -MINUTES_5], ids=["forward", "back"])
def test_the_clock_of_a_process_steps(open_site, proxy, other, shift, seconds):
    """The store's clock decides about revocations, and the operator is told."""
    site = open_site(proxy.url, clock=shift.clock)
    valid, ended = end_one_of_two(site, other)

    shift.seconds = seconds
    site.let_view_age()
    assert [200, 401] == [site.ask(valid), site.ask(ended)]
    site.wait_for_view()
    assert [200, 401] == [site.ask(valid), site.ask(ended)]
    later = other.sign_in("carol")
    assert 200 == site.ask(later)
    other.end(later)
    until(lambda: site.mode == STRICT or site.ask(later) == 401)
    assert 401 == site.ask(later)

    def skews():
        # The store's clock comes with a script, which replaces the plain commands now and then, and with the view.
        site.ticks.advance(seconds=SCRIPT_EVERY_SECONDS)
        assert 200 == site.ask(valid)
        return [event.skew_ms for event in (*site.events, *site.heard) if isinstance(event, ClockSkewed)]

    until(skews)
    assert all(abs(skew - seconds * 1000) < MINUTES_5 * 100 for skew in skews())
    shift.seconds = 0
    assert [200, 401] == [site.ask(valid), site.ask(later)]


def test_a22_many_tokens_that_expire_together_are_refreshed_at_once(site, proxy, other, note):
    """A few commands for each, however many come together, and one family for each session."""
    client = LoginClient(site)
    refresh_tokens = []
    for _ in range(PARALLEL):
        assert 200 == client.get_tokens(remember=True)
        refresh_tokens.append(client.tokens["refresh_token"])
    proxy.latency_seconds = 0.005

    requests = [
        (
            "POST",
            "/auth/refresh",
            (("content-type", "application/json"),),
            b'{"refresh_token": "%s"}' % refresh_token.encode(),
        )
        for refresh_token in refresh_tokens
    ]
    statuses = []
    sent = site.sent_by(lambda: statuses.extend(response.status for response in site.request_all(requests)))

    note(f"{sent} exchanges for {PARALLEL} refreshes")
    assert [200] * PARALLEL == statuses
    # Each reads its session and rotates it; new connections introduce themselves, and a server may lack a script.
    assert sent <= 3 * PARALLEL
    assert PARALLEL == len(other.auth.sessions.list("alice"))


def test_a22_one_token_that_is_refreshed_many_times_leaves_one_family(site, proxy, other):
    """The tabs of one browser all get tokens of one session."""
    client = LoginClient(site)
    assert 200 == client.get_tokens(remember=True)
    proxy.latency_seconds = 0.005
    body = b'{"refresh_token": "%s"}' % client.tokens["refresh_token"].encode()
    requests = [("POST", "/auth/refresh", (("content-type", "application/json"),), body)] * PARALLEL

    responses = site.request_all(requests)

    assert {200} == {response.status for response in responses}
    assert 1 == len(other.auth.sessions.list("alice"))
    assert 200 == client.refresh()
