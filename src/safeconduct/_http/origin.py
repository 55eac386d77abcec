"""
Check that one of our pages made the browser send this credential.

The check applies to every credential that a browser sends by itself, once that credential is verified: on every method
but GET, HEAD and OPTIONS, on routes that are marked unsafe, and on every WebSocket handshake.

=========================================  ====================================================
the request has                            and
=========================================  ====================================================
``Origin``, once, ours or trusted          passes
``Origin: null``, with the next line       passes: ``Referrer-Policy: no-referrer`` makes it so
any other ``Origin``, also ``null``        403
no ``Origin``, a handshake by cookie       403
``Sec-Fetch-Site: same-origin``            passes
``Sec-Fetch-Site`` of any other value      403
``Referer`` of ours                        passes
any other ``Referer``                      403
none of these, Basic                       passes: no browser sent it
none of these, a cookie                    the CSRF token decides; 403 where none is required
=========================================  ====================================================

``Host`` is never trusted: the configuration says which origin is ours.  Methods are case-sensitive (RFC 9110 §9.1), so
``get`` is not GET.
"""

import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Final, Literal, Self

from safeconduct._http.request import Request
from safeconduct.errors import ConfigurationError, CrossSiteRequest

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
"""The methods that change nothing; not TRACE, which echoes the credential."""

NO_ORIGIN: Final = b"null"
"""What a browser sends as ``Origin`` where a policy, or the page itself, withholds it (Fetch §3.2)."""

OriginVerdict = Literal["unasked", "own", "unknown"]
"""The check did not apply; the request came from one of our pages; nothing tells, which is allowed here."""

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_MAX_PORT: Final = 65535
# serialized-origin = scheme "://" host [ ":" port ] — RFC 6454 §6.2; no user, no path, not even "/"
_ORIGIN = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://"
    r"(?P<host>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])"
    r"(?::(?P<port>[1-9][0-9]{0,4}))?"
)
_AFTER_ORIGIN = frozenset({"", "/", "?", "#"})


@dataclass(frozen=True, slots=True)
class Origin:
    """A scheme, a host and a port, in lower case and with the default port filled in."""

    scheme: str
    host: str
    #: None for a scheme without a default port.
    port: int | None

    @classmethod
    def from_header(cls, value: bytes) -> Self:
        """
        Read the value of an ``Origin`` field.

        Raises:
            CrossSiteRequest: If it is not exactly one origin; ``null`` is none.
        """
        return cls._read(value, whole=True)

    @classmethod
    def from_referer(cls, value: bytes) -> Self:
        """
        Read the origin of the URL in a ``Referer`` field.

        Raises:
            CrossSiteRequest: If the URL does not begin with an origin.
        """
        return cls._read(value, whole=False)

    @classmethod
    def from_url(cls, url: str) -> Self:
        """
        Read the origin of a configured URL, whose path and query are ignored.

        Raises:
            ConfigurationError: If the URL does not begin with an origin.
        """
        try:
            return cls._read(url.encode("ascii"), whole=False)
        except (CrossSiteRequest, UnicodeEncodeError):
            raise ConfigurationError(f"must be a URL like https://app.example without a user, got {url!r}") from None

    def to_header(self) -> bytes:
        """Return the ``Origin`` field that a browser sends (RFC 6454 §6.2)."""
        port = "" if self.port in {None, _DEFAULT_PORTS.get(self.scheme)} else f":{self.port}"
        return f"{self.scheme}://{self.host}{port}".encode("ascii")

    @classmethod
    def _read(cls, value: bytes, *, whole: bool) -> Self:
        text = value.decode("latin-1")
        match = _ORIGIN.match(text)
        rest = text if match is None else text[match.end() :]
        if match is None or (rest if whole else rest[:1] not in _AFTER_ORIGIN):
            raise CrossSiteRequest("the origin is malformed")
        scheme = match["scheme"].lower()
        port = int(match["port"]) if match["port"] else _DEFAULT_PORTS.get(scheme)
        if port is not None and port > _MAX_PORT:
            raise CrossSiteRequest("the origin is malformed")
        return cls(scheme, match["host"].lower(), port)


def check_origin(
    request: Request,
    *,
    own: Origin | None,
    trusted: frozenset[Origin],
    ambient: Literal["cookie", "basic"],
    unsafe: bool = False,
    token_decides: bool = False,
) -> OriginVerdict:
    """
    Refuse a credential that another site's page made the browser send.

    Without *own*, the origin of ``external_url``, only *trusted* and ``Sec-Fetch-Site`` count.

    Args:
        request: The request with the credential.
        own: The origin of our own pages.
        trusted: Further origins that are allowed.
        ambient: How the verified credential came.
        unsafe: Whether the check applies to every method.
        token_decides: Whether the caller checks a CSRF token if the verdict on a cookie is ``unknown``.

    Raises:
        CrossSiteRequest: If another page sent it, or if nothing tells and no token is going to be checked.
    """
    if request.method in SAFE_METHODS and not (unsafe or request.is_websocket):
        return "unasked"
    origins, sites = request.values(b"origin"), request.values(b"sec-fetch-site")
    # No page can set the second field, and the page of a frame without an origin is never same-origin in it.
    is_withheld = origins == [NO_ORIGIN] and sites == [b"same-origin"]
    if origins and not is_withheld:
        _require_one_of({own, *trusted}, origins, Origin.from_header)
        return "own"
    if request.is_websocket and ambient == "cookie" and not is_withheld:
        raise CrossSiteRequest("a WebSocket handshake by cookie has no Origin")
    if sites:
        if sites != [b"same-origin"]:
            raise CrossSiteRequest("Sec-Fetch-Site is not same-origin")
        return "own"
    if referers := request.values(b"referer"):
        _require_one_of({own}, referers, Origin.from_referer)
        return "own"
    if ambient == "cookie" and not token_decides:
        raise CrossSiteRequest("nothing shows which page sent the cookie")
    return "unknown"


def _require_one_of(
    allowed: Collection[Origin | None], values: Sequence[bytes], read: Callable[[bytes], Origin]
) -> None:
    if len(values) > 1:
        raise CrossSiteRequest("there is more than one Origin or Referer field")
    if read(values[0]) not in allowed:
        raise CrossSiteRequest("the origin is neither external_url nor one of csrf.trusted_origins")
