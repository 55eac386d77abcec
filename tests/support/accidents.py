"""Ways in which a server comes back with a past state of its data.  What happens between the two calls is lost."""

from standby import Standby


class Snapshot:
    """Killed without a file of its changes, and started from the snapshot that it saved before."""

    def __init__(self, server):
        self._server = server

    def begin(self):
        self._server.say("SAVE")

    def strike(self):
        self._server.kill()
        self._server.start()

    def stop(self):
        """Leave nothing running."""


class LostTail:
    """Killed, and started from a file of changes whose end never came onto the disk."""

    def __init__(self, server):
        self._server = server
        self._length = 0
        server.keep_changes("always")

    def begin(self):
        self._length = self._file().stat().st_size

    def strike(self):
        self._server.kill()
        with self._file().open("r+b") as changes:
            changes.truncate(self._length)
        self._server.start()

    def stop(self):
        """Leave nothing running."""

    def _file(self):
        [*_, last] = sorted(self._server.folder.glob("appendonlydir/*.incr.aof"))
        return last


class OldCopy:
    """A replica that lost its connection, and is promoted all the same."""

    def __init__(self, server):
        self._server = server
        self._standby = None

    def begin(self):
        self._standby = Standby(self._server, is_behind=True)

    def strike(self):
        self._standby.take_over()

    def stop(self):
        if self._standby is not None:
            self._standby.stop()


ACCIDENTS = {"snapshot": Snapshot, "lost tail": LostTail, "old copy": OldCopy}
