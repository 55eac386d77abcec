"""
Check the store: whether it answers, keeps what is written to it, has the right time, and has lost data.

What a shard knows of its own data is a hash, its ``meta`` key:

===================  ==================================================================
fields               meaning
===================  ==================================================================
no ``epoch``         no request has been served yet
``reason: new``      the data is complete since ``epoch_ms``
``reason: adopted``  an operator said that the data from before ``epoch_ms`` is complete
any other reason     data from before ``epoch_ms`` was lost; older tokens are refused
``shards``           over how many shards the data are spread
===================  ==================================================================
"""

import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Final

from safeconduct.cli.doctor.finding import Finding, fail, ok, warn
from safeconduct.cli.doctor.primaries import Primary, find_primaries, no_answer
from safeconduct.cli.doctor.view_checks import check_view
from safeconduct.cli.output import CommandFailed
from safeconduct.config import Config
from safeconduct.errors import ConfigurationError
from safeconduct.stores.redis.addresses import shard_key
from safeconduct.stores.redis.connection import Command, ConnectionBroken, Reply, ServerError
from safeconduct.stores.redis.watermarks import EpochFile, Watermark

#: Longer than a request may wait, so that a slow answer and no answer are two findings.
_TIMEOUT_SECONDS: Final = 5.0
_EPOCH_BYTES: Final = 16
_NO_HEAD: Final = b"0-0"

_COMMANDS: Final[Sequence[Command]] = (
    ("TIME",),
    ("ROLE",),
    ("CONFIG", "GET", "maxmemory-policy"),
    ("CONFIG", "GET", "min-replicas-to-write"),
    ("INFO",),
)

Info = dict[str, str]
Meta = dict[bytes, bytes]


def check_store(config: Config) -> Iterator[Finding]:
    """Ask the store on a connection that is opened for it."""
    url = config.store.url
    if url == "memory://":
        yield warn(
            "store",
            "memory:// is one process's own memory: several workers do not see each other's revocations, and the "
            "command line sees none",
            "store = redis://… wherever more than one process serves.",
        )
        return
    if url == "none":
        yield warn("store", "there is none: nothing can be revoked", "store = redis://… to revoke anything.")
        return
    try:
        primaries = find_primaries(config.store, _TIMEOUT_SECONDS)
    except ConnectionBroken as broken:
        yield no_answer("store", broken)
        return
    for primary in primaries:
        yield from _check_primary(primary, config)
    missing = set(range(config.store.shards)) - {shard for primary in primaries for shard in primary.shards}
    if missing:
        yield fail("store", f"no node has the slots of {len(missing)} shards", "See CLUSTER INFO on the nodes.")
    elif all(_has_begun(primary, config) for primary in primaries):
        yield from check_view(config)


def _has_begun(primary: Primary, config: Config) -> bool:
    try:
        replies = primary.send([("HGET", key, "epoch") for key in _meta_keys(config, primary)], _TIMEOUT_SECONDS)
    except ConnectionBroken:
        return False
    return all(isinstance(reply, bytes) for reply in replies)


def _check_primary(primary: Primary, config: Config) -> Iterator[Finding]:
    started = time.monotonic()
    try:
        replies = primary.send(_COMMANDS, _TIMEOUT_SECONDS)
        took_ms = int((time.monotonic() - started) * 1000)
        shards = primary.send([("HGETALL", key) for key in _meta_keys(config, primary)], _TIMEOUT_SECONDS)
    except ConnectionBroken as broken:
        yield no_answer(primary.subject, broken)
        return
    now, role, policy, least_replicas, info = replies
    parsed = _parse_info(info)
    found = [_speed(took_ms, config), _role(role), _policy(policy, parsed, config), *_durability(parsed, config)]
    if primary.found:
        found = [ok("store", primary.found), *found, _partition(least_replicas)]
    yield from (replace(finding, subject=primary.subject) for finding in found)
    yield _clock(now, config)
    yield from _epochs(dict(zip(primary.shards, shards, strict=True)), config)


