"""What may become of the session behind an access token."""

from dataclasses import dataclass

from safeconduct._core.session.life import chain_half_ms, renew_after
from safeconduct._core.session.record import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class Prospects:
    """What its holder may do later, and when.  Instants are seconds since the epoch."""

    #: Whether a store keeps it, so that it can be listed and ended.
    is_kept: bool
    #: Whether there is a long-term credential.
    is_remembered: bool
    #: From when on the access token may be renewed, None where its end can't grow.
    renew_after: int | None
    #: From when on the long-term credential may be extended, None where there is none or its end can't grow.
    extend_after: int | None
    #: Until when.
    extend_before: int | None


def prospects(session: Session, *, issued_ms: int, expires_at: int) -> Prospects:
    """Say what may become of *session*, for the holder of its access token of *issued_ms*."""
    chain = session.chain
    grows = chain is not None and chain.expires_ms < session.ends_ms
    return Prospects(
        is_kept=True,
        is_remembered=chain is not None,
        renew_after=renew_after(session, issued_ms, expires_at),
        extend_after=-(-chain_half_ms(chain) // 1000) if chain is not None and grows else None,
        extend_before=chain.expires_ms // 1000 if chain is not None and grows else None,
    )
