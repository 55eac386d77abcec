"""Define what every store does for refresh tokens that a step-up gives, and for tokens that are dated ahead."""

from typing import Any

import pytest

from safeconduct._core.session_store import LongTerm
from safeconduct.testing.store_contract.session_commands import (
    ABSOLUTE_MS,
    IDLE_MS,
    SHORT_MS,
    SessionCommands,
    digest,
    opening,
    presented,
    rotation,
)

FIRST = LongTerm(digest=digest("first"), idle_ms=IDLE_MS)


class LongTermContract(SessionCommands):
    """A step-up may begin a chain of refresh tokens; an account's cut-off dates tokens ahead."""

    @pytest.fixture
    def short(self, world: Any, sessions: Any, ref: Any) -> Any:
        return world.run(sessions.open(ref, opening(remember=False)))

    def remember(
        self, world: Any, ref: Any, asks: Any, request_id: Any = "step", *, long_term: Any = FIRST, **more: Any
    ) -> Any:
        return self.step(world, ref, asks, request_id, long_term=long_term, lifetime_ms=ABSOLUTE_MS, **more)

    def test_l7_a_step_up_begins_a_chain(self, world: Any, ref: Any, short: Any, clock: Any) -> None:
        """The session then ends as if it had begun with a refresh token."""
        assert SHORT_MS == short.session.ends_ms - short.session.created_ms
        clock.advance(seconds=60)

        reply = self.remember(world, ref, presented(short))

        session, chain = reply.session, reply.session.chain
        assert ("stepped", 0, digest("first"), b"", b"") == (
            reply.outcome, chain.position, chain.digest, chain.previous, chain.salt,
        )  # fmt: skip
        assert (reply.iat_ms, IDLE_MS) == (chain.begun_ms, chain.expires_ms - chain.begun_ms)
        assert ABSOLUTE_MS == session.ends_ms - session.created_ms
        assert chain.expires_ms == session.over_ms
        assert session == self.read(world, ref).session
        assert "rotated" == self.rotate(world, ref, 0, "first").outcome

    def test_l7_a_command_that_came_twice_begins_one_chain(self, world: Any, ref: Any, short: Any) -> None:
        first = self.remember(world, ref, presented(short))

        again = self.remember(world, ref, presented(short))

        assert (first.outcome, first.session) == (again.outcome, again.session)

    def test_l7_of_two_step_ups_at_once_one_decides(self, world: Any, ref: Any, short: Any) -> None:
        """The other one's token is older than the first step-up, and its chain never exists."""
        one = self.remember(world, ref, presented(short), "one")

        other = self.remember(
            world, ref, presented(short), "other", long_term=LongTerm(digest=digest("other"), idle_ms=IDLE_MS)
        )

        assert ("stepped", "gone") == (one.outcome, other.outcome)
        assert digest("first") == self.read(world, ref).session.chain.digest

    def test_l7_a_chain_that_is_alive_stays(self, world: Any, ref: Any, opened: Any) -> None:
        reply = self.remember(world, ref, presented(opened))

        assert "stepped" == reply.outcome
        assert opened.session.chain == reply.session.chain
        assert opened.session.ends_ms == reply.session.ends_ms

    def test_l7_a_refresh_token_that_came_along_is_rotated_instead(self, world: Any, ref: Any, opened: Any) -> None:
        reply = self.remember(world, ref, presented(opened), rotation=rotation(0))

        assert digest("1") == reply.session.chain.digest

    def test_l7_a_chain_that_has_expired_is_followed_by_another(
        self, world: Any, ref: Any, opened: Any, clock: Any
    ) -> None:
        """No token of the old one is ever taken for one of a later state of the store."""
        self.rotate(world, ref, 0)
        clock.advance(seconds=IDLE_MS / 1000 - 5)
        late = self.rotate(world, ref, 1)
        clock.advance(seconds=6)
        following = LongTerm(digest=digest("first"), idle_ms=IDLE_MS, position=3)

        reply = self.remember(world, ref, presented(late), long_term=following)

        chain = reply.session.chain
        assert (3, digest("first"), b"", b"") == (chain.position, chain.digest, chain.previous, chain.salt)
        assert opened.session.ends_ms == reply.session.ends_ms
        replayed = self.rotate(world, ref, 2)
        assert ("reuse", False) == (replayed.outcome, replayed.is_rolled_back)

    def test_r4_a_token_is_not_issued_before_its_account_allows(
        self, world: Any, sessions: Any, ref: Any, clock: Any
    ) -> None:
        ahead = int(clock() * 1000) + 2000
        opened = world.run(sessions.open(ref, opening(earliest_ms=ahead)))
        rotated = self.rotate(world, ref, 0, earliest_ms=ahead + 1)
        renewed = self.renew(world, ref, presented(rotated), earliest_ms=ahead + 2)
        stepped = self.step(world, ref, presented(renewed, renewals=1), earliest_ms=ahead + 1000)

        assert [ahead, ahead + 1, ahead + 2, ahead + 1000] == [
            each.iat_ms for each in (opened, rotated, renewed, stepped)
        ]

    @pytest.mark.parametrize("kind", ["session", "subject", "everything"])
    def test_r4_a_token_that_is_dated_ahead_is_ended_by_a_cut_off_of_now(
        self, world: Any, sessions: Any, ref: Any, clock: Any, kind: Any
    ) -> None:
        """A revocation ends all that was issued before, whatever its date."""
        opened = world.run(sessions.open(ref, opening(earliest_ms=int(clock() * 1000) + 2000)))

        self.cut(world, ref, kind)

        assert self.is_cut(world, ref, opened.iat_ms)
        assert "gone" == self.rotate(world, ref, 0).outcome
