"""Make requests of a signed-in user, without a password."""

from collections.abc import Collection
from dataclasses import dataclass, field, replace

from safeconduct._core.directory import Account
from safeconduct._tokens.issuer import Grant
from safeconduct._wiring.operator_access import OperatorAccess
from safeconduct.auth import Auth, operator_access
from safeconduct.errors import ConfigurationError
from safeconduct.principal import LEVELS, Level
from safeconduct.testing.protected_app import auth_of


class RequestHeaders(dict[str, str]):
    """
    The headers of a request, as a ``dict`` for the ``headers=`` of a test client.

    ``environ`` and ``raw`` have the same headers for clients that want another form.
    """

    @property
    def environ(self) -> dict[str, str]:
        """The headers as a WSGI environ has them, such as ``HTTP_AUTHORIZATION``: ``Client(**headers.environ)``."""
        return {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in self.items()}

    @property
    def raw(self) -> list[tuple[bytes, bytes]]:
        """The headers as an ASGI scope has them, for Channels: ``WebsocketCommunicator(…, headers=headers.raw)``."""
        return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in self.items()]


@dataclass(frozen=True, slots=True)
class SignedInCookies:
    """A user's session by cookie: what a browser would send, and the CSRF token that a page would show."""

    #: The cookies by name, for the cookie jar of a test client.
    cookies: dict[str, str] = field(repr=False)
    #: What a request that changes something brings in ``X-CSRF-Token``.
    csrf_token: str = field(repr=False)
    session_id: str
    #: The origin of the pages that the cookies belong to: ``external_url``.
    origin: str

    @property
    def headers(self) -> RequestHeaders:
        """The headers ``Cookie`` and ``X-CSRF-Token``, for clients without a cookie jar."""
        line = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        return RequestHeaders({"Cookie": line, "X-CSRF-Token": self.csrf_token})

    @property
    def websocket_headers(self) -> RequestHeaders:
        """The headers ``Cookie`` and ``Origin``, without which the handshake of a WebSocket by cookie is refused."""
        return RequestHeaders({"Cookie": self.headers["Cookie"], "Origin": self.origin})


def signed_in(
    app: object,
    subject: str,
    *,
    level: Level = "explicit",
    roles: Collection[str] = (),
    scopes: Collection[str] = (),
    seconds_ago: int = 0,
) -> RequestHeaders:
    """
    Return the header of a request by *subject*, which *app* accepts until the token expires or is revoked.

    The token is issued now, by the clock of the ``Auth``, and after every cut-off that applies to it.  It has no
    session, unless ``sessions.require_session`` demands one: to test sessions, use ``signed_in_cookies`` or
    ``auth.sessions.sign_in``.

    Args:
        app: The application with our middleware, extension or plugin, a test client of it, or the ``Auth`` itself; its
            issuer signs the token.
        subject: The subject of the token; no directory is asked.
        level: The level of the sign-in.
        roles: The roles of the user.
        scopes: The scopes of the token.
        seconds_ago: How long ago the user authenticated.  With ``remembered`` and 0 the token has no ``auth_time``, so
            a rule with ``max_age_seconds`` refuses it: a user who authenticated just now would be ``explicit``.

    Returns:
        ``{"Authorization": "Bearer …"}``, for the ``headers`` of any test client.

    Raises:
        ConfigurationError: If *app* has no middleware, its ``Auth`` takes no such header or cannot issue, or an
            argument is wrong.
        Unavailable: If the store cannot be asked.
    """
    _check_arguments(subject, level, seconds_ago, roles=roles, scopes=scopes)
    auth = auth_of(app)
    _require_bearer(auth, subject)
    account = Account(subject, roles=sorted(roles), scopes=sorted(scopes))
    return RequestHeaders({"Authorization": f"Bearer {new_token(auth, account, level=level, seconds_ago=seconds_ago)}"})


