"""The kinds of values that several sections share, under the names by which fields call them."""

from typing import Annotated, Final, Literal

from safeconduct.config.addresses import is_secure_origin, like
from safeconduct.config.kinds import Choice, Text, Whole
from safeconduct.principal import LEVELS, Level

Consistency = Literal["bounded", "strict", "none"]
"""How surely a revocation is seen: through the local view, by a question a request, not at all."""

Outage = Literal["refuse", "serve"]
"""What becomes of a request when revocations cannot be asked."""

TEN_YEARS_SECONDS: Final = 315_360_000

# "scope-token = 1*( %x21 / %x23-5B / %x5D-7E )" — RFC 6749 §3.3
_SCOPE: Final = r"[\x21\x23-\x5b\x5d-\x7e]+"
_MEDIA_TYPE: Final = r"(?:application/)?[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]*"

SIGNATURES: Final = (
    *("HS256", "HS384", "HS512", "RS256", "RS384", "RS512"),
    *("PS256", "PS384", "PS512", "ES256", "ES384", "ES512"),
    "Ed25519",
)
"""The algorithms that own tokens may be signed with (RFC 7518 §3.1, RFC 9864 §2.2)."""

ENCRYPTIONS: Final = ("A256KW", "ECDH-ES+A256KW", "dir", "A256GCM")
"""The key managements of a ``jwe``, and its one content encryption (RFC 7518 §4.1, §5.1)."""

Seconds = Annotated[int, Whole(1, TEN_YEARS_SECONDS)]
Leeway = Annotated[int, Whole(0, 60)]
Scope = Annotated[str, Text("a scope: printable ASCII without space, quotes and backslash", like(_SCOPE))]
TokenType = Annotated[str, Text('a media type such as "at+jwt"', like(_MEDIA_TYPE))]
# A rule or a mapping to "anonymous" would read as if it opened something, and nothing but `public` does.
ProvenLevel = Annotated[Level, Choice(LEVELS[1:])]
Algorithm = Annotated[str, Choice(SIGNATURES)]
TrustedAlgorithm = Annotated[str, Choice((*SIGNATURES, "EdDSA", *ENCRYPTIONS))]
Origin = Annotated[
    str,
    Text("https://host or https://host:port without path (http on localhost, 127.0.0.1, [::1])", is_secure_origin),
]
