"""Make, list and revoke API keys: the public verbs, awaitable."""

from collections.abc import Callable, Collection
from dataclasses import asdict, dataclass, field, replace
from typing import Final, NoReturn

from safeconduct._core.api_keys.owners import KeyOwners
from safeconduct._core.api_keys.records import MOST_KEYS, ApiKeyStore, StoredApiKey
from safeconduct._core.api_keys.wire_form import new_api_key, new_place, owner_part, parse_key_id
from safeconduct._core.budget import within_one_budget
from safeconduct._core.directory import are_texts, is_text
from safeconduct._core.receipt import RevocationReceipt
from safeconduct._core.revocation import Revocations
from safeconduct._core.revocation_keys import api_key_query, revocation_key, shard_of
from safeconduct._core.revocation_query import ApiKeyRef
from safeconduct._core.revoker import Revoker
from safeconduct.errors import InsufficientRights, InvalidRequest, NotFound, NotSupported, RevokedToken, Unavailable
from safeconduct.events import ApiKeyCreated, Event
from safeconduct.principal import CLIENT_SUBJECT

DEFAULT_LIFETIME_SECONDS: Final = 7_776_000
"""How long a key lives if nobody says otherwise: ninety days."""

LONGEST_LIFETIME_SECONDS: Final = 315_360_000
_LONGEST_NAME: Final = 100
#: How often another id is drawn; one of 56 billion is taken by each key that the owner has.
_TRIES: Final = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """An API key as it is listed; instants are integer seconds since the epoch."""

    key_id: str
    subject: str
    name: str
    #: What it was made with; of that it has what its owner has.
    scopes: frozenset[str]
    roles: frozenset[str]
    created_at: int
    expires_at: int
    #: To the minute; None if it was never used.
    last_used_at: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewApiKey(ApiKey):
    """An API key that was just made."""

    #: What the script sends.  It is shown here alone: the store has a digest of it.
    key: str = field(repr=False)


