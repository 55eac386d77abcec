"""``Auth``: what one configuration comes to, for every WSGI and ASGI application of a process."""

import atexit
import time
import weakref
from collections.abc import Iterable
from types import TracebackType
from typing import Self

from safeconduct import asgi, wsgi
from safeconduct._core.decision import Clock
from safeconduct._core.directory import AsyncDirectory, Directory
from safeconduct._core.error_responses import ProblemBody
from safeconduct._core.event_dispatcher import EventDispatcher, Listener
from safeconduct._core.gate import Gate
from safeconduct._core.sessions.facade import AsyncSessions
from safeconduct._core.sessions.issuing import AddClaims
from safeconduct._core.store import StoreProvider
from safeconduct._wiring.arguments import check_arguments, check_listeners
from safeconduct._wiring.container import Container
from safeconduct._wiring.gate import new_gate
from safeconduct._wiring.operator_access import OperatorAccess
from safeconduct._wiring.world import WorldParts
from safeconduct.config import Config
from safeconduct.principal import Principal
from safeconduct.sessions import Sessions, run


class Auth:
    """
    The gate of one configuration; wrap any number of applications with it.

    Making one opens and starts nothing and reads the keys once.  Connections begin at the first request of a process.

    Args:
        config: The shared configuration.
        directory: Who the users are, for Basic and for sign-in; the users file of the configuration by default.
        store: Another store than the one that the configuration names.
        clock: Returns the seconds since the epoch; read once a request.
        listeners: Plain functions that hear every event and must not block; ``logging`` hears them all anyway.
        add_claims: Says what the tokens of a principal shall say besides, at sign-in, renewal and refresh; a plain
            function that must not block.  Claims of the token's own, roles and scopes are refused: these are the
            directory's to give.
        problem_body: Makes the body of a refusal in a form of your own.

    Raises:
        ConfigurationError: If anything cannot work together; every check that can be made without a request is made.
    """

    def __init__(
        self,
        config: Config,
        *,
        directory: Directory | AsyncDirectory | None = None,
        store: StoreProvider | None = None,
        clock: Clock = time.time,
        listeners: Iterable[Listener] = (),
        add_claims: AddClaims | None = None,
        problem_body: ProblemBody | None = None,
    ) -> None:
        check_arguments(
            config, directory=directory, store=store, clock=clock, add_claims=add_claims, problem_body=problem_body
        )
        self.config = config
        self._container = Container(
            config,
            directory=directory,
            store=store,
            clock=clock,
            announce=EventDispatcher(check_listeners(listeners)),
            problem_body=problem_body,
            add_claims=add_claims,
        )
        self._asgi = WorldParts(self._container, "asgi")
        self._wsgi = WorldParts(self._container, "wsgi")
        self._gates: dict[str, Gate] = {}
        self._is_closed = False
        _close_at_exit(self)

    @property
    def sessions(self) -> Sessions:
        """The verbs on logins and credentials, blocking."""
        return Sessions(self._wsgi.sessions)

    @property
    def async_sessions(self) -> AsyncSessions:
        """The verbs on logins and credentials, awaitable."""
        return self._asgi.sessions

    def asgi(self, app: asgi.App) -> asgi.AuthMiddleware:
        """
        Wrap an ASGI application.

        Raises:
            ConfigurationError: If the directory or the store has no face for ASGI.
        """
        return asgi.AuthMiddleware(app, self)

    def wsgi(self, app: wsgi.App) -> wsgi.AuthMiddleware:
        """
        Wrap a WSGI application.

        Raises:
            ConfigurationError: If the directory or the store has no face for WSGI.
        """
        return wsgi.AuthMiddleware(app, self)

    def verify(self, token: str) -> Principal:
        """
        Check an access token: everything that a request's token is checked for, but for the route's requirement.

        Raises:
            InvalidToken: If anything about it is wrong, or it was revoked.
            Unavailable: If the store cannot be asked.
            RuntimeError: If a loop runs in this thread; await ``async_verify`` there.
        """
        return run("verify", self.wsgi_gate().verify(token))

    async def async_verify(self, token: str) -> Principal:
        """
        Check an access token, awaitable; as ``verify``.

        Raises:
            InvalidToken: If anything about it is wrong, or it was revoked.
            Unavailable: If the store cannot be asked.
        """
        return await self.asgi_gate().verify(token)

    def asgi_gate(self) -> Gate:
        """Return the gate whose ports may suspend; one for all ASGI applications."""
        return self._gates.get("asgi") or self._new_gate(self._asgi)

    def wsgi_gate(self) -> Gate:
        """Return the gate whose ports answer at once; one for all WSGI applications."""
        return self._gates.get("wsgi") or self._new_gate(self._wsgi)

    def close(self) -> None:
        """Let go of everything; idempotent.  Afterwards every request is answered 503."""
        if not self._is_closed:
            self._is_closed = True
            for gate in self._gates.values():
                gate.close()
            self._container.close()

    async def aclose(self) -> None:
        """Let go of everything, also of the connections of the running loop; idempotent."""
        gate = self._gates.get("asgi")
        if gate is not None:
            await gate.release()
        self.close()

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
    return OperatorAccess(auth._container)  # pyright: ignore[reportPrivateUsage]  # noqa: SLF001 - see above


def _close_at_exit(auth: Auth) -> None:
    alive: weakref.ref[Auth] = weakref.ref(auth)

    def close() -> None:
        living = alive()
        if living is not None:
            living.close()

    atexit.register(close)
    weakref.finalize(auth, atexit.unregister, close)
