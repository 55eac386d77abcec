"""
The long-term credential where there is no store: a session that its owner carries, sealed.

It is not rotated, and nothing but its end ends it: whoever has a copy has the session until then, which is why that end
is never more than seven days away.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from safeconduct._core.session.record import Session, Transport
from safeconduct._core.session.refresh_token import DerivedKeys
from safeconduct._core.session.rights import Rights
from safeconduct._tokens.sealed_refresh import SealedRefresh, open_refresh, seal_refresh
from safeconduct.errors import NotYetValidToken
from safeconduct.principal import Level

LONGEST_LIFE_MS: Final = 7 * 86_400_000
"""What nobody can end ends by itself, after a week at the latest."""

_LABEL: Final = "refresh-jwe"


@dataclass(frozen=True, slots=True)
class CarriedSession:
    """A session that no store keeps, and its name."""

    session_id: str
    session: Session


def carried(  # noqa: PLR0913 - what a credential says, and nothing else
    session_id: str,
    *,
    subject: str,
    username: str,
    level: Level,
    auth_ms: int,
    ends_at: int,
    rights: Rights,
    transport: Transport,
    device: str,
    network: str,
) -> CarriedSession:
    """
    Make the record of a session as a store would keep it.

    ``csrf_generation`` is the second of the proof: it rises with every proof, as the generation of a kept session does,
    and ``csrf_token`` counts in 32 bits, which the milliseconds of ``auth_ms`` don't fit.  Two proofs within one second
    share a generation; they are the same person's, in the same session.

    Args:
        session_id: Its name.
        subject: Whose it is.
        username: What was submitted as his name.
        level: What was proven.
        auth_ms: When.
        ends_at: Its end, in seconds since the epoch.
        rights: What the directory allowed him then.
        transport: How its tokens travel.
        device: From ``Caller.label``.
        network: From ``network_of``.
    """
    session = Session(
        subject=subject,
        username=username,
        proof_level=level,
        auth_ms=auth_ms,
        created_ms=auth_ms,
        issued_ms=auth_ms,
        used_ms=auth_ms,
        ends_ms=ends_at * 1000,
        over_ms=ends_at * 1000,
        rights=rights.to_text(),
        transport=transport,
        device=device,
        network=network,
        csrf_generation=auth_ms // 1000,
    )
    return CarriedSession(session_id, session)


class SealedSessions:
    """
    Write and read sessions that their owners carry.

    Args:
        keys: Returns the derived keys as they are now.
        issuer: The own one.
        leeway_ms: What is granted to clocks.
    """

    def __init__(self, keys: Callable[[], DerivedKeys], issuer: str, *, leeway_ms: int) -> None:
        self._keys = keys
        self._issuer = issuer
        self._leeway_ms = leeway_ms

    def write(self, carried_session: CarriedSession) -> str:
        """
        Return the session as it travels, sealed with the key of now.

        Raises:
            ConfigurationError: If a name of it is not Unicode text.
        """
        session, keys = carried_session.session, self._keys()
        rights, version = Rights.from_text(session.rights), keys.current
        refresh = SealedRefresh(
            issuer=self._issuer,
            subject=session.subject,
            session_id=carried_session.session_id,
            auth_ms=session.auth_ms,
            level=session.proof_level,
            expires_at=session.ends_ms // 1000,
            username=session.username,
            transport=session.transport,
            device=session.device,
            network=session.network,
            roles=rights.roles,
            scopes=rights.scopes,
            display_name=rights.display_name or "",
        )
        return seal_refresh(refresh, key=keys.derive(_LABEL, version=version), version=version)

    def read(self, text: str, *, now_ms: int) -> CarriedSession:
        """
        Read a session that stands.

        Raises:
            InvalidToken: If it is none of ours, or over.
        """
        keys = self._keys()
        refresh = open_refresh(
            text,
            issuer=self._issuer,
            key_of=lambda version: keys.derive(_LABEL, version=version),
            now=now_ms / 1000,
        )
        if refresh.auth_ms > now_ms + self._leeway_ms:
            # Made while a clock was ahead: its proof would count for longer than a proof may.
            raise NotYetValidToken("the proof of the refresh token lies in the future")
        return carried(
            refresh.session_id,
            subject=refresh.subject,
            username=refresh.username,
            level=refresh.level,
            auth_ms=refresh.auth_ms,
            ends_at=refresh.expires_at,
            rights=Rights(refresh.roles, refresh.scopes, refresh.display_name or None),
            transport=refresh.transport,
            device=refresh.device,
            network=refresh.network,
        )
