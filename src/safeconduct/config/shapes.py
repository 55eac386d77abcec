"""What a value from outside is, before anything is known of what is in it."""

from collections.abc import Mapping, Sequence
from typing import TypeGuard


def is_table(value: object) -> TypeGuard[Mapping[object, object]]:
    """Say whether *value* is a mapping."""
    return isinstance(value, Mapping)


def is_list(value: object) -> TypeGuard[Sequence[object]]:
    """Say whether *value* is a list or a tuple; a text is none, though its letters could be counted."""
    return isinstance(value, list | tuple)
