"""
The second step against forgery: a token that only a page of ours can read, for cookies with a session.

The CSRF token: what only a page of ours can read, and what is worth nothing to another session or an older sign-in.

It is base64url(HMAC-SHA256(K_csrf, "sc/csrf/1" ‖ sid ‖ u32(csrf_gen))), so that nothing of it is stored.  The number
has four octets wherever it stands: no two pairs of session and generation are the same message.
"""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from safeconduct._http.request import Request
from safeconduct._tokens.derived_keys import DerivedKeys
from safeconduct.errors import CrossSiteRequest, NotSupported
from safeconduct.principal import Identity, Principal

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


LABEL = "csrf"
"""What the key of these tokens is derived for."""


@dataclass(frozen=True, slots=True)
class ProtectedSession:
    """What a CSRF token is bound to, as the access token's own claims have it (``sid``, ``cg``)."""

    session_id: str
    generation: int


class CsrfTokens:
    """
    Make and check CSRF tokens; nothing of them is stored.

    Args:
        issuer: Whose tokens have sessions of ours.
        keys: Returns the derived keys as they are now; None where there are none.
        asks_always: Whether a token is asked for also where the browser told of an own page.
    """

    def __init__(self, issuer: str | None, keys: Callable[[], DerivedKeys | None], *, asks_always: bool) -> None:
        self._issuer = issuer
        self._keys = keys
        self._asks_always = asks_always

    def session_of(self, identity: Identity) -> ProtectedSession | None:
        """Return what a token of *identity* is bound to, None where no session of ours stands behind it."""
        if not isinstance(identity, Principal) or identity.issuer != self._issuer or identity.session_id is None:
            return None
        generation = identity.claims.get("cg")
        if type(generation) is not int or not 0 <= generation <= MAX_GENERATION:
            return None
        return ProtectedSession(identity.session_id, generation)

    def token(self, session_id: str, generation: int) -> str | None:
        """Make the token of a session, None where there is no key to make one with."""
        keys = self._keys()
        return None if keys is None else csrf_token(keys.derive(LABEL), session_id, generation)

    def check(self, request: Request, session: ProtectedSession, *, is_own_page: bool) -> None:
        """
        Return if *request* came from a page that can read the token.

        Args:
            request: What came, with the token in ``X-CSRF-Token``.
            session: What the token must be bound to.
            is_own_page: Whether the browser told that a page of ours sent it.

        Raises:
            CrossSiteRequest: If the token is not there, twice there, or another session's or sign-in's.
        """
        if is_own_page and not self._asks_always:
            return
        values, keys = request.values(b"x-csrf-token"), self._keys()
        if len(values) != 1 or keys is None:
            raise CrossSiteRequest("no CSRF token came")
        if not any(
            is_csrf_token(
                values[0],
                key=keys.derive(LABEL, version=version),
                session_id=session.session_id,
                generation=session.generation,
            )
            for version in keys.all_versions
        ):
            raise CrossSiteRequest("the CSRF token is not the session's")
