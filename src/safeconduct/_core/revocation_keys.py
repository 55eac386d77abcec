"""
What the store calls the things that can be revoked.

A member is ``kind ‖ digest``: one letter, and half of the SHA-256 of the parts, each behind its length, so that neither
a ``:`` nor a brace nor an empty part in a claim can make two things one.  Each is told apart by its issuer, and so are
tenants.  ``everything`` is of one issuer too.
"""

import base64
import binascii
from functools import lru_cache
from hashlib import sha1, sha256

from safeconduct._core.store import RevocationKind, RevocationQuery, clamped_ms

_LETTERS: dict[RevocationKind, bytes] = {
    "token": b"t",
    "session": b"s",
    "subject": b"u",
    "client": b"c",
    "key": b"k",
    "everything": b"e",
}
_DIGEST_BYTES = 16
MEMBER_BYTES = 1 + _DIGEST_BYTES
"""How long every member is."""
_NAMES_KEPT = 1024
_SHARD_BYTES = 2
_INSTANCE_BYTES = 8
_SESSION_ID_BYTES = _SHARD_BYTES + 2 * _INSTANCE_BYTES
#: Set in the first byte of an epoch's tag, and of no instance.
_TAG_BIT = 0x80


def _framed(part: str) -> bytes:
    # JSON can carry half of a surrogate pair; it is a name like any other here.
    octets = part.encode("utf-8", "surrogatepass")
    return len(octets).to_bytes(4, "big") + octets


@lru_cache(maxsize=_NAMES_KEPT)
def _beginning(word: str, issuer: str) -> bytes:
    return _framed(word) + _framed(issuer)


def revocation_key(kind: RevocationKind, issuer: str, *parts: str) -> bytes:
    """Name a thing: a token by its jti, a key by its kid, a session by its id, a client, a subject by theirs."""
    framed = _beginning(kind, issuer) + b"".join([_framed(part) for part in parts])
    return _LETTERS[kind] + sha256(framed).digest()[:_DIGEST_BYTES]


# Keys, clients and issuers are few, and come with every token.
_steady_member = lru_cache(maxsize=_NAMES_KEPT)(revocation_key)


def shard_of(issuer: str, subject: str, shards: int) -> int:
    """Say where everything of one owner lies."""
    if shards == 1:
        return 0
    return int.from_bytes(sha256(_beginning("shard", issuer) + _framed(subject)).digest()[:8], "big") % shards


def session_place(session_id: str) -> tuple[int, bytes] | None:
    """
    Read shard and instance out of the id of an own session, None if it is no such id.

    The id is the base64url of ``shard:u16 ‖ instance:8 ‖ random:8``; where sessions are kept in a server, the tag of
    the epoch that they began in stands for the instance.
    """
    try:
        octets = base64.b64decode(session_id, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    if len(octets) != _SESSION_ID_BYTES:
        return None
    return int.from_bytes(octets[:_SHARD_BYTES], "big"), octets[_SHARD_BYTES : _SHARD_BYTES + _INSTANCE_BYTES]


def epoch_tag_of(session_id: str) -> bytes:
    """Read the tag of the epoch that a session began in out of its id; empty where there is none."""
    place = session_place(session_id)
    return place[1] if place is not None and place[1][0] & _TAG_BIT else b""


def epoch_tag(name: str) -> bytes:
    """Reckon what stands in the ids of the sessions that begin in the epoch *name*; no instance's name begins so."""
    # SHA-1 is what a server's scripts have; nothing rests on its strength.
    digest = sha1(name.encode(), usedforsecurity=False).digest()
    return bytes((digest[0] | _TAG_BIT,)) + digest[1:_INSTANCE_BYTES]


def untagged(drawn: bytes) -> bytes:
    """Make random bytes into what no epoch's tag looks like."""
    return bytes((drawn[0] & ~_TAG_BIT,)) + drawn[1:]


def question_for(  # noqa: PLR0913 - so many things can have ended a credential
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
) -> RevocationQuery:
    """
    Gather what may have ended a credential.

    Args:
        issuer: Its ``iss``.
        subject: Its ``sub``.
        token_id: Its ``jti``.
        client_id: Its ``client_id``.
        kid: The name of the key that proved it, whether the token's header named it or not.
        session_id: Its ``sid``; counts for an own token only.
        issued_ms: ``iat_ms`` of an own token, ``floor(iat * 1000)`` less the leeway of a foreign one.
        ends_ms: ``exp`` and leeway.
        is_own: Whether this application issued it.
        shards: How many shards the store has.
        needs_session: Whether an own credential counts only while its session is in the store.
        reference: The digest of an opaque token, which counts only while the store has it and its session.
    """
    own_session_id = session_id if is_own else None
    cuts = [revocation_key("subject", issuer, subject), _steady_member("everything", issuer)]
    if client_id is not None:
        cuts.append(_steady_member("client", issuer, client_id))
    if own_session_id is not None:
        cuts.append(revocation_key("session", issuer, own_session_id))
    marks = [revocation_key("token", issuer, token_id)] if token_id is not None else []
    if kid is not None:
        marks.append(_steady_member("key", issuer, kid))
    return RevocationQuery(
        shard=shard_of(issuer, subject, shards),
        marks=tuple(marks),
        cuts=tuple(cuts),
        issued_ms=clamped_ms(issued_ms),
        ends_ms=clamped_ms(ends_ms),
        instance=_instance_of(own_session_id),
        kept=(own_session_id or "") if (needs_session or reference is not None) and is_own else None,
        reference=reference,
    )


def issue_time_query(*, issuer: str, subject: str, client_id: str, shards: int) -> RevocationQuery:
    """Gather what would end a token of no session that is about to be issued; for ``Store.issue_time``."""
    return question_for(
        issuer=issuer,
        subject=subject,
        token_id=None,
        client_id=client_id,
        kid=None,
        session_id=None,
        issued_ms=0,
        ends_ms=0,
        is_own=True,
        shards=shards,
    )


def _instance_of(session_id: str | None) -> bytes | None:
    if session_id is None:
        return None
    place = session_place(session_id)
    # An id that is none of ours is no process's session: no instance equals it.
    return b"" if place is None else place[1]
