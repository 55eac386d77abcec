"""
Every error that leaves the package, each with its status and its public words.

::

    AuthError
    ├── MissingCredential    401
    ├── InvalidRequest       400
    ├── InvalidToken         401   MalformedToken · BadSignature · UnknownKey · WrongTokenType · ExpiredToken ·
    │                              NotYetValidToken · WrongIssuer · WrongAudience · RevokedToken ·
    │                              ReusedRefreshToken · InvalidGrant · BindingMismatch · BadCredentials
    ├── InsufficientRights   403
    ├── StepUpRequired       401
    ├── CrossSiteRequest     403
    ├── TooEarly 409 · NotRenewable 403 · NotFound 404 · MethodNotAllowed 405 · PayloadTooLarge 413 ·
    │   UnsupportedMediaType 415 · NotSupported 501
    ├── TooManyAttempts      429
    └── Unavailable          503
    ConfigurationError

*code*, *title* and *detail* are constants and go to the caller; *reason* and the other attributes are evidence for the
log and for events, and never leave the server (ASVS 16.5.1).
"""

from collections.abc import Sequence
from typing import ClassVar

from safeconduct.principal import Level


class AuthError(Exception):
    """A request that is refused, with the answer that it gets."""

    #: The HTTP status of the answer.
    status: ClassVar[int]
    #: The stable word of the answer's body.
    code: ClassVar[str]
    #: A short constant title (RFC 9457 §3.1.4).
    title: ClassVar[str]
    #: A constant sentence for the caller, ASCII, without quotes (RFC 6750 §3).
    detail: ClassVar[str]
    #: The error code of an OAuth RFC, where one gives a code.
    error: ClassVar[str | None] = None

    def __init__(self, reason: str = "") -> None:
        """Keep *reason*, a constant text for the log."""
        super().__init__(reason or self.detail)
        self.reason = reason


class MissingCredential(AuthError):
    """
    No credential came, and one is needed.

    "If the request lacks any authentication information … the resource server SHOULD NOT include an error code or
    other error information" — RFC 6750 §3.1
    """

    status = 401
    code = "missing_credential"
    title = "Authentication required"
    detail = "This request needs a credential."


class InvalidRequest(AuthError):
    """The request cannot be read in one way only: two credentials of a kind, an ambiguous path (RFC 6750 §3.1)."""

    status = 400
    code = "invalid_request"
    title = "Invalid request"
    detail = "The request is malformed or ambiguous."
    error = "invalid_request"


class InvalidToken(AuthError):
    """The credential is malformed, expired, revoked or wrong for another reason (RFC 6750 §3.1)."""

    status = 401
    code = "invalid_token"
    title = "Invalid credential"
    detail = "The credential is malformed, expired, revoked or otherwise invalid."
    error = "invalid_token"


class MalformedToken(InvalidToken):
    """The token is not what its grammar says."""


class BadSignature(InvalidToken):
    """The signature, the tag or the ciphertext does not fit the key."""

    def __init__(self, kid: str | None = None, reason: str = "") -> None:
        """Keep the *kid* of the key that did not fit."""
        super().__init__(reason)
        self.kid = kid


class UnknownKey(InvalidToken):
    """No single key of the issuer fits the token's header."""

    def __init__(self, kid: str | None = None, reason: str = "") -> None:
        """Keep the *kid* that was asked for."""
        super().__init__(reason)
        self.kid = kid


class WrongTokenType(InvalidToken):
    """The token was made for another purpose (RFC 8725 §3.11)."""


class ExpiredToken(InvalidToken):
    """The token's time is over."""

    def __init__(self, expired_at: int | None = None, reason: str = "") -> None:
        """Keep *expired_at*, seconds since the epoch."""
        super().__init__(reason)
        self.expired_at = expired_at


class NotYetValidToken(InvalidToken):
    """The token's time has not come."""


class WrongIssuer(InvalidToken):
    """The token's issuer is not one that is trusted."""


class WrongAudience(InvalidToken):
    """The token is meant for somebody else."""


class RevokedToken(InvalidToken):
    """The token was ended before its time."""


class ReusedRefreshToken(InvalidToken):
    """A refresh token came that had been rotated away (RFC 9700 §4.14.2)."""

    def __init__(self, session_id: str | None = None, reason: str = "") -> None:
        """Keep the *session_id* that this ended."""
        super().__init__(reason)
        self.session_id = session_id


