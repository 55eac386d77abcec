"""The store: whether it answers, keeps what it is told, knows its epoch, and has the right time."""

import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

from safeconduct._core.finish import finish
from safeconduct.cli.doctor.finding import Finding, fail, ok, warn
from safeconduct.cli.outcomes import Refusal
from safeconduct.config import Config
from safeconduct.stores.address import parse_address
from safeconduct.stores.blocking import BlockingLink
from safeconduct.stores.link import Command, LinkBroken, Reply
from safeconduct.stores.link import Refusal as ServerRefusal

#: Longer than a request may wait: a slow answer is a finding, and no answer another.
_PATIENCE_SECONDS: Final = 5.0

Text = dict[str, str]


def examine_store(config: Config) -> Iterator[Finding]:
    """Ask the store, on a connection of its own."""
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
    began = time.monotonic()
    try:
        replies = _exchange(config, [("TIME",), ("ROLE",), ("CONFIG", "GET", "maxmemory-policy"), ("INFO",)])
        took_ms = int((time.monotonic() - began) * 1000)
        shards = _exchange(config, [("HGETALL", _meta_key(config, shard)) for shard in range(config.store.shards)])
    except LinkBroken as broken:
        yield fail("store", f"it does not answer: {broken.reason}", "Start it, or correct store.url.")
        return
    now, role, policy, info = replies
    yield _speed(took_ms, config)
    yield _role(role)
    facts = _facts(info)
    yield _policy(policy, facts, config)
    yield _clock(now, config)
    yield from _durability(facts, config)
    yield from _epochs(shards)


def adopt_epoch(config: Config) -> Iterator[Finding]:
    """
    Believe a store again that had lost its data.

    Raises:
        Refusal: If the store does not answer.
    """
    keys = [_meta_key(config, shard) for shard in range(config.store.shards)]
    try:
        reasons = _exchange(config, [("HGET", key, "reason") for key in keys])
        lost = [key for key, reason in zip(keys, reasons, strict=True) if reason == b"lost"]
        written = _exchange(config, [("HSET", key, "reason", "new") for key in lost])
    except LinkBroken as broken:
        raise Refusal(f"The store does not answer: {broken.reason}") from None
    refusals = [reply.kind for reply in (*reasons, *written) if isinstance(reply, ServerRefusal)]
    if refusals:
        raise Refusal(f"The store refuses: {refusals[0]}")
    if lost:
        yield ok("epoch", f"adopted on {len(lost)} shards: tokens issued before the loss pass again")
    else:
        yield ok("epoch", "there is nothing to adopt: no shard has lost its data")


def _exchange(config: Config, commands: Sequence[Command]) -> list[Reply]:
    """Send *commands* on a connection of their own and return a reply to each."""
    address = parse_address(config.store.url)
    first: list[Command] = []
    if address.password is not None:
        names = () if address.username is None else (address.username,)
        first.append(("AUTH", *names, address.password))
    if address.database:
        first.append(("SELECT", address.database))
    link = BlockingLink(address)
    try:
        finish(link.open(_PATIENCE_SECONDS))
        replies = finish(link.exchange([*first, *commands], _PATIENCE_SECONDS))
    finally:
        link.drop()
    if any(isinstance(reply, ServerRefusal) for reply in replies[: len(first)]):
        raise LinkBroken("it refuses user, password or database", is_final=True)
    return replies[len(first) :]


def _meta_key(config: Config, shard: int) -> str:
    return f"{config.store.key_prefix}{{sc:{shard:02d}}}:meta"


def _speed(took_ms: int, config: Config) -> Finding:
    text = f"it answers, in {took_ms} ms with the connection"
    if took_ms <= config.store.deadline_ms:
        return ok("store", text)
    return warn("store", f"{text}: store.deadline_ms is {config.store.deadline_ms}", "Bring it nearer, or raise it.")


def _role(reply: Reply) -> Finding:
    if isinstance(reply, ServerRefusal):
        return warn("store", "it does not tell its role: a replica lags behind", "Allow +role.")
    role = bytes(reply[0]).decode("ascii", "replace")
    if role == "master":
        return ok("store", "it is a primary")
    return fail("store", f"it is a {role}: nothing can be written", "Name the primary in store.url.")


def _policy(reply: Reply, facts: Text, config: Config) -> Finding:
    policy = facts.get("maxmemory_policy")
    if not isinstance(reply, ServerRefusal) and len(reply) > 1:
        policy = bytes(reply[1]).decode("ascii", "replace")
    if policy == "noeviction":
        return ok("store", "it forgets nothing by itself (noeviction)")
    remedy = "CONFIG SET maxmemory-policy noeviction, and in its configuration file."
    if policy is None:
        return fail("store", "it does not tell its maxmemory-policy", "Allow +config|get or +info.")
    if config.revocation.accept_eviction:
        return warn("store", f"it may evict revocations ({policy}), which is accepted by name", remedy)
    return fail("store", f"it may evict revocations ({policy}): every request is answered 503", remedy)


def _clock(reply: Reply, config: Config) -> Finding:
    if isinstance(reply, ServerRefusal):
        return warn("clock", "the store does not tell its time", "Allow +time.")
    seconds, micros = (int(part) for part in reply)
    skew_ms = int(time.time() * 1000) - seconds * 1000 - micros // 1000
    text = f"this machine's is {abs(skew_ms)} ms {'ahead of' if skew_ms >= 0 else 'behind'} the store's"
    if abs(skew_ms) <= max(config.tokens.leeway_seconds * 500, 500):
        return ok("clock", text)
    return warn("clock", f"{text}, more than half of the leeway", "Set both by NTP.")


def _durability(facts: Text, config: Config) -> Iterator[Finding]:
    if facts.get("aof_enabled") == "1":
        yield ok("store", "it writes an append-only file: revocations outlive a restart")
    else:
        yield warn(
            "store",
            "without an append-only file a restart loses revocations: older tokens are then refused until they expire",
            "appendonly yes in its configuration.",
        )
    replicas, wanted = int(facts.get("connected_slaves", "0")), config.revocation.min_replicas
    if replicas < wanted:
        text = f"{replicas} replicas, and revocation.min_replicas is {wanted}: no revocation is durable"
        yield fail("store", text, "Add replicas, or lower the number.")
    else:
        yield ok("store", f"{replicas} replicas; a revocation waits for {wanted}")


def _epochs(replies: Sequence[Reply]) -> Iterator[Finding]:
    for shard, reply in enumerate(replies):
        if isinstance(reply, ServerRefusal):
            yield fail(
                "epoch", f"shard {shard} cannot be read", "Allow reading and writing on the keys of store.key_prefix."
            )
            continue
        meta = {bytes(name): bytes(value) for name, value in zip(reply[::2], reply[1::2], strict=True)}
        if b"epoch" not in meta:
            yield ok("epoch", f"shard {shard} has none yet: the first request begins it")
        elif meta.get(b"reason") == b"new":
            yield ok("epoch", f"shard {shard} knows everything since {_instant(meta)}")
        else:
            yield warn(
                "epoch",
                f"shard {shard} lost its data: tokens issued until {_instant(meta)} are refused until they expire",
                "Wait; or `safeconduct doctor --adopt-epoch`, by which those that were revoked pass again.",
            )


def _instant(meta: dict[bytes, bytes]) -> str:
    return datetime.fromtimestamp(int(meta.get(b"epoch_ms", b"0")) / 1000, UTC).isoformat("T", "seconds")


def _facts(reply: Reply) -> Text:
    text = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else ""
    return {name: value for name, colon, value in (line.partition(":") for line in text.splitlines()) if colon}
