"""Extend an open connection for as long as its session lasts."""

from dataclasses import dataclass, replace

from safeconduct._core.revocation import Revocations
from safeconduct._core.session_store import SessionStore
from safeconduct._core.sessions.model import Lifetimes, Rights, level_at, token_end
from safeconduct._core.sessions.session_keys import SessionKeys
from safeconduct.errors import NotRenewable
from safeconduct.principal import Principal


@dataclass(frozen=True, slots=True)
class ExtendedSession:
    """A principal as the session is now, and how long a connection may rely on it."""

    identity: Principal
    #: Milliseconds since the epoch, leeway included.
    ends_ms: int


class SessionExtension:
    """
    Look up whether the session of an open connection is over; the session itself does not change.

    Args:
        store: Keeps the sessions.
        revocations: Knows the store's epochs.
        session_keys: Names sessions.
        lives: How long sessions and tokens live.
        leeway_ms: How far clocks may differ.
    """

    def __init__(
        self,
        store: SessionStore,
        revocations: Revocations,
        *,
        session_keys: SessionKeys,
        lives: Lifetimes,
        leeway_ms: int,
    ) -> None:
        self._store = store
        self._revocations = revocations
        self._session_keys = session_keys
        self._lives = lives
        self._leeway_ms = leeway_ms

    async def prolong(self, principal: Principal) -> ExtendedSession | None:
        """
        Return what a token of the session would say if it were issued now; None if *principal* has no session of ours.

        A connection never outlives the last credential of its session.

        Raises:
            RevokedToken: If the session is over.
            Unavailable: If the store cannot be asked.
        """
        try:
            ref = self._session_keys.of_principal(principal)
        except NotRenewable:
            return None
        reply = await self._revocations.consult(ref.shard, lambda: self._store.read(ref))
        session = reply.live_session()
        rights = Rights.from_text(session.rights)
        level = level_at(session, reply.now_ms, self._lives)
        expires_at = token_end(session, reply.now_ms, self._lives, level=level)
        identity = replace(
            principal,
            level=level,
            roles=frozenset(rights.roles),
            scopes=frozenset(rights.scopes),
            display_name=rights.display_name or principal.remote_user,
            auth_time=session.auth_time,
            expires_at=expires_at,
        )
        return ExtendedSession(identity, min(expires_at * 1000 + self._leeway_ms, session.over_ms))
