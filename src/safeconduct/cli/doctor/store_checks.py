"""The store: whether it answers, keeps what it is told, knows its epoch, and has the right time."""

import time
from collections.abc import Iterator, Sequence
from typing import Final

from safeconduct._core.run_sync import run_sync
from safeconduct.cli.doctor.epoch import epochs
from safeconduct.cli.doctor.finding import Finding, fail, ok, warn
from safeconduct.config import Config
from safeconduct.stores.redis.connection import Command, ConnectionBroken, Reply, parse_address
from safeconduct.stores.redis.connection import ServerError as ServerRefusal

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
        replies = exchange(config, [("TIME",), ("ROLE",), ("CONFIG", "GET", "maxmemory-policy"), ("INFO",)])
        took_ms = int((time.monotonic() - began) * 1000)
        shards = exchange(config, [("HGETALL", meta_key(config, shard)) for shard in range(config.store.shards)])
    except ConnectionBroken as broken:
        yield fail("store", f"it does not answer: {broken.reason}", "Start it, or correct store.url.")
        return
    now, role, policy, info = replies
    yield _speed(took_ms, config)
    yield _role(role)
    facts = _facts(info)
    yield _policy(policy, facts, config)
    yield _clock(now, config)
    yield from _durability(facts, config)
    yield from epochs(shards)


def exchange(config: Config, commands: Sequence[Command]) -> list[Reply]:
    """Send *commands* on a connection of their own and return a reply to each."""
    address = parse_address(config.store.url)
    first: list[Command] = []
    if address.password is not None:
        names = () if address.username is None else (address.username,)
        first.append(("AUTH", *names, address.password))
    if address.database:
        first.append(("SELECT", address.database))
    from safeconduct.stores.redis.connection_sync import SyncConnection  # noqa: PLC0415 - redis-py, which is optional

    link = SyncConnection(address)
    try:
        run_sync(link.open(_PATIENCE_SECONDS))
        replies = run_sync(link.exchange([*first, *commands], _PATIENCE_SECONDS))
    finally:
        link.drop()
    if any(isinstance(reply, ServerRefusal) for reply in replies[: len(first)]):
        raise ConnectionBroken("it refuses user, password or database", is_final=True)
    return replies[len(first) :]


def meta_key(config: Config, shard: int) -> str:
    """Name the key with what a shard knows of itself."""
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


def _facts(reply: Reply) -> Text:
    text = reply.decode("utf-8", "replace") if isinstance(reply, bytes) else ""
    return {name: value for name, colon, value in (line.partition(":") for line in text.splitlines()) if colon}
