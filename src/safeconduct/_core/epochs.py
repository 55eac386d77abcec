"""The epochs that this process has seen of a store."""

from safeconduct._core.ports import Epoch


class Epochs:
    """What this process has seen of a store, over both worlds and all loops."""

    __slots__ = ("seen", "skew_told_ms")

    def __init__(self) -> None:
        self.seen: dict[int, Epoch] = {}
        self.skew_told_ms: int | None = None
