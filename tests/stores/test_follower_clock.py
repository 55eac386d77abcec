"""A follower compares the clock of requests with the server's, which requests from the view never learn."""

import time

import pytest

from login_site import login_configuration
from safeconduct import Auth
from safeconduct.events import ClockSkewed
from safeconduct.testing.store_contract.revocations import LEEWAY_MS

HALF_LEEWAY_SECONDS = LEEWAY_MS / 2000


class Clock:
    """The true time and what it is off by, in seconds; several values for the next readings, then the last again."""

    def __init__(self, *offsets):
        self.offsets = list(offsets)

    def __call__(self):
        offset = self.offsets.pop(0) if len(self.offsets) > 1 else self.offsets[0]
        return time.time() + offset


def skews(events):
    return [event.skew_ms for event in events if isinstance(event, ClockSkewed)]


@pytest.fixture
def follow(writer, following):  # noqa: ARG001 - the store has begun
    def begin(clock):
        follower = following(clock=clock)
        follower.connect()
        return follower.follow

    return begin


@pytest.mark.parametrize("seconds", [-3600, -HALF_LEEWAY_SECONDS - 1, HALF_LEEWAY_SECONDS + 1, 3600], ids=str)
def test_a_clock_that_is_off_is_announced_without_any_request(follow, events, seconds):
    follow(Clock(seconds))()

    [skew_ms] = skews(events)
    assert abs(skew_ms - seconds * 1000) < 500


def test_it_is_announced_once_a_minute(follow, events):
    clock = Clock(3600)
    next_round = follow(clock)

    counts = []
    for seconds in (0, 59, 61):
        clock.offsets = [3600 + seconds]
        next_round()
        counts.append(len(skews(events)))

    assert [1, 1, 2] == counts


@pytest.mark.parametrize("seconds", [-HALF_LEEWAY_SECONDS + 1, 0, HALF_LEEWAY_SECONDS - 1], ids=str)
def test_a_small_difference_is_not_announced(follow, events, seconds):
    follow(Clock(seconds))()

    assert [] == skews(events)


@pytest.mark.parametrize("offsets", [(-60, 0), (60, 0)], ids=["late", "set back"])
def test_a_round_that_took_long_says_nothing_about_the_clocks(follow, events, offsets):
    """The machine slept, or the clock was moved, between the two readings."""
    follow(Clock(*offsets))()

    assert [] == skews(events)


def test_the_clock_of_an_auth_is_the_one_that_is_compared(server):
    """Its follower's thread does so while no request comes."""
    events = []
    config = login_configuration(
        store={"url": server.url, "deadline_ms": 20_000}, revocation={"consistency": "bounded"}
    )
    with Auth(config, clock=Clock(-3600), listeners=[events.append]) as auth:
        auth._container.bounded_view.begin()
        while not skews(events):
            pass

    assert abs(skews(events)[0] + 3_600_000) < 5000
