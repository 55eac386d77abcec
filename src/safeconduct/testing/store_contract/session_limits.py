"""Define what every store does for a user with many sessions."""

from typing import Any

import pytest

from safeconduct._core.session_pages import PAGE_SIZE
from safeconduct.testing.store_contract.session_commands import (
    ABSOLUTE_MS,
    SessionCommands,
    opening,
    ref_of,
    session_revocation_key,
)


class SessionLimitContract(SessionCommands):
    """The number of sessions is limited, and all can be listed."""

    @pytest.fixture
    def crowd(self, world: Any, sessions: Any, clock: Any) -> Any:
        """Open sessions, "l" with a long-term credential and "s" without, one second apart."""

        def begin(kinds: Any, *, most: Any = 1000, subject: Any = "alice", first: Any = 0) -> Any:
            session_keys = [ref_of(sessions, first + number, subject) for number in range(len(kinds))]
            replies: list[Any] = []
            for ref, kind in zip(session_keys, kinds, strict=True):
                command = opening(remember=kind == "l", subject=subject, max_per_subject=most)
                replies.append(world.run(sessions.open(ref, command)))
                clock.advance(seconds=1)
            return session_keys, replies

        return begin

    def one_more(self, world: Any, number: Any = 99, *, most: Any = 3, remember: Any = False) -> Any:
        """Open one more session, and return the ids of those that it evicts."""
        ref = ref_of(world.store.sessions, number)
        return world.run(world.store.sessions.open(ref, opening(remember=remember, max_per_subject=most))).crowded_out

    def listed(self, world: Any, ref: Any) -> Any:
        """Return the ids on every page."""
        names: list[Any] = []
        after = None
        while True:
            reply = world.run(world.store.sessions.sessions_of(ref, session_revocation_key, after))
            assert len(reply.sessions) <= PAGE_SIZE
            names.extend(name for name, _ in reply.sessions)
            after = reply.cursor
            if after is None:
                return names

    def test_b5_one_more_ends_the_longest_idle(self, world: Any, crowd: Any) -> None:
        """It ends with all its tokens."""
        session_keys, replies = crowd("sss", most=3)

        assert (session_keys[0].session_id,) == self.one_more(world)

        assert [()] * 3 == [reply.crowded_out for reply in replies]
        assert "gone" == self.read(world, session_keys[0]).outcome
        assert self.is_cut(world, session_keys[0], replies[0].iat_ms)
        assert not self.is_kept(world, session_keys[0], session_keys[0].session_id)
        assert 3 == len(self.listed(world, session_keys[0]))

    def test_b5_one_without_a_long_term_credential_ends_before_one_with(self, world: Any, crowd: Any) -> None:
        session_keys, replies = crowd("lsl", most=3)

        assert (session_keys[1].session_id,) == self.one_more(world, remember=True)
        assert (session_keys[0].session_id,) == self.one_more(world, 98, remember=True)

        assert "gone" == self.rotate(world, session_keys[0], 0).outcome
        assert self.is_cut(world, session_keys[0], replies[0].iat_ms)
        assert "rotated" == self.rotate(world, session_keys[2], 0).outcome

    def test_b5_a_use_counts(self, world: Any, sessions: Any, crowd: Any) -> None:
        session_keys, _ = crowd("sss", most=3)
        world.run(sessions.touch(session_keys[0], every_ms=0))

        assert (session_keys[1].session_id,) == self.one_more(world)

    def test_b5_a_rotation_is_a_use(self, world: Any, crowd: Any) -> None:
        session_keys, _ = crowd("lll", most=3)
        self.rotate(world, session_keys[0], 0)

        assert (session_keys[1].session_id,) == self.one_more(world)

    @pytest.mark.parametrize("how", ["ended", "cut off"])
    def test_b5_an_ended_session_is_evicted_before_a_live_one(self, world: Any, crowd: Any, how: Any) -> None:
        """An ended session is evicted before any other."""
        session_keys, _ = crowd("sls", most=3)
        if how == "ended":
            self.end(world, session_keys[1])
        else:
            self.cut(world, session_keys[1], "session")

        assert () == self.one_more(world)
        assert ["read", "gone", "read"] == [self.read(world, ref).outcome for ref in session_keys]

    def test_b5_what_was_cut_off_with_its_owner_counts_no_more(self, world: Any, crowd: Any) -> None:
        session_keys, _ = crowd("lll", most=3)
        self.cut(world, session_keys[0], "subject")

        assert () == self.one_more(world)
        assert 1 == len(self.listed(world, session_keys[0]))

    def test_b5_a_command_that_came_twice_ends_nobody_else(self, world: Any, crowd: Any) -> None:
        session_keys, _ = crowd("sss", most=3)
        first = self.one_more(world)

        assert () == self.one_more(world)
        assert (session_keys[0].session_id,) == first
        assert "read" == self.read(world, session_keys[1]).outcome

    def test_b5_nobody_elses_session_ends(self, world: Any, crowd: Any) -> None:
        bobs, _ = crowd("ss", subject="bob", first=50)
        crowd("s" * 10, most=2)

        assert 2 == len(self.listed(world, bobs[0]))

    def test_b5_a_smaller_number_ends_as_many_as_are_too_many(self, world: Any, crowd: Any) -> None:
        session_keys, _ = crowd("s" * 10)

        ended = self.one_more(world, most=2)

        assert tuple(ref.session_id for ref in session_keys[:9]) == ended
        assert 2 == len(self.listed(world, session_keys[0]))

    def test_b5_a_single_session_is_a_number_too(self, world: Any, crowd: Any) -> None:
        session_keys, _ = crowd("ll", most=1)

        assert [session_keys[1].session_id] == self.listed(world, session_keys[0])

    def test_b5_every_session_is_on_one_page(self, world: Any, sessions: Any, crowd: Any) -> None:
        """Each is listed once, whatever ends in the meantime."""
        session_keys, _ = crowd("s" * 120 + "l" * 120)
        first = world.run(sessions.sessions_of(session_keys[0], session_revocation_key))
        for name, _ in first.sessions:
            world.run(sessions.end(next(ref for ref in session_keys if ref.session_id == name), lives_ms=ABSOLUTE_MS))
        second = world.run(sessions.sessions_of(session_keys[0], session_revocation_key, first.cursor))
        third = world.run(sessions.sessions_of(session_keys[0], session_revocation_key, second.cursor))

        seen = [name for page in (first, second, third) for name, _ in page.sessions]
        assert [PAGE_SIZE, PAGE_SIZE, 40] == [len(page.sessions) for page in (first, second, third)]
        assert sorted(ref.session_id for ref in session_keys) == sorted(seen)
        assert third.cursor is None

    def test_b5_sessions_that_last_equally_long_are_on_one_page_each(self, world: Any, sessions: Any) -> None:
        """This holds for sessions opened in the same millisecond."""
        session_keys = [ref_of(sessions, number) for number in range(150)]
        for ref in session_keys:
            world.run(sessions.open(ref, opening(remember=False)))

        assert sorted(ref.session_id for ref in session_keys) == sorted(self.listed(world, session_keys[0]))
