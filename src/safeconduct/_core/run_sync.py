"""Run a use case to its end without a loop, where every port answers at once."""

from collections.abc import Coroutine
from typing import TypeVar

Result = TypeVar("Result")


def run_sync(coroutine: Coroutine[object, None, Result]) -> Result:
    """
    Run *coroutine* to its end with one ``send`` and return its result.

    Raises:
        RuntimeError: If it suspends, which a port made for the blocking world never does; it is closed before.
    """
    try:
        coroutine.send(None)
    except StopIteration as stop:
        result: Result = stop.value
        return result
    coroutine.close()
    raise RuntimeError("a port for the blocking world suspended")
