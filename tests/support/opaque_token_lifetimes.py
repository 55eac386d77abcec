"""How long our own stores keep opaque tokens, by what is in them."""

from dataclasses import replace

import pytest

from safeconduct.testing.store_contract.opaque_tokens import CLAIMS, REFERENCE
from safeconduct.testing.store_contract.session_commands import GRACE_MS, opening, ref_of


class OpaqueTokenLifetimes:
    """An older token goes after the grace; beside ``SessionStoreContract``, whose fixtures are used."""

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
                return int(servers(request.node.callspec.params["stores"]).say("PTTL", name).strip(":\r\n"))
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
