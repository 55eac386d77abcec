"""
From a Basic credential to what it proves: over TLS only, by what is remembered or by the directory's word.

Basic credentials (RFC 7617): proven once, then remembered for up to a minute under a keyed digest.

A browser sends the password with every request, and hashing it each time would cost a thousand times what the request
does.  Only what was proven is remembered: wrong pairs take no memory and are counted each time.
"""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from safeconduct._core.decision import Clock, Passed, Proof
from safeconduct._core.directory import Account
from safeconduct._core.passwords import Passwords
from safeconduct._core.revocation_keys import revocation_query
from safeconduct._core.store import RevocationQuery
from safeconduct._http.authorization import Basic, read_authorization
from safeconduct._http.forwarded import Client, network_of
from safeconduct._http.request import Request
from safeconduct.config import BasicConfig
from safeconduct.errors import InvalidRequest
from safeconduct.principal import Principal

Kept = TypeVar("Kept")

_CAPACITY: Final = 10_000
#: Requests that came together may have read the clock in another order than they are served; a clock that went back
#: further than this must not lengthen what is remembered.
_DISORDER_MS: Final = 1000


@dataclass(frozen=True, slots=True)
class ProvenPair:
    """Whose a pair is, and since when that is known."""

    account: Account
    #: By this process's clock; ends what is remembered.
    proven_ms: int
    #: By the store's clock, before anything was compared; what a cut-off is compared with.
    issued_ms: int


