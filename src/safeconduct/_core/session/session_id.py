"""The name of a session, which tells its shard and nothing else: ``shard:u16 ‖ 16 random bytes``."""

import base64
from collections.abc import Callable
from typing import Final

_INSTANCE_BYTES: Final = 8
SESSION_ID_BYTES: Final = 18


def new_session_id(shard: int, instance: bytes | None, draw: Callable[[int], bytes]) -> bytes:
    """
    Draw the id of a new session; its text is ``text_of`` it, and ``members.session_place`` reads that.

    Args:
        shard: Where everything of its owner lies.
        instance: What marks the sessions of this process, for a store that knows no others; else None.
        draw: Draws random bytes.
    """
    first = draw(_INSTANCE_BYTES) if instance is None else instance
    return shard.to_bytes(2, "big") + first + draw(_INSTANCE_BYTES)


def text_of(session_id: bytes) -> str:
    """Return the id as it is written: 24 letters of base64url."""
    return base64.urlsafe_b64encode(session_id).decode()


def octets_of(session_id: str) -> bytes:
    """Return what ``text_of`` wrote."""
    return base64.urlsafe_b64decode(session_id)
