"""Announce throttled sign-ins, once in each window."""

from safeconduct._core.throttle import ThrottleEvents
from throttles import AWAY, QUARTER_HOUR_SECONDS
from worlds import Clock


def test_c10_refusals_are_reported_once_in_a_window_and_counted(throttle):
    """Refused attempts do not flood the log; the next event has their number."""
    limit = {"network": "192.0.2.9"}
    throttle.fail(5, **limit)
    for _ in range(100):
        assert throttle.is_blocked(**limit)
    reported_at_once = [event.refused for event in throttle.events]
    throttle.clock.advance(seconds=QUARTER_HOUR_SECONDS)
    throttle.fail(5, **limit)
    for _ in range(3):
        assert throttle.is_blocked(**limit)

    assert [1] == reported_at_once
    assert [1, 100] == [event.refused for event in throttle.events]


def test_c10_other_names_from_one_network_are_not_reported_again(throttle):
    """Different names do not cause further events."""
    for number in range(50):
        throttle.fail(1, f"user{number}")
    for number in range(50):
        assert throttle.is_blocked(f"other{number}")

    assert 1 == len(throttle.events)


def test_c10_other_networks_at_one_account_are_not_reported_again(throttle):
    """Different networks do not cause further events either."""
    for number in range(100):
        throttle.fail(1, network=f"net{number}")
    for number in range(50):
        assert throttle.is_blocked(network=f"other{number}")

    assert 1 == len(throttle.events)


def test_c10_another_account_in_another_network_is_reported(throttle):
    throttle.fail(5)
    throttle.fail(5, "bob", AWAY)

    assert throttle.is_blocked()
    assert throttle.is_blocked("bob", AWAY)

    assert [1, 1] == [event.refused for event in throttle.events]


def test_c10_what_was_reported_is_forgotten_from_the_oldest_on(monkeypatch):
    """The memory of the announcements is bounded."""
    reported, clock = [], Clock()
    monkeypatch.setattr("safeconduct._core.throttle._MAX_ANNOUNCED", 4)
    events = ThrottleEvents(reported.append, clock)

    for number in (1, 2, 3, 1, 3):
        events.refused(f"account{number}", f"network{number}", retry_after_seconds=1)

    assert ["account1", "account2", "account3", "account1"] == [event.account for event in reported]
    assert 4 == len(events._announced)
