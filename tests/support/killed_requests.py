"""Kill a process in the middle of a request, at the step that the request names."""

import os
import signal
import threading

from safeconduct.stores.redis.connection_asyncio import AsyncioConnection
from safeconduct.stores.redis.connection_sync import SyncConnection


class KilledRequests:
    """
    Let the process kill itself in the middle of a request with the field ``X-Kill``, such as "after 2".

    "before 1" is before the first exchange with the store, "after 2" after the second one, whose reply is lost, and
    "response" before the response begins.  There is one request at a time.
    """

    def __init__(self):
        self._step, self._exchanges = None, 0
        for kind in (SyncConnection, AsyncioConnection):
            kind.exchange = self._counted(kind.exchange)

    def begin(self, step):
        """Begin a request."""
        self._step, self._exchanges = step, 0

    def check(self, step):
        """End the process here if the request asked for it."""
        if self._step == step:
            os.kill(os.getpid(), signal.SIGKILL)

    def _counted(self, exchange):
        async def counted(connection, *arguments):
            # What keeps the view current has a thread of its own.
            if threading.current_thread() is not threading.main_thread():
                return await exchange(connection, *arguments)
            self._exchanges += 1
            number = self._exchanges
            self.check(f"before {number}")
            replies = await exchange(connection, *arguments)
            self.check(f"after {number}")
            return replies

        return counted
