"""
Define every error that leaves the package, each with its status and its public text.

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

*code*, *title* and *detail* are constants and go to the caller.  *reason* and the other attributes are for the log and
for events, and never leave the server (ASVS 16.5.1).
"""

from collections.abc import Sequence
from typing import ClassVar

from safeconduct.principal import Level, Principal


class AuthError(Exception):
    """The reason why a request is refused, and the answer that it gets."""

    #: The HTTP status of the answer.
    status: ClassVar[int]
    #: The stable code in the answer's body.
    code: ClassVar[str]
    #: A short constant title (RFC 9457 §3.1.4).
    title: ClassVar[str]
    #: A constant sentence for the caller, ASCII, without quotes (RFC 6750 §3).
    detail: ClassVar[str]
    #: The error code of an OAuth RFC, if there is one.
    error: ClassVar[str | None] = None

    def __init__(self, reason: str = "") -> None:
        """Keep *reason*, a constant text for the log."""
        super().__init__(reason or self.detail)
        self.reason = reason


class MissingCredential(AuthError):
    """
    The request has no credential, and needs one.

    "If the request lacks any authentication information … the resource server SHOULD NOT include an error code or
    other error information" — RFC 6750 §3.1
    """

    status = 401
    code = "missing_credential"
    title = "Authentication required"
    detail = "This request needs a credential."


class InvalidRequest(AuthError):
    """The request is malformed or ambiguous: two credentials of one kind, an ambiguous path (RFC 6750 §3.1)."""

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
    """The token does not follow its grammar."""


class BadSignature(InvalidToken):
    """The signature, the tag or the ciphertext does not match the key."""

    def __init__(self, kid: str | None = None, reason: str = "") -> None:
        """Keep the *kid* of the key that did not match."""
        super().__init__(reason)
        self.kid = kid


class UnknownKey(InvalidToken):
    """No single key of the issuer matches the token's header."""

    def __init__(self, kid: str | None = None, reason: str = "") -> None:
        """Keep the *kid* that was asked for."""
        super().__init__(reason)
        self.kid = kid


class WrongTokenType(InvalidToken):
    """The token was made for another purpose (RFC 8725 §3.11)."""


class ExpiredToken(InvalidToken):
    """The token has expired."""

    def __init__(self, expired_at: int | None = None, reason: str = "") -> None:
        """Keep *expired_at*, seconds since the epoch."""
        super().__init__(reason)
        self.expired_at = expired_at


class NotYetValidToken(InvalidToken):
    """The token is not valid yet."""


class WrongIssuer(InvalidToken):
    """The token's issuer is not trusted."""


class WrongAudience(InvalidToken):
    """The token is meant for another audience."""


class RevokedToken(InvalidToken):
    """The token was revoked."""


class ReusedRefreshToken(InvalidToken):
    """The refresh token was used before (RFC 9700 §4.14.2)."""

    def __init__(self, session_id: str | None = None, reason: str = "") -> None:
        """Keep the *session_id* of the session that this ended."""
        super().__init__(reason)
        self.session_id = session_id


class InvalidGrant(InvalidToken):
    """The refresh token is unknown, expired, or was used before; the caller does not learn which."""

    code = "invalid_grant"
    title = "Sign in again"
    detail = "The refresh token is invalid or its session is over."


class BindingMismatch(InvalidToken):
    """The credential is bound to something else than this request proves."""


class BadCredentials(InvalidToken):
    """The user name or the password is wrong."""


class InsufficientRights(AuthError):
    """The caller is known, but may not do this (RFC 6750 §3.1)."""

    status = 403
    code = "insufficient_rights"
    title = "Insufficient rights"
    detail = "The credential does not permit this request."
    error = "insufficient_scope"

    def __init__(self, scopes: Sequence[str] = (), reason: str = "") -> None:
        """Keep all *scopes* that the request needs; roles are not named."""
        super().__init__(reason)
        self.scopes = tuple(scopes)


class StepUpRequired(AuthError):
    """The user must prove again, or more strongly, who they are (RFC 9470 §3)."""

    status = 401
    code = "insufficient_user_authentication"
    title = "Stronger authentication required"
    detail = "This request needs a more recent or a stronger sign-in."
    error = "insufficient_user_authentication"
    #: Who must prove it, where that is known.
    principal: Principal | None = None

    def __init__(self, level: Level | None = None, max_age_seconds: int | None = None, reason: str = "") -> None:
        """Keep the lowest *level* that is accepted and the largest age of the proof, in seconds."""
        super().__init__(reason)
        self.level: Level | None = level
        self.max_age_seconds = max_age_seconds


class CrossSiteRequest(AuthError):
    """The browser sent the credential by itself, for a page of another site."""

    status = 403
    code = "cross_site_request"
    title = "Cross-site request refused"
    detail = "The request did not come from a page of this site."


class TooEarly(AuthError):
    """The credential cannot be renewed before half of its lifetime is over."""

    status = 409
    code = "too_early"
    title = "Too early"
    detail = "The credential can be renewed from half of its life on."


class NotRenewable(AuthError):
    """The credential does not belong to a session."""

    status = 403
    code = "not_renewable"
    title = "Not renewable"
    detail = "This credential cannot be renewed."


class NotFound(AuthError):
    """The resource does not exist for this caller."""

    status = 404
    code = "not_found"
    title = "Not found"
    detail = "There is no such resource."


class MethodNotAllowed(AuthError):
    """One of our own endpoints does not support the method (RFC 9110 §15.5.6)."""

    status = 405
    code = "method_not_allowed"
    title = "Method not allowed"
    detail = "This resource does not support the method."

    def __init__(self, allowed: Sequence[str] = (), reason: str = "") -> None:
        """Keep the *allowed* methods for the ``Allow`` header."""
        super().__init__(reason)
        self.allowed = tuple(allowed)


class PayloadTooLarge(AuthError):
    """The body is larger than our endpoints accept."""

    status = 413
    code = "payload_too_large"
    title = "Payload too large"
    detail = "The body is too large."


class UnsupportedMediaType(AuthError):
    """The body has a media type that our endpoints do not accept."""

    status = 415
    code = "unsupported_media_type"
    title = "Unsupported media type"
    detail = "The body must be application/json or application/x-www-form-urlencoded."


class NotSupported(AuthError):
    """The server is not configured for this."""

    status = 501
    code = "not_supported"
    title = "Not supported"
    detail = "This server is not set up for that."


class TooManyAttempts(AuthError):
    """There were too many wrong passwords (RFC 6585 §4)."""

    status = 429
    code = "too_many_attempts"
    title = "Too many attempts"
    detail = "Too many failed attempts; try again later."

    def __init__(self, retry_after_seconds: int = 1, reason: str = "") -> None:
        """Keep *retry_after_seconds* for the ``Retry-After`` header."""
        super().__init__(reason)
        self.retry_after_seconds = retry_after_seconds


class Unavailable(AuthError):
    """The store, or the directory, cannot be asked; this says nothing about the credential."""

    status = 503
    code = "unavailable"
    title = "Temporarily unavailable"
    detail = "The request cannot be decided now; try again later."

    def __init__(self, reason: str = "", retry_after_seconds: int = 1) -> None:
        """Keep *retry_after_seconds* for the ``Retry-After`` header."""
        super().__init__(reason)
        self.retry_after_seconds = retry_after_seconds


class ConfigurationError(Exception):
    """A constructor was given a wrong value; the text names the field, the value seen and the value wanted."""
