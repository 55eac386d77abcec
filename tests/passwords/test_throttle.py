"""Limit failed sign-ins for each account, network and device."""

from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_directory import run
from safeconduct._core.throttle import skeleton
from safeconduct.errors import ConfigurationError, TooManyAttempts, Unavailable
from safeconduct.events import Throttled
from throttles import AWAY, HOME, QUARTER_HOUR_SECONDS, MemoryThrottle


def test_the_sixth_wrong_password_in_a_quarter_of_an_hour_is_not_looked_at(throttle):
    """After five failures of an account from a network the answer says when the first one expires."""
    throttle.fail(4)
    throttle.clock.advance(seconds=60)
    throttle.fail(1)

    with pytest.raises(TooManyAttempts) as caught:
        throttle.begin()

    assert QUARTER_HOUR_SECONDS - 60 == caught.value.retry_after_seconds
    assert [QUARTER_HOUR_SECONDS - 60] == [event.retry_after_seconds for event in throttle.events]


def test_a_refused_try_is_not_counted(throttle):
    """Refused attempts do not extend the lockout."""
    throttle.fail(5)
    for _ in range(10):
        throttle.is_blocked()
    throttle.clock.advance(seconds=QUARTER_HOUR_SECONDS)

    assert not throttle.is_blocked()


def test_a_wait_is_rounded_up_to_whole_seconds(throttle):
    throttle.fail(5)
    throttle.clock.advance(seconds=QUARTER_HOUR_SECONDS - 0.5)

    with pytest.raises(TooManyAttempts) as caught:
        throttle.begin()

    assert 1 == caught.value.retry_after_seconds


def test_an_account_is_shut_for_its_network_alone(throttle):
    """Neither another account nor another network is affected."""
    throttle.fail(5)

    assert throttle.is_blocked()
    assert not throttle.is_blocked("bob")
    assert not throttle.is_blocked(network=AWAY)


def test_a_network_may_fail_fifty_times_under_any_names(throttle):
    """Spraying one password over many accounts (ASVS 6.3.1)."""
    for number in range(50):
        throttle.begin(f"user{number}")

    assert throttle.is_blocked("another")
    assert not throttle.is_blocked("another", AWAY)


def test_an_account_may_fail_a_hundred_times_an_hour_from_everywhere(throttle):
    for number in range(100):
        throttle.begin(network=f"net{number}")
    throttle.clock.advance(seconds=QUARTER_HOUR_SECONDS + 1)

    assert throttle.is_blocked(network="another")

    throttle.clock.advance(seconds=3600 - QUARTER_HOUR_SECONDS)

    assert not throttle.is_blocked(network="another")


def test_a_known_device_skips_what_unknown_devices_filled_and_has_a_bound_of_its_own(throttle):
    """An attacker on a hundred networks cannot lock the owner out, and a stolen device cannot guess on."""
    for number in range(100):
        throttle.begin(network=f"net{number}")
    assert throttle.is_blocked(network="home")

    for number in range(5):
        throttle.begin(network=f"device{number}", has_device=True)

    assert throttle.is_blocked(network="another", has_device=True)


def test_a_known_device_does_not_skip_what_its_network_did(throttle):
    throttle.fail(5)

    assert throttle.is_blocked(has_device=True)


def test_a_success_gives_its_try_back_and_clears_the_account_in_its_network(throttle):
    """Four failures and a success, repeatedly, lock out neither the owner nor their network."""
    for _ in range(20):
        throttle.fail(2)
        throttle.succeed(throttle.begin())

    # 40 of 50 in the network's limit: failures stay there, and successes do not.
    throttle.fail(5, "bob")
    throttle.fail(4, "carol")
    assert not throttle.is_blocked("dave")
    throttle.fail(1, "carol")
    assert throttle.is_blocked("dave")


def test_a_success_does_not_forget_the_failures_over_all_networks(throttle):
    """A sign-in by the attacker or the victim must not reset the count of the account."""
    for number in range(99):
        throttle.begin(network=f"net{number}")
    throttle.succeed(throttle.begin())

    assert not throttle.is_blocked(network="another")
    throttle.begin(network="another")
    assert throttle.is_blocked(network="yet another")


def test_a_withdrawn_try_counts_nowhere_and_clears_nothing(throttle):
    throttle.fail(4)
    for _ in range(60):
        throttle.withdraw(throttle.begin())
    throttle.fail(1)

    assert throttle.is_blocked()


def test_parallel_tries_are_counted_before_any_of_them_ends(throttle):
    """Five pending attempts count as five, without waiting for their results."""
    counted = [throttle.begin() for _ in range(5)]
    assert throttle.is_blocked()

    throttle.succeed(counted[0])

    assert not throttle.is_blocked()


def test_c6_a_pending_attempt_blocks_for_seconds_and_a_failure_for_minutes(throttle):
    """Five attempts are pending in other processes: the waiting time is that of the first."""
    counted = [throttle.begin() for _ in range(5)]
    throttle.clock.advance(seconds=3)

    with pytest.raises(TooManyAttempts) as under_way:
        throttle.begin()
    for one in counted:
        run(throttle.world, throttle.throttle.fail(one))
    with pytest.raises(TooManyAttempts) as failed:
        throttle.begin()

    assert (7, QUARTER_HOUR_SECONDS - 3) == (under_way.value.retry_after_seconds, failed.value.retry_after_seconds)


def test_c6_a_try_that_never_ends_has_failed(throttle):
    """The process died, or the caller disconnected."""
    for _ in range(5):
        throttle.begin()
    throttle.clock.advance(seconds=10)

    with pytest.raises(TooManyAttempts) as caught:
        throttle.begin()

    assert QUARTER_HOUR_SECONDS - 10 == caught.value.retry_after_seconds


