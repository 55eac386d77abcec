"""Watch what a store sends to its server: how often, and what happens between two commands of one go."""

from safeconduct.stores.redis.connection_asyncio import AsyncioConnection
from safeconduct.stores.redis.connection_sync import SyncConnection

_KINDS = (SyncConnection, AsyncioConnection)


class RoundTrips:
    """Count the round trips to a server, and the commands of each kind that it has run since."""

    def __init__(self, monkeypatch, server):
        self._server = server
        self.count = 0
        for kind in _KINDS:
            monkeypatch.setattr(kind, "exchange", self._counting(kind.exchange))
        self.reset()

    def reset(self):
        """Begin to count anew."""
        self.count = 0
        self._server.say("CONFIG", "RESETSTAT")

    def commands(self, name):
        """Return how often the server has run the command *name*."""
        try:
            fields = self._server.statistic("commandstats", f"cmdstat_{name}")
        except LookupError:
            return 0
        return int(fields.partition("=")[2].partition(",")[0])

    @property
    def scripts(self):
        """How many scripts the server has run."""
        return self.commands("evalsha") + self.commands("eval")

    def _counting(self, exchange):
        async def counted(connection, commands, seconds):
            address = connection._address
            self.count += address.port == self._server.port or address.path == str(self._server.socket)
            return await exchange(connection, commands, seconds)

        return counted


class Interruption:
    """Let something happen before the last of the commands that are sent in one go, once."""

    def __init__(self, monkeypatch, happen):
        self._happen = happen
        for kind in _KINDS:
            monkeypatch.setattr(kind, "exchange", self._interrupted(kind.exchange))

    def _interrupted(self, exchange):
        async def interrupted(connection, commands, seconds):
            happen, self._happen = self._happen, None
            if happen is None or len(commands) == 1:
                self._happen = happen
                return await exchange(connection, commands, seconds)
            replies = await exchange(connection, commands[:-1], seconds)
            happen()
            return replies + await exchange(connection, commands[-1:], seconds)

        return interrupted