def signed_in_cookies(
    app: object,
    subject: str,
    *,
    level: Level = "explicit",
    roles: Collection[str] = (),
    scopes: Collection[str] = (),
    seconds_ago: int = 0,
) -> SignedInCookies:
    """
    Begin a session of *subject* by cookie, and return its cookie and its CSRF token.

    The session is a real one: it is listed, it can be signed out, and it ends with the user's others.  With another
    *level* or age than those of a new sign-in, its token cannot be renewed.

    Args:
        app: The application with our middleware, extension or plugin, a test client of it, or the ``Auth`` itself.
        subject: The subject of the session; no directory is asked.
        level: The level of the sign-in.
        roles: The roles of the user.
        scopes: The scopes of the token.
        seconds_ago: How long ago the user authenticated; as with ``signed_in``.

    Raises:
        ConfigurationError: If *app* has no middleware, its ``Auth`` takes no cookies or cannot begin sessions, or an
            argument is wrong.
        Unavailable: If the store cannot be asked.
    """
    _check_arguments(subject, level, seconds_ago, roles=roles, scopes=scopes)
    auth = auth_of(app)
    _require_cookies(auth)
    access = operator_access(auth)
    account = Account(subject, roles=sorted(roles), scopes=sorted(scopes))
    tokens = access.begin_session(account, transport="cookie")
    token = tokens.access_token
    if level != "explicit" or seconds_ago:
        token = _issue(access, replace(tokens.grant, level=level), seconds_ago)
    cookies, origin = {auth.config.cookies.access: token}, str(auth.config.external_url)
    return SignedInCookies(cookies, access.csrf_token(tokens), tokens.session_id, origin)


def new_token(auth: Auth, account: Account, *, level: Level = "explicit", seconds_ago: int = 0) -> str:
    """Return an access token of *account*, for whichever source takes it."""
    access = operator_access(auth)
    return _issue(access, replace(new_grant(auth, access, account), level=level), seconds_ago)


def new_grant(auth: Auth, access: OperatorAccess, account: Account) -> Grant:
    """Return what a token of *account* says; it has a session only where tokens must have one."""
    if auth.config.sessions.require_session:
        return access.begin_session(account, transport="header").grant
    return Grant(
        subject=account.subject,
        level=account.level,
        roles=account.roles,
        scopes=account.scopes,
        lifetime_seconds=auth.config.tokens.access_lifetime_seconds,
    )


def require_list(name: str, given: Collection[str]) -> None:
    """
    Check that an argument is not a text, which is a collection of its letters.

    Raises:
        ConfigurationError: If it is.
    """
    if isinstance(given, str):
        raise ConfigurationError(f"{name} must be a list, such as [{given!r}], got {given!r}")


def _issue(access: OperatorAccess, grant: Grant, seconds_ago: int) -> str:
    iat_ms = access.issue_time_ms(subject=grant.subject)
    has_no_auth_time = grant.level == "remembered" and not seconds_ago
    auth_time = None if has_no_auth_time else iat_ms // 1000 - seconds_ago
    return access.issue(replace(grant, auth_time=auth_time), iat_ms=iat_ms)


def _require_bearer(auth: Auth, subject: str) -> None:
    sources = auth.config.sources
    # A test of WebSockets takes the token out of the header, and sends it as a subprotocol.
    if "bearer" in sources or "subprotocol" in sources:
        return
    instead = f"; use signed_in_cookies(app, {subject!r})" if "cookie" in sources else ""
    raise ConfigurationError(f'sources must include "bearer", got {list(sources)}{instead}')


def _require_cookies(auth: Auth) -> None:
    if "cookie" not in auth.config.sources:
        raise ConfigurationError(f'sources must include "cookie", got {list(auth.config.sources)}')


def _check_arguments(subject: str, level: Level, seconds_ago: int, **words: Collection[str]) -> None:
    for name, given in words.items():
        require_list(name, given)
    if level not in LEVELS[1:]:
        raise ConfigurationError(f"level must be one of {LEVELS[1:]}, got {level!r}")
    if not subject:
        raise ConfigurationError(f"subject must not be empty, got {subject!r}")
    if seconds_ago < 0:
        raise ConfigurationError(f"seconds_ago must be 0 or more, got {seconds_ago}")
