"""Configure cookies, and the protection of credentials that a browser sends by itself against foreign pages."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, ClassVar, Final, Literal

from safeconduct.config.field_errors import Problem
from safeconduct.config.fields import OriginText, Text
from safeconduct.config.sections import CrossCheck, CrossChecks, check_section, checked_constructor
from safeconduct.config.urls import like

_NAMES: Final = ("access", "refresh", "device")
_COOKIE_NAME: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}"
# A browser accepts "__Secure-" and "__Host-" only with Secure (RFC 6265bis §4.1.3), in any case (§5.6).
_PREFIXES: Final = ("__host-", "__secure-")

CookieName = Annotated[str, Text("the name of a cookie (RFC 6265 §4.1.1)", like(_COOKIE_NAME))]


def _names_differ(cookies: "CookieConfig") -> Iterator[Problem]:
    seen: dict[str, str] = {cookies.continued: "continued"}
    for field in _NAMES:
        other = seen.setdefault(getattr(cookies, field), field)
        if other != field:
            yield Problem(field, f"got {getattr(cookies, field)!r}, wanted a name other than that of cookies.{other}")


def _prefixes_are_secure(cookies: "CookieConfig") -> Iterator[Problem]:
    for field in _NAMES:
        name: str = getattr(cookies, field)
        if not cookies.secure and name.lower().startswith(_PREFIXES):
            yield Problem(field, f"got {name!r}, wanted a name without prefix, or cookies.secure = true")


def _none_is_secure(cookies: "CookieConfig") -> Iterator[Problem]:
    if not cookies.secure and cookies.same_site == "none":
        yield Problem("same_site", 'got \'none\', wanted "lax" or "strict", or cookies.secure = true')


@checked_constructor
@dataclass(frozen=True, slots=True, kw_only=True)
class CookieConfig:
    """
    The names and attributes of our cookies.

    Attributes:
        access: The name of the cookie with the access token; the prefix `__Host-` binds it to this host and to TLS.
        refresh: The name of the cookie with the refresh token.
        device: The name of the cookie by which a known device passes the throttle of an account.
        mode: "offer" sets cookies if login asks for them; "require" never puts a token into the body of a response to a
            browser; "off" sets none.
        secure: Whether cookies are sent over TLS only; false needs names without a prefix.
        same_site: The `SameSite` of the access cookie; that of the refresh cookie is always strict.
    """

    access: CookieName = "__Host-safeconduct"
    refresh: CookieName = "__Host-safeconduct-refresh"
    device: CookieName = "__Host-safeconduct-device"
    mode: Literal["offer", "require", "off"] = "offer"
    secure: bool = True
    same_site: Literal["lax", "strict", "none"] = "lax"

    cross_checks: ClassVar[CrossChecks] = (
        CrossCheck(_NAMES, _names_differ),
        CrossCheck((*_NAMES, "secure"), _prefixes_are_secure),
        CrossCheck(("same_site", "secure"), _none_is_secure),
    )

    @property
    def continued(self) -> str:
        """The name of the cookie that `/auth/continue` sets for ten seconds: that of the access cookie and a word."""
        return f"{self.access}-continued"

    def __post_init__(self) -> None:
        """Check the section."""
        check_section(self, "cookies")


@checked_constructor
@dataclass(frozen=True, slots=True, kw_only=True)
class CsrfConfig:
    """
    The protection against cross-site requests.

    Attributes:
        trusted_origins: The origins, beside that of `external_url`, whose pages may use the credentials of a browser.
        token: "always" requires a CSRF token from requests by cookie that change something; "fallback" only if the
            browser does not say where a request comes from.
    """

    trusted_origins: tuple[OriginText, ...] = ()
    token: Literal["always", "fallback"] = "always"  # noqa: S105 - a mode

    def __post_init__(self) -> None:
        """Check the section."""
        check_section(self, "csrf")
