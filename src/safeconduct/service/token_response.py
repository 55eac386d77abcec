"""Read the answers of an authorization server: tokens and errors (RFC 6749 §5), and its metadata (RFC 8414)."""

import json
import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast

from safeconduct.service.errors import (
    InvalidTokenResponse,
    TokenEndpointUnavailable,
    TokenRequestFailed,
    TokenRequestRefused,
)
from safeconduct.service.token_cache import AccessToken

_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/-]+=*")
_ERROR: Final = re.compile(r"[\x20-\x21\x23-\x5b\x5d-\x7e]{1,64}")
_DESCRIPTION: Final = re.compile(r"[\x20-\x7e]{1,300}")
# Where the response does not say how long the token counts, it is used for a minute only.
_UNKNOWN_LIFETIME_SECONDS: Final = 60
_MAX_LIFETIME_SECONDS: Final = 86400
_OK: Final = 200
_NOT_FOUND: Final = 404
_TOO_MANY: Final = 429
_REDIRECTS: Final = range(300, 400)
_SERVER_FAULTS: Final = range(500, 600)


@dataclass(frozen=True, slots=True)
class EndpointResponse:
    """What an authorization server answered."""

    status: int
    body: bytes = field(repr=False)
    retry_after: str | None = None


def read_token(response: EndpointResponse, *, asked_at: float, secrets: Collection[str]) -> AccessToken:
    """
    Return the token of a successful *response*, whose lifetime is counted from *asked_at* by our own clock.

    Raises:
        TokenRequestFailed: If there is no token in it that can be used.
    """
    document = _document(response)
    if response.status != _OK:
        raise _refusal(response, document, secrets)
    token, kind = document.get("access_token"), document.get("token_type")
    if not isinstance(token, str) or _TOKEN.fullmatch(token) is None:
        raise InvalidTokenResponse("no access_token", status=response.status)
    if not isinstance(kind, str) or kind.lower() != "bearer":
        raise InvalidTokenResponse("token_type is not Bearer", status=response.status)
    return AccessToken.lasting(token, issued_at=asked_at, lifetime_seconds=_lifetime(document, response.status))


def read_endpoint(response: EndpointResponse, issuer: str) -> str | None:
    """
    Return the ``token_endpoint`` of an issuer's metadata; None if there is no such document.

    Raises:
        TokenRequestFailed: If the document is not that of *issuer*, or names no endpoint.
    """
    if response.status == _NOT_FOUND:
        return None
    document = _document(response)
    if response.status != _OK:
        raise InvalidTokenResponse("no metadata", status=response.status)
    # "The "issuer" value returned MUST be identical to the authorization server's issuer identifier" — RFC 8414 §3.3
    if document.get("issuer") != issuer:
        raise InvalidTokenResponse("the metadata of another issuer")
    endpoint = document.get("token_endpoint")
    if not isinstance(endpoint, str):
        raise InvalidTokenResponse("the metadata names no token_endpoint")
    return endpoint


def _document(response: EndpointResponse) -> Mapping[str, Any]:
    if response.status == _TOO_MANY or response.status in _SERVER_FAULTS:
        raise TokenEndpointUnavailable("unavailable", None, response.status, _seconds(response.retry_after))
    if response.status in _REDIRECTS:
        raise InvalidTokenResponse("a redirect, which is not followed", status=response.status)
    try:
        document = json.loads(response.body)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise InvalidTokenResponse("not a JSON object", status=response.status)
    return cast("dict[str, Any]", document)


def _refusal(response: EndpointResponse, document: Mapping[str, Any], secrets: Collection[str]) -> TokenRequestFailed:
    error = _clean(document.get("error"), _ERROR, secrets)
    if error is None:
        return InvalidTokenResponse("neither a token nor an error", status=response.status)
    return TokenRequestRefused(error, _clean(document.get("error_description"), _DESCRIPTION, secrets), response.status)


def _clean(text: object, grammar: re.Pattern[str], secrets: Collection[str]) -> str | None:
    """Return *text* if it may be written to a log."""
    if not isinstance(text, str) or grammar.fullmatch(text) is None or any(each in text for each in secrets):
        return None
    return text


def _lifetime(document: Mapping[str, Any], status: int) -> float:
    written: object = document.get("expires_in")
    if written is None:
        return _UNKNOWN_LIFETIME_SECONDS
    if isinstance(written, str) and re.fullmatch(r"[0-9]{1,10}", written):
        # Some servers write the number as text.
        written = int(written)
    if isinstance(written, int | float) and not isinstance(written, bool) and 0 < written < math.inf:
        return min(written, _MAX_LIFETIME_SECONDS)
    raise InvalidTokenResponse("expires_in is not a positive number", status=status)


def _seconds(written: str | None) -> int | None:
    return int(written) if written is not None and re.fullmatch(r"[0-9]{1,6}", written) else None
