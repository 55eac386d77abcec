"""Run a coroutine without an event loop, if none of its ports suspends."""

from collections.abc import Coroutine
from typing import TypeVar

Result = TypeVar("Result")


def run_sync(coroutine: Coroutine[object, None, Result]) -> Result:
    """
    Run *coroutine* to its end with one ``send`` and return its result.

    Raises:
        RuntimeError: If it suspends, which no port for WSGI does; the coroutine is closed.
    """
    try:
        coroutine.send(None)
    except StopIteration as stop:
        result: Result = stop.value
        return result
    coroutine.close()
    raise RuntimeError("a port for the blocking world suspended")
