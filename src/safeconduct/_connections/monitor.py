"""The one task of an event loop that looks after all watched connections, and runs only while there are any."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import Context
from typing import Any

from safeconduct._connections.watched_connection import Receive, Scope, Send, WatchedConnection
from safeconduct._core.connection_checks import Watching
from safeconduct.errors import AuthError


class ConnectionMonitor:
    """
    Look after every line of one loop.

    Deadlines are looked at every ``tick_seconds``, and the store is asked every ``staleness_seconds``: one question for
    all connections with the same credential.  The injected clock says what time it is; only the waiting is asyncio's.
    """

    def __init__(self, watching: Watching) -> None:
        self._watching = watching
        self._asks_every = max(1, int(watching.staleness_seconds / watching.tick_seconds))
        self._lines: set[WatchedConnection] = set()
        self._walk: asyncio.Task[None] | None = None

    def add(self, line: WatchedConnection) -> None:
        """Look after *line* from now on."""
        self._lines.add(line)
        if self._walk is None:
            self._walk = self.spawn(self._go_round())

    def remove(self, line: WatchedConnection) -> None:
        """Look after it no more; without any line nothing is left that runs."""
        self._lines.discard(line)
        if not self._lines and self._walk is not None:
            self._walk.cancel()
            self._walk = None

    def spawn(self, errand: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run *errand* in a context of its own: it is nobody's request."""
        return asyncio.get_running_loop().create_task(errand, context=Context())

    def turn(self) -> asyncio.Lock:
        """Return what lets one in at a time, in the order in which they came."""
        return asyncio.Lock()

    async def _go_round(self) -> None:
        count = 0
        while True:
            await asyncio.sleep(self._watching.tick_seconds)
            count += 1
            try:
                await self._look(asks=count % self._asks_every == 0)
            except Exception as fault:  # noqa: BLE001 - the last resort: nothing goes on that nobody looks at
                self._cut_all(self._watching.fault(fault))

    def _cut_all(self, error: AuthError) -> None:
        for line in tuple(self._lines):
            line.cut(error)

    async def _look(self, *, asks: bool) -> None:
        lines = {line.watch: line for line in self._lines}
        refused = await self._watching.refusals(lines) if asks else {}
        late = [watch for watch in lines if watch not in refused and self._watching.is_late(watch)]
        errors = await asyncio.gather(*(self._watching.lateness(watch) for watch in late))
        # Whoever was extended meanwhile is late no more.
        refused |= {
            watch: error for watch, error in zip(late, errors, strict=True) if error and self._watching.is_late(watch)
        }
        for watch, error in refused.items():
            lines[watch].cut(error)


def monitor_of_loop(watching: Watching) -> ConnectionMonitor:
    """Return the patrol of the running loop."""
    loop = asyncio.get_running_loop()
    monitor = watching.by_loop.get(loop)
    if monitor is None:
        monitor = watching.by_loop[loop] = ConnectionMonitor(watching)
    return monitor


App = Callable[[Scope, Receive, Send], Awaitable[None]]


async def serve_long_lived(line: WatchedConnection, app: App, scope: Scope, receive: Receive) -> None:
    """Call *app* until it returns or *line* is cut; then it is cancelled, so that the server sees where it broke."""
    loop = asyncio.get_running_loop()
    try:
        # No time is set: it is the cut that makes it run out.
        async with asyncio.timeout(None) as limit:
            line.stop = lambda: limit.reschedule(loop.time())
            try:
                await app(scope, receive, line.send)
            finally:
                line.stop = None
    except TimeoutError:
        if line.refusal is None:
            raise
