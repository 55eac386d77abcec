"""
Let all store commands of one request share one deadline.

A request sends one command or several: a sign-in counts a try, compares a password and opens a session.  The deadline
bounds the time that the commands take together.  What happens in between, such as hashing, does not count.
"""

from collections.abc import Callable, Coroutine
from contextvars import ContextVar
from functools import wraps
from typing import Any, ParamSpec, TypeVar

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


class Budget:
    """How much time one request has spent on the store so far; each command adds to it."""

    __slots__ = ("is_over", "spent_seconds")

    def __init__(self) -> None:
        self.spent_seconds = 0.0
        #: Whether the request has ended.  A task that it started has a copy of its context, and may outlive it.
        self.is_over = False


_BUDGET: ContextVar[Budget | None] = ContextVar("safeconduct.store_budget", default=None)


def current_budget() -> Budget:
    """Return the budget of the running request; outside a request every command has its own."""
    budget = _BUDGET.get()
    return Budget() if budget is None or budget.is_over else budget


def within_one_budget(
    decide: Callable[Parameters, Coroutine[Any, None, Result]],
) -> Callable[Parameters, Coroutine[Any, None, Result]]:
    """Let all commands of *decide* share one budget, the caller's if there is one."""

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
            # Not by a token: a coroutine that the garbage collector closes ends in another context.
            _BUDGET.set(before)

    return decide_within
