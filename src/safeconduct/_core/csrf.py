"""
Make and check CSRF tokens, which only our own pages can read.

A token belongs to one session and to its latest sign-in.  It is base64url(HMAC-SHA256(K_csrf, "sc/csrf/1" ‖ sid ‖
u32(csrf_gen))), so nothing of it is stored.  The number always has four octets, so no two pairs of session and
generation are the same message.

A page that is compressed and repeats what an attacker sends could be made to betray a token that never changes (BREACH,
CVE-2013-3587).  So a page gets it masked: base64url(mask ‖ mask XOR HMAC), with a fresh random mask of the same length
at each call.  Both forms count, and the length of the text tells which one it is.
"""

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from safeconduct._core.requirement import is_issued_by
from safeconduct._http.fetch_metadata import is_navigation
from safeconduct._http.request import Request
from safeconduct._tokens.derived_keys import DerivedKeys
from safeconduct.errors import CrossSiteRequest, NotSupported
from safeconduct.principal import Identity, Principal

MAX_GENERATION: Final = 2**32 - 1
"""The highest generation that a token can have."""

LABEL: Final = "csrf"
"""The label under which the key of CSRF tokens is derived."""

MASK_BYTES: Final = hashlib.sha256().digest_size
"""As long as what it masks, so that nothing of that shows."""

_PURPOSE: Final = b"sc/csrf/1"
#: 64 octets as base64url without padding.
_MASKED_LENGTH: Final = 86


def csrf_token(key: bytes, session_id: str, generation: int) -> str:
    """
    Make the CSRF token of a session, 43 characters of base64url.

    Args:
        key: K_csrf, derived for this purpose alone.
        session_id: The claim ``sid``.
        generation: The claim ``cg``, which rises at sign-in, step-up and change of rights.

    Raises:
        NotSupported: If *generation* is not between 0 and *MAX_GENERATION*.
    """
    if not 0 <= generation <= MAX_GENERATION:
        raise NotSupported("the generation of the CSRF token does not fit into 32 bits")
    # "surrogatepass", since any claim has to lead to a comparison and not to an exception.
    message = _PURPOSE + session_id.encode("utf-8", "surrogatepass") + generation.to_bytes(4, "big")
    return urlsafe_b64encode(hmac.digest(key, message, hashlib.sha256)).rstrip(b"=").decode("ascii")


def is_csrf_token(value: bytes, *, key: bytes, session_id: str, generation: int) -> bool:
    """
    Return whether *value*, from ``X-CSRF-Token``, is the token of this session, masked or not; never raises.

    The tokens are compared as bytes, since ``compare_digest`` raises on text that is not ASCII.
    """
    if not 0 <= generation <= MAX_GENERATION:
        return False
    return hmac.compare_digest(csrf_token(key, session_id, generation).encode("ascii"), unmask_csrf_token(value))


def mask_csrf_token(token: str, mask: bytes) -> str:
    """Return *token* masked with *mask*, *MASK_BYTES* random octets: 86 characters of base64url."""
    octets = urlsafe_b64decode(token + "=")
    return _to_base64url(mask + _xor(mask, octets)).decode("ascii")


def unmask_csrf_token(value: bytes) -> bytes:
    """Return the token in *value*, masked or not; anything that is neither is returned as it is.  Never raises."""
    if len(value) != _MASKED_LENGTH:
        return value
    try:
        octets = urlsafe_b64decode(value + b"==")
    except ValueError:
        return value
    # The decoder skips what is no base64url, and ignores the bits that are left over.
    if _to_base64url(octets) != value:
        return value
    return _to_base64url(_xor(octets[:MASK_BYTES], octets[MASK_BYTES:]))


def _xor(one: bytes, other: bytes) -> bytes:
    return (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).to_bytes(MASK_BYTES, "big")


def _to_base64url(octets: bytes) -> bytes:
    return urlsafe_b64encode(octets).rstrip(b"=")


@dataclass(frozen=True, slots=True)
class ProtectedSession:
    """The session that a CSRF token is bound to, by the claims ``sid`` and ``cg`` of the access token."""

    session_id: str
    generation: int


