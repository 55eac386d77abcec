"""The name of a session, which tells its shard and the store that it began in: ``shard:u16 ‖ origin:8 ‖ random:8``."""

import base64
from collections.abc import Callable
from typing import Final

from safeconduct._core.members import untagged

_INSTANCE_BYTES: Final = 8
SESSION_ID_BYTES: Final = 18


def new_session_id(shard: int, origin: bytes | None, draw: Callable[[int], bytes]) -> bytes:
    """
    Draw the id of a new session; its text is ``text_of`` it, and ``members.session_place`` reads that.

    Args:
        shard: Where everything of its owner lies.
        origin: The tag of the store's epoch, or what marks the sessions of this process; None where there is no store.
        draw: Draws random bytes.
    """
    first = untagged(draw(_INSTANCE_BYTES)) if origin is None else origin
    return shard.to_bytes(2, "big") + first + draw(_INSTANCE_BYTES)


def text_of(session_id: bytes) -> str:
    """Return the id as it is written: 24 letters of base64url."""
    return base64.urlsafe_b64encode(session_id).decode()


def octets_of(session_id: str) -> bytes:
    """Return what ``text_of`` wrote."""
    return base64.urlsafe_b64decode(session_id)
