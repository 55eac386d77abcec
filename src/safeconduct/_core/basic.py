"""
Check Basic credentials (RFC 7617) over TLS, and remember them for up to a minute under a keyed digest.

A browser sends the password with every request, and hashing it each time would cost a thousand times what the request
does.  Only credentials that were proven are remembered: wrong ones take no memory and are counted each time.
"""

import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from safeconduct._core.decision import CachedResult, Clock, Passed, Proof
from safeconduct._core.directory import Account
from safeconduct._core.passwords import Passwords
from safeconduct._core.revocation_keys import revocation_query
from safeconduct._core.revocation_query import RevocationQuery
from safeconduct._http.authorization import Basic
from safeconduct._http.forwarded import Client, Proxies, client_of, network_of
from safeconduct._http.request import Request
from safeconduct.config.config import Config
from safeconduct.config.sessions import BasicConfig
from safeconduct.errors import InvalidRequest
from safeconduct.principal import Principal

Kept = TypeVar("Kept")

FIELD_START: Final = b"Basic "
"""How a field begins that is noted; one pair is written in many ways, and nearly every client writes this one."""

LOCAL_ISSUER: Final = "urn:safeconduct:local"
"""The issuer of the directory's subjects where the configuration names none."""

_CAPACITY: Final = 10_000
#: Requests that came together may read the clock in another order than they are served; a clock that went back further
#: than this must not prolong what is remembered.
_DISORDER_MS: Final = 1000


@dataclass(frozen=True, slots=True)
class ProvenPair:
    """The account that a user name and a password belong to, and since when that is known."""

    account: Account
    #: By the clock of this process; from then on the pair is remembered.
    proven_ms: int
    #: By the store's clock, read before anything was compared; a cut-off is compared with it.
    issued_ms: int


