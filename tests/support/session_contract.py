"""What every store must do with sessions, in either world."""

import pytest

from safeconduct._core.ports import Question, Revocation
from session_craft import (
    ABSOLUTE_MS,
    ACCESS_MS,
    GRACE_MS,
    IDLE_MS,
    digest,
    opening,
    presented,
    reach_of,
    renewing,
    rotation,
    session_member,
    step_up,
)

HORIZON_MS = 86_400_000
LEEWAY_MS = 10_000
PAST_THE_GRACE = GRACE_MS / 1000 + 1


class SessionScene:
    """Needs the fixtures ``world`` (a driver with an epoch begun) and ``clock``; drives the store in it."""

    @pytest.fixture
    def sessions(self, world):
        return world.store.sessions

    @pytest.fixture
    def reach(self, sessions):
        return reach_of(sessions)

    @pytest.fixture
    def opened(self, world, sessions, reach):
        return world.run(sessions.open(reach, opening()))

    def rotate(self, world, reach, *given, **more):
        return world.run(world.store.sessions.rotate(reach, rotation(*given, **more)))

    def renew(self, world, reach, asks, *given, **more):
        return world.run(world.store.sessions.renew(reach, renewing(asks, *given, **more)))

    def step(self, world, reach, asks, *given, **more):
        return world.run(world.store.sessions.step_up(reach, step_up(asks, *given, **more)))

    def read(self, world, reach):
        return world.run(world.store.sessions.read(reach))

    def end(self, world, reach):
        return world.run(world.store.sessions.end(reach, lives_ms=ABSOLUTE_MS))

    def is_cut(self, world, reach, issued_ms):
        asked = Question(reach.shard, (), reach.cuts, issued_ms, 1 << 52, world.store.sessions.instance)
        return world.run(world.store.ask(asked)).is_revoked

    def cut(self, world, reach, kind="subject"):
        members = {"session": reach.session, "subject": reach.owner, "client": reach.others[0]}
        members["everything"] = reach.others[1]
        revocation = Revocation(kind, members[kind], (reach.shard,), None, ABSOLUTE_MS)
        return world.run(world.store.revoke(reach.shard, revocation))


