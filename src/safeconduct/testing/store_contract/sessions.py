"""Define what every store does for opening, listing and ending sessions."""

from typing import Any

import pytest

from safeconduct._core.revocation_query import RevocationQuery
from safeconduct.testing.store_contract.revocations import LEEWAY_MS
from safeconduct.testing.store_contract.session_commands import (
    ABSOLUTE_MS,
    ACCESS_MS,
    IDLE_MS,
    SessionCommands,
    opening,
    presented,
    ref_of,
    session_revocation_key,
)


class SessionContract(SessionCommands):
    """Sessions are opened, listed and ended."""

    def test_an_opened_session_is_read(self, world: Any, ref: Any, opened: Any) -> None:
        reply = self.read(world, ref)

        assert ("opened", "read") == (opened.outcome, reply.outcome)
        assert opened.session == reply.session
        command = opening()
        session = reply.session
        assert (command.subject, command.username, command.rights) == (
            session.subject,
            session.username,
            session.rights,
        )
        assert ("header", "phone", "192.0.2.1") == (session.transport, session.device, session.network)
        assert (opened.iat_ms,) * 3 == (session.created_ms, session.auth_ms, session.issued_ms)
        assert ABSOLUTE_MS == session.ends_ms - session.created_ms
        assert IDLE_MS == session.chain.expires_ms - session.chain.begun_ms
        assert session.chain.expires_ms == session.over_ms

    @pytest.mark.usefixtures("opened")
    def test_a_store_knows_which_sessions_it_has(self, world: Any, ref: Any) -> None:
        """A session is found only under its own id."""
        others = [ref_of(world.store.sessions, 1).session_id, ref.session_id + "A", ""]

        assert self.is_kept(world, ref, ref.session_id)
        assert [False] * 3 == [self.is_kept(world, ref, other) for other in others]
        self.end(world, ref)
        assert not self.is_kept(world, ref, ref.session_id), (world.store, ref)

    def test_a_command_that_came_twice_opens_once(
        self, world: Any, sessions: Any, ref: Any, opened: Any, clock: Any
    ) -> None:
        clock.advance(seconds=1)
        again = world.run(sessions.open(ref, opening()))

        assert (opened.outcome, opened.iat_ms, opened.session) == (again.outcome, again.iat_ms, again.session)

    @pytest.mark.parametrize("kind", ["subject", "client", "everything"])
    def test_a_session_begins_after_every_cut_off(self, world: Any, sessions: Any, ref: Any, kind: Any) -> None:
        """A sign-in in the same millisecond as a sign-out everywhere is valid."""
        before_ms = self.cut(world, ref, kind).before_ms

        reply = world.run(sessions.open(ref, opening()))

        assert reply.iat_ms > before_ms
        assert "read" == self.read(world, ref).outcome

    def test_a_session_that_was_not_opened_is_gone(self, world: Any, ref: Any) -> None:
        assert "gone" == self.read(world, ref).outcome
        assert "gone" == self.rotate(world, ref, 0).outcome
        assert "gone" == world.run(world.store.sessions.fail(ref, request_id="1", limit=5)).outcome

    def test_a_session_without_a_long_term_credential_ends_with_its_last_token(
        self, world: Any, sessions: Any, ref: Any, clock: Any
    ) -> None:
        """The session ends without a renewal in time (L3)."""
        world.run(sessions.open(ref, opening(remember=False)))
        clock.advance(seconds=(ACCESS_MS + LEEWAY_MS) / 1000 - 1)
        before = self.read(world, ref).outcome
        clock.advance(seconds=2)

        assert ("read", "gone") == (before, self.read(world, ref).outcome)

    def test_nothing_outlives_the_absolute_end(self, world: Any, sessions: Any, ref: Any, clock: Any) -> None:
        opened = world.run(sessions.open(ref, opening(lifetime_ms=1_000_000)))
        clock.advance(seconds=999)
        before = self.rotate(world, ref, 0).outcome
        clock.advance(seconds=2)

        assert ("rotated", "gone") == (before, self.rotate(world, ref, 1).outcome)
        assert "gone" == self.renew(world, ref, presented(opened)).outcome

    def test_ending_is_final(self, world: Any, ref: Any, opened: Any) -> None:
        rotated = self.rotate(world, ref, 0)

        assert "ended" == self.end(world, ref).outcome
        assert "gone" == self.end(world, ref).outcome
        assert "gone" == self.rotate(world, ref, 1).outcome
        assert self.is_cut(world, ref, opened.iat_ms)
        assert self.is_cut(world, ref, rotated.iat_ms)

    def test_an_unknown_session_is_cut_off_all_the_same(self, world: Any, ref: Any) -> None:
        """An evicted session may have valid tokens."""
        token = world.run(world.store.issue_time(RevocationQuery(ref.shard, (), ref.cuts, 0, 1 << 52)))
        self.end(world, ref)

        assert self.is_cut(world, ref, token.iat_ms)

    @pytest.mark.usefixtures("opened")
    def test_an_end_can_be_confirmed_again(self, world: Any, sessions: Any, ref: Any) -> None:
        """It changes nothing, and no replica is configured."""
        self.end(world, ref)

        reply = world.run(sessions.confirm(ref))

        assert ("gone", 0, 0) == (reply.outcome, reply.replicas, sessions.min_replicas)
        assert reply.epoch == self.read(world, ref).epoch

    def test_an_ended_session_is_not_listed(self, world: Any, sessions: Any, ref: Any, opened: Any) -> None:
        del opened
        other = ref_of(sessions, 1)
        world.run(sessions.open(other, opening()))
        self.end(world, ref)

        assert [other.session_id] == [name for name, _ in self.list(world, ref)]

    def test_a_session_that_was_cut_off_is_not_listed(self, world: Any, sessions: Any, ref: Any, opened: Any) -> None:
        """This holds if only the cut-off was written, as by the command line."""
        del opened
        other = ref_of(sessions, 1)
        world.run(sessions.open(other, opening()))
        self.cut(world, ref, "session")

        assert [other.session_id] == [name for name, _ in self.list(world, ref)]

    def test_the_one_used_last_is_listed_first(self, world: Any, sessions: Any, clock: Any) -> None:
        session_keys = [ref_of(sessions, number) for number in range(3)]
        for ref in session_keys:
            world.run(sessions.open(ref, opening()))
            clock.advance(seconds=1)
        world.run(sessions.touch(session_keys[0], every_ms=0))

        listed = [name for name, _ in self.list(world, session_keys[0])]

        assert [session_keys[index].session_id for index in (0, 2, 1)] == listed

    def test_nobody_else_is_listed(self, world: Any, sessions: Any, ref: Any, opened: Any) -> None:
        bob = ref_of(sessions, 7, "bob")
        world.run(sessions.open(bob, opening(subject="bob")))

        assert [(ref.session_id, opened.session)] == self.list(world, ref)

    def test_an_expired_session_is_not_listed(
        self, world: Any, sessions: Any, ref: Any, opened: Any, clock: Any
    ) -> None:
        del opened
        short = ref_of(sessions, 1)
        world.run(sessions.open(short, opening(remember=False)))
        clock.advance(seconds=(ACCESS_MS + LEEWAY_MS) / 1000 + 1)

        assert [ref.session_id] == [name for name, _ in self.list(world, ref)]

    def test_all_sessions_of_one_owner_end_and_no_others(
        self, world: Any, sessions: Any, ref: Any, opened: Any
    ) -> None:
        """Tenants and users are separate (ASVS 8.4.1)."""
        bob = ref_of(sessions, 7, "bob")
        world.run(sessions.open(bob, opening(subject="bob")))

        reply = world.run(sessions.end_all(ref, lives_ms=ABSOLUTE_MS))

        assert "ended" == reply.outcome
        assert [] == self.list(world, ref)
        assert "gone" == self.rotate(world, ref, 0).outcome
        assert self.is_cut(world, ref, opened.iat_ms)
        assert "rotated" == self.rotate(world, bob, 0).outcome

    def test_a_use_is_noted_once_in_a_while(self, world: Any, sessions: Any, ref: Any, opened: Any, clock: Any) -> None:
        clock.advance(seconds=30)
        early = world.run(sessions.touch(ref, every_ms=60_000))
        clock.advance(seconds=60)
        late = world.run(sessions.touch(ref, every_ms=60_000))

        assert ("used", "used") == (early.outcome, late.outcome)
        assert opened.session.used_ms == early.session.used_ms
        assert late.session.used_ms > early.session.used_ms

    def test_an_ended_session_is_not_used(self, world: Any, sessions: Any, ref: Any, opened: Any) -> None:
        del opened
        self.end(world, ref)

        assert "gone" == world.run(sessions.touch(ref, every_ms=0)).outcome

    def list(self, world: Any, ref: Any) -> Any:
        return list(world.run(world.store.sessions.sessions_of(ref, session_revocation_key)).sessions)
