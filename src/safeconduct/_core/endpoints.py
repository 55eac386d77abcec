"""Our own paths: what the outside may read of the issuer's keys (RFC 7517)."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from safeconduct._http.message import Reply, Request
from safeconduct.errors import MethodNotAllowed

JWKS_PATH: Final = "/.well-known/jwks.json"
JWKS_MAX_AGE_SECONDS: Final = 300
"""How long others may keep the key set; a new key is published for longer than this before it signs."""

Endpoint = Callable[[Request], Reply]
"""Answers one of our own paths; raises an ``AuthError`` where it cannot."""


def jwks_endpoint(published: Callable[[], Mapping[str, Any]]) -> Endpoint:
    """Return the endpoint that shows the public halves of the keys, as *published* has them now."""

    def serve(request: Request) -> Reply:
        if request.method not in {"GET", "HEAD"}:
            raise MethodNotAllowed(("GET", "HEAD"))
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

    return serve