def adopt_epoch(config: Config) -> Iterator[Finding]:
    """
    Watermark the data of every shard as complete, and update ``revocation.epoch_file``.

    Raises:
        CommandFailed: If the store does not answer, or the file cannot be written.
    """
    adopted, after = 0, dict[int, Reply]()
    try:
        primaries = find_primaries(config.store, _TIMEOUT_SECONDS)
        _require_same_count(config, primaries)
        for primary in primaries:
            keys = _meta_keys(config, primary)
            now, *before = primary.send([("TIME",), *(("HGETALL", key) for key in keys)], _TIMEOUT_SECONDS)
            _raise_refusals([now, *before])
            metas = {shard: _meta(reply) for shard, reply in zip(primary.shards, before, strict=True)}
            now_ms = int(now[0]) * 1000 + int(now[1]) // 1000
            wanted = {shard: meta for shard, meta in metas.items() if meta.get(b"reason") != b"adopted"}
            adoptions = [_adoption(config, shard, meta, now_ms) for shard, meta in wanted.items()]
            _raise_refusals(primary.send([*chain.from_iterable(adoptions)], _TIMEOUT_SECONDS))
            adopted += len(wanted)
            replies = primary.send([("HGETALL", key) for key in keys], _TIMEOUT_SECONDS)
            after |= zip(primary.shards, replies, strict=True)
    except ConnectionBroken as broken:
        raise CommandFailed(f"The store does not answer: {broken.reason}") from None
    if config.revocation.epoch_file is not None:
        _write_epoch_file(config.revocation.epoch_file, after)
    if adopted:
        yield ok("epoch", f"adopted on {adopted} shards: tokens issued before pass again")
    else:
        yield ok("epoch", "there is nothing to adopt: every shard is trusted already")


def _meta_keys(config: Config, primary: Primary) -> list[bytes]:
    return [shard_key(config.store.key_prefix.encode(), shard, b"meta") for shard in primary.shards]


def _speed(took_ms: int, config: Config) -> Finding:
    text = f"it answers, in {took_ms} ms with the connection"
    if took_ms <= config.store.deadline_ms:
        return ok("store", text)
    return warn("store", f"{text}: store.deadline_ms is {config.store.deadline_ms}", "Move it nearer, or raise it.")


def _role(reply: Reply) -> Finding:
    if isinstance(reply, ServerError):
        return warn("store", "its role cannot be read: a replica lags behind", "Allow +role.")
    role = bytes(reply[0]).decode("ascii", "replace")
    if role == "master":
        return ok("store", "it is a primary")
    return fail("store", f"it is a {role}: nothing can be written", "Name the primary in store.url.")


def _policy(reply: Reply, info: Info, config: Config) -> Finding:
    policy = info.get("maxmemory_policy")
    if not isinstance(reply, ServerError) and len(reply) > 1:
        policy = bytes(reply[1]).decode("ascii", "replace")
    if policy == "noeviction":
        return ok("store", "it evicts nothing (noeviction)")
    remedy = "CONFIG SET maxmemory-policy noeviction, and in its configuration file."
    if policy is None:
        return fail("store", "its maxmemory-policy cannot be read", "Allow +config|get or +info.")
    if config.revocation.accept_eviction:
        return warn("store", f"it may evict revocations ({policy}), which revocation.accept_eviction allows", remedy)
    return fail("store", f"it may evict revocations ({policy}): every request is answered 503", remedy)


def _clock(reply: Reply, config: Config) -> Finding:
    if isinstance(reply, ServerError):
        return warn("clock", "the time of the store cannot be read", "Allow +time.")
    seconds, micros = (int(part) for part in reply)
    skew_ms = int(time.time() * 1000) - seconds * 1000 - micros // 1000
    text = f"the clock of this machine is {abs(skew_ms)} ms {'ahead of' if skew_ms >= 0 else 'behind'} the store's"
    if abs(skew_ms) <= max(config.tokens.leeway_seconds * 500, 500):
        return ok("clock", text)
    return warn("clock", f"{text}, more than half of the leeway", "Set both by NTP.")


def _durability(info: Info, config: Config) -> Iterator[Finding]:
    if info.get("aof_enabled") == "1":
        yield ok("store", "it writes an append-only file: revocations survive a restart")
    else:
        yield warn(
            "store",
            "without an append-only file a restart loses revocations: older tokens are then refused until they expire",
            "appendonly yes in its configuration.",
        )
    replicas, wanted = int(info.get("connected_slaves", "0")), config.revocation.min_replicas
    if replicas < wanted:
        text = f"{replicas} replicas, and revocation.min_replicas is {wanted}: no revocation is durable"
        yield fail("store", text, "Add replicas, or lower the number.")
    else:
        yield ok("store", f"{replicas} replicas; a revocation waits for {wanted}")


