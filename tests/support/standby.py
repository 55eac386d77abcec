"""A replica that takes its primary's place under the same address."""

from contextlib import contextmanager

from servers import Server


class Nothing:
    """What stands by the memory: its process is all there is."""

    def take_over(self):
        """Change nothing."""


class Standby:
    """
    A replica of *server*.

    Args:
        server: The primary.
        is_behind: Whether it hears of nothing more from now on; else it has all that the primary answered.
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

    def age(self, *, seconds):
        """Wait until it has lived so long."""
        while int(self._replica.statistic("server", "uptime_in_seconds")) < seconds:
            pass

    def take_over(self):
        """Kill the primary and answer in its place."""
        self._part()
        self._primary.kill()
        self._replica.socket.rename(self._primary.socket)

    def stop(self):
        """End it."""
        self._replica.stop()

    def _part(self):
        if self._replica.statistic("replication", "role") == "master":
            return
        has_happened = int(self._primary.statistic("replication", "master_repl_offset"))
        while int(self._replica.statistic("replication", "slave_repl_offset")) < has_happened:
            pass
        self._replica.say("REPLICAOF", "NO", "ONE")


@contextmanager
def standby_of(server, *, is_behind):
    """Give the standby of a server, or of the memory where there is none."""
    if server is None:
        yield Nothing()
        return
    standby = Standby(server, is_behind=is_behind)
    try:
        yield standby
    finally:
        standby.stop()
