"""One watched connection behind ASGI: what its application sends, until it is done or cut."""

import sys
from collections.abc import Awaitable, Callable, Coroutine, MutableMapping
from contextlib import AbstractAsyncContextManager, suppress
from typing import Any, Protocol

from safeconduct._core.connection_checks import Watch, Watching
from safeconduct._core.gate import Gate
from safeconduct._http.request import listed
from safeconduct.errors import AuthError, ExpiredToken, InsufficientRights, NotSupported, StepUpRequired
from safeconduct.principal import Principal

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Extend = Callable[[str], Awaitable[Principal]]


class CutOff(OSError):
    """
    What an application gets that sends on a connection that was cut.

    "If send is called … after the client has disconnected, … servers should raise a subclass of OSError" — ASGI 2.4,
    so that a framework knows what to do.
    """


class ConnectionChecks(Protocol):
    """What a line knows of the patrol of its loop."""

    def add(self, line: "WatchedConnection") -> None:
        """Look after *line* from now on."""
        ...

    def remove(self, line: "WatchedConnection") -> None:
        """Look after it no more."""
        ...

    def spawn(self, errand: Coroutine[Any, Any, None]) -> Awaitable[None]:
        """Run *errand* beside everything else."""
        ...

    def turn(self) -> AbstractAsyncContextManager[Any]:
        """Return what lets one in at a time."""
        ...


class WatchedConnection:
    """
    Pass on what is sent, and cut it.

    Args:
        gate: Whose watching decides.
        watch: What the connection rests on.
        send: The server's.
        is_last: Says of a message whether nothing may follow it.
        end: Ends the connection on the wire.
        outer: What extends the connection for another middleware of the same ``Auth`` around this one, or None.
    """

    __slots__ = ("_end", "_ending", "_gate", "_is_last", "_outer", "_rounds", "_send", "_turn", "is_done", "refusal",
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
        #: Why it was cut; None while it was not.
        self.refusal: AuthError | None = None
        #: Whether nothing more goes onto the wire.
        self.is_done = False
        #: Called when it is cut, before it is the ending's turn.
        self.stop: Callable[[], None] | None = None
        self._gate = gate
        self._send = send
        self._is_last = is_last
        self._end = end
        self._outer = outer
        self._ending: Awaitable[None] | None = None
        self._rounds = rounds_here(gate.watching)
        # Of the application's messages and the ending only one is under way, so that none comes after the ending.
        self._turn = self._rounds.turn()
        self._rounds.add(self)

    async def send(self, message: Message) -> None:
        """
        Pass *message* on.

        Raises:
            CutOff: If the connection was cut.
        """
        if "headers" in message:
            # What comes after it on the wire looks at them too.
            message = {**message, "headers": listed(message["headers"])}
        async with self._turn:
            if self.refusal is not None:
                raise CutOff
            await self._send(message)
            if self._is_last(message):
                self.leave()

    async def extend(self, token: str) -> Principal:
        """
        Let the connection rest on *token* from now on; one that does not meet the requirement cuts it.

        Raises:
            AuthError: If the token does not count here, or the connection is over.
        """
        if self.refusal is not None or self.is_done:
            raise ExpiredToken(self.watch.ends_ms // 1000, "the connection is over")
        try:
            principal = await self._gate.watching.extend(self.watch, token)
            if self._outer is not None:
                # The other one may hold it for a response like any other, which rests on nothing.
                with suppress(NotSupported):
                    await self._outer(token)
        except (InsufficientRights, StepUpRequired) as error:
            self.cut(error)
            raise
        return principal

    def cut(self, error: AuthError) -> None:
        """End the connection because of *error*, beside whatever the application does."""
        if self.refusal is None and not self.is_done:
            self._ending = self._rounds.spawn(self._finish(error))
            self.refusal = error
            self._rounds.remove(self)
            if self.stop is not None:
                self.stop()

    async def finish(self, error: AuthError) -> None:
        """End the connection because of *error* now, unless it is over."""
        self.refusal = self.refusal or error
        await self._finish(error)

    def leave(self) -> None:
        """Look after the connection no more: it has ended by itself."""
        self.is_done = True
        self._rounds.remove(self)

    async def release(self) -> None:
        """Let go of the connection, whose application has returned."""
        self._rounds.remove(self)
        self.is_done = self.is_done or self.refusal is None
        if self._ending is not None:
            await self._ending

    def explains(self, error: BaseException | None) -> bool:
        """Say whether *error* came of sending on the connection after it was cut."""
        while error is not None and not isinstance(error, CutOff):
            error = error.__cause__ or error.__context__
        return error is not None

    async def _finish(self, error: AuthError) -> None:
        async with self._turn:
            if not self.is_done:
                self.leave()
                # A server raises one or the other where the client has gone meanwhile.
                with suppress(OSError, RuntimeError):
                    await self._end(error)


def outer_extend(gate: Gate, scope: Scope) -> Extend | None:
    """Return what extends a connection for a middleware of the same ``Auth`` around this one, None where none is."""
    return None if gate.outer_passed(scope.get("auth")) is None else scope.get("safeconduct.extend")


def runs_on_asyncio() -> bool:
    """Say whether an event loop of asyncio runs here; where asyncio was never loaded, none does."""
    asyncio = sys.modules.get("asyncio")
    return asyncio is not None and asyncio._get_running_loop() is not None  # noqa: SLF001 - documented for loops


def rounds_here(watching: Watching) -> ConnectionChecks:
    """Return the patrol of the running loop."""
    # asyncio is loaded by the first connection that is watched, and not by `import safeconduct`.
    from safeconduct._connections.monitor import monitor_of_loop  # noqa: PLC0415 - see above

    return monitor_of_loop(watching)
