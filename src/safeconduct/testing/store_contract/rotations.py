"""Define what every store does for the rotation of refresh tokens."""

from typing import Any

import pytest

from safeconduct.testing.store_contract.session_commands import (
    GRACE_MS,
    IDLE_MS,
    PAST_THE_GRACE,
    SessionCommands,
    digest,
    opening,
    presented,
)


class RotationContract(SessionCommands):
    """The six steps of a refresh token."""

    def test_the_live_token_is_rotated(self, world: Any, ref: Any, opened: Any, clock: Any) -> None:
        reply = self.rotate(world, ref, 0)

        assert "rotated" == reply.outcome
        assert reply.iat_ms >= int(clock() * 1000)
        chain = reply.session.chain
        assert (1, digest("1"), digest("0"), b"s" * 16) == (chain.position, chain.digest, chain.previous, chain.salt)
        assert opened.session.chain.expires_ms == chain.expires_ms
        assert reply.iat_ms == reply.session.issued_ms

    def test_a_chain_goes_on(self, world: Any, ref: Any, opened: Any) -> None:
        del opened
        outcomes = [self.rotate(world, ref, position).outcome for position in range(5)]

        assert ["rotated"] * 5 == outcomes
        assert 5 == self.read(world, ref).session.chain.position

    def test_a_lost_answer_is_given_again(self, world: Any, ref: Any, opened: Any, clock: Any) -> None:
        """A retry within the grace period gets the same successor, by the first salt."""
        del opened
        self.rotate(world, ref, 0)
        clock.advance(seconds=GRACE_MS / 1000 - 1)

        again = self.rotate(world, ref, 0, following="other", salt=b"o" * 16)

        assert "retry" == again.outcome
        assert b"s" * 16 == again.session.chain.salt
        assert digest("1") == again.session.chain.digest
        assert again.iat_ms == again.session.issued_ms

    def test_a_token_presented_after_the_grace_ends_the_session(
        self, world: Any, ref: Any, opened: Any, clock: Any
    ) -> None:
        """Reuse of a rotated token revokes every descendant (RFC 9700 §4.14.2)."""
        first = self.rotate(world, ref, 0)
        clock.advance(seconds=PAST_THE_GRACE)

        reply = self.rotate(world, ref, 0)

        assert "reuse" == reply.outcome
        assert "gone" == self.rotate(world, ref, 1).outcome
        assert self.is_cut(world, ref, opened.iat_ms)
        assert self.is_cut(world, ref, first.iat_ms)

    def test_an_older_token_within_the_grace_is_stale_and_the_session_lives(
        self, world: Any, ref: Any, opened: Any
    ) -> None:
        del opened
        self.rotate(world, ref, 0)
        self.rotate(world, ref, 1)

        reply = self.rotate(world, ref, 0)

        assert "stale" == reply.outcome
        assert "rotated" == self.rotate(world, ref, 2).outcome

    def test_the_one_before_with_another_secret_is_stale_within_the_grace(
        self, world: Any, ref: Any, opened: Any
    ) -> None:
        del opened
        self.rotate(world, ref, 0)

        assert "stale" == self.rotate(world, ref, 0, "forked").outcome

    def test_an_older_token_after_the_grace_ends_the_session(
        self, world: Any, ref: Any, opened: Any, clock: Any
    ) -> None:
        del opened
        self.rotate(world, ref, 0)
        self.rotate(world, ref, 1)
        clock.advance(seconds=PAST_THE_GRACE)

        assert "reuse" == self.rotate(world, ref, 0).outcome

    def test_another_secret_in_the_live_place_ends_the_session(self, world: Any, ref: Any, opened: Any) -> None:
        """Two branches of one chain cannot both be honest."""
        del opened
        self.rotate(world, ref, 0)

        assert "reuse" == self.rotate(world, ref, 1, "forked").outcome
        assert "gone" == self.read(world, ref).outcome

    def test_a_store_that_lost_a_write_ends_the_session(self, world: Any, ref: Any, opened: Any) -> None:
        """Only our key makes a valid tag, so the store has lost data."""
        del opened
        reply = self.rotate(world, ref, 3)

        assert "gone" == reply.outcome
        assert reply.is_rolled_back
        assert "gone" == self.read(world, ref).outcome
        assert not self.rotate(world, ref, 4).is_rolled_back

    def test_the_salt_goes_at_the_first_touch_after_the_grace(
        self, world: Any, ref: Any, opened: Any, clock: Any
    ) -> None:
        del opened
        self.rotate(world, ref, 0)
        clock.advance(seconds=PAST_THE_GRACE)

        reply = world.run(world.store.sessions.touch(ref, every_ms=0))

        assert b"" == reply.session.chain.salt

    def test_a_session_without_a_chain_has_nothing_to_rotate(self, world: Any, sessions: Any, ref: Any) -> None:
        world.run(sessions.open(ref, opening(remember=False)))

        assert "gone" == self.rotate(world, ref, 0).outcome
        assert "read" == self.read(world, ref).outcome

    def test_an_expired_chain_is_gone_while_the_session_lives(
        self, world: Any, sessions: Any, ref: Any, clock: Any
    ) -> None:
        opened = world.run(sessions.open(ref, opening()))
        clock.advance(seconds=IDLE_MS / 1000 - 1)
        renewed = self.renew(world, ref, presented(opened))
        clock.advance(seconds=2)

        assert "renewed" == renewed.outcome
        assert "gone" == self.rotate(world, ref, 0).outcome
        assert "read" == self.read(world, ref).outcome

    def test_rotation_does_not_extend(self, world: Any, ref: Any, opened: Any, clock: Any) -> None:
        clock.advance(seconds=IDLE_MS / 2000)

        assert opened.session.chain.expires_ms == self.rotate(world, ref, 0).session.chain.expires_ms

    def test_extending_before_half_of_the_lifetime_is_early_and_uses_nothing_up(
        self, world: Any, ref: Any, opened: Any, clock: Any
    ) -> None:
        del opened
        clock.advance(seconds=IDLE_MS / 2000 - 60)

        reply = self.rotate(world, ref, 0, extends_ms=IDLE_MS)

        assert "early" == reply.outcome
        assert 0 == self.read(world, ref).session.chain.position

    def test_extending_after_half_of_the_lifetime_extends(self, world: Any, ref: Any, opened: Any, clock: Any) -> None:
        clock.advance(seconds=IDLE_MS / 2000 + 60)

        reply = self.rotate(world, ref, 0, extends_ms=IDLE_MS)

        chain = reply.session.chain
        assert "rotated" == reply.outcome
        assert chain.expires_ms > opened.session.chain.expires_ms
        assert IDLE_MS == chain.expires_ms - chain.begun_ms
        assert "early" == self.rotate(world, ref, 1, extends_ms=IDLE_MS).outcome

    def test_asking_for_an_extension_again_is_a_retry(self, world: Any, ref: Any, opened: Any, clock: Any) -> None:
        del opened
        clock.advance(seconds=IDLE_MS / 2000 + 60)
        first = self.rotate(world, ref, 0, extends_ms=IDLE_MS)

        again = self.rotate(world, ref, 0, extends_ms=IDLE_MS)

        assert "retry" == again.outcome
        assert first.session.chain == again.session.chain

    def test_nothing_is_extended_past_the_absolute_end(self, world: Any, ref: Any, opened: Any, clock: Any) -> None:
        replies: list[Any] = []
        for position in range(3):
            clock.advance(seconds=IDLE_MS / 1000 * 0.7)
            replies.append(self.rotate(world, ref, position, extends_ms=IDLE_MS))
        reply = replies[-1]

        assert "rotated" == reply.outcome
        assert opened.session.ends_ms == reply.session.chain.expires_ms
        assert opened.session.ends_ms == reply.session.ends_ms

    def test_changed_rights_begin_a_new_generation(self, world: Any, ref: Any, opened: Any) -> None:
        del opened
        same = self.rotate(world, ref, 0, rights="{}")
        other = self.rotate(world, ref, 1, rights='{"roles":["a"]}')

        assert (0, 1) == (same.session.csrf_generation, other.session.csrf_generation)
        assert '{"roles":["a"]}' == other.session.rights

    @pytest.mark.parametrize("kind", ["session", "subject", "client", "everything"])
    def test_a_cut_off_ends_the_session(self, world: Any, ref: Any, opened: Any, kind: Any) -> None:
        del opened
        self.cut(world, ref, kind)

        assert "gone" == self.rotate(world, ref, 0).outcome
        assert "gone" == self.read(world, ref).outcome
