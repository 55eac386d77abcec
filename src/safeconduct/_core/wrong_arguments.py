"""Say what to write where a public function is called with arguments that it does not take."""

import functools
import inspect
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from safeconduct.errors import ConfigurationError

P = ParamSpec("P")
R = TypeVar("R")


class WrongArguments(ConfigurationError, TypeError):
    """A function was called with arguments that it does not take; Python's own error says no more than that."""


def wants(example: str, *, name: str | None = None) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """
    Let a function raise ``WrongArguments``, with *example* as what to write, for arguments that it does not take.

    So the line is shown to those who forget the parentheses of a decorator, or give a class for an instance.

    Args:
        example: What was wanted.
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
    """Return why *function* does not take the arguments; None if it does, so that it has failed by itself."""
    try:
        inspect.signature(function).bind(*args, **kwargs)
    except TypeError as error:
        return str(error)
    return None


def _name_of(function: Callable[..., object]) -> str:
    return function.__qualname__.removesuffix(".__init__") + "(…)"
