"""The life of a store's data, and what a process has seen of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

EpochReason = Literal["new", "lost", "adopted"]
Witness = Literal["", "empty", "epoch", "mark", "token", "refresh", "restart"]
"""What proved that a store had lost data: it had none; a process knew another epoch, or a later change; a token, or a
refresh token, was issued by a later state of it; its server read a snapshot at its start, and has no other file."""


@dataclass(frozen=True, slots=True)
class Epoch:
    """
    One life of a store's data.

    ``lost`` means that earlier data is known to be gone, ``adopted`` that an operator believes it all the same.
    """

    name: str
    started_ms: int
    reason: EpochReason
    #: The largest lifetime of any token that may be accepted, in milliseconds.
    horizon_ms: int
    #: What proved, in the very command whose reply this is, that data was lost; else empty.
    witness: Witness = field(default="", compare=False)


class Epochs:
    """What this process has seen of a store, over both worlds and all loops."""

    __slots__ = ("seen", "skew_ms", "skew_told_ms")

    def __init__(self, known: Mapping[int, Epoch] = MappingProxyType({})) -> None:
        self.seen = dict(known)
        #: How far our clock was ahead of the store's at the last reply.
        self.skew_ms = 0
        self.skew_told_ms: int | None = None
