"""Drive a store's coroutines as each world does, and a clock that is moved by hand."""

from safeconduct.testing.store_contract.contracts import WORLDS, Blocking, Native

__all__ = ["WORLDS", "Blocking", "Clock", "Native"]


class Clock:
    """A clock that is moved by hand."""

    def __init__(self, seconds=1_800_000_000.0):
        self.seconds = seconds

    def __call__(self):
        return self.seconds

    def advance(self, *, seconds):
        self.seconds += seconds