class InvalidGrant(InvalidToken):
    """The refresh token is unknown, over, or was used before; what exactly, the caller does not learn."""

    code = "invalid_grant"
    title = "Sign in again"
    detail = "The refresh token is invalid or its session is over."


class BindingMismatch(InvalidToken):
    """The credential is bound to something that this request did not prove."""


class BadCredentials(InvalidToken):
    """The user name or the password is wrong."""


class InsufficientRights(AuthError):
    """The caller is known and may not do this (RFC 6750 §3.1)."""

    status = 403
    code = "insufficient_rights"
    title = "Insufficient rights"
    detail = "The credential does not permit this request."
    error = "insufficient_scope"

    def __init__(self, scopes: Sequence[str] = (), reason: str = "") -> None:
        """Keep the *scopes* that the request needs, all of them; roles are not named."""
        super().__init__(reason)
        self.scopes = tuple(scopes)


class StepUpRequired(AuthError):
    """The user must prove again, or better, who he is (RFC 9470 §3)."""

    status = 401
    code = "insufficient_user_authentication"
    title = "Stronger authentication required"
    detail = "This request needs a more recent or a stronger sign-in."
    error = "insufficient_user_authentication"

    def __init__(self, level: Level | None = None, max_age_seconds: int | None = None, reason: str = "") -> None:
        """Keep the weakest *level* that satisfies and the largest age of the proof, in seconds."""
        super().__init__(reason)
        self.level: Level | None = level
        self.max_age_seconds = max_age_seconds


class CrossSiteRequest(AuthError):
    """A credential that the browser sent by itself came from a foreign page."""

    status = 403
    code = "cross_site_request"
    title = "Cross-site request refused"
    detail = "The request did not come from a page of this site."


class TooEarly(AuthError):
    """A renewal was asked for before half of the life was over."""

    status = 409
    code = "too_early"
    title = "Too early"
    detail = "The credential can be renewed from half of its life on."


class NotRenewable(AuthError):
    """No session stands behind the credential."""

    status = 403
    code = "not_renewable"
    title = "Not renewable"
    detail = "This credential cannot be renewed."


class NotFound(AuthError):
    """The thing that was named does not exist for this caller."""

    status = 404
    code = "not_found"
    title = "Not found"
    detail = "There is no such resource."


class MethodNotAllowed(AuthError):
    """An own endpoint was called with a method that it does not have (RFC 9110 §15.5.6)."""

    status = 405
    code = "method_not_allowed"
    title = "Method not allowed"
    detail = "This resource does not support the method."

    def __init__(self, allowed: Sequence[str] = (), reason: str = "") -> None:
        """Keep the *allowed* methods for the Allow field."""
        super().__init__(reason)
        self.allowed = tuple(allowed)


class PayloadTooLarge(AuthError):
    """The body is larger than an own endpoint reads."""

    status = 413
    code = "payload_too_large"
    title = "Payload too large"
    detail = "The body is too large."


class UnsupportedMediaType(AuthError):
    """The body is of a type that an own endpoint does not read."""

    status = 415
    code = "unsupported_media_type"
    title = "Unsupported media type"
    detail = "The body must be application/json or application/x-www-form-urlencoded."


class NotSupported(AuthError):
    """The configuration as it stands cannot do this."""

    status = 501
    code = "not_supported"
    title = "Not supported"
    detail = "This server is not set up for that."


class TooManyAttempts(AuthError):
    """Too many wrong passwords came (RFC 6585 §4)."""

    status = 429
    code = "too_many_attempts"
    title = "Too many attempts"
    detail = "Too many failed attempts; try again later."

    def __init__(self, retry_after_seconds: int = 1, reason: str = "") -> None:
        """Keep *retry_after_seconds* for the Retry-After field."""
        super().__init__(reason)
        self.retry_after_seconds = retry_after_seconds


class Unavailable(AuthError):
    """Something that must be asked cannot be asked; this says nothing about the credential."""

    status = 503
    code = "unavailable"
    title = "Temporarily unavailable"
    detail = "The request cannot be decided now; try again later."

    def __init__(self, reason: str = "", retry_after_seconds: int = 1) -> None:
        """Keep *retry_after_seconds* for the Retry-After field."""
        super().__init__(reason)
        self.retry_after_seconds = retry_after_seconds


class ConfigurationError(Exception):
    """A constructor was given what cannot work; names the field, the value seen and the value wanted."""
