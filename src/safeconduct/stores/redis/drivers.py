"""
Import redis-py at the first command.

That takes 200 ms, which only a process pays that asks a server.  The modules of redis-py import each other in circles:
two threads that begin with different ones, such as a request's and the follower's, may wait for each other, which
Python ends with an ImportError in both.
"""

import os
import threading
from collections.abc import Callable

from safeconduct.stores.redis.addresses import Address
from safeconduct.stores.redis.connection import Connection

Driver = Callable[[Address], Connection]
"""Makes a connection, which is not open yet."""
_import_lock = threading.Lock()


def load_sync_driver() -> Driver:
    """Import what makes connections of threads."""
    with _import_lock:
        from safeconduct.stores.redis.connection_sync import SyncConnection  # noqa: PLC0415 - see above

    return SyncConnection


def load_asyncio_driver() -> Driver:
    """Import what makes connections of event loops."""
    with _import_lock:
        from safeconduct.stores.redis.connection_asyncio import AsyncioConnection  # noqa: PLC0415 - see above

    return AsyncioConnection


def load_key_slot() -> Callable[[bytes], int]:
    """Import what computes the slot of a key in a cluster."""
    with _import_lock:
        from redis.crc import key_slot  # noqa: PLC0415 - see above

    return key_slot


def _begin_process() -> None:  # pragma: no cover - runs in a forked child, which is not measured
    global _import_lock  # noqa: PLW0603 - another thread of the parent may have held it
    _import_lock = threading.Lock()


os.register_at_fork(after_in_child=_begin_process)
