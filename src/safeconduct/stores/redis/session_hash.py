"""Write and read a session as a server keeps it: a hash of short fields, each a text, a number or a digest."""

from collections.abc import Mapping
from typing import Any, Final, get_args

from safeconduct._core.session_store import Opening, Outcome, SessionReply
from safeconduct._core.sessions.model import Chain, Renewal, Session, Transport
from safeconduct.principal import LEVELS, Level
from safeconduct.stores.redis.connection import Reply
from safeconduct.stores.redis.shard_calls import ShardReply, integer, malformed_reply

_OUTCOMES: Final[Mapping[bytes, Outcome]] = {outcome.encode(): outcome for outcome in get_args(Outcome)}
_TRANSPORTS: Final[Mapping[bytes, Transport]] = {transport.encode(): transport for transport in get_args(Transport)}
_LEVELS: Final[Mapping[bytes, Level]] = {level.encode(): level for level in LEVELS}


#: Which field of the hash holds which attribute; a missing number is 0, a missing text is empty.
_NUMBERS: Final = {
    "auth_ms": b"auth",
    "created_ms": b"created",
    "issued_ms": b"issued",
    "used_ms": b"used",
    "ends_ms": b"ends",
    "over_ms": b"over",
    "csrf_generation": b"csrf",
    "failures": b"failures",
    "renewals": b"renewals",
}
_TEXTS: Final = {
    "subject": b"sub",
    "username": b"user",
    "rights": b"rights",
    "device": b"device",
    "network": b"network",
    "last_request": b"request",
    "person_issuer": b"pi",
}
_RENEWAL_NUMBERS: Final = {"iat_ms": b"renewal_iat", "expires_at": b"renewal_exp", "grace_ms": b"renewal_grace"}
_CHAIN_NUMBERS: Final = {"position": b"n", "grace_ms": b"grace", "begun_ms": b"begun", "expires_ms": b"expires"}


def written(opening: Opening) -> tuple[bytes | str, ...]:
    """Return the fields of a new session except its instants: names and values alternate."""
    fields: dict[str, bytes | str] = {
        "sub": opening.subject,
        "user": opening.username,
        "proof": opening.level,
        "rights": opening.rights,
        "transport": opening.transport,
        "device": opening.device,
        "network": opening.network,
    }
    if opening.person_issuer:
        fields["pi"] = opening.person_issuer
    if opening.long_term is not None:
        fields |= {"n": "0", "h": opening.long_term.digest}
    return tuple(part for pair in fields.items() for part in pair)


def read_session(flat: Reply) -> Session | None:
    """
    Read a session's hash, None where there is none.

    Raises:
        Unavailable: If no script of ours wrote it.
    """
    if not flat:
        return None
    try:
        return _session(dict(zip(flat[::2], flat[1::2], strict=True)))
    except (TypeError, ValueError, AttributeError, KeyError) as error:
        raise malformed_reply() from error


def read_session_reply(reply: ShardReply) -> SessionReply:
    """
    Read the reply of a script on one session.

    Raises:
        Unavailable: If no script of ours sends it.
    """
    if reply.epoch is None:
        return SessionReply(None, reply.is_empty, "gone", reply.now_ms)
    try:
        outcome = _OUTCOMES[reply.first]
        flat, is_rolled_back, *more = reply.rest
        crowded_out = tuple(name.decode() for name in more[0]) if more else ()
    except (TypeError, ValueError, AttributeError, KeyError) as error:
        raise malformed_reply() from error
    return SessionReply(
        reply.epoch,
        reply.is_empty,
        outcome,
        reply.now_ms,
        integer(reply.second),
        read_session(flat),
        is_rolled_back == 1,
        crowded_out,
    )


def read_ends(rest: list[Any]) -> list[tuple[str, int]]:
    """
    Read the ids of sessions, and when each is over.

    Raises:
        Unavailable: If no script of ours sends it.
    """
    try:
        names, ends = rest[0][::2], rest[0][1::2]
        return [(name.decode(), int(over_ms)) for name, over_ms in zip(names, ends, strict=True)]
    except (TypeError, ValueError, AttributeError, IndexError) as error:
        raise malformed_reply() from error


def _session(record: Mapping[bytes, bytes]) -> Session:
    return Session(
        **_numbers(record, _NUMBERS),
        **_texts(record, _TEXTS),
        proof_level=_LEVELS[record[b"proof"]],
        transport=_TRANSPORTS[record[b"transport"]],
        is_demoted=record.get(b"demoted") == b"1",
        renewal=_renewal(record),
        chain=_chain(record),
    )


def _renewal(record: Mapping[bytes, bytes]) -> Renewal | None:
    if not record.get(b"renewal_id"):
        return None
    return Renewal(token_id=record[b"renewal_id"].decode(), **_numbers(record, _RENEWAL_NUMBERS))


def _chain(record: Mapping[bytes, bytes]) -> Chain | None:
    if not record.get(b"h"):
        return None
    return Chain(
        digest=record[b"h"],
        previous=record.get(b"ph", b""),
        salt=record.get(b"salt", b""),
        **_numbers(record, _CHAIN_NUMBERS),
    )


def _numbers(record: Mapping[bytes, bytes], names: Mapping[str, bytes]) -> dict[str, Any]:
    return {attribute: int(record.get(name, b"0")) for attribute, name in names.items()}


def _texts(record: Mapping[bytes, bytes], names: Mapping[str, bytes]) -> dict[str, Any]:
    return {attribute: record.get(name, b"").decode() for attribute, name in names.items()}
