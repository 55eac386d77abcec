"""
Limit the failed attempts to sign in, by account and by network.

===================================  ==============  ==========================================================
counted over                         default         set by
===================================  ==============  ==========================================================
one account from one network         5 per 15 min    ``login.failures_per_account_and_network``
one network                          50 per 15 min   ``login.failures_per_network``
one account over all networks        100 per hour    ``login.failures_per_account``
===================================  ==============  ==========================================================

An attempt is counted before anything is hashed, so that parallel attempts cannot pass together, and uncounted if it
succeeds.  Until it is known to have failed it is pending: it counts towards a limit, but a limit that pending attempts
fill opens again within seconds.  A browser with a device cookie for the account skips the last row, which attackers
can exhaust, and has a limit of its own, as large as the first one.

Clients without an address, behind a proxy that is not configured, cannot be told apart.  For them the last row counts,
and one limit of twenty networks for all of them together, which a device cookie skips; by the first two rows one client
could lock everybody out.

The account is the name as it was submitted, whether or not there is such a user, so that every answer and its timing
are alike.  Spellings that some directory may treat as one name share their counters: compatibility forms, case,
accents, blanks and invisible characters are dropped (a stronger form of NFKC_Casefold, Unicode §3.13).  Merging two
names costs a few attempts; separating two spellings of one name would give an attacker a fresh limit for each.  A
success clears only its own spelling: the owner of one account must not gain guesses at another with a similar name.

A limit that is reached is announced once for each account and network in a quarter of an hour, since clients who are
refused can retry as often as they like and must not set the rate of the log.  A proxy that is not configured is
announced once.
"""

import hashlib
import hmac
import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Final, Protocol
from unicodedata import category, normalize

from safeconduct._core.store import TRY_TAG_BYTES, Counter
from safeconduct._http.forwarded import UNKNOWN
from safeconduct.config.sessions import LoginConfig
from safeconduct.errors import ConfigurationError, TooManyAttempts, Unavailable
from safeconduct.events import Event, Throttled, UnknownPeer

_QUARTER_HOUR_SECONDS: Final = 15 * 60
_QUARTER_HOUR_MS: Final = _QUARTER_HOUR_SECONDS * 1000
_HOUR_MS: Final = 60 * 60 * 1000
#: How many announcements are remembered.  Each took failures that were counted, so nobody fills this quickly.
_MAX_ANNOUNCED: Final = 10_000
_LABEL: Final = b"sc/throttle/1"
_RANDOM_BYTES: Final = 16
_MIN_KEY_BYTES: Final = 32
#: Without the store each process counts alone, so none of several workers may grant the whole limit.
_LOCAL_SHARE: Final = 5
#: The limits of services are so many times those of passwords: a secret has 128 bits, and a service with many processes
#: may ask for as many tokens at once, each of which is pending for a moment.
_OF_CLIENTS: Final = 4
#: How many networks all clients without an address count as, together.
_NETWORKS_UNKNOWN: Final = 20
#: Control, format and other invisible characters, accents and blanks: no two names differ only in these.
_IGNORED: Final = frozenset({"Cc", "Cf", "Cs", "Mn", "Mc", "Me", "Zs", "Zl", "Zp"})


class ThrottleEvents:
    """
    Announce refusals at a bounded rate.

    A refusal is announced unless one of the same account or network was announced in the last quarter of an hour.  The
    refusals in between are counted, and the next announcement has their number.

    Args:
        announce: Sends an event to the listeners.
        clock: The current time, in seconds.
    """

    def __init__(self, announce: Callable[[Event], None], clock: Callable[[], float]) -> None:
        self._announce = announce
        self._clock = clock
        #: By account or network, oldest first: the time of the announcement, and the refusals since.
        self._announced: dict[str, list[float]] = {}
        self._has_unknown_peer = False

    def refused(self, account: str, network: str, *, retry_after_seconds: int) -> None:
        """Count a refusal, and announce it if none like it was announced; both names are digests."""
        now = self._clock()
        keys = f"account {account}", f"network {network}"
        entries = [entry for entry in map(self._announced.get, keys) if entry is not None]
        if any(abs(now - entry[0]) < _QUARTER_HOUR_SECONDS for entry in entries):
            # In one of them, so that it is announced once.
            entries[0][1] += 1
            return
        unannounced = int(sum(entry[1] for entry in entries))
        for key in keys:
            self._announced.pop(key, None)
            self._announced[key] = [now, 0]
        # Other threads may add and remove entries meanwhile.
        for key in tuple(self._announced)[:-_MAX_ANNOUNCED]:
            self._announced.pop(key, None)
        self._announce(Throttled(account=account, retry_after_seconds=retry_after_seconds, refused=unannounced + 1))

    def unknown_peer(self) -> None:
        """Announce once that a client came without an address, which a proxy that is not configured hides."""
        if not self._has_unknown_peer:
            self._has_unknown_peer = True
            self._announce(UnknownPeer())


