"""Drive a store's sessions, in either world."""

import pytest

from safeconduct._core.store import Revocation, RevocationQuery
from session_craft import (
    ABSOLUTE_MS,
    GRACE_MS,
    opening,
    ref_of,
    renewing,
    rotation,
    step_up,
)

PAST_THE_GRACE = GRACE_MS / 1000 + 1


class SessionScene:
    """Needs the fixtures ``world`` (a driver with an epoch begun) and ``clock``; drives the store in it."""

    @pytest.fixture
    def sessions(self, world):
        return world.store.sessions

    @pytest.fixture
    def ref(self, sessions):
        return ref_of(sessions)

    @pytest.fixture
    def opened(self, world, sessions, ref):
        return world.run(sessions.open(ref, opening()))

    def rotate(self, world, ref, *given, **more):
        return world.run(world.store.sessions.rotate(ref, rotation(*given, **more)))

    def renew(self, world, ref, asks, *given, **more):
        return world.run(world.store.sessions.renew(ref, renewing(asks, *given, **more)))

    def step(self, world, ref, asks, *given, **more):
        return world.run(world.store.sessions.step_up(ref, step_up(asks, *given, **more)))

    def read(self, world, ref):
        return world.run(world.store.sessions.read(ref))

    def end(self, world, ref):
        return world.run(world.store.sessions.end(ref, lives_ms=ABSOLUTE_MS))

    def is_cut(self, world, ref, issued_ms):
        asked = RevocationQuery(ref.shard, (), ref.cuts, issued_ms, 1 << 52, world.store.sessions.instance)
        return world.run(world.store.ask(asked)).is_revoked

    def is_kept(self, world, ref, session_id):
        instance = world.store.sessions.instance
        asked = RevocationQuery(ref.shard, (), (), 1 << 51, 1 << 52, instance, session_id)
        return not world.run(world.store.ask(asked)).is_revoked

    def cut(self, world, ref, kind="subject"):
        members = {"session": ref.session, "subject": ref.owner, "client": ref.others[0]}
        members["everything"] = ref.others[1]
        revocation = Revocation(kind, members[kind], (ref.shard,), None, ABSOLUTE_MS)
        return world.run(world.store.revoke(ref.shard, revocation))
