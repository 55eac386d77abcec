"""Wrap applications: ``Auth`` makes the gate that one configuration describes."""

import time
import weakref
from collections.abc import Iterable
from types import TracebackType
from typing import Self

from safeconduct import asgi, wsgi
from safeconduct._core.decision import Clock
from safeconduct._core.event_dispatcher import EventDispatcher, Listener
from safeconduct._core.gate import Gate
from safeconduct._core.sessions.facade import AsyncSessions
from safeconduct._core.sessions.issuing import AddClaims
from safeconduct._http.problems import ProblemBody, ProblemPage
from safeconduct._wiring.arguments import (
    AnyClients,
    AnyDirectory,
    AnyStore,
    Provided,
    check_arguments,
    check_listeners,
    tracer_among,
)
from safeconduct._wiring.container import Container, close_at_exit
from safeconduct._wiring.gate import cookies_of, new_gate, passwords_of
from safeconduct._wiring.operator_access import OperatorAccess
from safeconduct._wiring.readiness import check_ready
from safeconduct._wiring.world import WorldParts
from safeconduct.api_keys import ApiKeys, AsyncApiKeys
from safeconduct.config import Config
from safeconduct.errors import Unavailable
from safeconduct.principal import Identity, Principal
from safeconduct.sessions import AsyncCookies, AsyncPasswords, Cookies, Passwords, Sessions, run
from safeconduct.tokens import AsyncTokenFactory, TokenFactory


