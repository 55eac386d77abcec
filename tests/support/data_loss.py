"""Ways in which a server comes back with a past state of its data, and a replica that takes over from its primary."""

from contextlib import contextmanager

from store_servers import Server


class NoReplica:
    """The replica of the store in memory, which has none."""

    def take_over(self):
        """Change nothing."""


class Replica:
    """
    A replica of *server*.

    Args:
        server: The primary.
        is_behind: Whether it is disconnected now; otherwise it has all that the primary confirmed.
        keeps_changes: Whether it has an append-only file.
    """

    def __init__(self, server, *, is_behind, keeps_changes=True):
        self._primary = server
        self._replica = Server(server.kind, "--appendonly", "yes" if keeps_changes else "no")
        # By default a primary waits five seconds for further replicas.
        server.say("CONFIG", "SET", "repl-diskless-sync-delay", "0")
        self._replica.say("REPLICAOF", "127.0.0.1", server.port)
        while self._replica.statistic("replication", "master_link_status") != "up":
            pass
        if is_behind:
            self._part()

    def run_for(self, *, seconds):
        """Wait until it has run for *seconds*."""
        while int(self._replica.statistic("server", "uptime_in_seconds")) < seconds:
            pass

    def take_over(self):
        """Kill the primary and take over its address."""
        self._part()
        self._primary.kill()
        self._replica.socket.rename(self._primary.socket)

    def stop(self):
        """Stop it."""
        self._replica.stop()

    def _part(self):
        if self._replica.statistic("replication", "role") == "master":
            return
        has_happened = int(self._primary.statistic("replication", "master_repl_offset"))
        while int(self._replica.statistic("replication", "slave_repl_offset")) < has_happened:
            pass
        self._replica.say("REPLICAOF", "NO", "ONE")


@contextmanager
def replica_of(server, *, is_behind):
    """Provide a replica of *server*, or of the memory if it is None."""
    if server is None:
        yield NoReplica()
        return
    standby = Replica(server, is_behind=is_behind)
    try:
        yield standby
    finally:
        standby.stop()


class StaleSnapshot:
    """Kill a server without an append-only file, and start it from an earlier snapshot."""

    def __init__(self, server):
        self._server = server

    def begin(self):
        self._server.say("SAVE")

    def lose_data(self):
        self._server.kill()
        self._server.start()

    def stop(self):
        """Leave nothing running."""


class TruncatedAof:
    """Kill a server, and start it from an append-only file whose end was not written."""

    def __init__(self, server):
        self._server = server
        self._length = 0
        server.keep_changes("always")

    def begin(self):
        self._length = self._file().stat().st_size

    def lose_data(self):
        self._server.kill()
        with self._file().open("r+b") as changes:
            changes.truncate(self._length)
        self._server.start()

    def stop(self):
        """Leave nothing running."""

    def _file(self):
        [*_, last] = sorted(self._server.folder.glob("appendonlydir/*.incr.aof"))
        return last


class StaleReplica:
    """Promote a replica that lost its connection before."""

    def __init__(self, server):
        self._server = server
        self._standby = None

    def begin(self):
        self._standby = Replica(self._server, is_behind=True)

    def lose_data(self):
        self._standby.take_over()

    def stop(self):
        if self._standby is not None:
            self._standby.stop()


DATA_LOSSES = {"snapshot": StaleSnapshot, "lost tail": TruncatedAof, "old copy": StaleReplica}
