"""A session as a server keeps it: a hash of short fields, each a text, a number or a digest."""

from typing import Any, cast, get_args

from safeconduct._core.session_store import Opening, Outcome, SessionReply
from safeconduct._core.sessions.model import Chain, Renewal, Session, Transport
from safeconduct.principal import LEVELS
from safeconduct.stores.redis.connection import Reply
from safeconduct.stores.redis.shard_calls import ShardReply, integer, malformed_reply

_OUTCOMES: frozenset[str] = frozenset(get_args(Outcome))
_TRANSPORTS: frozenset[str] = frozenset(get_args(Transport))


class _Fields:
    """The fields of one hash; a missing number is 0, a missing text is empty."""

    def __init__(self, flat: list[bytes]) -> None:
        self._values = dict(zip(flat[::2], flat[1::2], strict=True))

    def number(self, name: str) -> int:
        return int(self._values.get(name.encode(), b"0"))

    def text(self, name: str) -> str:
        return self.octets(name).decode()

    def octets(self, name: str) -> bytes:
        return self._values.get(name.encode(), b"")

    def word(self, name: str, words: frozenset[str]) -> Any:
        word = self.text(name)
        if word not in words:
            raise ValueError(name)
        return word


def written(opening: Opening) -> tuple[bytes | str, ...]:
    """Say what a new session's record holds beside its instants: names and values in turn."""
    known: dict[str, bytes | str] = {
        "sub": opening.subject,
        "user": opening.username,
        "proof": opening.level,
        "rights": opening.rights,
        "transport": opening.transport,
        "device": opening.device,
        "network": opening.network,
    }
    if opening.long_term is not None:
        known |= {"n": "0", "h": opening.long_term.digest}
    return tuple(part for pair in known.items() for part in pair)


def read_session(flat: Reply) -> Session | None:
    """
    Read a record, None where there is none.

    Raises:
        Unavailable: If it is nothing that a script of ours wrote.
    """
    if not flat:
        return None
    try:
        return _session(_Fields(flat))
    except (TypeError, ValueError, AttributeError) as error:
        raise malformed_reply() from error


def read_session_reply(reply: ShardReply) -> SessionReply:
    """
    Read what a script on one session says.

    Raises:
        Unavailable: If it is nothing that a script of ours says.
    """
    if reply.epoch is None:
        return SessionReply(None, reply.is_empty, "gone", reply.now_ms)
    try:
        outcome = reply.first.decode()
        flat, is_rolled_back, *more = reply.rest
        crowded_out = tuple(name.decode() for name in more[0]) if more else ()
    except (TypeError, ValueError, AttributeError) as error:
        raise malformed_reply() from error
    if outcome not in _OUTCOMES:
        raise malformed_reply()
    return SessionReply(
        reply.epoch,
        reply.is_empty,
        cast("Outcome", outcome),
        reply.now_ms,
        integer(reply.second),
        read_session(flat),
        is_rolled_back == 1,
        crowded_out,
    )


def read_ends(rest: list[Any]) -> list[tuple[str, int]]:
    """
    Read the names of sessions, and when each is over.

    Raises:
        Unavailable: If they are none.
    """
    try:
        names, ends = rest[0][::2], rest[0][1::2]
        return [(name.decode(), int(over_ms)) for name, over_ms in zip(names, ends, strict=True)]
    except (TypeError, ValueError, AttributeError, IndexError) as error:
        raise malformed_reply() from error


def _session(fields: _Fields) -> Session:
    return Session(
        subject=fields.text("sub"),
        proof_level=fields.word("proof", frozenset(LEVELS)),
        auth_ms=fields.number("auth"),
        is_demoted=fields.text("demoted") == "1",
        created_ms=fields.number("created"),
        issued_ms=fields.number("issued"),
        used_ms=fields.number("used"),
        ends_ms=fields.number("ends"),
        over_ms=fields.number("over"),
        rights=fields.text("rights"),
        username=fields.text("user"),
        transport=fields.word("transport", _TRANSPORTS),
        device=fields.text("device"),
        network=fields.text("network"),
        csrf_generation=fields.number("csrf"),
        failures=fields.number("failures"),
        last_request=fields.text("request"),
        renewals=fields.number("renewals"),
        renewal=_renewal(fields),
        chain=_chain(fields),
    )


def _renewal(fields: _Fields) -> Renewal | None:
    token_id = fields.text("renewal_id")
    if not token_id:
        return None
    return Renewal(
        token_id=token_id,
        iat_ms=fields.number("renewal_iat"),
        expires_at=fields.number("renewal_exp"),
        grace_ms=fields.number("renewal_grace"),
    )


def _chain(fields: _Fields) -> Chain | None:
    digest = fields.octets("h")
    if not digest:
        return None
    return Chain(
        position=fields.number("n"),
        digest=digest,
        previous=fields.octets("ph"),
        salt=fields.octets("salt"),
        grace_ms=fields.number("grace"),
        begun_ms=fields.number("begun"),
        expires_ms=fields.number("expires"),
    )