class SessionTokens:
    """
    The CSRF tokens of one session, by the keys that they were made with.

    Compared only by ``compare_digest``; made once, since each costs an HMAC.
    """

    __slots__ = ("keys", "tokens")

    def __init__(self, keys: DerivedKeys | None, tokens: tuple[bytes, ...] | None) -> None:
        self.keys = keys
        #: One for each version of the keys; None where no session is protected.
        self.tokens = tokens

    def include(self, value: bytes) -> bool:
        """Say whether *value* is one of them, masked or not."""
        if len(value) == _MASKED_LENGTH:
            value = unmask_csrf_token(value)
        # A generator would cost more than the comparison.
        for token in self.tokens or ():  # noqa: SIM110 - see above
            if hmac.compare_digest(token, value):
                return True
        return False


class CsrfTokens:
    """
    Make and check CSRF tokens.

    Args:
        issuer: Our own issuer, whose tokens have sessions here.
        keys: Returns the derived keys as they are now; None where there are none.
        asks_always: Whether a token is required even if the browser said that one of our pages sent the request.
    """

    def __init__(self, issuer: str | None, keys: Callable[[], DerivedKeys | None], *, asks_always: bool) -> None:
        self._issuer = issuer
        self._keys = keys
        self.asks_always = asks_always

    def session_of(self, identity: Identity) -> ProtectedSession | None:
        """Return the session of *identity* that a CSRF token protects, or None where it has no session here."""
        if (
            not isinstance(identity, Principal)
            or not is_issued_by(self._issuer, identity)
            or identity.session_id is None
        ):
            return None
        generation = identity.claims.get("cg")
        if type(generation) is not int or not 0 <= generation <= MAX_GENERATION:
            return None
        return ProtectedSession(identity.session_id, generation)

    def token(self, session_id: str, generation: int) -> str | None:
        """Make the CSRF token of a session; None where there are no keys."""
        keys = self._keys()
        return None if keys is None else csrf_token(keys.derive(LABEL), session_id, generation)

    def masked_token(self, identity: Identity, mask: bytes) -> str | None:
        """Make the token of the session behind the cookie of *identity*, masked; None where there is none."""
        session = self.session_of(identity)
        if session is None or not isinstance(identity, Principal) or identity.scheme != "cookie":
            return None
        token = self.token(session.session_id, session.generation)
        return None if token is None else mask_csrf_token(token, mask)

    def session_tokens(self, identity: Identity, known: SessionTokens | None) -> SessionTokens:
        """Return what ``check`` accepts from *identity*: *known* if it was made with the present keys."""
        keys = self._keys()
        if known is not None and known.keys is keys:
            return known
        session = self.session_of(identity)
        if session is None:
            return SessionTokens(keys, None)
        if keys is None:
            return SessionTokens(None, ())
        derived = [keys.derive(LABEL, version=version) for version in keys.all_versions]
        tokens = [csrf_token(key, session.session_id, session.generation) for key in derived]
        return SessionTokens(keys, tuple(token.encode("ascii") for token in tokens))

    def check(self, request: Request, session: ProtectedSession, *, is_own_page: bool) -> None:
        """
        Check the token in ``X-CSRF-Token``.

        Args:
            request: The request with the token.
            session: The session that the token must be bound to.
            is_own_page: Whether the browser said that one of our pages sent the request.

        Raises:
            CrossSiteRequest: If there is no token, or more than one, or it belongs to another session or sign-in.
        """
        if is_own_page and not self.asks_always:
            return
        values, keys = request.values(b"x-csrf-token"), self._keys()
        if is_own_page and not values and is_navigation(request):
            # For the author, in the log: without a script, no form of the site can send a header.
            raise CrossSiteRequest('a form cannot send X-CSRF-Token; csrf.token = "fallback" is for a site of forms')
        if len(values) != 1 or keys is None:
            raise CrossSiteRequest("there is no CSRF token, or more than one")
        if not any(
            is_csrf_token(
                values[0],
                key=keys.derive(LABEL, version=version),
                session_id=session.session_id,
                generation=session.generation,
            )
            for version in keys.all_versions
        ):
            raise CrossSiteRequest("the CSRF token belongs to another session or sign-in")
