"""Find a token outside ``Authorization``: in a cookie, or among the subprotocols of a WebSocket handshake."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

from safeconduct._core.decision import Ambient, Key
from safeconduct._http.authorization import REGISTERED_SCHEMES, Credential, Dpop, UnknownScheme
from safeconduct._http.cookies import find, find_plain
from safeconduct._http.origin import Origin
from safeconduct._http.request import Request
from safeconduct.errors import MalformedToken

SUBPROTOCOL_KEY: Final = "subprotocol "
"""The prefix of the key under which a token from the subprotocols is remembered."""

_COOKIE_KEY: Final = "cookie "


@dataclass(frozen=True, slots=True)
class CredentialSource:
    """Where a credential was found, and the bytes that carried it."""

    scheme: str
    #: The key under which a proof is remembered: the bytes of the ``Authorization`` field, or a prefix and the token.
    key: Key = field(repr=False)
    #: The kind of a credential that a browser sends by itself; None for any other.
    ambient: Ambient | None = None
    #: Whether the proof is remembered under *key*.
    is_kept: bool = True


@dataclass(frozen=True, slots=True)
class FoundToken:
    """A token and its source."""

    source: CredentialSource
    token: str = field(repr=False)


class Sources:
    """
    The sources of credentials that the configuration allows.

    Args:
        names: Of ``bearer``, ``cookie``, ``basic``, ``subprotocol``, ``api_key``.
        access_cookie: The cookie that carries an access token.
        hidden_cookies: The cookies that the application must not see.
        own_origin: The origin of ``external_url``.
        trusted_origins: Further origins whose pages may use an ambient credential.
    """

    def __init__(
        self,
        names: Collection[str],
        *,
        access_cookie: str,
        hidden_cookies: Collection[str],
        own_origin: Origin | None,
        trusted_origins: frozenset[Origin],
    ) -> None:
        self.takes_bearer = "bearer" in names
        self.takes_cookies = "cookie" in names
        self.hidden_cookies = frozenset(name.encode() for name in hidden_cookies if self.takes_cookies)
        self.own_origin = own_origin
        self.trusted_origins = trusted_origins
        self._cookie = access_cookie.encode() if self.takes_cookies else None
        self._takes_subprotocol = "subprotocol" in names

    def carried(self, request: Request) -> FoundToken | None:
        """
        Return the token that *request* carries outside ``Authorization``, or None.

        Raises:
            InvalidRequest: If two cookies have our name.
            MalformedToken: If the cookie's value or the subprotocol's token is malformed.
        """
        if request.is_websocket and self._takes_subprotocol:
            found = _subprotocol_token(request)
            if found is not None:
                return found
        if self._cookie is None:
            return None
        value = find(request.values(b"cookie"), self._cookie)
        return None if value is None else FoundToken(CredentialSource("cookie", _COOKIE_KEY + value, "cookie"), value)

    def key_in(self, line: bytes) -> str | None:
        """Return the key of the token in the joined ``Cookie`` fields; None where only ``carried`` can tell."""
        name = self._cookie
        value = None if name is None else find_plain(line, name)
        return None if value is None else _COOKIE_KEY + value.decode("latin-1")

    def has_cookie(self, request: Request) -> bool:
        """Return whether *request* has our access cookie, well-formed or not."""
        name = self._cookie
        return name is not None and any(name in value for value in request.values(b"cookie"))


def _subprotocol_token(request: Request) -> FoundToken | None:
    # "bearer, <token>": a page cannot set a header at a handshake, but it can offer subprotocols.
    offered = [name.strip(b" \t") for value in request.values(b"sec-websocket-protocol") for name in value.split(b",")]
    if offered[:1] != [b"bearer"] or len(offered) == 1:
        return None
    if len(offered) != 2:  # noqa: PLR2004 - the word and the token
        raise MalformedToken("the subprotocol 'bearer' is followed by more than one token")
    try:
        token = offered[1].decode("ascii")
    except UnicodeDecodeError:
        raise MalformedToken("the subprotocol's token is not ASCII") from None
    return FoundToken(CredentialSource("subprotocol", SUBPROTOCOL_KEY + token), token)


def why_unsupported(credential: Credential | None) -> str:
    """Return, for the log, why a well-formed credential in ``Authorization`` is not accepted."""
    match credential:
        case UnknownScheme(scheme=scheme):
            return f"unknown scheme {scheme}" if scheme in REGISTERED_SCHEMES else "unknown scheme"
        case Dpop():
            return "DPoP is not supported yet"
        case _:
            return "the scheme is not among the configured sources"
