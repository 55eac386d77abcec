"""Read what every script on a shard begins its reply with."""

from dataclasses import dataclass
from typing import Any

from safeconduct._core.ports import Epoch
from safeconduct.errors import Unavailable
from safeconduct.stores.link import Reply
from safeconduct.stores.wire import Outcome

_HEAD_LENGTH = 8


@dataclass(frozen=True, slots=True)
class Head:
    """The epoch, the store's clock, and two values of the script's own."""

    epoch: Epoch | None
    is_empty: bool
    now_ms: int
    first: Reply
    second: Reply
    #: What follows.
    rest: list[Any]


@dataclass(frozen=True, slots=True)
class Said:
    """A reply with one number."""

    epoch: Epoch | None
    is_empty: bool
    now_ms: int
    number: int
    replicas: int


def read_head(reply: Reply) -> Head:
    """
    Read a reply's beginning.

    Raises:
        Unavailable: If it is none.
    """
    try:
        name, started_ms, reason, horizon_ms, is_empty, now_ms, first, second = reply[:_HEAD_LENGTH]
        epoch = _epoch(name, started_ms, reason, horizon_ms) if name else None
        return Head(epoch, is_empty == 1, integer(now_ms), first, second, list(reply[_HEAD_LENGTH:]))
    except (TypeError, ValueError, AttributeError) as error:
        raise shapeless() from error


def read_reply(outcome: Outcome) -> Said:
    """
    Read a reply with one number.

    Raises:
        Unavailable: If it is none.
    """
    head = read_head(outcome.reply)
    return Said(head.epoch, head.is_empty, head.now_ms, integer(head.first), outcome.replicas)


def integer(reply: Reply) -> int:
    """
    Read a number.

    Raises:
        Unavailable: If it is none.
    """
    if not isinstance(reply, int):
        raise shapeless()
    return reply


def shapeless() -> Unavailable:
    """Return the error for a reply that no script of ours gives."""
    return Unavailable("the store gave a reply of another shape")


def _epoch(name: Reply, started_ms: Reply, reason: Reply, horizon_ms: Reply) -> Epoch:
    # Whatever is not plainly new is in doubt.
    return Epoch(name.decode(), integer(started_ms), "new" if reason == b"new" else "lost", integer(horizon_ms))
