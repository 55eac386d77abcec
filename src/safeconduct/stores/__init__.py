"""
Keep revocations, sessions and counters in this process's memory, in a Redis or Valkey server, or not at all.

``Store`` says what a store of your own does; the other names are the values that it takes and returns.
"""

from collections.abc import Callable

from safeconduct._core.epochs import Epoch, Epochs
from safeconduct._core.revocation_query import RevocationQuery, RevocationStatus
from safeconduct._core.store import (
    Counter,
    IssueTime,
    Revocation,
    SingleUse,
    Store,
    StoreProvider,
    Used,
    Written,
)
from safeconduct.config.store import RevocationConfig, StoreConfig
from safeconduct.events import Event
from safeconduct.stores.memory.store import MemoryStore
from safeconduct.stores.null import NullStore

__all__ = [
    "Counter",
    "Epoch",
    "Epochs",
    "IssueTime",
    "MemoryStore",
    "NullStore",
    "Revocation",
    "RevocationQuery",
    "RevocationStatus",
    "SingleUse",
    "Store",
    "Used",
    "Written",
    "open_store",
]


def open_store(
    config: StoreConfig,
    revocation: RevocationConfig,
    *,
    clock: Callable[[], float],
    horizon_ms: int,
    leeway_ms: int,
    announce: Callable[[Event], None],
    keeps_view: bool = False,
) -> StoreProvider:
    """
    Make the store that *config* names.  Nothing connects before the first command.

    Args:
        config: The URL, the pool size and the deadline.
        revocation: How many replicas to wait for, and whether eviction is accepted.
        clock: The time in seconds since the epoch; a server has its own, which this one is compared with.
        horizon_ms: The largest lifetime of any token that may be accepted.
        leeway_ms: The leeway granted to clocks.
        announce: Tells the listeners.
        keeps_view: Whether a server's revocations are kept in a local view too.

    Raises:
        ConfigurationError: If the URL names no supported store.
    """
    if config.url == "none":
        return NullStore(clock=clock, horizon_ms=horizon_ms, leeway_ms=leeway_ms)
    if config.url == "memory://":
        return MemoryStore(clock=clock, horizon_ms=horizon_ms, leeway_ms=leeway_ms)
    from safeconduct.stores.redis.server import RedisServer  # noqa: PLC0415 - only a server needs asyncio

    return RedisServer(
        config, revocation, horizon_ms=horizon_ms, leeway_ms=leeway_ms, announce=announce, keeps_view=keeps_view,
        clock=clock,
    )  # fmt: skip
