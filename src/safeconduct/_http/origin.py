"""
The origin step: did a page of ours make the browser send this credential?

It is asked for every credential that a browser sends by itself, once that credential has authenticated, on every method
but GET, HEAD and OPTIONS, on routes that are marked unsafe, and on every WebSocket handshake:

=========================================  ====================================================
the request has                            and
=========================================  ====================================================
``Origin``, once, ours or trusted          passes
any other ``Origin``, also ``null``        403
no ``Origin``, a handshake by cookie       403
``Sec-Fetch-Site: same-origin``            passes
``Sec-Fetch-Site`` of any other value      403
``Referer`` of ours                        passes
any other ``Referer``                      403
nothing of these, Basic                    passes: no browser sent it
nothing of these, a cookie                 the CSRF token decides; 403 where none is asked for
=========================================  ====================================================

``Host`` is never believed: what is ours says the configuration.  Methods are case-sensitive (RFC 9110 §9.1), so that
``get`` is not GET.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, Self

from safeconduct._http.request import Request
from safeconduct.errors import ConfigurationError, CrossSiteRequest

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that change nothing; TRACE is not among them, since it shows the credential."""

Verdict = Literal["unasked", "own", "unknown"]
"""The step was not asked; the request came from a page of ours; nothing tells, and that is allowed here."""

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
    """A scheme, a host and a port, lower-cased, with the default port filled in; two are equal or foreign."""

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
        Read the origin of a configured URL, whose path and query do not count.

        Raises:
            ConfigurationError: If the URL does not begin with an origin.
        """
        try:
            return cls._read(url.encode("ascii"), whole=False)
        except (CrossSiteRequest, UnicodeEncodeError):
            raise ConfigurationError(f"must be a URL like https://app.example without a user, got {url!r}") from None

    @classmethod
    def _read(cls, value: bytes, *, whole: bool) -> Self:
        text = value.decode("latin-1")
        match = _ORIGIN.match(text)
        if match is None or not _ends_well(text[match.end() :], whole=whole):
            raise CrossSiteRequest("malformed origin")
        scheme = match["scheme"].lower()
        port = int(match["port"]) if match["port"] else _DEFAULT_PORTS.get(scheme)
        if port is not None and port > _MAX_PORT:
            raise CrossSiteRequest("malformed origin")
        return cls(scheme, match["host"].lower(), port)


def _ends_well(rest: str, *, whole: bool) -> bool:
    return not rest if whole else rest[:1] in _AFTER_ORIGIN


def check_origin(
    request: Request,
    *,
    own: Origin | None,
    trusted: frozenset[Origin],
    ambient: Literal["cookie", "basic"],
    unsafe: bool = False,
    token_decides: bool = False,
) -> Verdict:
    """
    Refuse a credential that a foreign page made the browser send.

    Args:
        request: What came.
        own: The origin of ``external_url``; None where it is not known: then only what is trusted and
            ``Sec-Fetch-Site`` count.
        trusted: The origins of ``trusted_origins``.
        ambient: How the credential that authenticated had come.
        unsafe: Whether the step is asked whatever the method is: a rule that is marked so, and login, refresh and
            logout with cookies.
        token_decides: Whether the caller goes on to check a CSRF token where nothing tells the origin of a cookie.

    Returns:
        ``own`` where a page of ours sent it; ``unknown`` where nothing tells, which is returned for Basic, and for
        a cookie only with *token_decides*; ``unasked`` where the step is not asked.

    Raises:
        CrossSiteRequest: If another page sent it, or if nothing tells and no token is going to be checked.
    """
    if request.method in SAFE_METHODS and not (unsafe or request.is_websocket):
        return "unasked"
    if origins := request.values(b"origin"):
        _require_one_of(Origin.from_header(_sole(origins)), {own, *trusted})
        return "own"
    if request.is_websocket and ambient == "cookie":
        raise CrossSiteRequest("a handshake by cookie without an origin")
    if sites := request.values(b"sec-fetch-site"):
        if sites != [b"same-origin"]:
            raise CrossSiteRequest("the browser says that it is not of the same origin")
        return "own"
    if referers := request.values(b"referer"):
        _require_one_of(Origin.from_referer(_sole(referers)), {own})
        return "own"
    if ambient == "cookie" and not token_decides:
        raise CrossSiteRequest("nothing tells the origin of a cookie")
    return "unknown"


def _require_one_of(origin: Origin, allowed: set[Origin | None]) -> None:
    if origin not in allowed:
        raise CrossSiteRequest("another page's origin")


def _sole(values: Sequence[bytes]) -> bytes:
    if len(values) > 1:
        raise CrossSiteRequest("more than one value where one tells the origin")
    return values[0]