class AttemptCounters(Protocol):
    """The part of a store that counts attempts."""

    async def count_try(self, counters: Sequence[Counter], *, try_id: bytes) -> int:
        """Count an attempt in every counter and return 0, or count none and return how many ms to wait."""
        ...

    async def fail_try(self, counters: Sequence[Counter], *, try_id: bytes) -> None:
        """Note that the attempt failed."""
        ...

    async def give_back(self, counters: Sequence[Counter], cleared: Sequence[Counter], *, try_id: bytes) -> None:
        """Remove the attempt from *counters*, and from *cleared* every attempt of the same spelling."""
        ...


@dataclass(frozen=True, slots=True)
class CountedAttempt:
    """An attempt that was counted, and counts as failed unless it is given back."""

    #: Keyed digests of the submitted name and of the network, for events.
    account: str
    network: str
    counters: tuple[Counter, ...]
    #: The counters from which a success removes what failed under this spelling.
    cleared: tuple[Counter, ...]
    #: The store, or the memory of this process while the store was unavailable.
    counted_in: AttemptCounters = field(repr=False)
    try_id: bytes = field(repr=False)


class Throttle:
    """
    Count the attempts to sign in.

    Args:
        store: Counts for all processes.
        local: Counts for this process alone, at a fifth of the limits, while *store* cannot be asked.
        login: The limits.
        key: At least 32 secret bytes that all processes share, so that stored keys reveal no name.
        events: Announces every refusal, and clients without an address.
        draw: Draws random bytes.

    Raises:
        ConfigurationError: If *key* is too short to hide the names.
    """

    def __init__(
        self,
        store: AttemptCounters,
        local: AttemptCounters,
        login: LoginConfig,
        *,
        key: bytes,
        events: ThrottleEvents,
        draw: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        if len(key) < _MIN_KEY_BYTES:
            raise ConfigurationError(f"key must have {_MIN_KEY_BYTES} bytes or more, got {len(key)}")
        self._store = store
        self._local = local
        self._login = login
        self._key = key
        self._events = events
        self._draw = draw

    async def begin(self, username: str, *, network: str, has_device: bool = False) -> CountedAttempt:
        """
        Count an attempt at *username*, before anything is compared.

        Args:
            username: The name as it was submitted.
            network: From ``network_of``; empty where it is not known.
            has_device: Whether the browser has a device cookie for this account.

        Raises:
            TooManyAttempts: If a limit is reached; nothing is counted then.
            Unavailable: If neither the store nor this process can count.
        """
        if network == UNKNOWN:
            self._events.unknown_peer()
        # Code that checks a password without a request has no network, and no proxy hides one.
        return await self._count_somewhere(self._attempt(username, network or UNKNOWN, has_device=has_device))

    async def begin_client(self, client_id: str, *, network: str) -> CountedAttempt:
        """
        Count an attempt of a service to prove that it is *client_id*.

        A client is never counted over all networks: others must not be able to lock a service out.

        Args:
            client_id: The name as it was submitted.
            network: From ``network_of``.

        Raises:
            TooManyAttempts: If a limit is reached; nothing is counted then.
            Unavailable: If neither the store nor this process can count.
        """
        if network == UNKNOWN:
            self._events.unknown_peer()
        return await self._count_somewhere(self._attempt_of_client(client_id, network))

    async def succeed(self, attempt: CountedAttempt) -> None:
        """Give the attempt back, and forget what failed before for this account from this network."""
        await self._give_back(attempt, attempt.cleared)

    async def withdraw(self, attempt: CountedAttempt) -> None:
        """Give the attempt back and forget nothing else: the password could not be compared."""
        await self._give_back(attempt, ())

    async def fail(self, attempt: CountedAttempt) -> None:
        """Note that the password was wrong, so the attempt is no longer pending."""
        # Where this gets lost, the attempt counts as failed a few seconds later.
        with suppress(Unavailable):
            await attempt.counted_in.fail_try(attempt.counters, try_id=attempt.try_id)

    async def _count_somewhere(self, attempt: CountedAttempt) -> CountedAttempt:
        """Count in the store, or in this process alone while the store cannot be asked."""
        try:
            return await self._count(attempt)
        except Unavailable:
            counters = tuple(
                replace(counter, limit=max(1, counter.limit // _LOCAL_SHARE)) for counter in attempt.counters
            )
            return await self._count(replace(attempt, counters=counters, counted_in=self._local))

    async def _count(self, attempt: CountedAttempt) -> CountedAttempt:
        wait_ms = await attempt.counted_in.count_try(attempt.counters, try_id=attempt.try_id)
        if wait_ms:
            seconds = -(-wait_ms // 1000)
            self._events.refused(attempt.account, attempt.network, retry_after_seconds=seconds)
            raise TooManyAttempts(seconds, "a limit of the throttle is reached")
        return attempt

    async def _give_back(self, attempt: CountedAttempt, cleared: tuple[Counter, ...]) -> None:
        # Where the store has become unavailable, the attempt stays counted until its window has passed, which is safe;
        # a right password is right all the same.
        with suppress(Unavailable):
            await attempt.counted_in.give_back(attempt.counters, cleared, try_id=attempt.try_id)

    def _attempt(self, username: str, network: str, *, has_device: bool) -> CountedAttempt:
        login, name, network_name = self._login, skeleton(username), network.encode()
        account_key, network_key = self._digest(b"account", name), self._digest(b"network", network_name)
        per_account = Counter(account_key, login.failures_per_account, _HOUR_MS)
        if has_device:
            limit = login.failures_per_account_and_network
            per_account = Counter(self._digest(b"device", name), limit, _QUARTER_HOUR_MS)
        per_network = Counter(network_key, login.failures_per_network, _QUARTER_HOUR_MS)
        counters: tuple[Counter, ...] = (per_account,)
        cleared: tuple[Counter, ...] = ()
        if network != UNKNOWN:
            key = self._digest(b"account and network", name, network_name)
            cleared = (Counter(key, login.failures_per_account_and_network, _QUARTER_HOUR_MS),)
            counters = (*cleared, per_network, per_account)
        elif not has_device:
            counters = (replace(per_network, limit=_NETWORKS_UNKNOWN * per_network.limit), per_account)
        # Lone surrogates are in no name, and must not raise here.
        spelling = self._digest(b"spelling", username.encode("utf-8", "surrogatepass"))[:TRY_TAG_BYTES]
        try_id = spelling + self._draw(_RANDOM_BYTES)
        return CountedAttempt(account_key.hex(), network_key.hex(), counters, cleared, self._store, try_id)

    def _attempt_of_client(self, client_id: str, network: str) -> CountedAttempt:
        login, name, network_name = self._login, client_id.encode("utf-8", "surrogatepass"), network.encode()
        network_key = self._digest(b"network of clients", network_name)
        per_network = Counter(network_key, _OF_CLIENTS * login.failures_per_network, _QUARTER_HOUR_MS)
        counters: tuple[Counter, ...] = (replace(per_network, limit=_NETWORKS_UNKNOWN * per_network.limit),)
        cleared: tuple[Counter, ...] = ()
        if network != UNKNOWN:
            key = self._digest(b"client and network", name, network_name)
            cleared = (Counter(key, _OF_CLIENTS * login.failures_per_account_and_network, _QUARTER_HOUR_MS),)
            counters = (*cleared, per_network)
        account_key = self._digest(b"client", name)
        try_id = account_key[:TRY_TAG_BYTES] + self._draw(_RANDOM_BYTES)
        return CountedAttempt(account_key.hex(), network_key.hex(), counters, cleared, self._store, try_id)

    def _digest(self, *parts: bytes) -> bytes:
        # Each part with its length, so that no two lists of parts are the same text.
        text = b"".join(len(part).to_bytes(4, "big") + part for part in (_LABEL, *parts))
        return hmac.digest(self._key, text, hashlib.sha256)


def skeleton(username: str) -> bytes:
    """Return what all spellings have in common that some directory may treat as one name."""
    # Folding may produce compatibility forms, and those may fold again: two rounds are enough for every text.
    folded = normalize("NFKD", normalize("NFKD", username).casefold()).casefold()
    return "".join(letter for letter in folded if category(letter) not in _IGNORED).encode()
