"""Pass on what an application sends on one watched ASGI connection, until it is done or cut."""

from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from safeconduct._core.connection_checks import ConnectionChecks, Watch
from safeconduct._core.gate import Gate
from safeconduct._http.request import listed
from safeconduct.errors import AuthError, ExpiredToken, InsufficientRights, NotSupported, StepUpRequired
from safeconduct.principal import Principal

if TYPE_CHECKING:
    from safeconduct._connections.monitor import ConnectionMonitor

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Extend = Callable[[str], Awaitable[Principal]]


class CutOff(OSError):
    """
    Raised in an application that sends on a connection that was cut.

    "If send is called … after the client has disconnected, … servers should raise a subclass of OSError" — ASGI 2.4,
    so that a framework knows what to do.
    """


class WatchedConnection:
    """
    Pass on what is sent, and cut the connection when its credential ends.

    Args:
        gate: Decides whether the connection may go on.
        watch: The credential that the connection depends on.
        send: Sends a message to the server.
        is_last: Says of a message whether nothing may follow it.
        end: Ends the connection on the wire.
        outer: Extends the connection for an outer middleware of the same ``Auth``; None where there is none.
    """

    __slots__ = ("_checks", "_end", "_ending", "_is_last", "_lock", "_monitor", "_outer", "_send", "is_done", "refusal",
                 "stop", "watch")  # fmt: skip

    def __init__(
        self,
        gate: Gate,
        watch: Watch,
        send: Send,
        *,
        is_last: Callable[[Message], bool],
        end: Callable[[AuthError], Awaitable[None]],
        outer: Extend | None = None,
    ) -> None:
        self.watch = watch
        #: Why the connection was cut; None while it was not.
        self.refusal: AuthError | None = None
        #: Whether nothing more goes onto the wire.
        self.is_done = False
        #: Called when the connection is cut, before it is ended on the wire.
        self.stop: Callable[[], None] | None = None
        self._checks = gate.connection_checks
        self._send = send
        self._is_last = is_last
        self._end = end
        self._outer = outer
        self._ending: Awaitable[None] | None = None
        self._monitor = _monitor_of_loop(self._checks)
        # Only one message of the application, or the end, is sent at a time, so that nothing follows the end.
        self._lock = self._monitor.lock()
        self._monitor.add(self)

    async def send(self, message: Message) -> None:
        """
        Pass *message* on.

        Raises:
            CutOff: If the connection was cut.
        """
        if "headers" in message:
            # The server reads them again after this.
            message = {**message, "headers": listed(message["headers"])}
        async with self._lock:
            if self.refusal is not None:
                raise CutOff
            await self._send(message)
            if self._is_last(message):
                self.leave()

    async def extend(self, token: str) -> Principal:
        """
        Let the connection depend on *token* from now on; cut it if the token does not meet the requirement.

        Raises:
            AuthError: If the token does not count here, or the connection is over.
        """
        if self.refusal is not None or self.is_done:
            raise ExpiredToken(self.watch.ends_ms // 1000, "the connection is over")
        try:
            principal = await self._checks.extend(self.watch, token)
            if self._outer is not None:
                # For the outer middleware this may be a response that is not watched.
                with suppress(NotSupported):
                    await self._outer(token)
        except (InsufficientRights, StepUpRequired) as error:
            self.cut(error)
            raise
        return principal

    def cut(self, error: AuthError) -> None:
        """End the connection because of *error*, in a task of its own, whatever the application is doing."""
        if self.refusal is None and not self.is_done:
            self._ending = self._monitor.spawn(self._finish(error))
            self.refusal = error
            self._monitor.remove(self)
            if self.stop is not None:
                self.stop()

    async def finish(self, error: AuthError) -> None:
        """End the connection because of *error* and wait for it, unless it is over."""
        self.refusal = self.refusal or error
        await self._finish(error)

    def leave(self) -> None:
        """Stop watching the connection, which has ended by itself."""
        self.is_done = True
        self._monitor.remove(self)

    async def release(self) -> None:
        """Stop watching the connection, whose application has returned."""
        self._monitor.remove(self)
        self.is_done = self.is_done or self.refusal is None
        if self._ending is not None:
            await self._ending

    def explains(self, error: BaseException | None) -> bool:
        """Say whether *error* was raised because the application sent on the connection after it was cut."""
        while error is not None and not isinstance(error, CutOff):
            error = error.__cause__ or error.__context__
        return error is not None

    async def _finish(self, error: AuthError) -> None:
        async with self._lock:
            if not self.is_done:
                self.leave()
                # A server raises one or the other if the client has gone meanwhile.
                with suppress(OSError, RuntimeError):
                    await self._end(error)


def outer_extend(gate: Gate, scope: Scope) -> Extend | None:
    """Return what extends a connection for an outer middleware of the same ``Auth``; None where there is none."""
    return None if gate.outer_passed(scope) is None else scope.get("safeconduct.extend")


def _monitor_of_loop(checks: ConnectionChecks) -> "ConnectionMonitor":
    # asyncio is loaded by the first connection that is watched, and not by `import safeconduct`.
    from safeconduct._connections.monitor import monitor_of_loop  # noqa: PLC0415 - see above

    return monitor_of_loop(checks)
