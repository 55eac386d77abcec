"""
Let all questions of one request share one deadline.

A request asks the store once, or several times: a sign-in counts a try, compares a password, opens a session.  The
bound is on what they take together.  What goes on between the questions, such as hashing, is not counted.
"""

from collections.abc import Callable, Coroutine
from contextvars import ContextVar
from functools import wraps
from typing import Any, ParamSpec, TypeVar

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


class Budget:
    """What one request has spent on the store so far; whoever asks the store adds to it."""

    __slots__ = ("is_over", "spent_seconds")

    def __init__(self) -> None:
        self.spent_seconds = 0.0
        #: Whether the request has ended.  A task that it began has a copy of its context, and may outlive it.
        self.is_over = False


_BUDGET: ContextVar[Budget | None] = ContextVar("safeconduct.store_budget", default=None)


def current_budget() -> Budget:
    """Return the running request's budget; outside a request every question has one of its own."""
    budget = _BUDGET.get()
    return Budget() if budget is None or budget.is_over else budget


def within_one_budget(
    decide: Callable[Parameters, Coroutine[Any, None, Result]],
) -> Callable[Parameters, Coroutine[Any, None, Result]]:
    """Let everything that *decide* asks share one budget, or the caller's where there is one."""

    @wraps(decide)
    async def decide_within(*args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        before = _BUDGET.get()
        if before is not None and not before.is_over:
            return await decide(*args, **kwargs)
        budget = Budget()
        _BUDGET.set(budget)
        try:
            return await decide(*args, **kwargs)
        finally:
            budget.is_over = True
            # Not by a token: a coroutine that is closed by the collector ends in another context.
            _BUDGET.set(before)

    return decide_within