class BasicCredentials(Generic[Kept]):
    """
    Prove pairs of user name and password and remember them.

    Memory is two generations: what is proven enters the young one, and when that is half the capacity it becomes the
    old one, and the old one goes.  Nothing is iterated or locked, so that any thread may look at any time.

    Args:
        passwords: Proves what is not remembered.
        basic: How long a pair is remembered.
        realm: The protection space; part of what is remembered.
        key: Random bytes of this process, 16 to 64; without it what is remembered tells no password.
        make: Makes of a proven pair what is kept and recalled.
        capacity: How many pairs are remembered at most.
    """

    def __init__(
        self,
        passwords: Passwords,
        basic: BasicConfig,
        *,
        realm: str,
        key: bytes,
        make: Callable[[ProvenPair], Kept],
        capacity: int = _CAPACITY,
    ) -> None:
        self._passwords = passwords
        self._lives_ms = basic.cache_seconds * 1000
        self._half = max(1, capacity // 2)
        self._make = make
        self._young: dict[bytes, tuple[int, Kept]] = {}
        self._old: dict[bytes, tuple[int, Kept]] = {}
        self._hash = hashlib.blake2b(key=key, digest_size=32)
        self._hash.update(_with_length(realm))

    def recall(self, username: str, password: str, now_ms: int) -> Kept | None:
        """Return what was kept of the pair, if it was proven a short while ago; costs one digest and one look-up."""
        return self._remembered(self._digest(username, password), now_ms)

    async def prove(self, username: str, password: str, *, network: str, now_ms: int, issued_ms: int) -> Kept:
        """
        Prove a pair that was not recalled and remember it.

        Requests of one account and network take turns, and all but the first find the pair proven: a page that loads
        twenty things at once costs one hash and one try of the throttle.

        Args:
            username: As it came.
            password: As it came.
            network: From ``network_of``.
            now_ms: The instant of the request.
            issued_ms: The store's clock, before anything is compared, so that a cut-off meanwhile meets the pair.

        Raises:
            BadCredentials: If the pair is wrong, or the account is gone or disabled.
            TooManyAttempts: If a bound of the throttle is reached.
            Unavailable: If the directory can't be asked.
        """
        digest = self._digest(username, password)
        async with self._passwords.turn(username, password, network=network) as attempt:
            remembered = self._remembered(digest, now_ms)
            if remembered is not None:
                return remembered
            account = await self._passwords.prove_in_turn(attempt, scheme="basic", asks_again=True)
            kept = self._make(ProvenPair(account, now_ms, issued_ms))
            self._remember(digest, now_ms, kept)
            return kept

    def forget(self, username: str, password: str) -> None:
        """Forget a pair that a cut-off has met, so that the next request proves it anew."""
        digest = self._digest(username, password)
        self._young.pop(digest, None)
        self._old.pop(digest, None)

    def clear(self) -> None:
        """Forget every pair."""
        self._young, self._old = {}, {}

    def _remembered(self, digest: bytes, now_ms: int) -> Kept | None:
        found = self._young.get(digest) or self._old.get(digest)
        if found is None or not -_DISORDER_MS <= now_ms - found[0] < self._lives_ms:
            return None
        return found[1]

    def _remember(self, digest: bytes, proven_ms: int, kept: Kept) -> None:
        if len(self._young) >= self._half:
            # The old one first: who looks in between finds the same pairs twice, not none.
            self._old, self._young = self._young, {}
        self._young[digest] = proven_ms, kept

    def _digest(self, username: str, password: str) -> bytes:
        state = self._hash.copy()
        state.update(_with_length(username) + _with_length(password))
        return state.digest()


def _with_length(text: str) -> bytes:
    # Lone surrogates never prove anything; here they only must not raise.
    octets = text.encode("utf-8", "surrogatepass")
    return len(octets).to_bytes(4, "big") + octets


class BasicAuthenticator:
    """Proves Basic credentials behind WSGI or ASGI."""

    def __init__(  # noqa: PLR0913 - what a password is compared with and under which bounds is this much
        self,
        passwords: Passwords,
        basic: BasicConfig,
        *,
        realm: str,
        key: bytes,
        stamp: Callable[[RevocationQuery], Awaitable[int]] | None,
        owner: object,
        issuer: str,
        clock: Clock,
        shards: int,
        client_of: Callable[[Request], Client],
    ) -> None:
        """
        Keep the parts.

        Args:
            passwords: Proves a pair of user name and password.
            basic: The level, how long a pair is remembered, whether plain HTTP is allowed.
            realm: The protection space.
            key: Random bytes of this process, under which pairs are remembered.
            stamp: Asks the store for its time; None where there is no store.
            owner: The mark of the ``Auth``.
            issuer: In whose name the directory speaks.
            clock: The time, in seconds since the epoch.
            shards: How many shards the store has.
            client_of: Tells who sent a request and whether over TLS, as far as its proxies are trusted.
        """
        self._pairs = BasicCredentials(passwords, basic, realm=realm, key=key, make=self._passed)
        self._stamp = stamp
        self._basic = basic
        self._owner = owner
        self._issuer = issuer
        self._clock = clock
        self._shards = shards
        self._client_of = client_of

    async def prove(
        self, credential: Basic, request: Request, *, now: float, cut_off: RevocationQuery | None = None
    ) -> Passed:
        """
        Prove *credential*, which came with *request*.

        Args:
            credential: The pair.
            request: Says from where it came.
            now: The current time, in seconds since the epoch.
            cut_off: What was asked about the same pair when a cut-off had met it: this proof is dated after that.

        Raises:
            InvalidRequest: If it came over plain HTTP and that is not allowed by name (RFC 7617 §4).
            BadCredentials: If the user name or the password is wrong.
            TooManyAttempts: If a bound of the throttle is reached.
            Unavailable: If the directory cannot be asked.
        """
        client = self._client_of(request)
        if not client.is_secure and not self._basic.allow_plain_http:
            raise InvalidRequest("Basic over plain HTTP; basic.allow_plain_http allows it by name")
        now_ms = int(now * 1000)
        passed = self._pairs.recall(credential.username, credential.password, now_ms)
        if passed is None:
            # Of whom it is, is not known before it is proven.
            asked = self._question("", now_ms, now_ms) if cut_off is None else cut_off
            passed = await self._pairs.prove(
                credential.username,
                credential.password,
                network=network_of(client.address),
                now_ms=now_ms,
                issued_ms=now_ms if self._stamp is None else await self._stamp(asked),
            )
        return passed

    def forget(self, request: Request) -> None:
        """Forget the pair of *request*, which a cut-off has met, so that the next one proves it anew."""
        credential = read_authorization(request.values(b"authorization"))
        if isinstance(credential, Basic):  # pragma: no branch - only a pair is forgotten, and it came by Basic
            self._pairs.forget(credential.username, credential.password)

    def _passed(self, pair: ProvenPair) -> Passed:
        account = pair.account
        # A pair that is not remembered at all must hold for the request that proved it.
        ends_ms = pair.proven_ms + max(self._basic.cache_seconds, 1) * 1000
        principal = Principal(
            subject=account.subject,
            issuer=self._issuer,
            scheme="basic",
            level=self._basic.level,
            scopes=frozenset(account.scopes),
            roles=frozenset(account.roles),
            expires_at=ends_ms // 1000,
            display_name=account.display_name or account.subject,
            remote_user=account.subject,
        )
        question = self._question(account.subject, pair.issued_ms, ends_ms)
        # The same pair may come spelt in several ways, so what is kept names no bytes.
        return Passed.of(principal, self._clock, self._owner, Proof(b"", ends_ms, question, "basic"))

    def _question(self, subject: str, issued_ms: int, ends_ms: int) -> RevocationQuery:
        return revocation_query(
            issuer=self._issuer,
            subject=subject,
            token_id=None,
            client_id=None,
            kid=None,
            session_id=None,
            issued_ms=issued_ms,
            ends_ms=ends_ms,
            is_own=True,
            shards=self._shards,
        )
