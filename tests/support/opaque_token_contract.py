"""The contract of every store for opaque tokens and session records."""

from dataclasses import replace

import pytest

from safeconduct._core.revocation_query import RevocationQuery
from safeconduct._core.store import OpaqueQuery, Revocation
from session_commands import ABSOLUTE_MS, ACCESS_MS, GRACE_MS, SessionCommands, opening, ref_of

REFERENCE = bytes(range(32))
JTI = b"t" + b"j" * 16
CLAIMS = '{"sub":"al\\u00efce"}'


class OpaqueTokenContract(SessionCommands):
    """Opaque tokens are stored, resolved and ended."""

    @pytest.fixture
    def question(self, world, ref, opened):
        return RevocationQuery(
            shard=ref.shard,
            marks=(JTI,),
            cuts=ref.cuts,
            issued_ms=opened.iat_ms,
            ends_ms=opened.iat_ms + ACCESS_MS,
            instance=world.store.sessions.instance,
            required_session=ref.session_id,
            reference=REFERENCE,
        )

    @pytest.fixture
    def kept(self, world, question):
        return world.run(world.store.opaque_tokens.keep(question, CLAIMS, grace_ms=GRACE_MS))

    def resolve(self, world, ref, reference=REFERENCE):
        return world.run(world.store.opaque_tokens.resolve(OpaqueQuery(ref.shard, ref.session_id, reference)))

    def answers(self, world, ref, question):
        """Return the results of both queries: the first one, and all later ones."""
        return (self.resolve(world, ref).is_revoked, world.run(world.store.ask(question)).is_revoked)

    def test_a_stored_token_is_resolved(self, world, ref, question, kept):
        reply = self.resolve(world, ref)

        assert kept.epoch is not None
        assert (False, CLAIMS, question.issued_ms) == (reply.is_revoked, reply.claims, reply.issued_ms)
        assert (False, False) == self.answers(world, ref, question)

    def test_an_unknown_token_is_revoked(self, world, ref, question):
        reply = self.resolve(world, ref)

        assert (True, "") == (reply.is_revoked, reply.claims)
        assert (True, True) == self.answers(world, ref, question)

    @pytest.mark.usefixtures("kept")
    def test_another_reference_is_another_token(self, world, ref):
        assert self.resolve(world, ref, b"x" * 32).is_revoked

    def test_a_token_that_is_kept_twice_is_kept_once(self, world, ref, question, kept):
        again = world.run(world.store.opaque_tokens.keep(question, CLAIMS, grace_ms=GRACE_MS))

        assert kept.epoch == again.epoch
        assert CLAIMS == self.resolve(world, ref).claims

    @pytest.mark.usefixtures("kept")
    @pytest.mark.parametrize("kind", ["session", "subject", "client", "everything"])
    def test_every_cut_off_ends_it(self, world, ref, question, kind):
        self.cut(world, ref, kind)

        assert (True, True) == self.answers(world, ref, question)

    @pytest.mark.usefixtures("kept")
    def test_its_own_mark_ends_it(self, world, ref, question):
        world.run(world.store.revoke(ref.shard, Revocation("token", JTI, (ref.shard,), question.ends_ms)))

        assert (True, True) == self.answers(world, ref, question)

    @pytest.mark.usefixtures("kept")
    def test_it_ends_with_its_session(self, world, ref, question):
        self.end(world, ref)

        assert (True, True) == self.answers(world, ref, question)

    def test_a_token_that_has_ended_is_not_kept(self, world, ref, question, clock):
        """After a clock that ran ahead nothing is left."""
        clock.advance(seconds=ACCESS_MS / 1000 + 61)

        world.run(world.store.opaque_tokens.keep(question, CLAIMS, grace_ms=GRACE_MS))

        assert self.resolve(world, ref).is_revoked

    def test_an_entry_that_may_be_forgotten_refuses(self, world, ref, question, kept, clock):
        """Both queries refuse a token that is as old as a removed entry."""
        expires_ms = question.ends_ms + 1
        world.run(world.store.revoke(ref.shard, Revocation("token", b"t" + b"o" * 16, (ref.shard,), expires_ms)))
        clock.advance(seconds=ACCESS_MS / 1000 + 65)
        world.run(world.store.revoke(ref.shard, Revocation("token", b"t" + b"p" * 16, (ref.shard,), ABSOLUTE_MS)))

        assert kept.epoch is not None
        assert (True, True) == self.answers(world, ref, question)

    @pytest.fixture
    def following(self, world, question, kept):
        """Store the next token of the session."""
        assert kept.epoch is not None
        made = replace(question, issued_ms=question.issued_ms + 1000, reference=b"y" * 32)
        world.run(world.store.opaque_tokens.keep(made, CLAIMS, grace_ms=GRACE_MS))
        return made

    @pytest.fixture
    def lives(self, request, world, ref, clock, servers):
        """Return a function that returns how long a stored token still exists, in milliseconds."""

        def left_ms(reference):
            memory = getattr(world.store.opaque_tokens, "_kept", None)
            if memory is None:
                name = f"safeconduct:{{sc:{ref.shard:02}}}:tok:{reference.hex()}"
                return int(servers(request.node.callspec.params["world"]).say("PTTL", name).strip(":\r\n"))
            kept = memory[reference]
            return (kept.query.ends_ms if kept.dropped_ms is None else kept.dropped_ms) - int(clock() * 1000)

        return left_ms

    def test_b5_the_token_before_is_there_for_the_grace_alone(self, world, ref, question, following, lives):
        """Endless refreshes leave one token, and those of the grace period."""
        assert 0 < lives(REFERENCE) <= GRACE_MS < lives(following.reference)
        assert (False, False) == self.answers(world, ref, question)

    def test_b5_two_that_come_in_the_other_order_keep_the_newer(self, world, question, following, lives):
        late = replace(question, issued_ms=question.issued_ms + 500, reference=b"z" * 32)
        world.run(world.store.opaque_tokens.keep(late, CLAIMS, grace_ms=GRACE_MS))

        assert 0 < lives(late.reference) <= GRACE_MS < lives(following.reference)

    def test_b5_one_that_is_kept_twice_replaces_no_other(self, world, question, kept, lives):
        assert kept.epoch is not None
        world.run(world.store.opaque_tokens.keep(question, CLAIMS, grace_ms=GRACE_MS))

        assert GRACE_MS < lives(REFERENCE)

    def test_b5_the_token_of_another_session_stays(self, world, sessions, question, kept, lives):
        assert kept.epoch is not None
        other = ref_of(sessions, 7)
        world.run(sessions.open(other, opening()))
        its = replace(question, required_session=other.session_id, cuts=other.cuts, reference=b"o" * 32)
        world.run(world.store.opaque_tokens.keep(its, CLAIMS, grace_ms=GRACE_MS))

        assert GRACE_MS < min(lives(REFERENCE), lives(its.reference))

    def test_b5_a_third_token_takes_the_place_of_the_second(self, world, question, following, lives):
        third = replace(question, issued_ms=question.issued_ms + 2000, reference=b"z" * 32)
        world.run(world.store.opaque_tokens.keep(third, CLAIMS, grace_ms=GRACE_MS))

        assert 0 < lives(following.reference) <= GRACE_MS < lives(third.reference)

    def test_b5_a_token_without_a_record_of_its_session_makes_none(self, world, ref, question):
        """The session was ended in the meantime."""
        self.end(world, ref)

        world.run(world.store.opaque_tokens.keep(question, CLAIMS, grace_ms=GRACE_MS))

        assert not self.is_kept(world, ref, ref.session_id)
