"""The applications of ``bench_propagation.py``: each worker process burns a share of a core, as requests would."""

import asyncio
import os
import threading
import time

from served_processes import AsgiProcess, WsgiProcess, auth_of_process

_BURNT_SECONDS = 0.001


def _load():
    return float(os.environ["LOAD"])


def _burn():
    ends_at = time.perf_counter() + _BURNT_SECONDS
    while time.perf_counter() < ends_at:
        sum(range(50))


def _pause_seconds():
    return _BURNT_SECONDS * (1 - _load()) / _load()


class LoadedWsgi(WsgiProcess):
    """A WSGI application with a thread that burns, from the first request on."""

    _is_loaded = False

    def __call__(self, environ, start_response):
        if _load() and not self._is_loaded:
            self._is_loaded = True
            threading.Thread(target=self._burn, daemon=True).start()
        return super().__call__(environ, start_response)

    def _burn(self):
        while True:
            _burn()
            time.sleep(_pause_seconds())


class LoadedAsgi(AsgiProcess):
    """An ASGI application with a task that burns, from the first request on."""

    _task = None

    async def __call__(self, scope, receive, send):
        if _load() and self._task is None:
            self._task = asyncio.create_task(self._burn())
        await super().__call__(scope, receive, send)

    async def _burn(self):
        while True:
            _burn()
            await asyncio.sleep(_pause_seconds())


def wsgi():
    return LoadedWsgi(auth_of_process())


def asgi():
    return LoadedAsgi(auth_of_process())
