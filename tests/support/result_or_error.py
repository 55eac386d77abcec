"""Compare calls that either return a value or raise an ``AuthError``."""

from collections.abc import Callable
from typing import Any

from safeconduct.errors import AuthError


def result_or_error(call: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """Return the result of *call*, or the class of the ``AuthError`` that it raises."""
    try:
        return call(*arguments, **named)
    except AuthError as error:
        return type(error)