class RotationContract(SessionScene):
    """The six steps of a refresh token."""

    def test_the_live_token_is_rotated(self, world, reach, opened):
        said = self.rotate(world, reach, 0)

        assert "rotated" == said.outcome
        assert said.iat_ms >= opened.iat_ms
        chain = said.session.chain
        assert (1, digest("1"), digest("0"), b"s" * 16) == (chain.position, chain.digest, chain.previous, chain.salt)
        assert opened.session.chain.expires_ms == chain.expires_ms
        assert said.iat_ms == said.session.issued_ms

    def test_a_chain_goes_on(self, world, reach, opened):
        del opened
        outcomes = [self.rotate(world, reach, position).outcome for position in range(5)]

        assert ["rotated"] * 5 == outcomes
        assert 5 == self.read(world, reach).session.chain.position

    def test_a_lost_answer_is_given_again(self, world, reach, opened, clock):
        """Whoever asks again within the grace gets the same successor, by the salt of the first time."""
        del opened
        self.rotate(world, reach, 0)
        clock.advance(seconds=GRACE_MS / 1000 - 1)

        again = self.rotate(world, reach, 0, following="other", salt=b"o" * 16)

        assert "retry" == again.outcome
        assert b"s" * 16 == again.session.chain.salt
        assert digest("1") == again.session.chain.digest
        assert again.iat_ms == again.session.issued_ms

    def test_a_token_presented_after_the_grace_ends_the_session(self, world, reach, opened, clock):
        """Thief and owner can't both go on (RFC 9700 §4.14.2)."""
        first = self.rotate(world, reach, 0)
        clock.advance(seconds=PAST_THE_GRACE)

        said = self.rotate(world, reach, 0)

        assert "reuse" == said.outcome
        assert "gone" == self.rotate(world, reach, 1).outcome
        assert self.is_cut(world, reach, opened.iat_ms)
        assert self.is_cut(world, reach, first.iat_ms)

    def test_an_older_token_within_the_grace_is_stale_and_the_session_lives(self, world, reach, opened):
        del opened
        self.rotate(world, reach, 0)
        self.rotate(world, reach, 1)

        said = self.rotate(world, reach, 0)

        assert "stale" == said.outcome
        assert "rotated" == self.rotate(world, reach, 2).outcome

    def test_the_one_before_with_another_secret_is_stale_within_the_grace(self, world, reach, opened):
        del opened
        self.rotate(world, reach, 0)

        assert "stale" == self.rotate(world, reach, 0, "forked").outcome

    def test_an_older_token_after_the_grace_ends_the_session(self, world, reach, opened, clock):
        del opened
        self.rotate(world, reach, 0)
        self.rotate(world, reach, 1)
        clock.advance(seconds=PAST_THE_GRACE)

        assert "reuse" == self.rotate(world, reach, 0).outcome

    def test_another_secret_in_the_live_place_ends_the_session(self, world, reach, opened):
        """Two branches of one chain can't both be honest."""
        del opened
        self.rotate(world, reach, 0)

        assert "reuse" == self.rotate(world, reach, 1, "forked").outcome
        assert "gone" == self.read(world, reach).outcome

    def test_a_store_that_lost_a_write_goes_on_from_the_token(self, world, reach, opened):
        """Only a process with the key makes a token with a right tag, so the store is behind, not the caller."""
        del opened
        said = self.rotate(world, reach, 3)

        assert "rotated" == said.outcome
        assert said.is_rolled_back
        assert (4, digest("4"), digest("3")) == (
            said.session.chain.position,
            said.session.chain.digest,
            said.session.chain.previous,
        )
        assert not self.rotate(world, reach, 4).is_rolled_back

    def test_the_salt_goes_at_the_first_touch_after_the_grace(self, world, reach, opened, clock):
        del opened
        self.rotate(world, reach, 0)
        clock.advance(seconds=PAST_THE_GRACE)

        said = world.run(world.store.sessions.touch(reach, every_ms=0))

        assert b"" == said.session.chain.salt

    def test_a_session_without_a_chain_has_nothing_to_rotate(self, world, sessions, reach):
        world.run(sessions.open(reach, opening(remember=False)))

        assert "gone" == self.rotate(world, reach, 0).outcome
        assert "read" == self.read(world, reach).outcome

    def test_an_expired_chain_is_gone_while_the_session_lives(self, world, sessions, reach, clock):
        opened = world.run(sessions.open(reach, opening()))
        clock.advance(seconds=IDLE_MS / 1000 - 1)
        renewed = self.renew(world, reach, presented(opened))
        clock.advance(seconds=2)

        assert "renewed" == renewed.outcome
        assert "gone" == self.rotate(world, reach, 0).outcome
        assert "read" == self.read(world, reach).outcome

    def test_rotation_does_not_prolong(self, world, reach, opened, clock):
        clock.advance(seconds=IDLE_MS / 2000)

        assert opened.session.chain.expires_ms == self.rotate(world, reach, 0).session.chain.expires_ms

    def test_extending_before_half_of_the_life_is_early_and_burns_nothing(self, world, reach, opened, clock):
        del opened
        clock.advance(seconds=IDLE_MS / 2000 - 60)

        said = self.rotate(world, reach, 0, extends_ms=IDLE_MS)

        assert "early" == said.outcome
        assert 0 == self.read(world, reach).session.chain.position

    def test_extending_after_half_of_the_life_prolongs(self, world, reach, opened, clock):
        clock.advance(seconds=IDLE_MS / 2000 + 60)

        said = self.rotate(world, reach, 0, extends_ms=IDLE_MS)

        chain = said.session.chain
        assert "rotated" == said.outcome
        assert chain.expires_ms > opened.session.chain.expires_ms
        assert IDLE_MS == chain.expires_ms - chain.begun_ms
        assert "early" == self.rotate(world, reach, 1, extends_ms=IDLE_MS).outcome

    def test_asking_for_an_extension_again_is_a_retry(self, world, reach, opened, clock):
        del opened
        clock.advance(seconds=IDLE_MS / 2000 + 60)
        first = self.rotate(world, reach, 0, extends_ms=IDLE_MS)

        again = self.rotate(world, reach, 0, extends_ms=IDLE_MS)

        assert "retry" == again.outcome
        assert first.session.chain == again.session.chain

    def test_nothing_is_extended_past_the_absolute_end(self, world, reach, opened, clock):
        for position in range(3):
            clock.advance(seconds=IDLE_MS / 1000 * 0.7)
            said = self.rotate(world, reach, position, extends_ms=IDLE_MS)

        assert "rotated" == said.outcome
        assert opened.session.ends_ms == said.session.chain.expires_ms
        assert opened.session.ends_ms == said.session.ends_ms

    def test_changed_rights_begin_a_new_generation(self, world, reach, opened):
        del opened
        same = self.rotate(world, reach, 0, rights="{}")
        other = self.rotate(world, reach, 1, rights='{"roles":["a"]}')

        assert (0, 1) == (same.session.csrf_generation, other.session.csrf_generation)
        assert '{"roles":["a"]}' == other.session.rights

    @pytest.mark.parametrize("kind", ["session", "subject", "client", "everything"])
    def test_a_cut_off_ends_the_session(self, world, reach, opened, kind):
        del opened
        self.cut(world, reach, kind)

        assert "gone" == self.rotate(world, reach, 0).outcome
        assert "gone" == self.read(world, reach).outcome