def _partition(reply: Reply) -> Finding:
    match reply:
        case [_, bytes(number)] if number != b"0":
            return ok("store", f"a primary with fewer than {int(number)} replicas takes no writes, and is not believed")
        case _:
            return warn(
                "store",
                "a partitioned primary is believed until its clients fail over",
                "min-replicas-to-write 1 in the configuration of every server.",
            )


def _parse_info(reply: Reply) -> Info:
    text = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else ""
    return {name: value for name, colon, value in (line.partition(":") for line in text.splitlines()) if colon}


def _epochs(replies: Mapping[int, Reply], config: Config) -> Iterator[Finding]:
    for shard, reply in sorted(replies.items()):
        if isinstance(reply, ServerError):
            yield fail(
                "epoch", f"shard {shard} cannot be read", "Allow reading and writing on the keys of store.key_prefix."
            )
            continue
        meta = _meta(reply)
        reason, count = meta.get(b"reason"), config.store.shards
        if (noted := _number_of_shards(meta, count)) != count:
            text = f"shard {shard} belongs to data that are spread over {noted} shards, and store.shards is {count}"
            yield fail("epoch", f"{text}: every request is answered 503", f"store.shards = {noted}.")
        elif b"epoch" not in meta:
            yield ok("epoch", f"shard {shard} has none yet: the first request begins it")
        elif reason == b"new":
            yield ok("epoch", f"shard {shard} has all data since {_began(meta)}")
        elif reason == b"adopted":
            yield ok("epoch", f"shard {shard} was adopted, and is also trusted for what was before {_began(meta)}")
        else:
            yield warn(
                "epoch",
                f"shard {shard} lost data: tokens issued until {_began(meta)} are refused until they expire",
                "Wait; or `safeconduct doctor --adopt-epoch`, which accepts those that were revoked too.",
            )


def _require_same_count(config: Config, primaries: Sequence[Primary]) -> None:
    # Before anything is written: shards that are empty would be adopted as if nothing had ever been revoked in them.
    count = config.store.shards
    for primary in primaries:
        replies = primary.send([("HGET", key, "shards") for key in _meta_keys(config, primary)], _TIMEOUT_SECONDS)
        _raise_refusals(replies)
        for noted in replies:
            if noted is not None and int(noted) != count:
                raise CommandFailed(f"The data are spread over {int(noted)} shards, and store.shards is {count}")


def _adoption(config: Config, shard: int, meta: Meta, now_ms: int) -> list[Command]:
    prefix = config.store.key_prefix.encode()
    key = shard_key(prefix, shard, b"meta")
    if b"epoch" in meta:
        return [("HSET", key, "reason", "adopted")]
    name = secrets.token_hex(_EPOCH_BYTES)
    # As begin_epoch.lua begins one; an epoch whose sets lack their permanent member has lost them.
    sets: list[Command] = [("ZADD", shard_key(prefix, shard, each), "-inf", "") for each in (b"rev", b"cut")]
    noted = ("shards", config.store.shards)
    return [*sets, ("HSET", key, "epoch", name, "epoch_ms", now_ms, "reason", "adopted", *noted)]


def _write_epoch_file(path: Path, replies: Mapping[int, Reply]) -> None:
    try:
        EpochFile(path).put({shard: _mark(_meta(reply)) for shard, reply in replies.items()})
    except (OSError, ConfigurationError) as error:
        raise CommandFailed(f"Adopted in the store, but revocation.epoch_file cannot be written: {error}") from None


def _mark(meta: Meta) -> Watermark:
    head = meta.get(b"head", _NO_HEAD)
    return Watermark(meta[b"epoch"].decode(), int(meta[b"epoch_ms"]), meta.get(b"line", b""), head)


def _raise_refusals(replies: Sequence[Reply]) -> None:
    for reply in replies:
        if isinstance(reply, ServerError):
            raise CommandFailed(f"The store refuses: {reply.kind}")


def _meta(reply: Reply) -> Meta:
    return {bytes(name): bytes(value) for name, value in zip(reply[::2], reply[1::2], strict=True)}


def _number_of_shards(meta: Meta, otherwise: int) -> int:
    return int(meta.get(b"shards", otherwise))


def _began(meta: Meta) -> str:
    return datetime.fromtimestamp(int(meta.get(b"epoch_ms", b"0")) / 1000, UTC).isoformat("T", "seconds")
