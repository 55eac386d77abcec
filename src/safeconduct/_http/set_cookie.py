"""
Write ``Set-Cookie`` fields, and refuse a cookie that a browser would drop or read differently.

Every cookie belongs to this host and to every path: ``Path=/`` is always written and ``Domain`` never, so that setting
and deleting name the same cookie (RFC 6265 §5.3), and the prefix ``__Host-`` needs nothing more than ``Secure``.  A
browser silently drops a cookie that breaks a rule; here it is refused when it is built (ASVS 3.3.5).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final, Literal, Self

from safeconduct._http.request import Field
from safeconduct.config.cookies import CookieConfig
from safeconduct.errors import ConfigurationError, NotSupported

SameSite = Literal["lax", "strict", "none"]
"""Which requests from other sites carry the cookie (RFC 6265bis §4.1.2.7)."""

CookieKind = Literal["access", "refresh", "device", "continued"]
"""The cookies that this package sets, by the names of their attributes in ``CookieConfig``."""

MAX_COOKIE_BYTES: Final = 4096
"""The longest name and value, added together, that every browser keeps (RFC 6265bis §5.6)."""

MAX_AGE_SECONDS: Final = 400 * 24 * 60 * 60
"""400 days, the longest lifetime of a cookie (RFC 6265bis §4.1.2.2)."""

LAST_INSTANT: Final = 253_402_300_799
"""The last second of the year 9999, the latest that an HTTP date can express."""

# "cookies" would clear the whole registrable domain, other applications included (Clear-Site-Data §3.1).
CLEAR_SITE_DATA: Final[Field] = (b"clear-site-data", b'"cache", "storage"')
"""What a browser forgets at sign-out besides our cookies."""

# token — RFC 9110 §5.6.2
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# cookie-octet without the surrounding quotes — RFC 6265 §4.1.1
_VALUE = re.compile(r"[!#-+\--:<-\[\]-~]*")
# "__Secure-", "__Host-", case ignored — RFC 6265bis §5.6
_PREFIXES: Final = ("__secure-", "__host-")
_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


@dataclass(frozen=True, slots=True, kw_only=True)
class SetCookie:
    """
    One cookie for the browser.

    Attributes:
        name: A token of ASCII characters; the prefixes ``__Host-`` and ``__Secure-`` need *secure*.
        value: Without quotes, space, comma, semicolon and backslash; empty in a deletion.
        secure: Whether the browser sends it over TLS only.
        http_only: Whether the page's scripts cannot read it.
        same_site: None leaves the choice to the browser; ``none`` needs *secure*.
        max_age_seconds: Clamped to 0 and *MAX_AGE_SECONDS*; None means until the browser closes.
        expires_at: The same instant in seconds since the epoch, for clients that know only ``Expires``, and for clients
            that send a cookie without it back in quotes (Java's ``CookieManager``); None leaves it out.
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
        Refuse a cookie that a browser would drop, and clamp its lifetime.

        Raises:
            ConfigurationError: If the name or the attributes break a rule.
            NotSupported: If the value has a character that no cookie may have, or is too long under this name.
        """
        if not _NAME.fullmatch(self.name):
            raise ConfigurationError(f"the name of a cookie must be a token (RFC 6265 §4.1.1), got {self.name!r}")
        if not self.secure and self.name.lower().startswith(_PREFIXES):
            raise ConfigurationError(f"cookie {self.name!r}: its prefix needs secure=True, got secure=False")
        if not self.secure and self.same_site == "none":
            raise ConfigurationError(f"cookie {self.name!r}: same_site 'none' needs secure=True, got secure=False")
        if not _VALUE.fullmatch(self.value):
            raise NotSupported("the value has a character that a cookie cannot have")
        if len(self.name) + len(self.value) > MAX_COOKIE_BYTES:
            raise NotSupported("the value is too long for a cookie")
        if self.max_age_seconds is not None:
            object.__setattr__(self, "max_age_seconds", min(max(0, self.max_age_seconds), MAX_AGE_SECONDS))
        if self.expires_at is not None:
            if self.max_age_seconds is None:
                raise ConfigurationError(f"cookie {self.name!r}: expires_at needs max_age_seconds as well")
            object.__setattr__(self, "expires_at", min(max(0, self.expires_at), LAST_INSTANT))

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
        """Return the cookie that makes a browser drop this one: same name and attributes, no value, no lifetime."""
        return replace(self, value="", max_age_seconds=0, expires_at=0)


def to_http_date(instant: int) -> str:
    """
    Write *instant*, in seconds since the epoch and at most *LAST_INSTANT*, as ``Sun, 06 Nov 1994 08:49:37 GMT``.

    This is IMF-fixdate (RFC 9110 §5.6.7).  ``strftime`` would use the names of the locale, and ``email.utils`` loads
    sockets.
    """
    at = datetime.fromtimestamp(instant, UTC)
    return f"{_DAYS[at.weekday()]}, {at.day:02} {_MONTHS[at.month - 1]} {at.year:04} {at:%H:%M:%S} GMT"


def own_cookie(config: CookieConfig, kind: CookieKind, value: str, *, expires_at: int, now: int) -> SetCookie:
    """
    Return a cookie of this package with the attributes that its *kind* has.

    Args:
        config: The names, ``Secure``, and the ``SameSite`` of the access cookie.
        kind: Which cookie; requests from other sites never carry the refresh and the device cookie.
        value: The token.
        expires_at: When the token ends, in seconds since the epoch.
        now: The current time, in seconds since the epoch.

    Raises:
        NotSupported: If *value* is too long for a cookie.
    """
    names = {
        "access": config.access,
        "refresh": config.refresh,
        "device": config.device,
        "continued": config.continued,
    }
    # The mark of a continuation signs nobody in, and counts in whatever way a person comes back.
    same_sites: dict[CookieKind, SameSite] = {"access": config.same_site, "continued": "lax"}
    same_site = same_sites.get(kind, "strict")
    lifetime_seconds = min(max(0, expires_at - now), MAX_AGE_SECONDS)
    return SetCookie(
        name=names[kind],
        value=value,
        secure=config.secure,
        same_site=same_site,
        max_age_seconds=lifetime_seconds,
        expires_at=now + lifetime_seconds,
    )


def own_deletion(config: CookieConfig, kind: CookieKind) -> SetCookie:
    """Return the cookie that makes a browser drop the one of this *kind*."""
    return own_cookie(config, kind, "", expires_at=0, now=0)


def set_cookie_fields(cookies: Iterable[SetCookie]) -> tuple[Field, ...]:
    """
    Return the header fields of one reply, one field for each cookie.

    Raises:
        ConfigurationError: If two cookies have the same name; which one a browser keeps is undefined (RFC 6265bis
            §4.1.1).
    """
    named: dict[str, SetCookie] = {}
    for cookie in cookies:
        if cookie.name in named:
            raise ConfigurationError(f"a reply must set each cookie once, got {cookie.name!r} twice")
        named[cookie.name] = cookie
    return tuple((b"set-cookie", cookie.to_header()) for cookie in named.values())
