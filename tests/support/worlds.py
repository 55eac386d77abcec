"""Drive a store's coroutines as each world does."""

import asyncio

from safeconduct._core.run_sync import run_sync


class Blocking:
    """Run coroutines without a loop, as behind WSGI."""

    def __init__(self, stores):
        self.store = stores.blocking()

    def run(self, coroutine):
        return run_sync(coroutine)

    def close(self):
        run_sync(self.store.close())


class Native:
    """Run coroutines in a loop, as behind ASGI."""

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
    """A clock that is moved by hand."""

    def __init__(self, seconds=1_800_000_000.0):
        self.seconds = seconds

    def __call__(self):
        return self.seconds

    def advance(self, *, seconds):
        self.seconds += seconds
