"""
Tell the operator what a server refuses and what would help, once a minute for each kind of refusal.

A refused command is ``Unavailable`` for the one request that sent it.  The server is alive, so the circuit stays
closed, and without these events a full memory or a missing permission would go unnoticed.
"""

import threading
from collections.abc import Callable
from typing import Final

from safeconduct._core.revocation_query import UntrustedStore
from safeconduct.errors import Unavailable
from safeconduct.events import CertificatesUnreadable, Event, StoreUnavailable
from safeconduct.stores.redis.connection import REFUSED_INTRODUCTION, ServerError

_ANNOUNCED_EVERY_SECONDS: Final = 60.0
_NODE: Final = "the store is one node of a cluster: name the cluster in store.url, redis+cluster://…"
_MOVING: Final = "a slot of the cluster is migrated key by key (TRYAGAIN): its shard is served again when that is done"
_REPLICA: Final = "the store is a replica (READONLY): name its primary, or the sentinels, in store.url"
_MEMORY: Final = "the store's memory is full (OOM): raise maxmemory; evicting would forget revocations"
_OTHER_SHARDS: Final = (
    "the store's data are spread over {count} shards (SHARDS): set store.shards to {count}; another number needs an "
    "empty store"
)
_CREDENTIALS: Final = "the store refuses user or password (NOAUTH, WRONGPASS): correct them in store.url"
_ADVICE: Final = {
    "OutOfMemoryError": _MEMORY,
    "OOM": _MEMORY,
    "NoPermissionError": "the store's user may not run this command or may not use these keys (NOPERM): extend its ACL",
    "AuthenticationError": _CREDENTIALS,
    "AuthenticationWrongNumberOfArgsError": _CREDENTIALS,
    "NOAUTH": _CREDENTIALS,
    REFUSED_INTRODUCTION: f"{REFUSED_INTRODUCTION}: correct store.url",
    "WRONGTYPE": "another application writes to our keys (WRONGTYPE): choose another store.key_prefix or database",
    "NOREPLICAS": "too few replicas are connected (NOREPLICAS): see min-replicas-to-write on the server",
    "BUSY": "a script keeps the store busy (BUSY): SCRIPT KILL ends it",
    "BusyLoadingError": "the store is loading its data (LOADING): it answers when that is done",
    "MASTERDOWN": "the store has lost its primary (MASTERDOWN): name the primary in store.url",
    "MasterDownError": "the store has lost its primary (MASTERDOWN): name the primary in store.url",
    "MISCONF": "the store cannot save to its disk (MISCONF) and takes no writes: see its log and its disk",
    "ReadOnlyError": _REPLICA,
    "TRYAGAIN": _MOVING,
    "CLUSTERDOWN": "the cluster does not serve this slot (CLUSTERDOWN): see CLUSTER INFO on its nodes",
    "CROSSSLOT": _NODE,
    "MOVED": _NODE,
    "ASK": _NODE,
    "NoScriptError": "the store keeps no scripts (NOSCRIPT): EVALSHA and EVAL must be allowed",
}


def advice(kind: str) -> str:
    """Return what the operator can do about *kind*, a class of redis-py or the first word of an error."""
    return _ADVICE.get(kind, kind)


class RefusalReporter:
    """
    Announce what a server refuses.

    Args:
        monotonic: A clock that never goes back, in seconds.
        announce: Tells the listeners.
    """

    def __init__(self, *, monotonic: Callable[[], float], announce: Callable[[Event], None]) -> None:
        self._monotonic = monotonic
        self._announce = announce
        self.reset()

    def reset(self) -> None:
        """Forget what was announced: in a new process, or a forked one."""
        self._announced_at: dict[str, float] = {}
        self._lock = threading.Lock()

    def report_refusal(self, error: ServerError) -> Unavailable:
        """Announce a refused command, and return the error for the request."""
        kind, count = error.kind, error.shards
        if count is not None:
            self._announce_once(_OTHER_SHARDS, StoreUnavailable(reason=_OTHER_SHARDS.format(count=count)))
            return UntrustedStore("the store's data are spread over another number of shards")
        # Unknown kinds share one entry, so that a server cannot fill the memory.
        known = _ADVICE.get(kind, "")
        self._announce_once(known, StoreUnavailable(reason=known or f"the store refuses a command ({kind})"))
        return Unavailable(f"the store refuses: {kind}")

    def report_broken(self, reason: str) -> None:
        """Announce *reason* if the server gave it; the circuit breaker announces connections that fail."""
        if reason in _ADVICE:
            self._announce_once(_ADVICE[reason], StoreUnavailable(reason=_ADVICE[reason]))

    def report_unreadable(self, reason: str) -> None:
        """Announce that certificates could not be read; each new connection tries again."""
        self._announce_once("certificates", CertificatesUnreadable(reason=reason))

    def _announce_once(self, key: str, event: Event) -> None:
        """Announce *event*, unless one with this *key* was announced in the last minute."""
        with self._lock:
            now, announced_at = self._monotonic(), self._announced_at.get(key)
            if announced_at is not None and now - announced_at < _ANNOUNCED_EVERY_SECONDS:
                return
            self._announced_at[key] = now
        self._announce(event)
