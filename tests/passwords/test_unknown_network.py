"""The throttle where nobody knows from where a caller comes: behind a Unix socket that is not named."""

from safeconduct._http.forwarded import UNKNOWN
from safeconduct.events import UnknownPeer
from throttling import AWAY


def test_c2_without_a_network_one_client_does_not_shut_the_others_out(door):
    """Neither the bound of a network nor that of an account in it counts: nobody knows who shares it."""
    door.fail(60, "mallory", UNKNOWN)
    door.fail(60, "bob", UNKNOWN)

    assert not door.is_shut("alice", UNKNOWN)
    assert not door.is_shut("bob", UNKNOWN)


def test_c2_without_a_network_an_account_is_shut_after_its_failures_of_an_hour(door):
    """As from everywhere."""
    door.fail(50, network=UNKNOWN)
    for number in range(50):
        door.fail(1, network=f"net{number}")

    assert door.is_shut(network=UNKNOWN)
    assert not door.is_shut("bob", UNKNOWN)


def test_c2_without_a_network_all_share_the_bound_of_twenty_networks(door):
    for number in range(1000):
        door.fail(1, f"user{number}", UNKNOWN)

    assert door.is_shut("alice", UNKNOWN)
    assert not door.is_shut("alice", AWAY)


def test_c2_without_a_network_a_known_device_skips_what_all_share(door):
    """What strangers filled keeps nobody out who was here before; a stolen device guesses five times."""
    for number in range(1000):
        door.fail(1, f"user{number}", UNKNOWN)

    assert not door.is_shut("alice", UNKNOWN, has_device=True)
    door.fail(5, "alice", UNKNOWN, has_device=True)
    assert door.is_shut("alice", UNKNOWN, has_device=True)


def test_c2_a_peer_without_a_network_is_told_of_once(door):
    for _ in range(3):
        door.succeed(door.begin(network=UNKNOWN))

    assert [UnknownPeer()] == door.events


def test_c2_a_peer_with_a_network_is_not_told_of(door):
    door.begin(network="unix")

    assert [] == door.events


def test_c2_code_that_says_no_network_is_not_one_network(door):
    """A step-up by code, for whom the application did not say; and there is no proxy to name."""
    door.fail(60, "mallory", "")

    assert not door.is_shut("alice", "")
    assert [] == door.events
