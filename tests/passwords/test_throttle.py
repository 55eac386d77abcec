"""How many may fail, for whom, from where."""

from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from people import run
from safeconduct._core.throttle import skeleton
from safeconduct.errors import ConfigurationError, TooManyAttempts, Unavailable
from safeconduct.events import Throttled
from throttling import AWAY, HOME, QUARTER_HOUR_SECONDS, Door


def test_the_sixth_wrong_password_in_a_quarter_of_an_hour_is_not_looked_at(door):
    """Five failures of an account from a network; the answer says when the first one is forgotten."""
    door.fail(4)
    door.clock.advance(seconds=60)
    door.fail(1)

    with pytest.raises(TooManyAttempts) as caught:
        door.begin()

    assert QUARTER_HOUR_SECONDS - 60 == caught.value.retry_after_seconds
    assert [QUARTER_HOUR_SECONDS - 60] == [event.retry_after_seconds for event in door.events]


def test_a_refused_try_is_not_counted(door):
    """Who keeps knocking does not keep himself out."""
    door.fail(5)
    for _ in range(10):
        door.is_shut()
    door.clock.advance(seconds=QUARTER_HOUR_SECONDS)

    assert not door.is_shut()


def test_a_wait_is_rounded_up_to_whole_seconds(door):
    door.fail(5)
    door.clock.advance(seconds=QUARTER_HOUR_SECONDS - 0.5)

    with pytest.raises(TooManyAttempts) as caught:
        door.begin()

    assert 1 == caught.value.retry_after_seconds


def test_an_account_is_shut_for_its_network_alone(door):
    """Neither another account nor another network pays for it."""
    door.fail(5)

    assert door.is_shut()
    assert not door.is_shut("bob")
    assert not door.is_shut(network=AWAY)


def test_a_network_may_fail_fifty_times_whoever_it_names(door):
    """Spraying one password over many accounts (ASVS 6.3.1)."""
    for number in range(50):
        door.begin(f"user{number}")

    assert door.is_shut("another")
    assert not door.is_shut("another", AWAY)


def test_an_account_may_fail_a_hundred_times_an_hour_from_everywhere(door):
    for number in range(100):
        door.begin(network=f"net{number}")
    door.clock.advance(seconds=QUARTER_HOUR_SECONDS + 1)

    assert door.is_shut(network="another")

    door.clock.advance(seconds=3600 - QUARTER_HOUR_SECONDS)

    assert not door.is_shut(network="another")


def test_a_known_device_skips_what_strangers_filled_and_has_a_bound_of_its_own(door):
    """An attacker on a hundred networks cannot keep the owner out, nor can a stolen device guess on."""
    for number in range(100):
        door.begin(network=f"net{number}")
    assert door.is_shut(network="home")

    for number in range(5):
        door.begin(network=f"device{number}", has_device=True)

    assert door.is_shut(network="another", has_device=True)


def test_a_known_device_does_not_skip_what_its_network_did(door):
    door.fail(5)

    assert door.is_shut(has_device=True)


def test_a_success_gives_its_try_back_and_clears_the_account_in_its_network(door):
    """Four failures and a success, over and over: neither the owner nor his network is shut."""
    for _ in range(20):
        door.fail(2)
        door.succeed(door.begin())

    # 40 of 50 in the network's bound: failures there stay, successes do not.
    door.fail(5, "bob")
    door.fail(4, "carol")
    assert not door.is_shut("dave")
    door.fail(1, "carol")
    assert door.is_shut("dave")


def test_a_success_does_not_forget_the_failures_over_all_networks(door):
    """The attacker's own sign-in, or the victim's, must not reset the count of the account."""
    for number in range(99):
        door.begin(network=f"net{number}")
    door.succeed(door.begin())

    assert not door.is_shut(network="another")
    door.begin(network="another")
    assert door.is_shut(network="yet another")


def test_a_withdrawn_try_counts_nowhere_and_clears_nothing(door):
    door.fail(4)
    for _ in range(60):
        door.withdraw(door.begin())
    door.fail(1)

    assert door.is_shut()


def test_parallel_tries_are_counted_before_any_of_them_ends(door):
    """Five under way at once are five; none may wait for what becomes of the others."""
    counted = [door.begin() for _ in range(5)]
    assert door.is_shut()

    door.succeed(counted[0])

    assert not door.is_shut()


def test_c6_a_try_under_way_shuts_for_seconds_and_a_failure_for_minutes(door):
    """Other processes have five of an account under way: the pause told is that of the first of them."""
    counted = [door.begin() for _ in range(5)]
    door.clock.advance(seconds=3)

    with pytest.raises(TooManyAttempts) as under_way:
        door.begin()
    for one in counted:
        run(door.world, door.throttle.fail(one))
    with pytest.raises(TooManyAttempts) as failed:
        door.begin()

    assert (7, QUARTER_HOUR_SECONDS - 3) == (under_way.value.retry_after_seconds, failed.value.retry_after_seconds)


