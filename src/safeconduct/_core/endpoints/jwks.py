"""What the outside may read of the issuer's keys (RFC 7517)."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from safeconduct._core.endpoints.table import Call, Row
from safeconduct._http.message import Reply

JWKS_PATH: Final = "/.well-known/jwks.json"
JWKS_MAX_AGE_SECONDS: Final = 300
"""How long others may keep the key set; a new key is published for longer than this before it signs."""


def jwks_row(published: Callable[[], Mapping[str, Any]]) -> Row:
    """Return the endpoint that shows the public halves of the keys, as *published* has them now."""

    async def serve(_call: Call) -> Reply:
        body = json.dumps(published(), separators=(",", ":")).encode()
        return Reply(
            200,
            (
                (b"content-type", b"application/jwk-set+json"),
                (b"content-length", b"%d" % len(body)),
                (b"cache-control", b"public, max-age=%d" % JWKS_MAX_AGE_SECONDS),
            ),
            body,
        )

    return Row("GET", JWKS_PATH, "The public keys of this issuer (RFC 7517)", serve)
