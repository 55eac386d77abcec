"""Drive a store's sessions, in either world."""

import pytest

from safeconduct._core.store import Question, Revocation
from session_craft import (
    ABSOLUTE_MS,
    GRACE_MS,
    opening,
    reach_of,
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

    def is_kept(self, world, reach, session_id):
        instance = world.store.sessions.instance
        asked = Question(reach.shard, (), (), 1 << 51, 1 << 52, instance, session_id)
        return not world.run(world.store.ask(asked)).is_revoked

    def cut(self, world, reach, kind="subject"):
        members = {"session": reach.session, "subject": reach.owner, "client": reach.others[0]}
        members["everything"] = reach.others[1]
        revocation = Revocation(kind, members[kind], (reach.shard,), None, ABSOLUTE_MS)
        return world.run(world.store.revoke(reach.shard, revocation))
