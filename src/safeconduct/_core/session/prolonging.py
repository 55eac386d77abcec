"""What a session makes of a connection that its cookie opened, once the cookie's token is over."""

from dataclasses import dataclass, replace

from safeconduct._core.revocation import Revocations
from safeconduct._core.session.life import Lifetimes, level_at, token_end
from safeconduct._core.session.reaches import Reaches
from safeconduct._core.session.rights import Rights
from safeconduct._core.session_ports import SessionStore
from safeconduct.errors import NotRenewable, RevokedToken
from safeconduct.principal import Principal


@dataclass(frozen=True, slots=True)
class Prolonged:
    """What the session is worth now, and until when that may be believed."""

    identity: Principal
    #: Milliseconds since the epoch, leeway included.
    ends_ms: int


class Prolonging:
    """
    Look whether a session lives; nothing about it changes.

    Args:
        store: Keeps the sessions.
        revocations: Knows the store's epochs.
        reaches: Names sessions.
        lives: How long things live.
        leeway_ms: What is granted to clocks.
    """

    def __init__(
        self, store: SessionStore, revocations: Revocations, *, reaches: Reaches, lives: Lifetimes, leeway_ms: int
    ) -> None:
        self._store = store
        self._revocations = revocations
        self._reaches = reaches
        self._lives = lives
        self._leeway_ms = leeway_ms

    async def prolong(self, principal: Principal) -> Prolonged | None:
        """
        Say what the session behind *principal* would write into a token now, None where no session of ours is there.

        A connection never outlives the last credential of its session: where nobody renews, that is its end too.

        Raises:
            RevokedToken: If it is over.
            Unavailable: If the store cannot be asked.
        """
        try:
            reach = self._reaches.of_principal(principal)
        except NotRenewable:
            return None
        reply = await self._revocations.consult(reach.shard, lambda: self._store.read(reach))
        session = reply.session
        if session is None:
            raise RevokedToken("the session is over")
        rights = Rights.from_text(session.rights)
        expires_at = token_end(session, reply.now_ms, self._lives)
        identity = replace(
            principal,
            level=level_at(session, reply.now_ms, self._lives),
            roles=frozenset(rights.roles),
            scopes=frozenset(rights.scopes),
            display_name=rights.display_name or principal.subject,
            auth_time=session.auth_ms // 1000,
            expires_at=expires_at,
        )
        return Prolonged(identity, min(expires_at * 1000 + self._leeway_ms, session.over_ms))
