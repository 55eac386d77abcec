"""
Cookies as they go: each of ours with its attributes, and none that a browser would drop or read otherwise.

A cookie is for this host and for all of it: ``Path=/`` always and ``Domain`` never, so that what sets it and what
deletes it name the same cookie (RFC 6265 §5.3), and ``__Host-`` asks for no more than ``Secure``.  A browser drops
a cookie that breaks a rule without a word; here it is refused where it is built (ASVS 3.3.5).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final, Literal, Self, cast

from safeconduct._http.dates import LAST_INSTANT, from_http_date, to_http_date
from safeconduct._http.request import Field
from safeconduct.config import CookieConfig
from safeconduct.errors import ConfigurationError, NotSupported

SameSite = Literal["lax", "strict", "none"]
"""Which requests from other sites bring the cookie along (RFC 6265bis §4.1.2.7)."""

MAX_COOKIE_BYTES: Final = 4096
"""The longest name and value together that every browser keeps (RFC 6265bis §5.6)."""

MAX_AGE_SECONDS: Final = 400 * 24 * 60 * 60
"""400 days, the longest life of a cookie (RFC 6265bis §4.1.2.2)."""

# "cookies" would reach the whole registrable domain, neighbours included (Clear-Site-Data §3.1).
CLEAR_SITE_DATA: Final[Field] = (b"clear-site-data", b'"cache", "storage"')
"""What a browser forgets at sign-out beside our cookies."""

# token — RFC 9110 §5.6.2
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# cookie-octet without the quotes around — RFC 6265 §4.1.1
_VALUE = re.compile(r"[!#-+\--:<-\[\]-~]*")
_SECONDS = re.compile(r"[0-9]{1,10}")
# "__Secure-", "__Host-", case ignored — RFC 6265bis §5.6
_PREFIXES: Final = ("__secure-", "__host-")
_FLAGS: Final = frozenset({"secure", "httponly"})
_ATTRIBUTES: Final = _FLAGS | {"path", "max-age", "expires", "samesite"}
_SAME_SITES: Final = frozenset({"lax", "strict", "none"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SetCookie:
    """
    One cookie for the browser.

    Attributes:
        name: A token of ASCII; the prefixes ``__Host-`` and ``__Secure-`` need *secure*.
        value: Without quotes, space, comma, semicolon and backslash; empty in a deletion.
        secure: Whether it travels over TLS only.
        http_only: Whether it is out of reach for the page's scripts.
        same_site: None leaves the choice to the browser; ``none`` needs *secure*.
        max_age_seconds: At most *MAX_AGE_SECONDS* and at least 0, whatever is asked for; None: until the browser
            closes.
        expires_at: The same instant in seconds since the epoch, for clients that know ``Expires`` alone, and those
            that send a cookie without it back in quotes (Java's ``CookieManager``); None: it is not told.
    """

    name: str
    value: str = field(repr=False)
    secure: bool = True
    http_only: bool = True
    same_site: SameSite | None = "lax"
    max_age_seconds: int | None = None
    expires_at: int | None = None

    def __post_init__(self) -> None:
        """
        Refuse what a browser would.

        Raises:
            ConfigurationError: If the name or its attributes cannot be.
            NotSupported: If the value has an octet that none of ours has, or is too long under this name.
        """
        _check_name(self.name, secure=self.secure)
        if self.same_site == "none" and not self.secure:
            raise ConfigurationError(f"cookie {self.name!r}: same_site 'none' wants secure=True, got secure=False")
        if not _VALUE.fullmatch(self.value):
            raise NotSupported("the value is none that a cookie can have")
        if len(self.name) + len(self.value) > MAX_COOKIE_BYTES:
            raise NotSupported("the value is too long for a cookie")
        if self.max_age_seconds is not None:
            object.__setattr__(self, "max_age_seconds", min(max(0, self.max_age_seconds), MAX_AGE_SECONDS))
        if self.expires_at is not None:
            if self.max_age_seconds is None:
                raise ConfigurationError(f"cookie {self.name!r}: expires_at wants max_age_seconds beside it")
            object.__setattr__(self, "expires_at", min(max(0, self.expires_at), LAST_INSTANT))

    @classmethod
    def from_header(cls, value: bytes) -> Self:
        """
        Read the value of a ``Set-Cookie`` field, by the grammar for servers (RFC 6265bis §4.1.1).

        Raises:
            ConfigurationError: If it is none that is built here: the name, an attribute that is unknown, that comes
                twice or is malformed, or a path that is not ``/``.
            NotSupported: If the value is none that a cookie can have.
        """
        pair, *rest = value.decode("latin-1").split("; ")
        name, equals, text = pair.partition("=")
        if not equals:
            raise ConfigurationError("a cookie wants a name and '='")
        attributes = _attributes(rest)
        cookie = cls(
            name=name,
            value=text,
            secure="secure" in attributes,
            http_only="httponly" in attributes,
            same_site=_same_site(attributes.get("samesite")),
            max_age_seconds=_seconds(attributes.get("max-age")),
            expires_at=_instant(attributes.get("expires")),
        )
        if attributes.get("path") != "/":
            raise ConfigurationError(f"cookie {name!r} wants Path=/")
        return cookie

    def to_header(self) -> bytes:
        """Write the value of the ``Set-Cookie`` field."""
        parts = [f"{self.name}={self.value}", "Path=/"]
        if self.max_age_seconds is not None:
            # "If a cookie has both …, the Max-Age attribute has precedence" — RFC 6265 §4.1.2.2
            parts.append(f"Max-Age={self.max_age_seconds}")
        if self.expires_at is not None:
            parts.append(f"Expires={to_http_date(self.expires_at)}")
        parts += ["Secure"] * self.secure + ["HttpOnly"] * self.http_only
        if self.same_site is not None:
            parts.append(f"SameSite={self.same_site.capitalize()}")
        return "; ".join(parts).encode("ascii")

    def to_deletion(self) -> Self:
        """Return the cookie that makes a browser drop this one: the same name and attributes, and no life."""
        return replace(self, value="", max_age_seconds=0, expires_at=0)


def access_cookie(config: CookieConfig, token: str, *, expires_at: int, now: int) -> SetCookie:
    """Return the cookie with the access token; *expires_at* and *now* are in seconds since the epoch."""
    return _own(config, config.access, token, config.same_site, expires_at, now)


def refresh_cookie(config: CookieConfig, token: str, *, expires_at: int, now: int) -> SetCookie:
    """Return the cookie with the refresh token, which no request from another site brings along."""
    return _own(config, config.refresh, token, "strict", expires_at, now)


def device_cookie(config: CookieConfig, mark: str, *, expires_at: int, now: int) -> SetCookie:
    """Return the cookie by which a device is known at the next sign-in; it outlives a sign-out."""
    return _own(config, config.device, mark, "strict", expires_at, now)


def access_deletion(config: CookieConfig) -> SetCookie:
    """Return what makes a browser drop the access cookie."""
    return access_cookie(config, "", expires_at=0, now=0)


def refresh_deletion(config: CookieConfig) -> SetCookie:
    """Return what makes a browser drop the refresh cookie."""
    return refresh_cookie(config, "", expires_at=0, now=0)


def device_deletion(config: CookieConfig) -> SetCookie:
    """Return what makes a browser drop the device cookie."""
    return device_cookie(config, "", expires_at=0, now=0)


def set_cookie_fields(cookies: Iterable[SetCookie]) -> tuple[Field, ...]:
    """
    Return the header fields of one reply, a field for each cookie.

    Raises:
        ConfigurationError: If two have one name: which one a browser keeps is not said (RFC 6265bis §4.1.1).
    """
    named: dict[str, SetCookie] = {}
    for cookie in cookies:
        if cookie.name in named:
            raise ConfigurationError(f"a reply sets each cookie once, got {cookie.name!r} twice")
        named[cookie.name] = cookie
    return tuple((b"set-cookie", cookie.to_header()) for cookie in named.values())


def _own(config: CookieConfig, name: str, value: str, same_site: SameSite, expires_at: int, now: int) -> SetCookie:
    life_seconds = min(max(0, expires_at - now), MAX_AGE_SECONDS)
    return SetCookie(
        name=name,
        value=value,
        secure=config.secure,
        same_site=same_site,
        max_age_seconds=life_seconds,
        expires_at=now + life_seconds,
    )


def _check_name(name: str, *, secure: bool) -> None:
    if not _NAME.fullmatch(name):
        raise ConfigurationError(f"the name of a cookie must be a token (RFC 6265 §4.1.1), got {name!r}")
    if not secure and name.lower().startswith(_PREFIXES):
        raise ConfigurationError(f"cookie {name!r}: its prefix wants secure=True, got secure=False")


def _attributes(parts: Iterable[str]) -> dict[str, str]:
    attributes: dict[str, str] = {}
    for part in parts:
        name, equals, value = part.partition("=")
        key = name.lower()
        # "Servers MUST NOT produce two attributes with the same name" — RFC 6265bis §4.1.1
        if key in attributes or bool(equals) == (key in _FLAGS) or key not in _ATTRIBUTES:
            # What stands here may be the rest of a value, so that it is not named.
            raise ConfigurationError("a cookie wants each attribute once, and none that ours do not have")
        attributes[key] = value
    return attributes


def _same_site(value: str | None) -> SameSite | None:
    if value is None:
        return None
    if value.lower() not in _SAME_SITES:
        raise ConfigurationError(f"SameSite must be Lax, Strict or None, got {value!r}")
    return cast("SameSite", value.lower())


def _instant(value: str | None) -> int | None:
    if value is None:
        return None
    instant = from_http_date(value)
    if instant is None:
        raise ConfigurationError(f"Expires must be a date like Thu, 01 Jan 1970 00:00:00 GMT, got {value!r}")
    return instant


def _seconds(value: str | None) -> int | None:
    if value is None:
        return None
    if not _SECONDS.fullmatch(value):
        raise ConfigurationError(f"Max-Age must be a number of seconds, got {value!r}")
    return int(value)
