"""Say what to write where a public function is called with arguments that it does not take."""

import functools
import inspect
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from safeconduct.errors import ConfigurationError

P = ParamSpec("P")
R = TypeVar("R")


class WrongArguments(ConfigurationError, TypeError):
    """A function was called with arguments that it does not take."""


def wants(example: str, *, name: str | None = None) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """
    Let a function raise ``WrongArguments``, which shows *example*, for arguments that it does not take.

    It helps those who forget the parentheses of a decorator, or pass a class for an instance; Python's ``TypeError``
    would not say what to write.

    Args:
        example: A correct call.
        name: What was called, in words. Default: the function.
    """

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            try:
                return function(*args, **kwargs)
            except TypeError as error:
                why = _mismatch(function, args, kwargs)
                if why is None:
                    raise
                raise WrongArguments(f"{name or _name_of(function)}: {why}, wanted {example}") from error

        return call

    return decorate


def _mismatch(function: Callable[..., object], args: tuple[object, ...], kwargs: dict[str, object]) -> str | None:
    """Return why *function* does not take the arguments; None if it does, and has raised an error of its own."""
    try:
        inspect.signature(function).bind(*args, **kwargs)
    except TypeError as error:
        return str(error)
    return None


def _name_of(function: Callable[..., object]) -> str:
    return function.__qualname__.removesuffix(".__init__") + "(…)"
