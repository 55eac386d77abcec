"""A primary and its replica, which a test may pause."""

import time

from store_servers import Server


class Replicated:
    """Two servers, the second a replica of the first."""

    def __init__(self, kind):
        self.primary = Server(kind, "--repl-diskless-sync-delay", "0")
        self.replica = Server(kind, "--replicaof", f"127.0.0.1 {self.primary.port}")
        self.await_link()

    def await_link(self):
        """Wait until the replica has everything, within ten seconds."""
        ends_at = time.monotonic() + 10
        while self.replica.statistic("replication", "master_link_status") != "up":
            assert time.monotonic() < ends_at, "the replica did not connect"

    def stop(self):
        self.replica.stop()
        self.primary.stop()
