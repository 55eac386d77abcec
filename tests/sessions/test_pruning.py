"""Forget ended entries with every write, so that signing out alone keeps the store small."""

import pytest

from safeconduct._core.store import Revocation
from safeconduct.testing.store_contract.session_commands import ABSOLUTE_MS, SHORT_MS, opening, ref_of, rotation
from store_servers import KINDS
from worlds import WORLDS

DAY_SECONDS = 86_400
SIGN_OUTS_A_DAY = 500
AT_MOST = 1_000


@pytest.fixture(params=WORLDS)
def kept(request, enter):
    return lambda stores: enter(request.param, stores)


@pytest.fixture(params=["memory", *KINDS])
def world(request, kept, open_stores):
    world = kept(open_stores(request.param))
    world.run(world.store.begin_epoch(0, reason="new", seen=None))
    return world


@pytest.fixture
def count(world, request, servers):
    """Count the entries of both sets, without the permanent one of a server's."""
    kind = request.node.callspec.params["world"]

    def in_memory():
        return len(world.store._revocations.entries), len(world.store._revocations.cuts)

    def in_a_server():
        replies = [servers(kind).say("ZCARD", f"safeconduct:{{sc:00}}:{key}") for key in ("rev", "cut")]
        return tuple(int(one.strip(":\r\n")) - 1 for one in replies)

    return in_memory if kind == "memory" else in_a_server


def sign_out(world, number, *, remember):
    ref = ref_of(world.store.sessions, number)
    world.run(world.store.sessions.open(ref, opening(remember=remember)))
    world.run(world.store.sessions.end(ref, lives_ms=ABSOLUTE_MS))


def test_e4_signing_out_keeps_the_sets_small(world, clock, count):
    """This simulates three days of 500 sign-outs each, of sessions that last half a day."""
    for number in range(3 * SIGN_OUTS_A_DAY):
        clock.advance(seconds=DAY_SECONDS / SIGN_OUTS_A_DAY)
        sign_out(world, number, remember=False)

    assert max(count()) < AT_MOST


def test_e4_of_remembered_sessions_nothing_is_left_past_their_end(world, clock, count):
    for number in range(150):
        sign_out(world, number, remember=True)
    clock.advance(seconds=ABSOLUTE_MS / 1000 + 300)
    assert min(count()) >= 150

    for number in range(150, 152):
        sign_out(world, number, remember=True)

    assert (2, 2) == count()


def _revoke(world, _ref):
    world.run(world.store.revoke(0, Revocation("subject", b"u" + b"x" * 16, (0,), None, ABSOLUTE_MS)))


WRITERS = {
    "sign-in": lambda world, ref: world.run(world.store.sessions.open(ref, opening())),
    "refresh": lambda world, ref: world.run(world.store.sessions.rotate(ref, rotation(0))),
    "sign-out": lambda world, ref: world.run(world.store.sessions.end(ref, lives_ms=ABSOLUTE_MS)),
    "everywhere": lambda world, ref: world.run(world.store.sessions.end_all(ref, lives_ms=ABSOLUTE_MS)),
    "reuse": lambda world, ref: world.run(world.store.sessions.rotate(ref, rotation(0, "forked"))),
    "revoke": _revoke,
}


@pytest.mark.parametrize("writer", WRITERS)
def test_e4_every_command_that_writes_forgets_what_has_ended(world, clock, count, writer):
    """A write removes a hundred entries at most, so no write is slow."""
    for number in range(130):
        sign_out(world, number, remember=False)
    clock.advance(seconds=SHORT_MS / 1000 + 300)
    ref = ref_of(world.store.sessions, 999)
    if writer in {"refresh", "reuse"}:
        # Each sign-in removes a hundred by itself.
        world.run(world.store.sessions.open(ref, opening()))
        for number in range(200, 300):
            sign_out(world, number, remember=False)
        clock.advance(seconds=SHORT_MS / 1000 + 300)
    before = min(count())

    WRITERS[writer](world, ref)

    assert before - 100 <= count()[0] <= before - 98
