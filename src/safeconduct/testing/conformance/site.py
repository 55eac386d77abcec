"""Describe the application that is attacked: its paths, its tokens and its clock."""

from collections.abc import Collection
from itertools import count
from typing import Any, Final, Self
from unittest import SkipTest
from urllib.parse import urlsplit

from safeconduct._core.directory import Account
from safeconduct.auth import Auth, operator_access
from safeconduct.errors import ConfigurationError
from safeconduct.testing.clock import Clock
from safeconduct.testing.conformance.in_process import AppResponse, AsgiServer, AttackRequest, Fields, Socket, ask_wsgi
from safeconduct.testing.conformance.token_sources import IssuerTokens, OwnTokens, TokenSource
from safeconduct.testing.fake_issuer import FakeIssuer
from safeconduct.testing.protected_app import Interface, auth_of, interface_of
from safeconduct.testing.signed_in import RequestHeaders, require_list

#: Stores that tell the time by the clock of the ``Auth``.
_STORES_WITHOUT_A_CLOCK: Final = ("memory://", "none")


class Site:
    """
    An application, and the paths of it that are attacked.

    Use it as a context manager, which shuts an ASGI application down at the end.

    Args:
        app: The application with our middleware, extension or plugin.
        closed: A path that answers GET to any signed-in user, and to nobody else.
        public: A path that answers GET to everyone. Default: public paths are not checked.
        needs_role: A path that answers GET to users with a role alone, and the role. Default: roles are not checked.
        websocket: A path that accepts WebSockets of any signed-in user. Default: WebSockets are not checked.
        login: The name and the password of a user who may sign in and see *closed*. Default: sign-in is not checked.
        scopes: The scopes that *closed* and *websocket* need.
        subject: The subject of the tokens; the directory must know it if ``login.cut_off`` is "cached".
        issuer: An issuer that the application trusts, which signs the tokens. Default: the application's own keys do.
        interface: "asgi" or "wsgi", where the application does not show which.
        auth: Its ``Auth``, where the application does not show it: the middleware is around a part of it.

    Raises:
        ConfigurationError: If no middleware of ours is found, the interface is not known, or nothing issues tokens that
            the application accepts.
    """

    def __init__(  # noqa: PLR0913 - what an author says of their application
        self,
        app: Any,
        *,
        closed: str,
        public: str | None = None,
        needs_role: tuple[str, str] | None = None,
        websocket: str | None = None,
        login: tuple[str, str] | None = None,
        scopes: Collection[str] = (),
        subject: str = "alice",
        issuer: FakeIssuer | None = None,
        interface: Interface | None = None,
        auth: Auth | None = None,
    ) -> None:
        require_list("scopes", scopes)
        self.app = app
        self.auth = auth or auth_of(app)
        self.closed = closed
        self.public = public
        self.needs_role = needs_role
        self.websocket = websocket
        self.login = login
        self.scopes = scopes
        self.subject = subject
        self._numbers = count(1)
        self.tokens = _tokens_of(
            self.auth,
            issuer,
            Account(subject, scopes=sorted(scopes)),
            roles=() if needs_role is None else needs_role[1:],
        )
        self._host = urlsplit(self.auth.config.external_url or "").netloc or "testserver"
        self._interface = interface or interface_of(app)
        self._server = AsgiServer(app, self._host) if self._interface == "asgi" else None

    def user(self, subject: str | None = None, *, roles: Collection[str] = ()) -> RequestHeaders:
        """Return the header of a user whom the application lets in: a token, or a cookie if it takes no tokens."""
        return self.credential(self.tokens.of_user(subject or self.subject, roles=roles))

    def new_subject(self) -> str:
        """Return a subject whose tokens the check may revoke."""
        if self.auth.config.login.cut_off == "cached" and self.tokens.issuer is None:
            # Our own tokens are issued after every cut-off, so that later ones of this user are accepted.
            return self.subject
        return f"{self.subject}-{next(self._numbers)}"

    def credential(self, token: str) -> RequestHeaders:
        """Return the header in which the application takes an access token."""
        if "bearer" in self.auth.config.sources:
            return RequestHeaders({"Authorization": f"Bearer {token}"})
        return RequestHeaders({"Cookie": f"{self.auth.config.cookies.access}={token}"})

    def serves(self, method: str, path: str) -> bool:
        """Say whether a request is for one of our endpoints that the application serves."""
        gate = self.auth.asgi_gate() if self._interface == "asgi" else self.auth.wsgi_gate()
        return gate.endpoints.owns(method, path)

    @property
    def own_page(self) -> Fields:
        """The header by which a browser tells that a page of the application sent a request; for cookies."""
        return (("origin", str(self.auth.config.external_url)),)

    def clock(self) -> Clock:
        """
        Return the clock, which the check may advance.

        Raises:
            unittest.SkipTest: If the application or its store has a clock that cannot be advanced.
        """
        clock = operator_access(self.auth).clock
        if not isinstance(clock, Clock):
            raise SkipTest("the time cannot be moved: the Auth was made without clock=safeconduct.testing.Clock()")
        if self.auth.config.store.url not in _STORES_WITHOUT_A_CLOCK:
            raise SkipTest("the time cannot be moved: the store has a clock of its own")
        return clock

    def ask(self, request: AttackRequest) -> AppResponse:
        """Send a request and return the whole response."""
        if self._server is None:
            return ask_wsgi(self.app, request, self._host)
        return self._server.ask(request)

    def connect(self, request: AttackRequest) -> Socket:
        """
        Send the handshake of a WebSocket, and return the WebSocket once it was accepted or refused.

        Raises:
            unittest.SkipTest: If the application is a WSGI application.
        """
        if self._server is None:
            raise SkipTest("a WSGI application has no WebSockets")
        return self._server.connect(request)

    def close(self) -> None:
        """Shut the application down, if it is an ASGI application."""
        if self._server is not None:
            self._server.close()

    def __enter__(self) -> Self:
        """Return the site itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the site."""
        self.close()


def _tokens_of(auth: Auth, issuer: FakeIssuer | None, user: Account, *, roles: Collection[str]) -> TokenSource:
    if not {"bearer", "cookie"} & set(auth.config.sources):
        raise ConfigurationError(f'sources must include "bearer" or "cookie", got {list(auth.config.sources)}')
    if issuer is None:
        return OwnTokens(auth, user)
    return IssuerTokens(auth, issuer, user, roles=roles)
