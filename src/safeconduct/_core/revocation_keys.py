"""
Make the keys under which a store keeps revocations, and the queries about a credential.

A revocation key is ``kind ‖ digest``: one letter, and half of the SHA-256 of the parts.  Each part is preceded by its
length, so that no ``:``, brace or empty part in a claim can make two things one.  The issuer is always a part, which
keeps tenants apart; ``everything`` too is of one issuer.
"""

import base64
import binascii
from functools import lru_cache
from hashlib import sha1, sha256
from typing import Literal

from safeconduct._core.revocation_query import (
    REVOCATION_KEY_BYTES,
    ApiKeyRef,
    RevocationKind,
    RevocationQuery,
    clamped_ms,
)

_LETTERS: dict[RevocationKind | Literal["api_keys"], bytes] = {
    "token": b"t",
    "session": b"s",
    "subject": b"u",
    "client": b"c",
    "key": b"k",
    "everything": b"e",
    #: All keys of one subject: it is cut off with the subject, and not when the subject signs out everywhere.
    "api_keys": b"a",
}
_DIGEST_BYTES = REVOCATION_KEY_BYTES - 1
_KEYS_CACHED = 1024
_SHARD_BYTES = 2
_INSTANCE_BYTES = 8
_SESSION_ID_BYTES = _SHARD_BYTES + 2 * _INSTANCE_BYTES
#: Set in the first byte of an epoch's tag, and clear in that of an instance.
_TAG_BIT = 0x80


def _framed(part: str) -> bytes:
    # JSON may contain half of a surrogate pair, which is a name like any other here.
    octets = part.encode("utf-8", "surrogatepass")
    return len(octets).to_bytes(4, "big") + octets


@lru_cache(maxsize=_KEYS_CACHED)
def _framed_kind(word: str, issuer: str) -> bytes:
    return _framed(word) + _framed(issuer)


def revocation_key(kind: RevocationKind | Literal["api_keys"], issuer: str, *parts: str) -> bytes:
    """
    Return the revocation key of a token (by its ``jti``), key (``kid``), session, client, subject or everything.

    An API key is a token whose ``jti`` is its id; ``api_keys`` is all of those of a subject.
    """
    framed = _framed_kind(kind, issuer) + b"".join([_framed(part) for part in parts])
    return _LETTERS[kind] + sha256(framed).digest()[:_DIGEST_BYTES]


# Keys, clients and issuers are few, and every token names them.
_cached_revocation_key = lru_cache(maxsize=_KEYS_CACHED)(revocation_key)


def shard_of(issuer: str, subject: str, shards: int) -> int:
    """Return the shard that holds everything of one subject."""
    if shards == 1:
        return 0
    return int.from_bytes(sha256(_framed_kind("shard", issuer) + _framed(subject)).digest()[:8], "big") % shards


