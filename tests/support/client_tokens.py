"""Make what a client signs, with PyJWT, as a client would."""

from typing import Any

import jwt

from login_site import LoginSite
from safeconduct.events import RequestRefused
from table_tokens import AUDIENCE

SECRET = "8Vn0pQx2sLr7tYw4zKc9mBd6hGf3jRaE1uTi5oXe"
OTHER_SECRET = "kD4wZ8rT1xJ6vN3qB9sM5yH2gL7fC0pAeUiOoXbR"


def client_claims(now: float, audience: Any, client: str = "reports", **changes: Any) -> dict[str, Any]:
    """Return the claims of a self-signed token; a change to None leaves the claim out."""
    claims = {"iss": client, "sub": client, "aud": audience, "iat": int(now), "exp": int(now) + 300, **changes}
    return {key: value for key, value in claims.items() if value is not None}


def sign(
    claims: dict[str, Any], key: Any = SECRET, algorithm: str = "HS256", header: dict[str, Any] | None = None
) -> str:
    """Sign *claims*; PyJWT writes the type ``JWT`` unless *header* says else, and none for None."""
    return jwt.encode(claims, key, algorithm=algorithm, headers={"typ": None, **(header or {})})


class ClientSite(LoginSite):
    """A site that knows the client ``reports``."""

    def __init__(self, world="asgi", **fields):
        clients = [{"client_id": "reports", "secret": SECRET, "scopes": ["read", "list"], "roles": ["reader"]}]
        super().__init__(world, **{"clients": clients, **fields})

    def token(self, *, key=SECRET, algorithm="HS256", header=None, **changes):
        """Sign a token as the client does now."""
        return sign(client_claims(self.clock(), changes.pop("aud", AUDIENCE), **changes), key, algorithm, header)

    def get(self, token, target="/", *, headers=()):
        """Send *token* as a bearer token."""
        return self.request("GET", target, [("authorization", f"Bearer {token}"), *headers])

    def status(self, token, target="/"):
        """Return the status of the response to a request with *token*."""
        return self.get(token, target).status

    def reasons(self):
        """Return the errors and reasons of the refusals so far."""
        return [(event.error, event.reason) for event in self.events if isinstance(event, RequestRefused)]
