"""Make what a client signs, with PyJWT, as a client would."""

from typing import Any

import jwt

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
