"""Connections on which every exchange takes as long as a test says, by a clock of its own."""

from types import SimpleNamespace

from safeconduct.stores.redis import client
from safeconduct.stores.redis.connection import ConnectionBroken


class SlowLinks:
    """Put around the real connections of a store: time goes by only where a command is answered, or given up."""

    def __init__(self, monkeypatch):
        self.now = 1000.0
        self.takes_seconds = 0.0
        #: What was left of the deadline at each exchange.
        self.granted = []
        monkeypatch.setattr(client, "time", SimpleNamespace(monotonic=lambda: self.now))

    def around(self, wire_in_use):
        pool = wire_in_use._pool
        open_link = pool._new_connection
        pool._new_connection = lambda: _SlowLink(open_link(), self)


class _SlowLink:
    def __init__(self, link, times):
        self._link, self._times = link, times

    async def open(self, _seconds):
        await self._link.open(60)

    async def exchange(self, commands, seconds):
        times = self._times
        times.granted.append(round(seconds, 3))
        if times.takes_seconds > seconds:
            times.now += seconds
            raise ConnectionBroken("TimeoutError", is_final=True)
        times.now += times.takes_seconds
        return await self._link.exchange(commands, 60)

    def drop(self):
        self._link.drop()
