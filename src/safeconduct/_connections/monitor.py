"""Watch every connection of an event loop in one task, which runs only while there are any."""

import asyncio
from collections.abc import Coroutine
from contextvars import Context
from typing import Any

from safeconduct._connections.watched_connection import App, Receive, Scope, WatchedConnection
from safeconduct._core.connection_checks import ConnectionChecks
from safeconduct.errors import AuthError


class ConnectionMonitor:
    """
    Watch every connection of one event loop.

    Every ``tick_seconds``, deadlines are checked, and the store is asked about connections whose credential has just
    ceased to count by what is known without asking.  Every ``staleness_seconds`` it is asked about all for which that
    does not suffice, once for all connections with the same credential.  The time is read from the injected clock;
    only the waiting is asyncio's.
    """

    def __init__(self, checks: ConnectionChecks) -> None:
        self._checks = checks
        self._ticks_between_questions = max(1, int(checks.staleness_seconds / checks.tick_seconds))
        self._connections: set[WatchedConnection] = set()
        self._task: asyncio.Task[None] | None = None

    def add(self, connection: WatchedConnection) -> None:
        """Watch *connection* from now on."""
        self._connections.add(connection)
        if self._task is None:
            self._task = self.spawn(self._run())

    def remove(self, connection: WatchedConnection) -> None:
        """Stop watching *connection*; end the task if none is left."""
        self._connections.discard(connection)
        if not self._connections and self._task is not None:
            self._task.cancel()
            self._task = None

    def spawn(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Start a task in an empty context: it belongs to no request."""
        return asyncio.get_running_loop().create_task(coroutine, context=Context())

    def lock(self) -> asyncio.Lock:
        """Return a lock that is acquired in the order in which it was asked for."""
        return asyncio.Lock()

    async def _run(self) -> None:
        ticks = 0
        while True:
            await asyncio.sleep(self._checks.tick_seconds)
            ticks += 1
            try:
                await self._check(asks_store=ticks % self._ticks_between_questions == 0)
            except Exception as fault:  # noqa: BLE001 - the last resort: no connection goes on unchecked
                self._cut_all(self._checks.fault(fault))

    def _cut_all(self, error: AuthError) -> None:
        for connection in tuple(self._connections):
            connection.cut(error)

    async def _check(self, *, asks_store: bool) -> None:
        checks = self._checks
        connections = {connection.watch: connection for connection in self._connections}
        doubtful = checks.newly_doubtful(connections)
        asked = connections if asks_store else doubtful
        refused = await checks.refusals(asked) if asked else {}
        expired = [watch for watch in connections if watch not in refused and checks.is_expired(watch)]
        errors = await asyncio.gather(*(checks.check_expiry(watch) for watch in expired))
        # A connection that was extended meanwhile has not expired any more.
        refused |= {
            watch: error for watch, error in zip(expired, errors, strict=True) if error and checks.is_expired(watch)
        }
        for watch, error in refused.items():
            connections[watch].cut(error)


def monitor_of_loop(checks: ConnectionChecks) -> ConnectionMonitor:
    """Return the monitor of the running event loop."""
    loop = asyncio.get_running_loop()
    monitor = checks.monitors.get(loop)
    if monitor is None:
        monitor = checks.monitors[loop] = ConnectionMonitor(checks)
    return monitor


async def serve_long_lived(connection: WatchedConnection, app: App, scope: Scope, receive: Receive) -> None:
    """Call *app* until it returns or the connection is cut; cancel it then, so that the server sees where it broke."""
    loop = asyncio.get_running_loop()
    try:
        # No deadline is set: cutting the connection makes the timeout expire.
        async with asyncio.timeout(None) as timeout:
            connection.stop = lambda: timeout.reschedule(loop.time())
            try:
                await app(scope, receive, connection.send)
            finally:
                connection.stop = None
    except TimeoutError:
        if connection.refusal is None:
            raise