class RenewalContract(SessionScene):
    """One chain of renewals."""

    def test_a_renewal_demotes_and_counts(self, world, reach, opened):
        said = self.renew(world, reach, presented(opened))

        session = said.session
        assert "renewed" == said.outcome
        assert session.is_demoted
        assert 1 == session.renewals
        assert ("jti-1", said.iat_ms) == (session.renewal.token_id, session.renewal.iat_ms)
        assert said.iat_ms // 1000 + ACCESS_MS // 1000 == session.renewal.expires_at
        assert opened.session.chain == session.chain

    def test_who_asks_again_within_the_grace_gets_the_same(self, world, reach, opened, clock):
        first = self.renew(world, reach, presented(opened))
        clock.advance(seconds=GRACE_MS / 1000 - 1)

        again = self.renew(world, reach, presented(opened), "jti-2")

        assert "repeated" == again.outcome
        assert first.iat_ms == again.iat_ms
        assert first.session.renewal == again.session.renewal

    def test_an_older_token_is_refused_and_the_session_lives(self, world, reach, opened, clock):
        """A stolen copy's fork dies with its token."""
        first = self.renew(world, reach, presented(opened))
        clock.advance(seconds=PAST_THE_GRACE)

        assert "reuse" == self.renew(world, reach, presented(opened), "jti-2").outcome
        assert "renewed" == self.renew(world, reach, presented(first, renewals=1), "jti-3").outcome

    def test_a_store_that_lost_a_write_goes_on_from_the_token(self, world, reach, opened):
        said = self.renew(world, reach, presented(opened, renewals=4))

        assert "renewed" == said.outcome
        assert said.is_rolled_back
        assert 5 == said.session.renewals

    def test_what_cannot_grow_is_not_renewed(self, world, reach, opened):
        said = self.renew(world, reach, presented(opened, expires_at=opened.session.ends_ms // 1000))

        assert "at_end" == said.outcome
        assert not self.read(world, reach).session.is_demoted

    def test_a_renewal_ends_with_the_session(self, world, reach, opened, clock):
        clock.advance(seconds=IDLE_MS / 1000 - 1)
        self.rotate(world, reach, 0, extends_ms=IDLE_MS)
        clock.advance(seconds=IDLE_MS / 1000 - 1)
        self.rotate(world, reach, 1, extends_ms=IDLE_MS)
        clock.advance(seconds=2 * 86400 - 60)

        said = self.renew(world, reach, presented(opened))

        assert opened.session.ends_ms // 1000 == said.session.renewal.expires_at

    def test_a_token_that_was_cut_off_is_not_renewed(self, world, reach, opened):
        """A renewal that races a step-up does not bring the older token back."""
        stepped = self.step(world, reach, presented(opened))

        assert "gone" == self.renew(world, reach, presented(opened)).outcome
        assert "renewed" == self.renew(world, reach, presented(stepped)).outcome

    def test_changed_rights_begin_a_new_generation(self, world, reach, opened):
        assert 1 == self.renew(world, reach, presented(opened), rights="[]").session.csrf_generation

    def test_no_renewal_without_a_session(self, world, reach, opened):
        self.end(world, reach)

        assert "gone" == self.renew(world, reach, presented(opened)).outcome


class StepUpContract(SessionScene):
    """A proof within a session."""

    def test_a_proof_sets_level_and_instant_and_ends_older_tokens(self, world, reach, opened, clock):
        clock.advance(seconds=500)
        renewed = self.renew(world, reach, presented(opened))
        said = self.step(world, reach, presented(renewed), level="multifactor", rights="[]")

        session = said.session
        assert "stepped" == said.outcome
        assert ("multifactor", said.iat_ms, False) == (session.proof_level, session.auth_ms, session.is_demoted)
        assert ("[]", 1) == (session.rights, session.csrf_generation)
        assert opened.session.ends_ms == session.ends_ms
        assert self.is_cut(world, reach, renewed.iat_ms)
        assert not self.is_cut(world, reach, said.iat_ms)

    def test_the_refresh_token_stays_where_it_was_not_presented(self, world, reach, opened):
        said = self.step(world, reach, presented(opened))

        assert opened.session.chain == said.session.chain
        assert "rotated" == self.rotate(world, reach, 0).outcome

    def test_the_refresh_token_that_came_along_is_rotated(self, world, reach, opened):
        said = self.step(world, reach, presented(opened), rotation=rotation(0))

        assert "stepped" == said.outcome
        assert 1 == said.session.chain.position

    def test_a_retry_of_the_refresh_token_is_taken_too(self, world, reach, opened):
        self.rotate(world, reach, 0)

        said = self.step(world, reach, presented(opened), rotation=rotation(0, salt=b"o" * 16))

        assert "stepped" == said.outcome
        assert b"s" * 16 == said.session.chain.salt

    def test_a_rolled_back_store_is_told_here_too(self, world, reach, opened):
        assert self.step(world, reach, presented(opened), rotation=rotation(2)).is_rolled_back

    @pytest.mark.parametrize(("position", "name", "outcome"), [(1, "forked", "reuse"), (0, "forked", "stale")])
    def test_a_wrong_refresh_token_is_what_it_is(self, world, reach, opened, position, name, outcome):
        self.rotate(world, reach, 0)

        said = self.step(world, reach, presented(opened), rotation=rotation(position, name))

        assert outcome == said.outcome
        assert ("gone" if outcome == "reuse" else "read") == self.read(world, reach).outcome

    def test_a_refresh_token_where_there_is_no_chain_is_refused(self, world, sessions, reach):
        opened = world.run(sessions.open(reach, opening(remember=False)))

        assert "gone" == self.step(world, reach, presented(opened), rotation=rotation(0)).outcome

    def test_a_command_that_came_twice_counts_once(self, world, reach, opened):
        first = self.step(world, reach, presented(opened))
        again = self.step(world, reach, presented(opened))

        assert ("stepped", first.iat_ms) == (again.outcome, again.iat_ms)
        assert 1 == again.session.csrf_generation
        assert not self.is_cut(world, reach, first.iat_ms)

    def test_an_older_token_steps_nothing_up(self, world, reach, opened):
        self.step(world, reach, presented(opened))

        assert "gone" == self.step(world, reach, presented(opened), "other").outcome

    def test_the_last_failure_ends_the_session(self, world, sessions, reach, opened):
        outcomes = [
            world.run(sessions.fail(reach, request_id=f"{number}", limit=3)).outcome for number in range(4)
        ]  # fmt: skip

        assert ["failed", "failed", "ended", "gone"] == outcomes
        assert self.is_cut(world, reach, opened.iat_ms)

    def test_a_failure_that_came_twice_counts_once(self, world, sessions, reach, opened):
        del opened
        said = [world.run(sessions.fail(reach, request_id="same", limit=2)) for _ in range(3)]

        assert ["failed"] * 3 == [one.outcome for one in said]
        assert 1 == said[-1].session.failures

    def test_a_proof_forgets_failures(self, world, sessions, reach, opened):
        world.run(sessions.fail(reach, request_id="1", limit=2))

        assert 0 == self.step(world, reach, presented(opened)).session.failures


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

    def test_a_command_that_came_twice_opens_once(self, world, sessions, reach, opened):
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
        now_ms = self.read(world, reach).now_ms
        self.end(world, reach)

        assert self.is_cut(world, reach, now_ms)

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

    def test_many_sessions_are_listed(self, world, sessions, reach):
        """More than are read in one command."""
        for number in range(120):
            world.run(sessions.open(reach_of(sessions, number), opening()))

        assert 120 == len(self.list(world, reach))

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
