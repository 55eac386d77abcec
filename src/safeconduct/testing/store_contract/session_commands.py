"""The commands of a session store: the values that they take, and a base class of contracts that runs them."""

import hashlib
from dataclasses import replace
from typing import Any

import pytest

from safeconduct._core.revocation_keys import revocation_key, shard_of
from safeconduct._core.revocation_query import RevocationQuery
from safeconduct._core.session_store import LongTerm, Opening, Presented, Renewing, Rotation, SessionRef, StepUp
from safeconduct._core.store import Revocation
from safeconduct._core.tagged_token import new_session_id, text_of

ISSUER = "https://issuer.example"
ACCESS_MS = 900_000
GRACE_MS = 10_000
IDLE_MS = 14 * 86_400_000
ABSOLUTE_MS = 30 * 86_400_000
SHORT_MS = 43_200_000


def session_revocation_key(session_id: Any) -> Any:
    return revocation_key("session", ISSUER, session_id)


def ref_of(store: Any, number: Any = 0, subject: Any = "alice") -> Any:
    """Return the reference of a session that *store* may keep."""
    shard = shard_of(ISSUER, subject, 1)
    session_id = text_of(new_session_id(shard, store.instance, lambda size: number.to_bytes(size, "big")))
    others = (revocation_key("client", ISSUER, "app"), revocation_key("everything", ISSUER))
    return SessionRef(
        shard, session_id, session_revocation_key(session_id), revocation_key("subject", ISSUER, subject), others
    )


def digest(name: Any) -> Any:
    return hashlib.sha256(name.encode()).digest()


def opening(*, remember: Any = True, **changed: Any) -> Any:
    """Return the command that opens a session, whose first refresh token is called ``0``."""
    made = Opening(
        subject="alice",
        username="alice",
        level="explicit",
        rights="{}",
        transport="header",
        device="phone",
        network="192.0.2.1",
        lifetime_ms=ABSOLUTE_MS if remember else SHORT_MS,
        access_ms=ACCESS_MS,
        max_per_subject=1000,
        long_term=LongTerm(digest=digest("0"), idle_ms=IDLE_MS) if remember else None,
    )
    return replace(made, **changed)


def rotation(position: Any, name: Any = None, *, following: Any = None, salt: Any = b"s" * 16, **changed: Any) -> Any:
    """Return a rotation by the token *name*, by default the one at *position*."""
    made = Rotation(
        position=position,
        digest=digest(str(position) if name is None else name),
        next_digest=digest(str(position + 1) if following is None else following),
        salt=salt,
        grace_ms=GRACE_MS,
        access_ms=ACCESS_MS,
    )
    return replace(made, **changed)


def presented(reply: Any, *, renewals: Any = 0, expires_at: Any = None) -> Any:
    """Return the access token that was issued after *reply*."""
    at = reply.iat_ms // 1000 + ACCESS_MS // 1000 if expires_at is None else expires_at
    return Presented(issued_ms=reply.iat_ms, expires_at=at, renewals=renewals)


def renewing(asks: Any, token_id: Any = "jti-1", **changed: Any) -> Any:
    return replace(Renewing(presented=asks, token_id=token_id, grace_ms=GRACE_MS, access_ms=ACCESS_MS), **changed)


def step_up(asks: Any, request_id: Any = "step", level: Any = "explicit", **changed: Any) -> Any:
    return replace(StepUp(presented=asks, request_id=request_id, level=level, access_ms=ACCESS_MS), **changed)


PAST_THE_GRACE = GRACE_MS / 1000 + 1


class SessionCommands:
    """Run session commands; needs the fixtures ``world`` (with an epoch) and ``clock``."""

    @pytest.fixture
    def sessions(self, world: Any) -> Any:
        return world.store.sessions

    @pytest.fixture
    def ref(self, sessions: Any) -> Any:
        return ref_of(sessions)

    @pytest.fixture
    def opened(self, world: Any, sessions: Any, ref: Any) -> Any:
        return world.run(sessions.open(ref, opening()))

    def rotate(self, world: Any, ref: Any, *given: Any, **more: Any) -> Any:
        return world.run(world.store.sessions.rotate(ref, rotation(*given, **more)))

    def renew(self, world: Any, ref: Any, asks: Any, *given: Any, **more: Any) -> Any:
        return world.run(world.store.sessions.renew(ref, renewing(asks, *given, **more)))

    def step(self, world: Any, ref: Any, asks: Any, *given: Any, **more: Any) -> Any:
        return world.run(world.store.sessions.step_up(ref, step_up(asks, *given, **more)))

    def read(self, world: Any, ref: Any) -> Any:
        return world.run(world.store.sessions.read(ref))

    def end(self, world: Any, ref: Any) -> Any:
        return world.run(world.store.sessions.end(ref, lives_ms=ABSOLUTE_MS))

    def is_cut(self, world: Any, ref: Any, issued_ms: Any) -> Any:
        query = RevocationQuery(ref.shard, (), ref.cuts, issued_ms, 1 << 52, world.store.sessions.instance)
        return world.run(world.store.ask(query)).is_revoked

    def is_kept(self, world: Any, ref: Any, session_id: Any) -> Any:
        instance = world.store.sessions.instance
        query = RevocationQuery(ref.shard, (), (), 1 << 51, 1 << 52, instance, session_id)
        return not world.run(world.store.ask(query)).is_revoked

    def cut(self, world: Any, ref: Any, kind: Any = "subject") -> Any:
        keys = {"session": ref.session, "subject": ref.owner, "client": ref.others[0]}
        keys["everything"] = ref.others[1]
        revocation = Revocation(kind, keys[kind], (ref.shard,), None, ABSOLUTE_MS)
        return world.run(world.store.revoke(ref.shard, revocation))
