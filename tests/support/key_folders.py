"""Open key folders with a clock that is moved by hand, and record their events."""

from safeconduct._keys.folder import KeyFolder
from safeconduct.events import KeyExposed, KeySkipped


class Watch:
    """A clock and a listener."""

    def __init__(self):
        self.now = 0.0
        self.events = []

    def open(self, source, **how):
        """Return the keys at *source*."""
        return KeyFolder(
            source, monotonic=lambda: self.now, listener=self.events.append, environ=how.pop("environ", {}), **how
        )


def kids(keys):
    """Return the kids of a folder's current keys."""
    return [entry.key.kid for entry in keys.current().entries]


def is_skip(event):
    """Return whether an event only reports a file, and no change of the set."""
    return isinstance(event, KeySkipped | KeyExposed)
