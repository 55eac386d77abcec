"""
Write the responses of the OAuth endpoints, and turn every error into one of RFC 6749 §5.2.

==============================================  ======  =========================================
error                                           status  ``error``
==============================================  ======  =========================================
an ``OAuth2Error`` of Authlib                   its     its
``ClientRefusal``                               401     ``invalid_client``, with a Basic challenge
``InvalidRequest``, ``UnsupportedMediaType``    400     ``invalid_request``
``PayloadTooLarge``                             413     ``invalid_request``
``TooManyAttempts``                             429     ``temporarily_unavailable``
``Unavailable``, and any other exception        503     ``temporarily_unavailable``
==============================================  ======  =========================================

The descriptions are constants, and never problem+json (RFC 9457): OAuth clients read ``error``.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast

from authlib.oauth2.rfc6749 import InvalidClientError, InvalidRequestError, OAuth2Error

from safeconduct._core.endpoints.routing import Endpoint, EndpointCall
from safeconduct._core.event_dispatcher import report_fault
from safeconduct._core.refusals import Refusals
from safeconduct._http.challenges import BASIC, Challenge
from safeconduct._http.request import Field, Reply
from safeconduct.errors import (
    AuthError,
    InvalidRequest,
    PayloadTooLarge,
    TooManyAttempts,
    Unavailable,
    UnsupportedMediaType,
)
from safeconduct.events import ClientRefused

_JSON: Field = (b"content-type", b"application/json")
# "The authorization server MUST include the HTTP "Cache-Control" response header field with a value of "no-store" …
# as well as the "Pragma" response header field with a value of "no-cache"" — RFC 6749 §5.1
_NOT_KEPT: tuple[Field, ...] = ((b"cache-control", b"no-store"), (b"pragma", b"no-cache"))


class ClientRefusal(InvalidClientError):
    """
    The client could not be authenticated; it does not learn why.

    Args:
        reason: A constant text for the log.
        client_id: The client that was named, if there is such a client.
    """

    status_code = 401
    description = "The client could not be authenticated."

    def __init__(self, reason: str, client_id: str | None = None) -> None:
        super().__init__()  # pyright: ignore[reportUnknownMemberType] - the stubs leave its arguments open
        self.reason = reason
        self.client_id = client_id


class InvalidTarget(OAuth2Error):
    """The client asked for an audience that it may not have, or for several (RFC 8707 §2)."""

    error = "invalid_target"
    description = "A token has one audience, and it must be one that the client may ask for."


class _TemporarilyUnavailable(OAuth2Error):
    error = "temporarily_unavailable"
    description = "The request cannot be answered now; try again later."


def json_reply(status: int, content: Mapping[str, Any], *fields: Field) -> Reply:
    """Return a response that no cache may keep."""
    body = json.dumps(content, separators=(",", ":"), allow_nan=False).encode("ascii")
    length = (b"content-length", b"%d" % len(body))
    return Reply(status, (_JSON, length, *_NOT_KEPT, *fields), body)


class OAuthReplies:
    """
    Answer errors of the OAuth endpoints.

    Args:
        realm: The realm of the challenge.
        refusals: Describes a refused request, and announces refusals and faults.
    """

    def __init__(self, realm: str, refusals: Refusals) -> None:
        # "The server generating a 401 response MUST send a WWW-Authenticate header field" — RFC 9110 §15.5.2
        # Any client may use Basic next.
        challenge = Challenge(BASIC, (("realm", realm), ("charset", "UTF-8"))).to_header()
        self._challenge: Field = (b"www-authenticate", challenge.encode("ascii"))
        self._refusals = refusals
        self._announce = refusals.announce

    def endpoint(self, unguarded: Callable[[EndpointCall], Awaitable[Reply]]) -> Endpoint:
        """Return *unguarded* as an endpoint that raises nothing."""

        async def serve(call: EndpointCall) -> Reply:
            try:
                return await unguarded(call)
            except (OAuth2Error, AuthError) as error:
                return self._answer(error, call)
            except Exception as fault:  # noqa: BLE001 - as in ``Gate.serve``: a fault of ours is 503
                report_fault(self._announce, fault, where="oauth")
                return self._answer(Unavailable("a fault within an OAuth endpoint"), call)

        return serve

    def _answer(self, error: OAuth2Error | AuthError, call: EndpointCall) -> Reply:
        refusal, fields = _translated(error)
        status, body, _ = cast("tuple[int, dict[str, str], object]", refusal())
        if status == ClientRefusal.status_code:
            fields = (self._challenge,)
        self._announce(
            ClientRefused(
                status=status,
                error=str(refusal.error),
                reason=getattr(error, "reason", "") or str(refusal.description),
                client_id=getattr(error, "client_id", None),
                **self._refusals.details(call.request),
            )
        )
        return json_reply(status, body, *fields)


def _translated(error: OAuth2Error | AuthError) -> tuple[OAuth2Error, tuple[Field, ...]]:
    match error:
        case OAuth2Error():
            return error, ()
        case PayloadTooLarge():
            return InvalidRequestError("The body is too large.", status_code=error.status), ()
        case UnsupportedMediaType():
            return InvalidRequestError("The body must be application/x-www-form-urlencoded."), ()
        case InvalidRequest():
            return InvalidRequestError("The request is malformed, or has a parameter twice."), ()
        case TooManyAttempts() | Unavailable():
            retry_after = b"%d" % max(1, error.retry_after_seconds)
            return _TemporarilyUnavailable(status_code=error.status), ((b"retry-after", retry_after),)
        case _:
            return _TemporarilyUnavailable(status_code=Unavailable.status), ((b"retry-after", b"1"),)
