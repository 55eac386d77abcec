"""Get access as a service: tokens that it signs itself, asks for, or exchanges, for httpx2 and requests."""

from safeconduct.service.errors import (
    InsecureDestination,
    InvalidTokenResponse,
    TokenEndpointUnavailable,
    TokenRequestFailed,
    TokenRequestRefused,
)
from safeconduct.service.grants import ClientCredentials, TokenExchange
from safeconduct.service.http_auth import TokenAuth
from safeconduct.service.options import Options
from safeconduct.service.self_signed import SelfSigned

__all__ = [
    "ClientCredentials",
    "InsecureDestination",
    "InvalidTokenResponse",
    "Options",
    "SelfSigned",
    "TokenAuth",
    "TokenEndpointUnavailable",
    "TokenExchange",
    "TokenRequestFailed",
    "TokenRequestRefused",
]
