"""
Find clients: those of the configuration, then those of the application, whose answers count for a while.

============================  ==========================================================================================
an answer of the application  is kept
============================  ==========================================================================================
a client                      for ``staleness_seconds``; its keys are loaded again only if the entry has changed
no client of that name        as long, in a memory of its own, so that invented names displace no client
a client that cannot be used  as long, and everything that it signs is answered 503
an exception                  not at all: the next request asks again
============================  ==========================================================================================
"""

import logging
from collections.abc import Callable, Collection, Mapping
from typing import Final, Protocol

from safeconduct._core.clients import RegisteredClient
from safeconduct._core.event_dispatcher import write_log
from safeconduct._tokens.verified_cache import VerifiedCache
from safeconduct.config.clients import Client, is_client_id
from safeconduct.errors import ConfigurationError, Unavailable

_CLIENTS: Final = 4096
_UNKNOWN_NAMES: Final = 4096

_logger = logging.getLogger("safeconduct.clients")


class ClientSource(Protocol):
    """The clients of the application, asked for in one world."""

    async def find(self, client_id: str, *, is_known: bool) -> Client | None:
        """
        Return the client of that name, or None.

        Args:
            client_id: The name.
            is_known: Whether there was such a client before, so that invented names cannot use up what is left for it.

        Raises:
            Unavailable: If the application cannot be asked, or answers with something else.
        """
        ...


class _Entry:
    """What the application said of one name, and when it was asked."""

    __slots__ = ("asked_at", "client", "is_unusable", "is_used")

    def __init__(self) -> None:
        self.client: RegisteredClient | None = None
        self.is_unusable = False
        self.asked_at = float("-inf")
        #: Set by the cache.
        self.is_used = False


class ClientMemory:
    """
    Remember the answers of the application, for both worlds.

    Args:
        load: Reads the secret or the keys of a client.
        clock: Returns the time, in seconds since the epoch.
        staleness_seconds: How long an answer counts.
    """

    def __init__(
        self, load: Callable[[Client], RegisteredClient], clock: Callable[[], float], *, staleness_seconds: float
    ) -> None:
        self._load = load
        self.clock = clock
        self._staleness_seconds = staleness_seconds
        self._clients: VerifiedCache[_Entry] = VerifiedCache(_CLIENTS)
        self._unknown: VerifiedCache[_Entry] = VerifiedCache(_UNKNOWN_NAMES)

    def is_known(self, client_id: str) -> bool:
        """Say whether there was a client of that name."""
        return client_id in self._clients.entries

    def until(self, client_id: str) -> float:
        """Return when the application must be asked about a client again, in seconds since the epoch."""
        kept = self._clients.get(client_id)
        return float("-inf") if kept is None else kept.asked_at + self._staleness_seconds

    def recall(self, client_id: str) -> tuple[bool, RegisteredClient | None]:
        """
        Return whether an answer about that name still counts, and the client.

        Raises:
            Unavailable: If the client cannot be used.
        """
        now = self.clock()
        for memory in (self._clients, self._unknown):
            kept = memory.get(client_id)
            # A clock that was set back does not prolong it.
            if kept is not None and kept.asked_at <= now < kept.asked_at + self._staleness_seconds:
                return True, _usable(kept)
        return False, None

    def remember(self, client_id: str, entry: Client | None, asked_at: float) -> RegisteredClient | None:
        """
        Note what the application said at *asked_at*, and return the client.

        Raises:
            Unavailable: If the client cannot be used.
        """
        is_unknown = entry is None and not self.is_known(client_id)
        memory = self._unknown if is_unknown else self._clients
        kept = memory.get(client_id) or _Entry()
        if entry is None:
            kept.client, kept.is_unusable = None, False
        elif kept.client is None or kept.client.entry != entry:
            self._load_into(kept, entry)
        # Last, because another thread may read it meanwhile.
        kept.asked_at = asked_at
        memory.put(client_id, kept)
        return _usable(kept)

    def _load_into(self, kept: _Entry, entry: Client) -> None:
        try:
            kept.client, kept.is_unusable = self._load(entry), False
        except ConfigurationError as error:
            # The text names the client and the field, and never the secret.
            write_log(_logger, logging.ERROR, "a client cannot be used: %s", error)
            kept.client, kept.is_unusable = None, True


def _usable(kept: _Entry) -> RegisteredClient | None:
    if kept.is_unusable:
        raise Unavailable("the application's entry of the client cannot be used")
    return kept.client


class ClientRegistry:
    """
    Find the clients of one world.

    Args:
        configured: Those of the configuration, by their names; they never change.
        reserved: The names of issuers and audiences, which no client has.
        memory: What the application has said.
        source: The application's clients; None if there are none but the configured ones.
    """

    def __init__(
        self,
        configured: Mapping[str, RegisteredClient],
        *,
        reserved: Collection[str],
        memory: ClientMemory,
        source: ClientSource | None,
    ) -> None:
        self._configured = configured
        self._reserved = frozenset(reserved)
        self._memory = memory
        self._source = source

    async def find(self, client_id: str) -> RegisteredClient | None:
        """
        Return the client of that name, or None if there is none.

        Raises:
            Unavailable: If the application's clients cannot be asked, or the client cannot be used.
        """
        configured = self._configured.get(client_id)
        if configured is not None:
            return configured
        if self._source is None or client_id in self._reserved or not is_client_id(client_id):
            return None
        memory = self._memory
        is_answered, client = memory.recall(client_id)
        if is_answered:
            return client
        asked_at = memory.clock()
        entry = await self._source.find(client_id, is_known=memory.is_known(client_id))
        return memory.remember(client_id, entry, asked_at)

    def until(self, client: RegisteredClient) -> float:
        """Return when ``find`` may say something else of a client, in seconds since the epoch."""
        client_id = client.entry.client_id
        return float("inf") if client_id in self._configured else self._memory.until(client_id)
