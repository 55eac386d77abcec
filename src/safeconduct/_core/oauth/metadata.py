"""Describe the authorization server at ``/.well-known/oauth-authorization-server`` (RFC 8414), by Authlib's model."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

from authlib.oauth2.rfc8414 import AuthorizationServerMetadata, get_well_known_url

from safeconduct._core.endpoints.routing import JWKS_PATH, EndpointCall, EndpointRoute, cached_reply
from safeconduct._http.request import Reply

SECRET_METHODS: Final = ("client_secret_basic", "client_secret_post")
"""How a client that has a secret may authenticate without signing anything."""

ASSERTION_METHODS: Final = ("client_secret_jwt", "private_key_jwt")
"""How a client may authenticate by what it signs."""

_MAX_AGE_SECONDS: Final = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerDescription:
    """The parts of the authorization server that are switched on."""

    issuer: str
    #: The URL below which clients find the endpoints, without a slash at its end.
    base_url: str
    #: The paths of the endpoints that are served.
    paths: Collection[str]
    prefix: str
    grant_types: Collection[str]
    #: How clients may authenticate.
    methods: Collection[str]
    #: The algorithms of assertions.
    algorithms: Collection[str]
    scopes: Collection[str]

    def content(self) -> Mapping[str, Any]:
        """
        Return the metadata.

        Raises:
            ValueError: If no client could use them: the issuer or an endpoint is no https URL, or there is no token
                endpoint.
        """
        content: dict[str, Any] = {
            "issuer": self.issuer,
            # There is no authorization endpoint, and the member is required, with a value that is registered.
            "response_types_supported": ["none"],
            "grant_types_supported": sorted(self.grant_types),
        }
        if self.scopes:
            # "Claims with zero elements MUST be omitted from the response" — RFC 8414 §3.2
            content["scopes_supported"] = sorted(self.scopes)
        named = {"token_endpoint": "token", "introspection_endpoint": "introspect", "revocation_endpoint": "revoke"}
        for name, path in named.items():
            if f"{self.prefix}/{path}" not in self.paths:
                continue
            content[name] = f"{self.base_url}{self.prefix}/{path}"
            # The holder of a user's token needs no authentication to end it.
            anyone = ["none"] if path == "revoke" else []
            content[f"{name}_auth_methods_supported"] = [*sorted(self.methods), *anyone]
            if self.algorithms:
                content[f"{name}_auth_signing_alg_values_supported"] = sorted(self.algorithms)
        # What issues tokens has keys, and they are published where the metadata are.
        content["jwks_uri"] = f"{self.base_url}{JWKS_PATH}"
        metadata = AuthorizationServerMetadata(content)
        metadata.validate()
        return dict(metadata)


def metadata_route(description: ServerDescription) -> EndpointRoute:
    """
    Return the endpoint that shows the metadata.

    Raises:
        ValueError: As ``ServerDescription.content``.
    """
    reply = cached_reply(b"application/json", description.content(), max_age_seconds=_MAX_AGE_SECONDS)

    async def serve(_call: EndpointCall) -> Reply:
        return reply

    # "any terminating "/" MUST be removed before inserting "/.well-known/"" — RFC 8414 §3.1
    path = get_well_known_url(description.issuer.rstrip("/"))
    return EndpointRoute("GET", path, "The metadata of this authorization server (RFC 8414)", serve)
