"""The epochs of a store: what each shard knows of its own data, and how an operator believes it all the same."""

import secrets
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from safeconduct.cli.doctor.finding import Finding, fail, ok, warn
from safeconduct.cli.output import CommandFailed
from safeconduct.config import Config
from safeconduct.errors import ConfigurationError
from safeconduct.stores.redis.connection import Command, ConnectionBroken, Reply
from safeconduct.stores.redis.connection import ServerError as ServerRefusal
from safeconduct.stores.redis.watermarks import EpochFile, Watermark

_NAME_BYTES: Final = 16
_NO_HEAD: Final = b"0-0"

Exchange = Callable[[Sequence[Command]], list[Reply]]


def epochs(replies: Sequence[Reply]) -> Iterator[Finding]:
    """Say what each shard's fields tell of its data."""
    for shard, reply in enumerate(replies):
        if isinstance(reply, ServerRefusal):
            yield fail(
                "epoch", f"shard {shard} cannot be read", "Allow reading and writing on the keys of store.key_prefix."
            )
            continue
        meta = _fields(reply)
        reason = meta.get(b"reason")
        if b"epoch" not in meta:
            yield ok("epoch", f"shard {shard} has none yet: the first request begins it")
        elif reason == b"new":
            yield ok("epoch", f"shard {shard} knows everything since {_instant(meta)}")
        elif reason == b"adopted":
            yield ok("epoch", f"shard {shard} was adopted, and is believed on what was before {_instant(meta)} too")
        else:
            yield warn(
                "epoch",
                f"shard {shard} lost data: tokens issued until {_instant(meta)} are refused until they expire",
                "Wait; or `safeconduct doctor --adopt-epoch`, by which those that were revoked pass again.",
            )


def adopt_epoch(config: Config, keys: Sequence[str], exchange: Exchange) -> Iterator[Finding]:
    """
    Believe a store, whatever it lost or never knew; and let the local file believe it.

    Args:
        config: Names the file.
        keys: The fields of each shard.
        exchange: Sends commands to the store.

    Raises:
        Refusal: If the store does not answer, or the file cannot be written.
    """
    try:
        now, *before = exchange([("TIME",), *(("HGETALL", key) for key in keys)])
        _refuse_refused([now, *before])
        doubted = [
            (key, _fields(reply))
            for key, reply in zip(keys, before, strict=True)
            if _fields(reply).get(b"reason") != b"adopted"
        ]
        now_ms = int(now[0]) * 1000 + int(now[1]) // 1000
        _refuse_refused(exchange([_adoption(key, meta, now_ms) for key, meta in doubted]))
        after = exchange([("HGETALL", key) for key in keys])
    except ConnectionBroken as broken:
        raise CommandFailed(f"The store does not answer: {broken.reason}") from None
    if config.revocation.epoch_file is not None:
        _remember(config.revocation.epoch_file, after)
    if doubted:
        yield ok("epoch", f"adopted on {len(doubted)} shards: tokens issued before pass again")
    else:
        yield ok("epoch", "there is nothing to adopt: every shard is believed already")


def _adoption(key: str, meta: dict[bytes, bytes], now_ms: int) -> Command:
    if b"epoch" in meta:
        return ("HSET", key, "reason", "adopted")
    return ("HSET", key, "epoch", secrets.token_hex(_NAME_BYTES), "epoch_ms", now_ms, "reason", "adopted")


def _remember(path: Path, replies: Sequence[Reply]) -> None:
    known = {shard: _mark(_fields(reply)) for shard, reply in enumerate(replies)}
    try:
        EpochFile(path).put(known)
    except (OSError, ConfigurationError) as error:
        raise CommandFailed(f"Adopted in the store, but revocation.epoch_file cannot be written: {error}") from None


def _mark(meta: dict[bytes, bytes]) -> Watermark:
    head = meta.get(b"head", _NO_HEAD)
    return Watermark(meta[b"epoch"].decode(), int(meta[b"epoch_ms"]), meta.get(b"line", b""), head)


def _refuse_refused(replies: Sequence[Reply]) -> None:
    refusals = [reply.kind for reply in replies if isinstance(reply, ServerRefusal)]
    if refusals:
        raise CommandFailed(f"The store refuses: {refusals[0]}")


def _fields(reply: Reply) -> dict[bytes, bytes]:
    return {bytes(name): bytes(value) for name, value in zip(reply[::2], reply[1::2], strict=True)}


def _instant(meta: dict[bytes, bytes]) -> str:
    return datetime.fromtimestamp(int(meta.get(b"epoch_ms", b"0")) / 1000, UTC).isoformat("T", "seconds")
