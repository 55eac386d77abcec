"""How long an entry of the store lives."""

from safeconduct._core.store import Revocation

#: Past its end an entry stays for another minute, for whoever's clock is late.
MARGIN_MS = 60_000
#: The last instant of the year 9999.  Whatever a token claims, no greater number reaches a server.
END_OF_TIME_MS = 253_402_300_799_999


def clamped_ms(instant_ms: int) -> int:
    """Bring an instant that somebody else wrote into what every store can count with."""
    return max(0, min(instant_ms, END_OF_TIME_MS))


def entry_expires_ms(revocation: Revocation, *, now_ms: int, horizon_ms: int, leeway_ms: int) -> int | None:
    """Reckon when an entry may be forgotten, None for never."""
    if revocation.expires_ms is not None:
        return clamped_ms(revocation.expires_ms)
    if revocation.lives_ms is not None:
        return clamped_ms(now_ms + max(horizon_ms, revocation.lives_ms) + leeway_ms + MARGIN_MS)
    return None
