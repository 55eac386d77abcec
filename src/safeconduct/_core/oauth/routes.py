"""List the OAuth endpoints with their OpenAPI operations."""

from collections.abc import Mapping
from typing import Any, Final

from safeconduct._core.endpoints.routing import Endpoint, EndpointRoute
from safeconduct._core.oauth.introspection import IntrospectionEndpoint
from safeconduct._core.oauth.replies import OAuthReplies
from safeconduct._core.oauth.revocation import RevocationEndpoint
from safeconduct._core.oauth.token_endpoint import TokenEndpoint

_TEXT: Final[Mapping[str, Any]] = {"type": "string"}
_TEXTS: Final[Mapping[str, Any]] = {"type": "array", "items": _TEXT}
_AUTHENTICATION: Final = ("client_id", "client_secret", "client_assertion_type", "client_assertion")
_EXCHANGED: Final = ("subject_token", "subject_token_type", "requested_token_type")
_ERROR: Final[Mapping[str, Any]] = {
    "type": "object",
    "required": ["error"],
    "properties": {"error": _TEXT, "error_description": _TEXT},
}
_ISSUED: Final[Mapping[str, Any]] = {
    "type": "object",
    "required": ["access_token", "token_type", "expires_in"],
    "properties": {
        "access_token": _TEXT,
        "token_type": {"const": "Bearer"},
        "expires_in": {"type": "integer", "description": "seconds"},
        "scope": _TEXT,
        "issued_token_type": _TEXT,
    },
}
_ACTIVE: Final[Mapping[str, Any]] = {
    "type": "object",
    "required": ["active"],
    "properties": {"active": {"type": "boolean"}},
}


def token_route(prefix: str, replies: OAuthReplies, endpoint: TokenEndpoint) -> EndpointRoute:
    """Return the token endpoint."""
    more = {"scope": _TEXT, "resource": _TEXTS, "audience": _TEXTS, **dict.fromkeys(_EXCHANGED, _TEXT)}
    operation = _operation("post_token", "Get a token as a service (RFC 6749)", "grant_type", more, _ISSUED)
    return _route(f"{prefix}/token", operation, replies.endpoint(endpoint.token))


def introspection_route(prefix: str, replies: OAuthReplies, endpoint: IntrospectionEndpoint) -> EndpointRoute:
    """Return the introspection endpoint."""
    more = {"token_type_hint": _TEXT}
    operation = _operation("post_introspect", "Ask whether a token counts (RFC 7662)", "token", more, _ACTIVE)
    return _route(f"{prefix}/introspect", operation, replies.endpoint(endpoint.introspect))


def revocation_route(prefix: str, replies: OAuthReplies, endpoint: RevocationEndpoint) -> EndpointRoute:
    """Return the revocation endpoint."""
    more = {"token_type_hint": _TEXT}
    operation = _operation("post_revoke", "End a token (RFC 7009)", "token", more, {"type": "object"})
    return _route(f"{prefix}/revoke", operation, replies.endpoint(endpoint.revoke))


def _route(path: str, operation: Mapping[str, Any], endpoint: Endpoint) -> EndpointRoute:
    return EndpointRoute("POST", path, operation["summary"], endpoint, operation)


def _operation(
    name: str, summary: str, required: str, more: Mapping[str, Any], answer: Mapping[str, Any]
) -> Mapping[str, Any]:
    form = {
        "type": "object",
        "required": [required],
        "properties": {required: _TEXT, **more, **dict.fromkeys(_AUTHENTICATION, _TEXT)},
    }
    refused = {"description": "refused", "content": {"application/json": {"schema": _ERROR}}}
    return {
        "operationId": name,
        "summary": summary,
        "requestBody": {"required": True, "content": {"application/x-www-form-urlencoded": {"schema": form}}},
        "responses": {
            "200": {"description": "done", "content": {"application/json": {"schema": answer}}},
            **dict.fromkeys(("400", "401", "413", "429", "503"), refused),
        },
        # The client may authenticate in the body instead.
        "security": [{"client": []}, {}],
    }
