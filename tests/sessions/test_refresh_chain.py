"""Rotate a chain of refresh tokens at the exact instants where something begins or ends."""

import pytest

from safeconduct._core.sessions.model import Chain
from safeconduct.stores.memory.state_machine import rotate_chain
from safeconduct.testing.store_contract.session_commands import GRACE_MS, IDLE_MS, digest, rotation

T = 1_800_000_000_000
END = T + 30 * 86_400_000
#: A chain whose first token was rotated at T.
CHAIN = Chain(
    position=1, digest=digest("1"), previous=digest("0"), salt=b"s" * 16, grace_ms=T + GRACE_MS, begun_ms=T,
    expires_ms=T + IDLE_MS,
)  # fmt: skip


def outcome(presented, now_ms, chain=CHAIN):
    return rotate_chain(chain, presented, now_ms=now_ms, ends_ms=END).outcome


@pytest.mark.parametrize(
    ("presented", "within"), [(rotation(0), "retry"), (rotation(0, "forked"), "stale")], ids=["before", "forked"]
)
def test_h_the_grace_ends_at_its_exact_time(presented, within):
    assert within == outcome(presented, T + GRACE_MS - 1)
    assert "reuse" == outcome(presented, T + GRACE_MS)


def test_h_a_credential_expires_at_its_exact_time():
    assert "rotated" == outcome(rotation(1), T + IDLE_MS - 1)
    assert "gone" == outcome(rotation(1), T + IDLE_MS)


@pytest.mark.parametrize("life_ms", [IDLE_MS, IDLE_MS + 1], ids=["even", "odd"])
def test_h_half_of_a_lifetime_ends_at_its_exact_time(life_ms):
    chain = Chain(position=0, digest=digest("0"), begun_ms=T, expires_ms=T + life_ms)
    extending = rotation(0, extends_ms=IDLE_MS)

    assert "early" == outcome(extending, T + life_ms // 2 - 1, chain)
    assert "rotated" == outcome(extending, T + life_ms // 2, chain)


def test_h_a_second_branch_in_the_live_place_has_no_grace():
    assert "reuse" == outcome(rotation(1, "forked"), T)


def test_h_a_grace_begins_with_the_rotation():
    turned = rotate_chain(CHAIN, rotation(1), now_ms=T + 500, ends_ms=END)

    assert T + 500 + GRACE_MS == turned.chain.grace_ms
