"""Write and read the session that its owner carries as a sealed refresh token, where no store keeps it."""

from typing import Final

from safeconduct._core.sessions.model import Rights, Session
from safeconduct._tokens.derived_keys import DerivedKeys
from safeconduct._tokens.sealed_refresh import SealedRefresh, open_refresh, seal_refresh
from safeconduct.errors import NotYetValidToken

_LABEL: Final = "refresh-jwe"


def seal(sealed: SealedRefresh, keys: DerivedKeys) -> str:
    """
    Return the session as it travels, sealed with the current key.

    Raises:
        ConfigurationError: If a name in it is not Unicode text.
    """
    return seal_refresh(sealed, key=keys.derive(_LABEL, version=keys.current), version=keys.current)


def unseal(text: str, keys: DerivedKeys, *, issuer: str, now_ms: int, leeway_ms: int) -> SealedRefresh:
    """
    Read a session that is not over.

    Raises:
        InvalidToken: If it is not one of ours, or over.
    """
    sealed = open_refresh(
        text, issuer=issuer, key_of=lambda version: keys.derive(_LABEL, version=version), now=now_ms / 1000
    )
    if sealed.auth_ms > now_ms + leeway_ms:
        # A clock was ahead when it was made, so its level would last for too long.
        raise NotYetValidToken("the proof of the refresh token lies in the future")
    return sealed


def session_in(sealed: SealedRefresh) -> Session:
    """
    Return the record that a store would keep of the session.

    ``csrf_generation`` is the second of the proof: it rises with every proof, as the generation of a stored session
    does, and the milliseconds of ``auth_ms`` don't fit the 32 bits of ``csrf_token``.  Two proofs within one second
    share a generation; they are the same person's, in the same session.
    """
    return Session(
        subject=sealed.subject,
        username=sealed.username,
        proof_level=sealed.level,
        auth_ms=sealed.auth_ms,
        created_ms=sealed.auth_ms,
        issued_ms=sealed.auth_ms,
        used_ms=sealed.auth_ms,
        ends_ms=sealed.expires_at * 1000,
        over_ms=sealed.expires_at * 1000,
        rights=Rights(sealed.roles, sealed.scopes, sealed.display_name or None).to_text(),
        transport=sealed.transport,
        device=sealed.device,
        network=sealed.network,
        csrf_generation=sealed.auth_ms // 1000,
    )
