"""What counts as text where a directory speaks."""

from collections.abc import Collection
from typing import TypeGuard, cast


def is_text(value: object) -> TypeGuard[str]:
    """Whether *value* is a text that is not empty and can be written in UTF-8: lone surrogates can't."""
    if not isinstance(value, str) or not value:
        return False
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def are_texts(value: object) -> TypeGuard[Collection[str]]:
    """Whether *value* holds texts and nothing else; a text itself does not."""
    if not isinstance(value, list | tuple | set | frozenset):
        return False
    return all(is_text(word) for word in cast("Collection[object]", value))


def octets_of(text: str, *, at_most: int) -> bytes | None:
    """Return *text* in UTF-8, or None where that can't be or is longer than *at_most* bytes."""
    try:
        octets = text.encode()
    except UnicodeEncodeError:
        return None
    return octets if len(octets) <= at_most else None