def parse_session_id(session_id: str) -> tuple[int, bytes] | None:
    """
    Parse the shard and the instance out of the id of a session of ours; None if it is no such id.

    The id is the base64url of ``shard:u16 ‖ instance:8 ‖ random:8``.  If sessions are kept in a server, the instance is
    the tag of the epoch in which they began.
    """
    try:
        octets = base64.b64decode(session_id, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    if len(octets) != _SESSION_ID_BYTES:
        return None
    return int.from_bytes(octets[:_SHARD_BYTES], "big"), octets[_SHARD_BYTES : _SHARD_BYTES + _INSTANCE_BYTES]


def epoch_tag_of(session_id: str) -> bytes:
    """Return the tag of the epoch in which a session began, out of its id; empty if there is none."""
    parsed = parse_session_id(session_id)
    return parsed[1] if parsed is not None and parsed[1][0] & _TAG_BIT else b""


def epoch_tag(name: str) -> bytes:
    """Return what the ids of sessions contain that begin in the epoch *name*; never equal to an instance."""
    # A server's scripts have SHA-1 only; no security depends on it.
    digest = sha1(name.encode(), usedforsecurity=False).digest()
    return bytes((digest[0] | _TAG_BIT,)) + digest[1:_INSTANCE_BYTES]


def instance_from(random: bytes) -> bytes:
    """Turn random bytes into an instance, which never equals an epoch's tag."""
    return bytes((random[0] & ~_TAG_BIT,)) + random[1:]


def revocation_query(  # noqa: PLR0913, D417 - as many things can revoke a credential; four claims share a line
    *,
    issuer: str,
    subject: str,
    token_id: str | None,
    client_id: str | None,
    kid: str | None,
    session_id: str | None,
    issued_ms: int,
    ends_ms: int,
    is_own: bool,
    shards: int,
    needs_session: bool = False,
    reference: bytes | None = None,
    actors: tuple[str, ...] = (),
    person_issuer: str | None = None,
) -> RevocationQuery:
    """
    Collect what may have revoked a credential.

    Args:
        issuer, subject, token_id, client_id: The claims ``iss``, ``sub``, ``jti``, ``client_id``.
        kid: The name of the key that verified it, whether or not its header names it.
        session_id: The claim ``sid``, which counts only if the token is our own.
        issued_ms: ``iat_ms`` of a token of ours; ``floor(iat * 1000)`` minus the leeway of a foreign one.
        ends_ms: ``exp`` plus the leeway.
        is_own: Whether this application issued it.
        shards: The number of shards.
        needs_session: Whether a credential of ours counts only while its session is in the store.
        reference: The digest of an opaque token, which must be in the store with its session.
        actors: The clients in the claim ``act`` of a token of ours, each of which can be revoked.
        person_issuer: The claim ``pi`` of a token of ours: the issuer of a person who was handed over.
    """
    own_session_id, needs_session = session_id if is_own else None, is_own and (needs_session or reference is not None)
    owner = person_issuer or issuer
    return RevocationQuery(
        shard=shard_of(owner, subject, shards),
        marks=_marks(issuer, token_id, kid),
        cuts=_cuts(issuer, owner, subject, client_id, own_session_id) + _cuts_of(issuer, actors, client_id),
        issued_ms=clamped_ms(issued_ms),
        ends_ms=clamped_ms(ends_ms),
        instance=None if own_session_id is None else _instance_of(own_session_id),
        required_session=(own_session_id or "") if needs_session else None,
        reference=reference,
    )


def client_mark(realm: str, client_id: str) -> bytes:
    """
    Return the revocation key that ends whatever a client has signed or ever will.

    It is kept like that of a key, without end: the holder of a key dates what it signs.
    """
    return _cached_revocation_key("key", realm, "client", client_id)


def client_revocation_query(
    *,
    realm: str,
    client_id: str,
    subject: str,
    token_id: str | None,
    kid: str | None,
    issued_ms: int,
    ends_ms: int,
    shards: int,
) -> RevocationQuery:
    """
    Collect what may have revoked a token or an assertion that a client has signed, or the client itself.

    Args:
        realm: Under which name clients are revoked: our issuer, or our audience where there is none.
        client_id: The name of the client, which is also the issuer of what it signs.
        subject: The subject of the client.
        token_id: The claim ``jti``, or the digest that stands for it; None to ask about the client alone.
        kid: The name of the key that verified it.
        issued_ms: ``iat`` in milliseconds, less the leeway.
        ends_ms: ``exp`` plus the leeway.
        shards: How many shards the store has.
    """
    return RevocationQuery(
        shard=shard_of(client_id, subject, shards),
        marks=(*_marks(client_id, token_id, kid), client_mark(realm, client_id), client_mark(client_id, client_id)),
        cuts=(*_cuts(client_id, client_id, subject, None, None), _cached_revocation_key("everything", realm)),
        issued_ms=clamped_ms(issued_ms),
        ends_ms=clamped_ms(ends_ms),
    )


def issue_time_query(*, issuer: str, subject: str, client_id: str, shards: int, issued_ms: int = 0) -> RevocationQuery:
    """Collect what would revoke a token without a session that is about to be issued; for ``Store.issue_time``."""
    return revocation_query(
        issuer=issuer,
        subject=subject,
        token_id=None,
        client_id=client_id,
        kid=None,
        session_id=None,
        issued_ms=issued_ms,
        ends_ms=issued_ms,
        is_own=True,
        shards=shards,
    )


def api_key_query(
    issuer: str, shard: int, api_key: ApiKeyRef, *, owner: bytes = b"", issued_ms: int = 0, ends_ms: int
) -> RevocationQuery:
    """
    Collect what may have revoked an API key of our own issuer.

    Args:
        issuer: Our own issuer.
        shard: The shard of its owner.
        api_key: The key that was shown.
        owner: The revocation key of all keys of its owner; empty if its record was not read yet.
        issued_ms: When it was made.
        ends_ms: When it expires.
    """
    everything = _cached_revocation_key("everything", issuer)
    return RevocationQuery(
        shard=shard,
        marks=(revocation_key("token", issuer, api_key.key_id),),
        cuts=(owner, everything) if owner else (everything,),
        issued_ms=issued_ms,
        ends_ms=clamped_ms(ends_ms),
        api_key=api_key,
    )


def _marks(issuer: str, token_id: str | None, kid: str | None) -> tuple[bytes, ...]:
    marks = [] if token_id is None else [revocation_key("token", issuer, token_id)]
    if kid is not None:
        marks.append(_cached_revocation_key("key", issuer, kid))
    return tuple(marks)


def _cuts(
    issuer: str, owned_by: str, subject: str, client_id: str | None, own_session_id: str | None
) -> tuple[bytes, ...]:
    cuts = [revocation_key("subject", owned_by, subject), _cached_revocation_key("everything", issuer)]
    if owned_by != issuer:
        cuts.append(_cached_revocation_key("everything", owned_by))
    if client_id is not None:
        cuts.append(_cached_revocation_key("client", issuer, client_id))
    if own_session_id is not None:
        cuts.append(revocation_key("session", issuer, own_session_id))
    return tuple(cuts)


def _cuts_of(issuer: str, actors: tuple[str, ...], client_id: str | None) -> tuple[bytes, ...]:
    # Most tokens have no actor, and the last one is nearly always the token's client.
    return tuple([_cached_revocation_key("client", issuer, actor) for actor in actors if actor != client_id])


def _instance_of(own_session_id: str) -> bytes:
    parsed = parse_session_id(own_session_id)
    # An id that is not ours belongs to no process: no instance equals it.
    return b"" if parsed is None else parsed[1]
