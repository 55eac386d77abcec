"""The epochs of a store's data, and what a process has seen of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

EpochReason = Literal["new", "lost", "adopted"]
Witness = Literal["", "empty", "epoch", "mark", "token", "refresh", "restart"]
"""
What proved that a store had lost data.

``empty``: it had none, or no set of revocations.  ``epoch``, ``mark``: a process knew another epoch, or a later change.
``token``, ``refresh``: an access token, or a refresh token, was issued by a later state of it.  ``restart``: its server
loaded a snapshot when it started, and keeps no other file.
"""


@dataclass(frozen=True, slots=True)
class Epoch:
    """
    A period in which a store lost no data.

    ``lost`` means that the data before it is known to be gone, ``adopted`` that an operator accepts the data all the
    same.
    """

    name: str
    started_ms: int
    reason: EpochReason
    #: The largest lifetime of any token that may be accepted, in milliseconds.
    horizon_ms: int
    #: What proved, in the very command that this is the reply to, that data was lost; else empty.
    witness: Witness = field(default="", compare=False)


class Epochs:
    """
    What this process has seen of a store, in both worlds and all event loops.

    Args:
        known: The epochs that earlier processes knew, by shard.
    """

    __slots__ = ("seen", "skew_announced_ms", "skew_ms")

    def __init__(self, known: Mapping[int, Epoch] = MappingProxyType({})) -> None:
        #: By shard.
        self.seen = dict(known)
        #: How far our clock was ahead of the store's at the last reply.
        self.skew_ms = 0
        self.skew_announced_ms: int | None = None
