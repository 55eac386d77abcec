"""Define how every store counts the tries of the throttle."""

from typing import Any

import pytest

from safeconduct._core.store import Counter


class ThrottleContract:
    """Tries are counted, given back and forgotten; needs the fixtures ``world`` and ``clock``."""

    def test_a_counter_refuses_beyond_its_limit(self, world: Any) -> None:
        counter = Counter(b"a", 2, 60_000)

        reply = [world.run(world.store.count_try([counter], try_id=b"%d" % number)) for number in range(3)]

        assert [0, 0] == reply[:2]
        assert 0 < reply[2] <= 60_000

    def test_a_try_counts_in_every_counter_or_in_none(self, world: Any) -> None:
        tight, wide = Counter(b"a", 1, 60_000), Counter(b"b", 2, 60_000)
        world.run(world.store.count_try([tight, wide], try_id=b"1"))

        assert world.run(world.store.count_try([tight, wide], try_id=b"2")) > 0
        assert 0 == world.run(world.store.count_try([wide], try_id=b"3"))

    def test_a_try_that_was_sent_twice_counts_once(self, world: Any) -> None:
        counter = Counter(b"a", 2, 60_000)

        reply = [world.run(world.store.count_try([counter], try_id=b"same")) for _ in range(3)]

        assert [0, 0, 0] == reply
        assert 0 == world.run(world.store.count_try([counter], try_id=b"other"))

    def test_no_seam_of_windows_lets_twice_the_limit_through(self, world: Any, clock: Any) -> None:
        counter = Counter(b"a", 2, 60_000)
        for number in range(2):
            clock.advance(seconds=25)
            world.run(world.store.count_try([counter], try_id=b"%d" % number))
        clock.advance(seconds=36)

        first = world.run(world.store.count_try([counter], try_id=b"3"))
        second = world.run(world.store.count_try([counter], try_id=b"4"))

        assert first == 0
        assert second > 0

    def test_a_success_gives_its_try_back(self, world: Any) -> None:
        counter, cleared = Counter(b"a", 1, 60_000), Counter(b"b", 2, 60_000)
        world.run(world.store.count_try([cleared], try_id=b"spelling0"))
        world.run(world.store.fail_try([cleared], try_id=b"spelling0"))
        world.run(world.store.count_try([counter, cleared], try_id=b"spelling1"))

        world.run(world.store.give_back([counter], [cleared], try_id=b"spelling1"))

        assert 0 == world.run(world.store.count_try([counter, cleared], try_id=b"spelling2"))
        assert 0 == world.run(world.store.count_try([cleared], try_id=b"spelling3"))

    @pytest.mark.parametrize("has_failed", [True, False])
    def test_c5_a_success_clears_the_tries_of_its_own_spelling_alone(self, world: Any, has_failed: Any) -> None:
        """The first eight bytes of an attempt's id identify the spelling."""
        counter = Counter(b"a", 2, 60_000)
        world.run(world.store.count_try([counter], try_id=b"bob     0"))
        if has_failed:
            world.run(world.store.fail_try([counter], try_id=b"bob     0"))
        world.run(world.store.count_try([counter], try_id=b"b\xc3\xb3b    1"))

        world.run(world.store.give_back([counter], [counter], try_id=b"b\xc3\xb3b    1"))

        assert 0 == world.run(world.store.count_try([counter], try_id=b"bob     2"))
        assert world.run(world.store.count_try([counter], try_id=b"bob     3")) > 0

    def test_c6_pending_attempts_fill_a_counter_for_seconds(self, world: Any, clock: Any) -> None:
        """Pending attempts block for seconds; failed ones block for the whole window."""
        counter = Counter(b"a", 2, 900_000)
        world.run(world.store.count_try([counter], try_id=b"1"))
        clock.advance(seconds=4)
        world.run(world.store.count_try([counter], try_id=b"2"))

        under_way = world.run(world.store.count_try([counter], try_id=b"3"))
        for number in (1, 2):
            world.run(world.store.fail_try([counter], try_id=b"%d" % number))
        failed = world.run(world.store.count_try([counter], try_id=b"4"))

        assert 5_000 <= under_way <= 6_000
        assert 895_000 <= failed <= 896_000

    def test_c6_a_try_of_which_nothing_was_heard_has_failed(self, world: Any, clock: Any) -> None:
        """The process died, or the caller disconnected."""
        counter = Counter(b"a", 1, 900_000)
        world.run(world.store.count_try([counter], try_id=b"1"))
        clock.advance(seconds=11)

        wait_ms = world.run(world.store.count_try([counter], try_id=b"2"))

        assert 888_000 <= wait_ms <= 889_000

    def test_c6_failures_alone_may_fill_a_counter_beside_a_try_under_way(self, world: Any) -> None:
        counter, wider = Counter(b"a", 1, 900_000), Counter(b"a", 2, 900_000)
        world.run(world.store.count_try([counter], try_id=b"1"))
        world.run(world.store.fail_try([counter], try_id=b"1"))
        world.run(world.store.count_try([wider], try_id=b"2"))

        assert world.run(world.store.count_try([counter], try_id=b"3")) > 800_000
        assert world.run(world.store.count_try([wider], try_id=b"4")) <= 10_000

    def test_a_try_that_is_not_there_does_not_fail(self, world: Any) -> None:
        counter = Counter(b"a", 1, 60_000)

        world.run(world.store.fail_try([counter], try_id=b"1"))

        assert 0 == world.run(world.store.count_try([counter], try_id=b"2"))

    def test_another_try_is_not_given_back(self, world: Any) -> None:
        counter = Counter(b"a", 1, 60_000)
        world.run(world.store.count_try([counter], try_id=b"1"))

        world.run(world.store.give_back([counter], [], try_id=b"2"))

        assert world.run(world.store.count_try([counter], try_id=b"3")) > 0
