"""Throttle callers whose network is unknown: behind a Unix socket that is not named as a proxy."""

from safeconduct._http.forwarded import UNKNOWN
from safeconduct.events import UnknownPeer
from throttles import AWAY


def test_c2_without_a_network_one_client_does_not_shut_the_others_out(throttle):
    """The limits for networks do not apply, because it is unknown who shares this one."""
    throttle.fail(60, "mallory", UNKNOWN)
    throttle.fail(60, "bob", UNKNOWN)

    assert not throttle.is_blocked("alice", UNKNOWN)
    assert not throttle.is_blocked("bob", UNKNOWN)


def test_c2_without_a_network_an_account_is_shut_after_its_failures_of_an_hour(throttle):
    """The limit of the account counts as usual."""
    throttle.fail(50, network=UNKNOWN)
    for number in range(50):
        throttle.fail(1, network=f"net{number}")

    assert throttle.is_blocked(network=UNKNOWN)
    assert not throttle.is_blocked("bob", UNKNOWN)


def test_c2_without_a_network_all_share_the_bound_of_twenty_networks(throttle):
    for number in range(1000):
        throttle.fail(1, f"user{number}", UNKNOWN)

    assert throttle.is_blocked("alice", UNKNOWN)
    assert not throttle.is_blocked("alice", AWAY)


def test_c2_without_a_network_a_known_device_skips_what_all_share(throttle):
    """Attempts of unknown devices lock no known device out; a stolen device has five guesses."""
    for number in range(1000):
        throttle.fail(1, f"user{number}", UNKNOWN)

    assert not throttle.is_blocked("alice", UNKNOWN, has_device=True)
    throttle.fail(5, "alice", UNKNOWN, has_device=True)
    assert throttle.is_blocked("alice", UNKNOWN, has_device=True)


def test_c2_a_peer_without_a_network_is_reported_once(throttle):
    for _ in range(3):
        throttle.succeed(throttle.begin(network=UNKNOWN))

    assert [UnknownPeer()] == throttle.events


def test_c2_a_peer_with_a_network_is_not_reported(throttle):
    throttle.begin(network="unix")

    assert [] == throttle.events


def test_c2_code_that_says_no_network_is_not_one_network(throttle):
    """A step-up by code without an origin has no network, and no proxy could be named."""
    throttle.fail(60, "mallory", "")

    assert not throttle.is_blocked("alice", "")
    assert [] == throttle.events