def test_c6_a_try_that_never_ends_has_failed(door):
    """Its process died, or its caller hung up."""
    for _ in range(5):
        door.begin()
    door.clock.advance(seconds=10)

    with pytest.raises(TooManyAttempts) as caught:
        door.begin()

    assert QUARTER_HOUR_SECONDS - 10 == caught.value.retry_after_seconds


def test_c6_a_failure_that_can_not_be_noted_is_one_a_little_later(door):
    """The store goes out in between."""
    counted = door.begin()
    door.memory.end()

    run(door.world, door.throttle.fail(counted))

    assert 3 == len(door.memory._counters)


@pytest.mark.parametrize("other", ["b\u00f3b", "BOB", "bob\u200b", " bob"], ids=ascii)
def test_c5_a_success_clears_the_failures_of_its_own_spelling_alone(door, other):
    """Whoever owns the account ``bób`` could guess at ``bob`` for ever by signing in between."""
    for _ in range(2):
        door.fail(2, "bob")
        door.succeed(door.begin(other))
    door.fail(1, "bob")

    assert door.is_shut("bob")
    assert door.is_shut(other)


def test_c5_a_success_clears_its_own_failures_beside_those_of_another_spelling(door):
    door.fail(2, "bob")
    door.fail(2, "b\u00f3b")
    door.succeed(door.begin("b\u00f3b"))

    door.fail(2, "b\u00f3b")
    assert not door.is_shut("b\u00f3b")
    door.fail(1, "bob")
    assert door.is_shut("bob")


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
def test_spellings_of_one_name_share_their_bound(door, spelling):
    """A directory that compares loosely must not give an attacker fresh bounds."""
    door.fail(5)

    assert door.is_shut(spelling)


def test_unknown_names_are_shut_as_known_ones_are(door):
    """The throttle never asks who exists: same answer, same time (ASVS 6.3.8)."""
    door.fail(5, "nobody")

    with pytest.raises(TooManyAttempts) as unknown:
        door.begin("nobody")
    door.fail(5, "alice")
    with pytest.raises(TooManyAttempts) as known:
        door.begin("alice")

    assert known.value.retry_after_seconds == unknown.value.retry_after_seconds


def test_no_name_and_no_address_reaches_the_store(door):
    """Keys are digests under a secret key, and events carry one too."""
    counted = door.begin("alice")

    assert len({counter.key for counter in counted.counters}) == 3
    assert all(len(counter.key) == 32 for counter in counted.counters)
    shown = repr(counted) + repr(door.memory._counters)
    assert "alice" not in shown
    assert HOME not in shown


def test_another_key_gives_other_digests():
    one, other = Door("wsgi"), Door("wsgi", key=b"o" * 32)

    assert one.begin().account != other.begin().account


def test_name_and_network_do_not_run_into_each_other(door):
    """Parts are digested with their lengths."""
    door.fail(5, "ab", "c")

    assert not door.is_shut("a", "bc")


def test_events_tell_the_account_by_its_digest(door):
    door.fail(5)
    assert door.is_shut()

    assert [door.begin(network=AWAY).account] == [event.account for event in door.events]
    assert isinstance(door.events[0], Throttled)


@pytest.mark.parametrize("world", ["wsgi", "asgi"])
def test_without_the_store_each_process_grants_a_fifth(world):
    """Never unlimited: one failure of an account in a network, ten of a network, twenty of an account."""
    door = Door(world)
    door.memory.end()

    door.fail(1)
    assert door.is_shut()
    for number in range(9):
        door.begin(f"user{number}")
    assert door.is_shut("another")
    for number in range(19):
        door.begin(network=f"net{number}")
    assert door.is_shut(network="another")


@pytest.mark.parametrize("world", ["wsgi", "asgi"])
def test_without_the_store_a_success_is_given_back_all_the_same(world):
    door = Door(world)
    door.memory.end()

    for _ in range(5):
        door.succeed(door.begin())

    assert not door.is_shut()


def test_a_store_that_goes_out_in_between_refuses_nobody_who_was_right(door):
    """The try stays counted until its window has passed."""
    counted = door.begin()
    door.memory.end()

    door.succeed(counted)

    assert 3 == len(door.memory._counters)


def test_where_nothing_can_count_nobody_may_try():
    door = Door("wsgi")
    door.memory.end()
    door.local.end()

    with pytest.raises(Unavailable):
        door.begin()


def test_a_short_key_is_refused():
    with pytest.raises(ConfigurationError, match="32 bytes or more, got 31"):
        Door("wsgi", key=b"k" * 31)


@given(st.text(max_size=40), st.sampled_from(["NFC", "NFD", "NFKC", "NFKD"]))
def test_every_normal_form_and_case_of_a_name_shares_its_bound(name, form):
    """Folding is idempotent, so that no spelling has a bucket that another spelling of it has not."""
    once = skeleton(name)

    assert once == skeleton(once.decode())
    assert once == skeleton(normalize(form, name))
    assert once == skeleton(name.casefold())


@given(st.text(st.characters(codec=None), max_size=20))
def test_any_name_can_be_counted(name):
    """Lone surrogates too."""
    assert isinstance(skeleton(name), bytes)
