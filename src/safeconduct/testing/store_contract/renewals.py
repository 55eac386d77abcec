"""Define what every store does for renewals and step-ups."""

from typing import Any

import pytest

from safeconduct.testing.store_contract.session_commands import (
    ACCESS_MS,
    GRACE_MS,
    IDLE_MS,
    PAST_THE_GRACE,
    SessionCommands,
    opening,
    presented,
    rotation,
)


class RenewalContract(SessionCommands):
    """Renewals form one chain."""

    def test_a_renewal_demotes_and_counts(self, world: Any, ref: Any, opened: Any) -> None:
        reply = self.renew(world, ref, presented(opened))

        session = reply.session
        assert "renewed" == reply.outcome
        assert session.is_demoted
        assert 1 == session.renewals
        assert ("jti-1", reply.iat_ms) == (session.renewal.token_id, session.renewal.iat_ms)
        assert reply.iat_ms // 1000 + ACCESS_MS // 1000 == session.renewal.expires_at
        assert opened.session.chain == session.chain

    def test_a_retry_within_the_grace_gets_the_same(self, world: Any, ref: Any, opened: Any, clock: Any) -> None:
        first = self.renew(world, ref, presented(opened))
        clock.advance(seconds=GRACE_MS / 1000 - 1)

        again = self.renew(world, ref, presented(opened), "jti-2")

        assert "repeated" == again.outcome
        assert first.iat_ms == again.iat_ms
        assert first.session.renewal == again.session.renewal

    def test_an_older_token_is_refused_and_the_session_lives(
        self, world: Any, ref: Any, opened: Any, clock: Any
    ) -> None:
        """The renewals of a stolen copy end with its token."""
        first = self.renew(world, ref, presented(opened))
        clock.advance(seconds=PAST_THE_GRACE)

        assert "reuse" == self.renew(world, ref, presented(opened), "jti-2").outcome
        assert "renewed" == self.renew(world, ref, presented(first, renewals=1), "jti-3").outcome

    def test_a_renewal_that_a_store_has_lost_ends_the_session(self, world: Any, ref: Any, opened: Any) -> None:
        reply = self.renew(world, ref, presented(opened, renewals=4))

        assert "gone" == reply.outcome
        assert reply.is_rolled_back
        assert "gone" == self.renew(world, ref, presented(opened)).outcome

    def test_a_token_whose_expiry_cannot_grow_is_not_renewed(self, world: Any, ref: Any, opened: Any) -> None:
        reply = self.renew(world, ref, presented(opened, expires_at=opened.session.ends_ms // 1000))

        assert "at_end" == reply.outcome
        assert not self.read(world, ref).session.is_demoted

    def test_a_renewal_ends_with_the_session(self, world: Any, ref: Any, opened: Any, clock: Any) -> None:
        clock.advance(seconds=IDLE_MS / 1000 - 1)
        self.rotate(world, ref, 0, extends_ms=IDLE_MS)
        clock.advance(seconds=IDLE_MS / 1000 - 1)
        self.rotate(world, ref, 1, extends_ms=IDLE_MS)
        clock.advance(seconds=2 * 86400 - 60)

        reply = self.renew(world, ref, presented(opened))

        assert opened.session.ends_ms // 1000 == reply.session.renewal.expires_at

    def test_a_token_that_was_cut_off_is_not_renewed(self, world: Any, ref: Any, opened: Any) -> None:
        """A renewal that races a step-up does not bring the older token back."""
        stepped = self.step(world, ref, presented(opened))

        assert "gone" == self.renew(world, ref, presented(opened)).outcome
        assert "renewed" == self.renew(world, ref, presented(stepped)).outcome

    def test_changed_rights_at_a_renewal_begin_a_new_generation(self, world: Any, ref: Any, opened: Any) -> None:
        assert 1 == self.renew(world, ref, presented(opened), rights="[]").session.csrf_generation

    def test_no_renewal_without_a_session(self, world: Any, ref: Any, opened: Any) -> None:
        self.end(world, ref)

        assert "gone" == self.renew(world, ref, presented(opened)).outcome


class StepUpContract(SessionCommands):
    """A proof within a session."""

    def test_a_proof_sets_level_and_instant_and_ends_older_tokens(
        self, world: Any, ref: Any, opened: Any, clock: Any
    ) -> None:
        clock.advance(seconds=500)
        renewed = self.renew(world, ref, presented(opened))
        reply = self.step(world, ref, presented(renewed), level="multifactor", rights="[]")

        session = reply.session
        assert "stepped" == reply.outcome
        assert ("multifactor", reply.iat_ms, False) == (session.proof_level, session.auth_ms, session.is_demoted)
        assert ("[]", 1) == (session.rights, session.csrf_generation)
        assert opened.session.ends_ms == session.ends_ms
        assert self.is_cut(world, ref, renewed.iat_ms)
        assert not self.is_cut(world, ref, reply.iat_ms)

    def test_the_refresh_token_stays_where_it_was_not_presented(self, world: Any, ref: Any, opened: Any) -> None:
        reply = self.step(world, ref, presented(opened))

        assert opened.session.chain == reply.session.chain
        assert "rotated" == self.rotate(world, ref, 0).outcome

    def test_the_refresh_token_that_came_along_is_rotated(self, world: Any, ref: Any, opened: Any) -> None:
        reply = self.step(world, ref, presented(opened), rotation=rotation(0))

        assert "stepped" == reply.outcome
        assert 1 == reply.session.chain.position

    def test_a_retry_of_the_refresh_token_is_taken_too(self, world: Any, ref: Any, opened: Any) -> None:
        self.rotate(world, ref, 0)

        reply = self.step(world, ref, presented(opened), rotation=rotation(0, salt=b"o" * 16))

        assert "stepped" == reply.outcome
        assert b"s" * 16 == reply.session.chain.salt

    def test_a_rolled_back_store_is_reported_here_too(self, world: Any, ref: Any, opened: Any) -> None:
        assert self.step(world, ref, presented(opened), rotation=rotation(2)).is_rolled_back

    @pytest.mark.parametrize(("position", "name", "outcome"), [(1, "forked", "reuse"), (0, "forked", "stale")])
    def test_a_wrong_refresh_token_is_recognised(
        self, world: Any, ref: Any, opened: Any, position: Any, name: Any, outcome: Any
    ) -> None:
        self.rotate(world, ref, 0)

        reply = self.step(world, ref, presented(opened), rotation=rotation(position, name))

        assert outcome == reply.outcome
        assert ("gone" if outcome == "reuse" else "read") == self.read(world, ref).outcome

    def test_a_refresh_token_where_there_is_no_chain_is_refused(self, world: Any, sessions: Any, ref: Any) -> None:
        opened = world.run(sessions.open(ref, opening(remember=False)))

        assert "gone" == self.step(world, ref, presented(opened), rotation=rotation(0)).outcome

    def test_a_command_that_came_twice_counts_once(self, world: Any, ref: Any, opened: Any) -> None:
        first = self.step(world, ref, presented(opened))
        again = self.step(world, ref, presented(opened))

        assert ("stepped", first.iat_ms) == (again.outcome, again.iat_ms)
        assert 1 == again.session.csrf_generation
        assert not self.is_cut(world, ref, first.iat_ms)

    def test_an_older_token_steps_nothing_up(self, world: Any, ref: Any, opened: Any) -> None:
        self.step(world, ref, presented(opened))

        assert "gone" == self.step(world, ref, presented(opened), "other").outcome

    def test_the_last_failure_ends_the_session(self, world: Any, sessions: Any, ref: Any, opened: Any) -> None:
        outcomes = [
            world.run(sessions.fail(ref, request_id=f"{number}", limit=3)).outcome for number in range(4)
        ]  # fmt: skip

        assert ["failed", "failed", "ended", "gone"] == outcomes
        assert self.is_cut(world, ref, opened.iat_ms)

    def test_a_failure_that_came_twice_counts_once(self, world: Any, sessions: Any, ref: Any, opened: Any) -> None:
        del opened
        reply = [world.run(sessions.fail(ref, request_id="same", limit=2)) for _ in range(3)]

        assert ["failed"] * 3 == [one.outcome for one in reply]
        assert 1 == reply[-1].session.failures

    def test_a_proof_forgets_failures(self, world: Any, sessions: Any, ref: Any, opened: Any) -> None:
        world.run(sessions.fail(ref, request_id="1", limit=2))

        assert 0 == self.step(world, ref, presented(opened)).session.failures
