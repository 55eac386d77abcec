"""Read what every script on a shard begins its reply with."""

from dataclasses import dataclass
from typing import Any, cast, get_args

from safeconduct._core.epochs import Epoch, EpochReason, Witness
from safeconduct.errors import Unavailable
from safeconduct.stores.redis.connection import Reply
from safeconduct.stores.redis.marks import Mark

_HEAD_LENGTH = 8
_REASONS: dict[str, EpochReason] = {"new": "new", "adopted": "adopted"}
_WITNESSES: frozenset[str] = frozenset(get_args(Witness))


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
    #: The place in the data's history, None where there is no data.
    mark: Mark | None = None
    #: How many replicas have it.
    replicas: int = 0
    #: Whether it is on disk.
    is_durable: bool = False


def read_head(reply: Reply) -> Head:
    """
    Read a reply's beginning.

    Raises:
        Unavailable: If it is none.
    """
    try:
        known, started_ms, reason, horizon_ms, is_empty, now_ms, first, second = reply[:_HEAD_LENGTH]
        epoch = _epoch(known, started_ms, reason, horizon_ms) if known else None
        mark = None if epoch is None else Mark(epoch.name, epoch.started_ms, known[1], known[2])
        return Head(epoch, is_empty == 1, integer(now_ms), first, second, list(reply[_HEAD_LENGTH:]), mark)
    except (TypeError, ValueError, AttributeError) as error:
        raise shapeless() from error


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


def is_of_old_run(reply: Reply) -> bool:
    """Say whether a reply tells that its connection named a run of the server that is over."""
    match reply:
        case [[_, _, _, _, 1], *_]:
            return True
        case _:
            return False


def _epoch(known: Reply, started_ms: Reply, reason: Reply, horizon_ms: Reply) -> Epoch:
    word, proof = reason.decode(), known[3].decode()
    return Epoch(
        name=known[0].decode(),
        started_ms=integer(started_ms),
        # Whatever is not plainly another word is in doubt.
        reason=_REASONS.get(word, "lost"),
        horizon_ms=integer(horizon_ms),
        witness=cast("Witness", proof) if proof in _WITNESSES else "",
    )
