"""Where else than in ``Authorization`` a request may carry a token: a cookie, a WebSocket's subprotocol."""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

from safeconduct._core.bearer import CredentialSource
from safeconduct._http.authorization import REGISTERED_SCHEMES, Credential, Dpop, UnknownScheme
from safeconduct._http.cookies import find, find_plain
from safeconduct._http.origin import Origin
from safeconduct._http.request import Request
from safeconduct.errors import MalformedToken

SUBPROTOCOL_KEY: Final = "subprotocol "
"""What the key of a token begins with that came among the subprotocols."""

_COOKIE_KEY: Final = "cookie "


@dataclass(frozen=True, slots=True)
class Found:
    """A token and where it was."""

    place: CredentialSource
    token: str = field(repr=False)


class Sources:
    """The places that the configuration allows."""

    def __init__(
        self,
        names: Collection[str],
        *,
        access_cookie: str,
        hidden_cookies: Collection[str],
        own_origin: Origin | None,
        trusted_origins: frozenset[Origin],
    ) -> None:
        """
        Keep the names of ``sources`` and of the cookies, and whose pages are ours.

        Args:
            names: Of ``bearer``, ``cookie``, ``basic``, ``subprotocol``.
            access_cookie: The cookie that carries an access token.
            hidden_cookies: The cookies that the application must not see.
            own_origin: The origin of ``external_url``.
            trusted_origins: Further origins whose pages may use an ambient credential.
        """
        self.takes_bearer = "bearer" in names
        hidden = hidden_cookies if "cookie" in names else ()
        self.hidden_cookies = frozenset(name.encode() for name in hidden)
        self.own_origin = own_origin
        self.trusted_origins = trusted_origins
        self.takes_cookies = "cookie" in names
        self._cookie = access_cookie.encode() if "cookie" in names else None
        self._takes_subprotocol = "subprotocol" in names

    def carried(self, request: Request) -> Found | None:
        """
        Return the token outside of ``Authorization``, or None where there is none.

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
        return None if value is None else Found(CredentialSource("cookie", _COOKIE_KEY + value, "cookie"), value)

    def key_in(self, line: bytes) -> str | None:
        """Return the key of the token in the joined ``Cookie`` fields, or None where that needs a closer look."""
        name = self._cookie
        value = None if name is None else find_plain(line, name)
        return None if value is None else _COOKIE_KEY + value.decode("latin-1")

    def has_cookie(self, request: Request) -> bool:
        """Say whether a cookie of ours is there, be it well-formed or not."""
        name = self._cookie
        return name is not None and any(name in value for value in request.values(b"cookie"))


def _subprotocol_token(request: Request) -> Found | None:
    # "bearer, <token>": a page cannot set a header at a handshake, but it can offer subprotocols (http.md, "Sockets").
    offered = [name.strip(b" \t") for value in request.values(b"sec-websocket-protocol") for name in value.split(b",")]
    if offered[:1] != [b"bearer"] or len(offered) == 1:
        return None
    if len(offered) != 2:  # noqa: PLR2004 - the word and the token
        raise MalformedToken("a subprotocol 'bearer' with more than one token behind it")
    try:
        token = offered[1].decode("ascii")
    except UnicodeDecodeError:
        raise MalformedToken("the subprotocol's token is not ASCII") from None
    return Found(CredentialSource("subprotocol", SUBPROTOCOL_KEY + token), token)


def why_unsupported(credential: Credential | None) -> str:
    """Return, for the log, why a well-formed credential in ``Authorization`` is not taken."""
    match credential:
        case UnknownScheme(scheme=scheme):
            return f"unknown scheme {scheme}" if scheme in REGISTERED_SCHEMES else "unknown scheme"
        case Dpop():
            return "DPoP is not built yet"
        case _:
            return "the scheme is not among the sources"
