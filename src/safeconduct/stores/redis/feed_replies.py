"""Read what a server replies to a follower: how far a shard is, and the entries of its log."""

from dataclasses import dataclass
from typing import Final

from safeconduct._core.epochs import EpochReason
from safeconduct.errors import Unavailable
from safeconduct.stores.redis.connection import Reply
from safeconduct.stores.redis.shard_calls import REASONS, malformed_reply
from safeconduct.stores.view.local_view import LOG_START, Position

#: Fields of ``meta`` that say how far a shard is.
HEAD_FIELDS: Final = ("epoch", "epoch_ms", "reason", "line", "head", "beat", "stamped")


@dataclass(frozen=True, slots=True)
class Change:
    """An entry of a shard's log: something was revoked."""

    position: Position
    #: The entry before it, ``LOG_START`` for the first.
    previous: Position
    epoch: str
    #: What was revoked.
    key: bytes
    #: The cut-off, None for what is revoked without one.
    before_ms: int | None
    #: When the entry may be forgotten; infinite for never.
    expires_s: float


@dataclass(frozen=True, slots=True)
class ShardHead:
    """How far a shard's data is, by its own account."""

    epoch: str
    started_ms: int
    reason: EpochReason
    line: bytes
    position: Position
    #: How long ago the server has shown that it takes writes.
    beat_age_ms: int
    #: The latest instant at which a token counts as issued, and the store's clock shortly before that was read.
    last_issued_ms: int
    now_ms: int


def position_of(entry_id: bytes) -> Position:
    """
    Read the id of a log's entry; ids are compared as two numbers.

    Raises:
        Unavailable: If it is none.
    """
    milliseconds, dash, number = entry_id.partition(b"-")
    if not (dash and milliseconds.isdigit() and number.isdigit()):
        raise malformed_reply()
    return int(milliseconds), int(number)


def read_time(time: Reply) -> int:
    """
    Read the reply to ``TIME``, in milliseconds.

    Raises:
        Unavailable: If it is of another shape.
    """
    match time:
        case [bytes(seconds), bytes(microseconds)] if seconds.isdigit() and microseconds.isdigit():
            return int(seconds) * 1000 + int(microseconds) // 1000
        case _:
            raise malformed_reply()


def read_head(reply: Reply, now_ms: int) -> ShardHead | None:
    """
    Read the values of ``HEAD_FIELDS``; None where the shard has no epoch.

    Raises:
        Unavailable: If they are of another shape.
    """
    match reply:
        case [None, *_]:
            return None
        case [bytes(epoch), bytes(started), bytes(reason), line, head, beat, stamped] if started.isdigit():
            position = LOG_START if head is None else position_of(head)
            now = _beat_age_ms(beat, now_ms), _stamped_ms(stamped), now_ms
            return ShardHead(_text(epoch), int(started), REASONS.get(reason, "lost"), line or b"", position, *now)
        case _:
            raise malformed_reply()


def _stamped_ms(stamped: Reply) -> int:
    match stamped:
        case None:
            return 0
        case bytes() if stamped.isdigit():
            return int(stamped)
        case _:
            raise malformed_reply()


def _beat_age_ms(beat: Reply, now_ms: int) -> int:
    match beat:
        case None:
            return now_ms
        case bytes() if beat.isdigit():
            # The clock may have been set back.
            return abs(now_ms - int(beat))
        case _:
            raise malformed_reply()


def read_changes(entries: Reply) -> list[Change] | None:
    """Read entries of a log; None if one of them is of another shape."""
    try:
        return [_change(entry) for entry in entries]
    except Unavailable:
        return None


def _change(entry: Reply) -> Change:
    match entry:
        case [
            bytes(entry_id),
            [b"p", bytes(previous), b"e", bytes(epoch), b"m", bytes(key), b"b", before, b"x", expiry],
        ]:
            pass
        case _:
            raise malformed_reply()
    try:
        before_ms, expires_s = int(before), float(expiry)
    except ValueError as error:
        raise malformed_reply() from error
    return Change(
        position_of(entry_id),
        position_of(previous),
        _text(epoch),
        key,
        None if before_ms < 0 else before_ms,
        expires_s,
    )


def _text(epoch: bytes) -> str:
    return epoch.decode("ascii", "replace")