class AsyncApiKeys:
    """
    Make, list and revoke API keys; ``Auth.api_keys`` has the same verbs, blocking.

    Every verb takes effect for the next request in every process.
    """

    def __init__(
        self,
        store: ApiKeyStore | None,
        revocations: Revocations | None,
        owners: KeyOwners,
        *,
        issuer: str,
        draw: Callable[[int], bytes],
        announce: Callable[[Event], None],
    ) -> None:
        self._store = store
        self._revocations = revocations
        self._owners = owners
        self._issuer = issuer
        self._draw = draw
        self._announce = announce

    @within_one_budget
    async def create(
        self,
        subject: str,
        *,
        name: str,
        scopes: Collection[str] = (),
        roles: Collection[str] = (),
        expires_in_seconds: int = DEFAULT_LIFETIME_SECONDS,
    ) -> NewApiKey:
        """
        Make a key for a user.

        Args:
            subject: The user whose requests the key authenticates.
            name: What to call the key in a list, at most 100 characters.
            scopes: What it may do; at each request it has those of them that its owner has then.
            roles: The same for roles.
            expires_in_seconds: How long it lives, at most ten years.

        Raises:
            ValueError: If an argument is wrong.
            NotFound: If the directory has no such user, or the user is disabled.
            InsufficientRights: If the user lacks a scope or a role that is named.
            InvalidRequest: If the user has a thousand keys.
            NotSupported: If no store keeps API keys.
            Unavailable: If store or directory cannot be asked.
        """
        _check_arguments(subject, name, scopes, roles, expires_in_seconds)
        await self._require_rights(subject, scopes, roles)
        record = StoredApiKey(
            key_id="", digest=b"", owner=self._owner_of(subject), subject=subject, name=name,
            scopes=tuple(sorted(set(scopes))), roles=tuple(sorted(set(roles))),
        )  # fmt: skip
        for _ in range(_TRIES):
            key = await self._create(record, lifetime_ms=expires_in_seconds * 1000)
            if key is not None:
                self._announce(ApiKeyCreated(subject=subject, key_id=key.key_id))
                return key
        raise Unavailable("every id that was drawn for an API key is taken")

    async def list(self, subject: str) -> tuple[ApiKey, ...]:
        """
        Return the keys of *subject* that count, the newest first.

        Raises:
            NotSupported: If no store keeps API keys.
            Unavailable: If the store cannot be asked.
        """
        store, revocations = self._stored()
        owner, shard = self._owner_of(subject), shard_of(self._issuer, subject, revocations.shards)
        everything = revocation_key("everything", self._issuer)
        reply = await revocations.consult(shard, lambda: store.list(shard, (owner, everything)))
        records = sorted(reply.records, key=lambda each: (-each.created_ms, each.key_id))
        return tuple(_listed(each) for each in records)

    async def revoke(self, subject: str, key_id: str, *, min_replicas: int | None = None) -> RevocationReceipt:
        """
        Revoke one key of *subject*; repeating it is harmless.

        Raises:
            NotFound: If *key_id* is not the id of a key of this user.
            TooFewReplicas: If fewer replicas than demanded confirm it, although it is written.
            NotSupported: If no store keeps API keys.
            Unavailable: If the store cannot be asked.
        """
        _, revocations = self._stored()
        place = parse_key_id(key_id)
        shard = shard_of(self._issuer, subject, revocations.shards)
        if place is None or (place.shard, place.owner) != (shard, owner_part(self._owner_of(subject))):
            raise NotFound("not the id of a key of this user")
        revoker = Revoker(revocations, absolute_lifetime_ms=0, min_replicas=min_replicas)
        return await revoker.revoke_api_key(self._issuer, key_id, shard=shard)

    async def _create(self, record: StoredApiKey, *, lifetime_ms: int) -> NewApiKey | None:
        """Draw an id and a secret for *record*, and keep it; None if the id is taken."""
        store, revocations = self._stored()
        shard = shard_of(self._issuer, record.subject, revocations.shards)
        text, parsed = new_api_key(new_place(shard, record.owner, self._draw), self._draw)
        record = replace(record, key_id=parsed.key_id, digest=parsed.digest)
        shown = ApiKeyRef(parsed.key_id, parsed.digest)
        query = api_key_query(self._issuer, shard, shown, owner=record.owner, ends_ms=0)
        reply = await revocations.consult(shard, lambda: store.create(query, record, lifetime_ms=lifetime_ms))
        if reply.outcome == "full":
            raise InvalidRequest(f"the user has {MOST_KEYS} API keys")
        if reply.outcome == "taken":
            return None
        record = replace(record, created_ms=reply.created_ms, expires_ms=reply.created_ms + lifetime_ms)
        return NewApiKey(key=text, **asdict(_listed(record)))

    async def _require_rights(self, subject: str, scopes: Collection[str], roles: Collection[str]) -> None:
        try:
            account = await self._owners.account(subject)
        except RevokedToken:
            raise NotFound("there is no such user, or the user is disabled") from None
        if account is None:
            return
        if not set(scopes) <= set(account.scopes):
            raise InsufficientRights(sorted(scopes), reason="the owner of a new API key lacks a scope that is named")
        if not set(roles) <= set(account.roles):
            raise InsufficientRights(reason="the owner of a new API key lacks a role that is named")

    def _owner_of(self, subject: str) -> bytes:
        return revocation_key("api_keys", self._issuer, subject)

    def _stored(self) -> tuple[ApiKeyStore, Revocations]:
        if self._store is None or self._revocations is None:
            raise NotSupported("there is no store that keeps API keys")
        return self._store, self._revocations


def _check_arguments(
    subject: str, name: str, scopes: Collection[str], roles: Collection[str], expires_in_seconds: object
) -> None:
    if not is_text(subject) or "\0" in subject or subject.startswith(CLIENT_SUBJECT):
        _refuse("subject", f"the subject of a user: a text without NUL that does not begin with {CLIENT_SUBJECT}")
    if not is_text(name) or len(name) > _LONGEST_NAME or not name.isprintable():
        _refuse("name", f"1 to {_LONGEST_NAME} printable characters")
    for field_name, words in (("scopes", scopes), ("roles", roles)):
        if not are_texts(words) or any("\0" in word for word in words):
            _refuse(field_name, 'a list of texts without NUL, such as ["read"]')
    seconds = expires_in_seconds if isinstance(expires_in_seconds, int) else 0
    if isinstance(expires_in_seconds, bool) or not 0 < seconds <= LONGEST_LIFETIME_SECONDS:
        _refuse("expires_in_seconds", f"a whole number from 1 to {LONGEST_LIFETIME_SECONDS}")


def _refuse(name: str, wanted: str) -> NoReturn:
    raise ValueError(f"{name}: wanted {wanted}")


def _listed(record: StoredApiKey) -> ApiKey:
    return ApiKey(
        key_id=record.key_id,
        subject=record.subject,
        name=record.name,
        scopes=frozenset(record.scopes),
        roles=frozenset(record.roles),
        created_at=record.created_ms // 1000,
        expires_at=record.expires_ms // 1000,
        last_used_at=None if record.last_used_ms is None else record.last_used_ms // 1000,
    )