class BasicCredentials(Generic[Kept]):
    """
    Check pairs of user name and password, and remember the proven ones.

    The memory has two generations: a proven pair enters the new one, and when that is half the capacity it becomes the
    old one, and the previous old one is dropped.  Nothing is iterated or locked, so any thread may look at any time.

    Args:
        passwords: Checks pairs that are not remembered.
        basic: How long a pair is remembered.
        realm: The protection space; part of the digest.
        key: Random bytes of this process, 16 to 64; without it the digests reveal no password.
        make: Turns a proven pair into the value that is remembered.
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
        self._lifetime_ms = basic.cache_seconds * 1000
        self._half = max(1, capacity // 2)
        self._make = make
        self._young: dict[bytes, tuple[int, Kept]] = {}
        self._old: dict[bytes, tuple[int, Kept]] = {}
        self._hash = hashlib.blake2b(key=key, digest_size=32)
        self._hash.update(_with_length(realm))
        #: The digests of pairs by those of the fields that carried them.
        self._fields: dict[bytes, bytes] = {}
        self._hash_of_fields = hashlib.blake2b(key=key, digest_size=32, person=b"field")

    def recall(self, username: str, password: str, now_ms: int) -> Kept | None:
        """Return what is remembered of the pair, or None; costs one digest and one look-up."""
        return self._remembered(self._digest(username, password), now_ms)

    def recall_field(self, field: bytes, now_ms: int) -> Kept | None:
        """Return what is remembered of the pair in a field that was noted, or None; nothing is decoded."""
        digest = self._fields.get(self._field_digest(field))
        return None if digest is None else self._remembered(digest, now_ms)

    def note_field(self, field: bytes, username: str, password: str) -> None:
        """Note that *field* carries a pair that is remembered."""
        if len(self._fields) >= 2 * self._half:
            self._fields.clear()
        self._fields[self._field_digest(field)] = self._digest(username, password)

    async def prove(self, username: str, password: str, *, network: str, now_ms: int, issued_ms: int) -> Kept:
        """
        Check a pair that is not remembered, and remember it.

        Requests of one account and network take turns, and all but the first find the pair proven: a page that loads
        twenty resources at once costs one hash and one attempt of the throttle.

        Args:
            username: The name as it came.
            password: The password as it came.
            network: From ``network_of``.
            now_ms: The time of the request.
            issued_ms: The store's time, read before anything is compared, so that a cut-off meanwhile ends the pair.

        Raises:
            BadCredentials: If the pair is wrong, or the account is deleted or disabled.
            TooManyAttempts: If a limit of the throttle is reached.
            Unavailable: If the directory cannot be asked.
        """
        digest = self._digest(username, password)
        async with self._passwords.turn(username, password, network=network) as check:
            remembered = self._remembered(digest, now_ms)
            if remembered is not None:
                return remembered
            account = await self._passwords.prove_in_turn(check, scheme="basic", asks_again=True)
            kept = self._make(ProvenPair(account, now_ms, issued_ms))
            if len(self._young) >= self._half:
                # The old one first: a thread that looks in between finds the same pairs twice, not none.
                self._old, self._young = self._young, {}
            self._young[digest] = now_ms, kept
            return kept

    def forget(self, username: str, password: str) -> None:
        """Forget a pair that a cut-off has ended, so that the next request checks it again."""
        digest = self._digest(username, password)
        self._young.pop(digest, None)
        self._old.pop(digest, None)

    def clear(self) -> None:
        """Forget every pair."""
        self._young, self._old = {}, {}

    def _remembered(self, digest: bytes, now_ms: int) -> Kept | None:
        found = self._young.get(digest) or self._old.get(digest)
        if found is None or not -_DISORDER_MS <= now_ms - found[0] < self._lifetime_ms:
            return None
        return found[1]

    def _field_digest(self, field: bytes) -> bytes:
        state = self._hash_of_fields.copy()
        state.update(field)
        return state.digest()

    def _digest(self, username: str, password: str) -> bytes:
        state = self._hash.copy()
        state.update(_with_length(username) + _with_length(password))
        return state.digest()


def _with_length(text: str) -> bytes:
    # Lone surrogates are in no pair that is right, and must not raise here.
    octets = text.encode("utf-8", "surrogatepass")
    return len(octets).to_bytes(4, "big") + octets


class BasicAuthenticator:
    """
    Authenticate requests by Basic credentials.

    Args:
        config: The settings of Basic, the issuer of the directory's subjects, the shards, the trusted proxies.
        passwords: Checks a user name and a password.
        realm: The protection space.
        key: Random bytes of this process, for the digests of remembered pairs.
        issue_time: Asks the store for its time; None where there is no store.
        owner: Identifies the ``Auth``.
        clock: The current time, in seconds since the epoch.
    """

    def __init__(
        self,
        config: Config,
        passwords: Passwords,
        *,
        realm: str,
        key: bytes,
        issue_time: Callable[[RevocationQuery], Awaitable[int]] | None,
        owner: object,
        clock: Clock,
    ) -> None:
        self._basic = config.basic
        self._issuer = config.issuer or LOCAL_ISSUER
        self._shards = config.store.shards
        self._proxies = Proxies.of(config.proxies.trusted)
        self._has_proxies = bool(config.proxies.trusted)
        self._pairs = BasicCredentials(passwords, config.basic, realm=realm, key=key, make=self._result)
        self._issue_time = issue_time
        self._owner = owner
        self._clock = clock

    async def prove(
        self, credential: Basic, request: Request, *, now: float, cut_off: RevocationQuery | None = None
    ) -> Passed:
        """
        Authenticate *request* by its *credential*.

        Args:
            credential: The user name and the password.
            request: The request that they came with.
            now: The current time, in seconds since the epoch.
            cut_off: The query that found the remembered pair cut off; the new proof is dated after that.

        Raises:
            InvalidRequest: If it came over plain HTTP and the configuration does not allow that (RFC 7617 §4).
            BadCredentials: If the user name or the password is wrong.
            TooManyAttempts: If a limit of the throttle is reached.
            Unavailable: If the directory cannot be asked.
        """
        client = self.require_tls(request)
        now_ms = int(now * 1000)
        proven = self._pairs.recall(credential.username, credential.password, now_ms)
        if proven is None:
            # The subject is not known before the password is checked.
            query = self._query("", now_ms, now_ms) if cut_off is None else cut_off
            proven = await self._pairs.prove(
                credential.username,
                credential.password,
                network=network_of(client.address),
                now_ms=now_ms,
                issued_ms=now_ms if self._issue_time is None else await self._issue_time(query),
            )
        [field] = request.values(b"authorization")
        if field.startswith(FIELD_START) and field.count(b" ") == 1:
            self._pairs.note_field(field, credential.username, credential.password)
        return proven.passed

    def recall(self, field: bytes, *, now_ms: int) -> CachedResult | None:
        """
        Return the result for a pair that was proven, by the field that carried it; None where it must be read.

        It counts only if ``require_tls`` does not raise.
        """
        return self._pairs.recall_field(field, now_ms) if field.startswith(FIELD_START) else None

    def is_known_secure(self, *, is_secure: bool) -> bool:
        """Say whether ``require_tls`` returns whatever else is in the request; *is_secure* is what the server says."""
        return self._basic.allow_plain_http or (is_secure and not self._has_proxies)

    def require_tls(self, request: Request) -> Client:
        """
        Return the client that sent *request*.

        Raises:
            InvalidRequest: If it came over plain HTTP and the configuration does not allow that (RFC 7617 §4).
        """
        client = client_of(request, self._proxies)
        if not client.is_secure and not self._basic.allow_plain_http:
            raise InvalidRequest("a Basic credential came over plain HTTP, which only basic.allow_plain_http allows")
        return client

    def forget(self, credential: Basic) -> None:
        """Forget a pair that a cut-off has ended, so that it is proven again."""
        self._pairs.forget(credential.username, credential.password)

    def _result(self, pair: ProvenPair) -> CachedResult:
        account = pair.account
        # A pair that is not remembered at all must be valid for the request that proved it.
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
        query = self._query(account.subject, pair.issued_ms, ends_ms)
        # The same pair can be spelt in several ways, so the proof has no key.  It comes after the account's cut-off.
        proof = Proof(b"", ends_ms, query, "basic", max(pair.issued_ms, account.earliest_ms))
        return CachedResult(Passed.of(principal, self._clock, self._owner, proof), proof)

    def _query(self, subject: str, issued_ms: int, ends_ms: int) -> RevocationQuery:
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