class Auth:
    """
    The gate of one configuration; wrap any number of ASGI and WSGI applications with it.

    Making one reads the keys, and opens no connection and starts no thread.  Connections are opened at the first
    request of a process.

    Args:
        config: The configuration.
        directory: The users, for Basic and for sign-in. Default: the users file of the configuration.
        clients: The services with a secret or a key of their own, beside those of the configuration, for self-signed
            tokens and the token endpoint; asked at most once in ``revocation.staleness_seconds`` about each.
        store: A store. Default: the one that the configuration names.
        clock: Returns the time in seconds since the epoch; read once per request.
        listeners: Plain functions that are called with every event and must not block; every event is logged too.
            The first one with a method ``span`` makes the spans of a trace, as ``opentelemetry.OpenTelemetry`` does.
        add_claims: Returns more claims for the tokens of a principal, at sign-in, step-up, renewal and refresh; a plain
            function that must not block.  The claims that a token has anyway, roles and scopes are refused: only the
            directory gives rights.  Empty values (None, `""`, `[]`, `{}`) are left out of the token.
        problem_body: Makes the body of a refusal in a form of your own.
        problem_page: Makes the HTML page of a refusal that a person sees, instead of ours; needs `endpoints.pages`.

    Raises:
        ConfigurationError: If the parts cannot work together; every check that needs no request is made here.
    """

    def __init__(  # noqa: PLR0913 - what an application brings along
        self,
        config: Config,
        *,
        directory: AnyDirectory | None = None,
        clients: AnyClients | None = None,
        store: AnyStore | None = None,
        clock: Clock = time.time,
        listeners: Iterable[Listener] = (),
        add_claims: AddClaims | None = None,
        problem_body: ProblemBody | None = None,
        problem_page: ProblemPage | None = None,
    ) -> None:
        heard = check_listeners(listeners)
        provided = Provided(
            directory=directory,
            clients=clients,
            store=store,
            problem_body=problem_body,
            problem_page=problem_page,
            add_claims=add_claims,
            tracer=tracer_among(heard),
        )
        check_arguments(config, provided, clock=clock)
        self.config = config
        self._container = Container(
            config, clock=clock, announce=EventDispatcher(heard, clock=clock), provided=provided
        )
        self._asgi = WorldParts(self._container, "asgi")
        self._wsgi = WorldParts(self._container, "wsgi")
        self._gates: dict[str, Gate] = {}
        self._is_closed = False
        close_at_exit(self)
        view = self._container.bounded_view
        if view is not None:
            # Its thread would go on for ever; the store is for the sessions that may have been handed out.
            weakref.finalize(self, view.end)

    @property
    def sessions(self) -> Sessions:
        """Sign users in and out, and revoke credentials; blocking."""
        return Sessions(self._wsgi.sessions)

    @property
    def async_sessions(self) -> AsyncSessions:
        """Sign users in and out, and revoke credentials; awaitable."""
        return self._asgi.sessions

    @property
    def cookies(self) -> Cookies:
        """Set our cookies in responses of the application's own pages; blocking."""
        return Cookies(cookies_of(self._wsgi, self.wsgi_gate()))

    @property
    def async_cookies(self) -> AsyncCookies:
        """Set our cookies in responses of the application's own pages; awaitable."""
        return cookies_of(self._asgi, self.asgi_gate())

    @property
    def passwords(self) -> Passwords:
        """Check passwords for the application's own pages; blocking."""
        return Passwords(passwords_of(self._wsgi, self.wsgi_gate()))

    @property
    def async_passwords(self) -> AsyncPasswords:
        """Check passwords for the application's own pages; awaitable."""
        return passwords_of(self._asgi, self.asgi_gate())

    @property
    def tokens(self) -> TokenFactory:
        """Issue access tokens in code; blocking."""
        return TokenFactory(self._wsgi.tokens)

    @property
    def async_tokens(self) -> AsyncTokenFactory:
        """Issue access tokens in code; awaitable."""
        return self._asgi.tokens

    @property
    def api_keys(self) -> ApiKeys:
        """Make, list and revoke API keys; blocking."""
        return ApiKeys(self._wsgi.api_keys.verbs)

    @property
    def async_api_keys(self) -> AsyncApiKeys:
        """Make, list and revoke API keys; awaitable."""
        return self._asgi.api_keys.verbs

    @property
    def view_age_seconds(self) -> float | None:
        """
        How old this process's local view of the revocations is.

        None where none is kept: with ``strict`` everywhere, and without a server.  Infinite before it was loaded, which
        begins with the ASGI lifespan or the first request.  Above ``revocation.staleness_seconds``, requests ask the
        store.
        """
        view = self._container.bounded_view
        return None if view is None else view.age_seconds

    def asgi(self, app: asgi.App) -> asgi.AuthMiddleware:
        """
        Wrap an ASGI application.

        Raises:
            ConfigurationError: If the directory or the store does not support ASGI.
        """
        return asgi.AuthMiddleware(app, self)

    def wsgi(self, app: wsgi.App) -> wsgi.AuthMiddleware:
        """
        Wrap a WSGI application.

        Raises:
            ConfigurationError: If the directory or the store does not support WSGI.
        """
        return wsgi.AuthMiddleware(app, self)

    def verify(self, token: str) -> Principal:
        """
        Check an access token as a request's token is checked, without the requirement of a route.

        Raises:
            InvalidToken: If it is not valid, or was revoked.
            Unavailable: If the store cannot be asked.
            RuntimeError: If an event loop runs in this thread; await ``async_verify`` there.
        """
        return run("verify", self.wsgi_gate().verify(token))

    async def async_verify(self, token: str) -> Principal:
        """
        Check an access token as ``verify`` does; awaitable.

        Raises:
            InvalidToken: If it is not valid, or was revoked.
            Unavailable: If the store cannot be asked.
        """
        return await self.asgi_gate().verify(token)

    def check_ready(self) -> None:
        """
        Return if this process could decide about a request now; for the readiness check of a load balancer.

        The store is asked in any case, also while a current local view answers requests without it.

        Raises:
            Unavailable: If the keys are gone, the store cannot be asked or lost its data, or this is closed.
            RuntimeError: If an event loop runs in this thread; await ``async_check_ready`` there.
        """
        self._refuse_closed()
        run("check_ready", check_ready(self._wsgi))

    async def async_check_ready(self) -> None:
        """
        Check as ``check_ready`` does; awaitable.

        Raises:
            Unavailable: If the keys are gone, the store cannot be asked or lost its data, or this is closed.
        """
        self._refuse_closed()
        await check_ready(self._asgi)

    def allows(self, identity: Identity, method: str, path: str, *, root_path: str = "") -> bool:
        """
        Say whether the access rules let *identity* send a request, as they would if it came now.

        The rules alone are asked: not whether a credential was revoked, who signed *identity* in, or what ``requires``
        asks inside the application.  Nothing is sent, and no event is reported.

        Args:
            identity: Who would send it, such as ``current()``.
            method: Its method, such as "POST"; a WebSocket handshake counts as GET.
            path: Its path as in a URL: percent-encoded, relative to the application.  A query is ignored.  For a path
                that would get 400, the answer is False.
            root_path: A prefix that *path* may begin with (``root_path`` or ``SCRIPT_NAME``).

        Raises:
            TypeError: If *identity* is neither a ``Principal`` nor an ``Anonymous``.
            ValueError: If *path* does not begin with a slash.
        """
        container = self._container
        return container.permissions.allow(identity, method, path, root_path=root_path, now=container.clock())

    def asgi_gate(self) -> Gate:
        """Return the one gate of all ASGI applications; its ports are awaited."""
        return self._gates.get("asgi") or self._new_gate(self._asgi)

    def wsgi_gate(self) -> Gate:
        """Return the one gate of all WSGI applications; its ports block."""
        return self._gates.get("wsgi") or self._new_gate(self._wsgi)

    def close(self) -> None:
        """Close every connection; idempotent.  From then on every request is answered 503."""
        if not self._is_closed:
            self._is_closed = True
            for gate in tuple(self._gates.values()):
                gate.close()
            self._container.close()

    async def aclose(self) -> None:
        """Close every connection, also those of the running event loop; idempotent."""
        gate = self._gates.get("asgi")
        if gate is not None:
            await gate.release()
        self.close()

    def _refuse_closed(self) -> None:
        if self._is_closed:
            raise Unavailable("closed")

    def _new_gate(self, parts: WorldParts) -> Gate:
        gate = self._gates.setdefault(parts.world, new_gate(parts))
        if self._is_closed:
            gate.close()
        return gate

    def __enter__(self) -> Self:
        """Return the ``Auth`` itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close."""
        self.close()


def operator_access(auth: Auth) -> OperatorAccess:
    """Return what the command line and ``safeconduct.testing`` do with *auth* beyond its public methods."""
    # Here alone, so that neither of them knows how an `Auth` is built.
    return OperatorAccess(
        auth._container,  # pyright: ignore[reportPrivateUsage]  # noqa: SLF001 - see above
        lambda: auth._wsgi.sessions,  # pyright: ignore[reportPrivateUsage]  # noqa: SLF001 - see above
    )
