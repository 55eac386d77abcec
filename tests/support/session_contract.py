"""What every store must do with the beginning, the list and the end of sessions."""

import pytest

from login_scene import LEEWAY_MS
from safeconduct._core.store import Question
from session_craft import (
    ABSOLUTE_MS,
    ACCESS_MS,
    IDLE_MS,
    opening,
    presented,
    reach_of,
    session_member,
)
from session_scene import SessionScene


class SessionContract(SessionScene):
    """Beginning, list and end."""

    def test_what_was_opened_is_read(self, world, reach, opened):
        said = self.read(world, reach)

        assert ("opened", "read") == (opened.outcome, said.outcome)
        assert opened.session == said.session
        asked = opening()
        session = said.session
        assert (asked.subject, asked.username, asked.rights) == (session.subject, session.username, session.rights)
        assert ("header", "phone", "192.0.2.1") == (session.transport, session.device, session.network)
        assert (opened.iat_ms,) * 3 == (session.created_ms, session.auth_ms, session.issued_ms)
        assert ABSOLUTE_MS == session.ends_ms - session.created_ms
        assert IDLE_MS == session.chain.expires_ms - session.chain.begun_ms
        assert session.chain.expires_ms == session.over_ms

    @pytest.mark.usefixtures("opened")
    def test_a_store_knows_which_sessions_it_has(self, world, reach):
        """Whoever needs a session has none under another id, and none without one."""
        others = [reach_of(world.store.sessions, 1).session_id, reach.session_id + "A", ""]

        assert self.is_kept(world, reach, reach.session_id)
        assert [False] * 3 == [self.is_kept(world, reach, other) for other in others]
        self.end(world, reach)
        assert not self.is_kept(world, reach, reach.session_id), (world.store, reach)

    def test_a_command_that_came_twice_opens_once(self, world, sessions, reach, opened, clock):
        clock.advance(seconds=1)
        again = world.run(sessions.open(reach, opening()))

        assert (opened.outcome, opened.iat_ms, opened.session) == (again.outcome, again.iat_ms, again.session)

    @pytest.mark.parametrize("kind", ["subject", "client", "everything"])
    def test_a_session_begins_after_every_cut_off(self, world, sessions, reach, kind):
        """A sign-in in the millisecond of a sign-out everywhere lives."""
        before_ms = self.cut(world, reach, kind).before_ms

        said = world.run(sessions.open(reach, opening()))

        assert said.iat_ms > before_ms
        assert "read" == self.read(world, reach).outcome

    def test_what_was_not_opened_is_gone(self, world, reach):
        assert "gone" == self.read(world, reach).outcome
        assert "gone" == self.rotate(world, reach, 0).outcome
        assert "gone" == world.run(world.store.sessions.fail(reach, request_id="1", limit=5)).outcome

    def test_a_session_without_a_long_term_credential_is_over_with_its_last_token(self, world, sessions, reach, clock):
        """No renewal in time (L3)."""
        world.run(sessions.open(reach, opening(remember=False)))
        clock.advance(seconds=(ACCESS_MS + LEEWAY_MS) / 1000 - 1)
        before = self.read(world, reach).outcome
        clock.advance(seconds=2)

        assert ("read", "gone") == (before, self.read(world, reach).outcome)

    def test_nothing_outlives_the_absolute_end(self, world, sessions, reach, clock):
        opened = world.run(sessions.open(reach, opening(lifetime_ms=1_000_000)))
        clock.advance(seconds=999)
        before = self.rotate(world, reach, 0).outcome
        clock.advance(seconds=2)

        assert ("rotated", "gone") == (before, self.rotate(world, reach, 1).outcome)
        assert "gone" == self.renew(world, reach, presented(opened)).outcome

    def test_ending_is_final(self, world, reach, opened):
        rotated = self.rotate(world, reach, 0)

        assert "ended" == self.end(world, reach).outcome
        assert "gone" == self.end(world, reach).outcome
        assert "gone" == self.rotate(world, reach, 1).outcome
        assert self.is_cut(world, reach, opened.iat_ms)
        assert self.is_cut(world, reach, rotated.iat_ms)

    def test_an_unknown_session_is_cut_off_all_the_same(self, world, reach):
        """A session that was forgotten for want of room may have tokens that live."""
        token = world.run(world.store.stamp(Question(reach.shard, (), reach.cuts, 0, 1 << 52)))
        self.end(world, reach)

        assert self.is_cut(world, reach, token.iat_ms)

    def test_a_session_that_was_ended_lists_no_more(self, world, sessions, reach, opened):
        del opened
        other = reach_of(sessions, 1)
        world.run(sessions.open(other, opening()))
        self.end(world, reach)

        assert [other.session_id] == [name for name, _ in self.list(world, reach)]

    def test_a_session_that_was_cut_off_lists_no_more(self, world, sessions, reach, opened):
        """Also where only the cut-off was written, by the command line."""
        del opened
        other = reach_of(sessions, 1)
        world.run(sessions.open(other, opening()))
        self.cut(world, reach, "session")

        assert [other.session_id] == [name for name, _ in self.list(world, reach)]

    def test_the_one_used_last_is_listed_first(self, world, sessions, clock):
        reaches = [reach_of(sessions, number) for number in range(3)]
        for reach in reaches:
            world.run(sessions.open(reach, opening()))
            clock.advance(seconds=1)
        world.run(sessions.touch(reaches[0], every_ms=0))

        listed = [name for name, _ in self.list(world, reaches[0])]

        assert [reaches[place].session_id for place in (0, 2, 1)] == listed

    def test_nobody_else_is_listed(self, world, sessions, reach, opened):
        bob = reach_of(sessions, 7, "bob")
        world.run(sessions.open(bob, opening(subject="bob")))

        assert [(reach.session_id, opened.session)] == self.list(world, reach)

    def test_what_is_over_lists_no_more(self, world, sessions, reach, opened, clock):
        del opened
        short = reach_of(sessions, 1)
        world.run(sessions.open(short, opening(remember=False)))
        clock.advance(seconds=(ACCESS_MS + LEEWAY_MS) / 1000 + 1)

        assert [reach.session_id] == [name for name, _ in self.list(world, reach)]

    def test_all_of_one_owner_end_and_of_nobody_else(self, world, sessions, reach, opened):
        """Tenants and people are apart (ASVS 8.4.1)."""
        bob = reach_of(sessions, 7, "bob")
        world.run(sessions.open(bob, opening(subject="bob")))

        said = world.run(sessions.end_all(reach, lives_ms=ABSOLUTE_MS))

        assert "ended" == said.outcome
        assert [] == self.list(world, reach)
        assert "gone" == self.rotate(world, reach, 0).outcome
        assert self.is_cut(world, reach, opened.iat_ms)
        assert "rotated" == self.rotate(world, bob, 0).outcome

    def test_a_use_is_noted_once_in_a_while(self, world, sessions, reach, opened, clock):
        clock.advance(seconds=30)
        early = world.run(sessions.touch(reach, every_ms=60_000))
        clock.advance(seconds=60)
        late = world.run(sessions.touch(reach, every_ms=60_000))

        assert ("used", "used") == (early.outcome, late.outcome)
        assert opened.session.used_ms == early.session.used_ms
        assert late.session.used_ms > early.session.used_ms

    def test_an_ended_session_is_not_used(self, world, sessions, reach, opened):
        del opened
        self.end(world, reach)

        assert "gone" == world.run(sessions.touch(reach, every_ms=0)).outcome

    def list(self, world, reach):
        return list(world.run(world.store.sessions.sessions_of(reach, session_member)).sessions)
