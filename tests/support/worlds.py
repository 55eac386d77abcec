"""Drive a store's coroutines as each world does."""

import asyncio

from safeconduct._core.run_sync import run_sync


class Blocking:
    """As behind WSGI: to the end at once."""

    def __init__(self, stores):
        self.store = stores.blocking()

    def run(self, coroutine):
        return run_sync(coroutine)

    def close(self):
        run_sync(self.store.close())


class Native:
    """As behind ASGI: on a loop."""

    def __init__(self, stores):
        self.store = stores.native()
        self._runner = asyncio.Runner()
        self._runner.get_loop()

    def run(self, coroutine):
        return self._runner.run(coroutine)

    def close(self):
        self._runner.run(self.store.close())
        self._runner.close()


WORLDS = {"blocking": Blocking, "native": Native}


class Clock:
    """A clock that is moved by hand; its own time, and how far it is from a server's."""

    def __init__(self, seconds=1_800_000_000.0):
        self.seconds = seconds

    def __call__(self):
        return self.seconds

    def advance(self, *, seconds):
        self.seconds += seconds
