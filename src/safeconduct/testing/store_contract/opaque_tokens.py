"""Define what every store does for opaque tokens and session records."""

from typing import Any

import pytest

from safeconduct._core.revocation_query import RevocationQuery
from safeconduct._core.store import OpaqueQuery, Revocation
from safeconduct.testing.store_contract.session_commands import (
    ABSOLUTE_MS,
    ACCESS_MS,
    GRACE_MS,
    SessionCommands,
)

REFERENCE = bytes(range(32))
JTI = b"t" + b"j" * 16
CLAIMS = '{"sub":"al\\u00efce"}'


class OpaqueTokenContract(SessionCommands):
    """Opaque tokens are stored, resolved and ended."""

    @pytest.fixture
    def question(self, world: Any, ref: Any, opened: Any) -> Any:
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
    def kept(self, world: Any, question: Any) -> Any:
        return world.run(world.store.opaque_tokens.keep(question, CLAIMS, grace_ms=GRACE_MS))

    def resolve(self, world: Any, ref: Any, reference: Any = REFERENCE) -> Any:
        return world.run(world.store.opaque_tokens.resolve(OpaqueQuery(ref.shard, ref.session_id, reference)))

    def answers(self, world: Any, ref: Any, question: Any) -> Any:
        """Return the results of both queries: the first one, and all later ones."""
        return (self.resolve(world, ref).is_revoked, world.run(world.store.ask(question)).is_revoked)

    def test_a_stored_token_is_resolved(self, world: Any, ref: Any, question: Any, kept: Any) -> None:
        reply = self.resolve(world, ref)

        assert kept.epoch is not None
        assert (False, CLAIMS, question.issued_ms) == (reply.is_revoked, reply.claims, reply.issued_ms)
        assert (False, False) == self.answers(world, ref, question)

    def test_an_unknown_token_is_revoked(self, world: Any, ref: Any, question: Any) -> None:
        reply = self.resolve(world, ref)

        assert (True, "") == (reply.is_revoked, reply.claims)
        assert (True, True) == self.answers(world, ref, question)

    @pytest.mark.usefixtures("kept")
    def test_another_reference_is_another_token(self, world: Any, ref: Any) -> None:
        assert self.resolve(world, ref, b"x" * 32).is_revoked

    def test_a_token_that_is_kept_twice_is_kept_once(self, world: Any, ref: Any, question: Any, kept: Any) -> None:
        again = world.run(world.store.opaque_tokens.keep(question, CLAIMS, grace_ms=GRACE_MS))

        assert kept.epoch == again.epoch
        assert CLAIMS == self.resolve(world, ref).claims

    @pytest.mark.usefixtures("kept")
    @pytest.mark.parametrize("kind", ["session", "subject", "client", "everything"])
    def test_every_cut_off_ends_it(self, world: Any, ref: Any, question: Any, kind: Any) -> None:
        self.cut(world, ref, kind)

        assert (True, True) == self.answers(world, ref, question)

    @pytest.mark.usefixtures("kept")
    def test_its_own_mark_ends_it(self, world: Any, ref: Any, question: Any) -> None:
        world.run(world.store.revoke(ref.shard, Revocation("token", JTI, (ref.shard,), question.ends_ms)))

        assert (True, True) == self.answers(world, ref, question)

    @pytest.mark.usefixtures("kept")
    def test_it_ends_with_its_session(self, world: Any, ref: Any, question: Any) -> None:
        self.end(world, ref)

        assert (True, True) == self.answers(world, ref, question)

    def test_a_token_that_has_ended_is_not_kept(self, world: Any, ref: Any, question: Any, clock: Any) -> None:
        """After a clock that ran ahead nothing is left."""
        clock.advance(seconds=ACCESS_MS / 1000 + 61)

        world.run(world.store.opaque_tokens.keep(question, CLAIMS, grace_ms=GRACE_MS))

        assert self.resolve(world, ref).is_revoked

    def test_an_entry_that_may_be_forgotten_refuses(
        self, world: Any, ref: Any, question: Any, kept: Any, clock: Any
    ) -> None:
        """Both queries refuse a token that is as old as a removed entry."""
        expires_ms = question.ends_ms + 1
        world.run(world.store.revoke(ref.shard, Revocation("token", b"t" + b"o" * 16, (ref.shard,), expires_ms)))
        clock.advance(seconds=ACCESS_MS / 1000 + 65)
        world.run(world.store.revoke(ref.shard, Revocation("token", b"t" + b"p" * 16, (ref.shard,), ABSOLUTE_MS)))

        assert kept.epoch is not None
        assert (True, True) == self.answers(world, ref, question)

    def test_b5_a_token_without_a_record_of_its_session_makes_none(self, world: Any, ref: Any, question: Any) -> None:
        """The session was ended in the meantime."""
        self.end(world, ref)

        world.run(world.store.opaque_tokens.keep(question, CLAIMS, grace_ms=GRACE_MS))

        assert not self.is_kept(world, ref, ref.session_id)