def test_c6_a_failure_that_can_not_be_noted_is_one_a_little_later(throttle):
    """The store fails in between."""
    counted = throttle.begin()
    throttle.memory.end()

    run(throttle.world, throttle.throttle.fail(counted))

    assert 3 == len(throttle.memory._counters)


@pytest.mark.parametrize("other", ["b\u00f3b", "BOB", "bob\u200b", " bob"], ids=ascii)
def test_c5_a_success_clears_the_failures_of_its_own_spelling_alone(throttle, other):
    """Otherwise the owner of ``bób`` could guess at ``bob`` forever by signing in between."""
    for _ in range(2):
        throttle.fail(2, "bob")
        throttle.succeed(throttle.begin(other))
    throttle.fail(1, "bob")

    assert throttle.is_blocked("bob")
    assert throttle.is_blocked(other)


def test_c5_a_success_clears_its_own_failures_beside_those_of_another_spelling(throttle):
    throttle.fail(2, "bob")
    throttle.fail(2, "b\u00f3b")
    throttle.succeed(throttle.begin("b\u00f3b"))

    throttle.fail(2, "b\u00f3b")
    assert not throttle.is_blocked("b\u00f3b")
    throttle.fail(1, "bob")
    assert throttle.is_blocked("bob")


@pytest.mark.parametrize(
    "spelling",
    [
        "Alice",
        "ALICE",
        " alice ",
        "\uff41\uff4c\uff49\uff43\uff45",
        "alice\u200b",
        "al\u00adice",
        "álice",
        "a\u0301lice",
    ],
    ids=ascii,
)
def test_spellings_of_one_name_share_their_bound(throttle, spelling):
    """Spellings that a directory treats as equal must not have separate limits."""
    throttle.fail(5)

    assert throttle.is_blocked(spelling)


def test_unknown_names_are_shut_as_known_ones_are(throttle):
    """The throttle does not depend on whether the user exists (ASVS 6.3.8)."""
    throttle.fail(5, "nobody")

    with pytest.raises(TooManyAttempts) as unknown:
        throttle.begin("nobody")
    throttle.fail(5, "alice")
    with pytest.raises(TooManyAttempts) as known:
        throttle.begin("alice")

    assert known.value.retry_after_seconds == unknown.value.retry_after_seconds


def test_no_name_and_no_address_is_sent_to_the_store(throttle):
    """The store and the events contain keyed digests only."""
    counted = throttle.begin("alice")

    assert len({counter.key for counter in counted.counters}) == 3
    assert all(len(counter.key) == 32 for counter in counted.counters)
    shown = repr(counted) + repr(throttle.memory._counters)
    assert "alice" not in shown
    assert HOME not in shown


def test_another_key_gives_other_digests():
    one, other = MemoryThrottle("wsgi"), MemoryThrottle("wsgi", key=b"o" * 32)

    assert one.begin().account != other.begin().account


def test_name_and_network_do_not_run_into_each_other(throttle):
    """The parts are digested with their lengths."""
    throttle.fail(5, "ab", "c")

    assert not throttle.is_blocked("a", "bc")


def test_events_tell_the_account_by_its_digest(throttle):
    throttle.fail(5)
    assert throttle.is_blocked()

    assert [throttle.begin(network=AWAY).account] == [event.account for event in throttle.events]
    assert isinstance(throttle.events[0], Throttled)


@pytest.mark.parametrize("world", ["wsgi", "asgi"])
def test_without_the_store_each_process_grants_a_fifth(world):
    """Local limits apply: one failure of an account in a network, ten of a network, twenty of an account."""
    throttle = MemoryThrottle(world)
    throttle.memory.end()

    throttle.fail(1)
    assert throttle.is_blocked()
    for number in range(9):
        throttle.begin(f"user{number}")
    assert throttle.is_blocked("another")
    for number in range(19):
        throttle.begin(network=f"net{number}")
    assert throttle.is_blocked(network="another")


@pytest.mark.parametrize("world", ["wsgi", "asgi"])
def test_without_the_store_a_success_is_given_back_all_the_same(world):
    throttle = MemoryThrottle(world)
    throttle.memory.end()

    for _ in range(5):
        throttle.succeed(throttle.begin())

    assert not throttle.is_blocked()


def test_a_store_that_fails_in_between_refuses_no_right_password(throttle):
    """The attempt stays counted until its window has passed."""
    counted = throttle.begin()
    throttle.memory.end()

    throttle.succeed(counted)

    assert 3 == len(throttle.memory._counters)


def test_where_nothing_can_count_nobody_may_try():
    throttle = MemoryThrottle("wsgi")
    throttle.memory.end()
    throttle.local.end()

    with pytest.raises(Unavailable):
        throttle.begin()


def test_a_short_key_is_refused():
    with pytest.raises(ConfigurationError, match="32 bytes or more, got 31"):
        MemoryThrottle("wsgi", key=b"k" * 31)


@given(st.text(max_size=40), st.sampled_from(["NFC", "NFD", "NFKC", "NFKD"]))
def test_every_normal_form_and_case_of_a_name_shares_its_bound(name, form):
    """Folding is idempotent, so all spellings share a counter."""
    once = skeleton(name)

    assert once == skeleton(once.decode())
    assert once == skeleton(normalize(form, name))
    assert once == skeleton(name.casefold())


@given(st.text(st.characters(codec=None), max_size=20))
def test_any_name_can_be_counted(name):
    """Lone surrogates are accepted, too."""
    assert isinstance(skeleton(name), bytes)
