"""
The CSRF token: what only a page of ours can read, and what is worth nothing to another session or an older sign-in.

It is base64url(HMAC-SHA256(K_csrf, "sc/csrf/1" ‖ sid ‖ u32(csrf_gen))), so that nothing of it is stored.  The number
has four octets wherever it stands: no two pairs of session and generation are the same message.
"""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from typing import Final

from safeconduct.errors import NotSupported

MAX_GENERATION: Final = 2**32 - 1
"""The last generation that a token can be of."""

_PURPOSE: Final = b"sc/csrf/1"


def csrf_token(key: bytes, session_id: str, generation: int) -> str:
    """
    Make the token of a session: 43 letters of base64url.

    Args:
        key: K_csrf, derived for this purpose alone.
        session_id: As the claim ``sid`` has it.
        generation: As the claim ``cg`` has it; it rises at sign-in, step-up and change of rights.

    Raises:
        NotSupported: If *generation* is not within 0 and *MAX_GENERATION*.
    """
    if not 0 <= generation <= MAX_GENERATION:
        raise NotSupported("the generation of the CSRF token is not one of 32 bits")
    # "surrogatepass", since whatever stands in a claim has to end in a comparison and not in an exception.
    message = _PURPOSE + session_id.encode("utf-8", "surrogatepass") + generation.to_bytes(4, "big")
    return urlsafe_b64encode(hmac.digest(key, message, hashlib.sha256)).rstrip(b"=").decode("ascii")


def is_csrf_token(value: bytes, *, key: bytes, session_id: str, generation: int) -> bool:
    """
    Say whether *value*, as ``X-CSRF-Token`` had it, is the token of this session; never raises.

    The tokens are compared as bytes: ``compare_digest`` raises on text that is not ASCII.
    """
    if not 0 <= generation <= MAX_GENERATION:
        return False
    return hmac.compare_digest(csrf_token(key, session_id, generation).encode("ascii"), value)
