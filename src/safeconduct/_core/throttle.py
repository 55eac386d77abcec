"""
The gate before every comparison with a password: how many may fail, for whom, from where.

===================================  ==============  ==========================================================
counted over                         default         set by
===================================  ==============  ==========================================================
one account from one network         5 per 15 min    ``login.failures_per_account_and_network``
one network                          50 per 15 min   ``login.failures_per_network``
one account over all networks        100 per hour    ``login.failures_per_account``
===================================  ==============  ==========================================================

A try is counted before anything is hashed, so that parallel tries can't pass together, and given back if it succeeds.
Until it is known to have failed it is under way: it fills a bound, but a bound that such tries fill opens in seconds.
A caller who proves that the account was signed in to from his device skips the last row, which strangers can fill, and
has a bound of its own, as large as the first one.

Without an address, behind a proxy that is not named, nobody knows who shares a network.  There the last row counts, and
one bound of twenty networks for all together, which a known device skips; the first two would let one client shut
everybody out.

The account is the name as it was submitted, whether or not there is such a user: all answers and times are alike.
Spellings that some directory may take for one name share their counters: compatibility forms, case, accents, blanks and
invisible characters are dropped (a finer form of NFKC_Casefold, Unicode §3.13).  To merge two names costs a few tries,
to tell two spellings of one name apart gives an attacker a fresh bound for each.  A success clears its own spelling
alone: the owner of one account must not get fresh guesses at another whose name is spelt alike.

What the throttle tells: a bound that is reached, once for each account and network, and a proxy without a name, once.

Whoever is refused can try again as often as they like, and must not set the rate of the log.
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
from safeconduct.config import LoginConfig
from safeconduct.errors import ConfigurationError, TooManyAttempts, Unavailable
from safeconduct.events import Event, Throttled, UnknownPeer

_WINDOW_SECONDS: Final = 15 * 60
#: What is told of at once.  Each took failures that were counted, so that nobody fills this quickly.
_LIMIT: Final = 10_000


class ThrottleNews:
    """
    Announce what the throttle did, at a rate that nobody outside decides about.

    A refusal is told at once, unless one of the same account or of the same network was told within the last quarter of
    an hour.  What was not told is counted, and the next one that is told brings the number along.

    Args:
        announce: Tells the listeners.
        clock: The time in seconds.
    """

    def __init__(self, announce: Callable[[Event], None], clock: Callable[[], float]) -> None:
        self._announce = announce
        self._clock = clock
        #: By account or network, in the order of time: when it was told, and how many were refused in silence since.
        self._told: dict[str, list[float]] = {}
        self._knows_peers = True

    def refused(self, account: str, network: str, *, retry_after_seconds: int) -> None:
        """Count a refusal and tell of it if nobody was told of its like; both names are digests."""
        now = self._clock()
        keys = f"account {account}", f"network {network}"
        entries = [entry for entry in map(self._told.get, keys) if entry is not None]
        if any(abs(now - entry[0]) < _WINDOW_SECONDS for entry in entries):
            # In one of them, so that it is told once.
            entries[0][1] += 1
            return
        silent = int(sum(entry[1] for entry in entries))
        for key in keys:
            self._told.pop(key, None)
            self._told[key] = [now, 0]
        self._forget()
        self._announce(Throttled(account=account, retry_after_seconds=retry_after_seconds, refused=silent + 1))

    def unknown_peer(self) -> None:
        """Tell once that somebody came without an address, which a proxy that is not named keeps to itself."""
        if self._knows_peers:
            self._knows_peers = False
            self._announce(UnknownPeer())

    def _forget(self) -> None:
        # Other threads may add and forget meanwhile.
        for key in tuple(self._told)[:-_LIMIT]:
            self._told.pop(key, None)


_QUARTER_HOUR_MS: Final = 15 * 60 * 1000
_HOUR_MS: Final = 60 * 60 * 1000
_LABEL: Final = b"sc/throttle/1"
_RANDOM_BYTES: Final = 16
_MIN_KEY_BYTES: Final = 32
#: Without the store each process counts alone: of several workers none may grant the whole.
_LOCAL_SHARE: Final = 5
#: How many networks those without an address are taken for, all together.
_NETWORKS_UNKNOWN: Final = 20
#: Control, format and other invisible characters, accents and blanks: no two names differ by them alone.
_IGNORED: Final = frozenset({"Cc", "Cf", "Cs", "Mn", "Mc", "Me", "Zs", "Zl", "Zp"})


class Tries(Protocol):
    """The part of a store that counts tries."""

    async def count_try(self, counters: Sequence[Counter], *, try_id: bytes) -> int:
        """Count a try in every counter and return 0, or count none and return after how many ms to come back."""
        ...

    async def fail_try(self, counters: Sequence[Counter], *, try_id: bytes) -> None:
        """Note that the try is over and failed."""
        ...

    async def give_back(self, counters: Sequence[Counter], cleared: Sequence[Counter], *, try_id: bytes) -> None:
        """Take the try out of *counters*, and out of *cleared* every try of the same spelling."""
        ...


@dataclass(frozen=True, slots=True)
class Try:
    """One counted try, which failed unless it is given back."""

    #: Keyed digests of the submitted name and of the network, for events.
    account: str
    network: str
    counters: tuple[Counter, ...]
    #: Where a success forgets what failed under this spelling: this account from this network.
    cleared: tuple[Counter, ...]
    #: Where it was counted: the store, or the local gate while the store was out.
    place: Tries = field(repr=False)
    try_id: bytes = field(repr=False)


class Throttle:
    """
    Count the tries of names and networks.

    Args:
        store: Counts for all processes.
        local: Counts for this process alone, at a fifth of the limits, while *store* can't be asked.
        login: The limits.
        key: At least 32 secret bytes that all processes share, so that what is stored tells no name.
        news: Told of every refusal, and of a peer that is not known.
        draw: Draws random bytes.

    Raises:
        ConfigurationError: If *key* is too short to hide the names.
    """

    def __init__(
        self,
        store: Tries,
        local: Tries,
        login: LoginConfig,
        *,
        key: bytes,
        news: ThrottleNews,
        draw: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:
        if len(key) < _MIN_KEY_BYTES:
            raise ConfigurationError(f"key must have {_MIN_KEY_BYTES} bytes or more, got {len(key)}")
        self._store = store
        self._local = local
        self._login = login
        self._key = key
        self._news = news
        self._draw = draw

    async def begin(self, username: str, *, network: str, has_device: bool = False) -> Try:
        """
        Count a try of *username*, before anything is compared.

        Args:
            username: As it was submitted.
            network: From ``network_of``; empty where nobody said.
            has_device: Whether the caller holds a device cookie of this very account.

        Raises:
            TooManyAttempts: If a bound is reached; nothing is counted then.
            Unavailable: If neither the store nor the local gate can count.
        """
        name = skeleton(username)
        if network == UNKNOWN:
            self._news.unknown_peer()
        # Code that proves a password and does not say for whom knows no network either, and no proxy is to blame.
        network = network or UNKNOWN
        counted = Try(
            self._digest(b"account", name).hex(),
            self._digest(b"network", network.encode()).hex(),
            self._counters(name, network, has_device=has_device),
            () if network == UNKNOWN else (self._near(name, network),),
            self._store,
            self._digest(b"spelling", _octets(username))[:TRY_TAG_BYTES] + self._draw(_RANDOM_BYTES),
        )
        try:
            return await self._count(counted)
        except Unavailable:
            shared = tuple(_share(counter) for counter in counted.counters)
            return await self._count(replace(counted, counters=shared, place=self._local))

    async def succeed(self, counted: Try) -> None:
        """Give the try back and forget what failed before for this account from this network."""
        await self._give_back(counted, counted.cleared)

    async def withdraw(self, counted: Try) -> None:
        """Give the try back and forget nothing: the password could not be looked at."""
        await self._give_back(counted, ())

    async def fail(self, counted: Try) -> None:
        """Note that the password was wrong: the try is no longer under way."""
        # Where this gets lost, the try counts as failed a few seconds later.
        with suppress(Unavailable):
            await counted.place.fail_try(counted.counters, try_id=counted.try_id)

    async def _count(self, counted: Try) -> Try:
        wait_ms = await counted.place.count_try(counted.counters, try_id=counted.try_id)
        if wait_ms:
            seconds = -(-wait_ms // 1000)
            self._news.refused(counted.account, counted.network, retry_after_seconds=seconds)
            raise TooManyAttempts(seconds, "a bound of the throttle is reached")
        return counted

    async def _give_back(self, counted: Try, cleared: tuple[Counter, ...]) -> None:
        # Where the store went away in between, the try stays counted until its window has passed, which is the safe
        # side; a right password is right all the same.
        with suppress(Unavailable):
            await counted.place.give_back(counted.counters, cleared, try_id=counted.try_id)

    def _counters(self, name: bytes, network: str, *, has_device: bool) -> tuple[Counter, ...]:
        login = self._login
        if has_device:
            limit = login.failures_per_account_and_network
            account = Counter(self._digest(b"device", name), limit, _QUARTER_HOUR_MS)
        else:
            account = Counter(self._digest(b"account", name), login.failures_per_account, _HOUR_MS)
        around = Counter(self._digest(b"network", network.encode()), login.failures_per_network, _QUARTER_HOUR_MS)
        if network != UNKNOWN:
            return self._near(name, network), around, account
        if has_device:
            return (account,)
        return replace(around, limit=_NETWORKS_UNKNOWN * around.limit), account

    def _near(self, name: bytes, network: str) -> Counter:
        key = self._digest(b"account and network", name, network.encode())
        return Counter(key, self._login.failures_per_account_and_network, _QUARTER_HOUR_MS)

    def _digest(self, *parts: bytes) -> bytes:
        # Each part with its length, so that no two lists of parts make one text.
        text = b"".join(len(part).to_bytes(4, "big") + part for part in (_LABEL, *parts))
        return hmac.digest(self._key, text, hashlib.sha256)


def _share(counter: Counter) -> Counter:
    return Counter(counter.key, max(1, counter.limit // _LOCAL_SHARE), counter.window_ms)


def skeleton(username: str) -> bytes:
    """Return what the spellings that some directory may take for one name have in common."""
    # Folding may bring compatibility forms forth and those may fold again: what is decomposed twice stays as it is.
    folded = normalize("NFKD", normalize("NFKD", username).casefold()).casefold()
    return "".join(letter for letter in folded if category(letter) not in _IGNORED).encode()


def _octets(username: str) -> bytes:
    # Lone surrogates name nobody; here they only must not raise.
    return username.encode("utf-8", "surrogatepass")
