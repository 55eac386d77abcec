"""Find the primaries of a store and the shards that each of them has, send them commands, and report their silence."""

from collections.abc import Sequence
from dataclasses import dataclass

from safeconduct._core.run_sync import run_sync
from safeconduct.cli.doctor.finding import Finding, fail
from safeconduct.config.store import StoreConfig
from safeconduct.stores.redis.addresses import Address, Location, parse_location, shard_key
from safeconduct.stores.redis.connection import Command, ConnectionBroken, Reply, exchange_once
from safeconduct.stores.redis.drivers import load_key_slot, load_sync_driver
from safeconduct.stores.redis.refusals import advice
from safeconduct.stores.redis.sentinel import Sentinels
from safeconduct.stores.redis.slot_map import read_slots


@dataclass(frozen=True, slots=True)
class Primary:
    """
    A server that has shards.

    Attributes:
        address: Where it is.
        shards: The shards that it has.
        found: What named it; empty if ``store.url`` does.
    """

    address: Address
    shards: tuple[int, ...]
    found: str = ""

    @property
    def subject(self) -> str:
        """What findings about it are about."""
        return f"store {self.address.place}" if self.found else "store"

    def send(self, commands: Sequence[Command], seconds: float) -> list[Reply]:
        """
        Send *commands* on a new connection and return their replies.

        Raises:
            ConnectionBroken: If it does not answer, or refuses the user, password or database.
        """
        if not commands:
            return []
        return run_sync(exchange_once(load_sync_driver()(self.address), self.address, commands, seconds))


def find_primaries(config: StoreConfig, seconds: float) -> list[Primary]:
    """
    Return the primaries that ``store.url`` leads to, each with its shards.

    Raises:
        ConnectionBroken: If they cannot be found.
    """
    location, shards = parse_location(config.url), tuple(range(config.shards))
    if location.kind == "server":
        return [Primary(location.server, shards)]
    if location.kind == "sentinel":
        sentinels = Sentinels(location.nodes, location.service, location.server)
        connection, address = run_sync(sentinels.connect(load_sync_driver(), seconds))
        connection.drop()
        return [Primary(address, shards, f"{len(location.nodes)} sentinels; this is the primary of {location.service}")]
    return _find_nodes(location, config, seconds)


def no_answer(subject: str, broken: ConnectionBroken) -> Finding:
    """Report that *broken* kept a server from answering, in the words of the log where the server gave the reason."""
    known = advice(broken.reason)
    if known == broken.reason:
        return fail(subject, f"it does not answer: {broken.reason}", "Start it, or correct store.url.")
    what, _, remedy = known.partition(": ")
    return fail(subject, what, f"{remedy[0].upper()}{remedy[1:]}.")


def _find_nodes(location: Location, config: StoreConfig, seconds: float) -> list[Primary]:
    driver, key_slot = load_sync_driver(), load_key_slot()
    failure = ConnectionBroken("no node answers")
    for node in location.nodes:
        try:
            [reply] = run_sync(exchange_once(driver(node), node, [("CLUSTER", "SLOTS")], seconds))
            ranges, _ = read_slots(reply, node)
        except ConnectionBroken as broken:
            failure = broken
            continue
        found: dict[Address, list[int]] = {}
        for shard in range(config.shards):
            slot = key_slot(shard_key(config.key_prefix.encode(), shard, b"meta"))
            for owner in [owner for first, last, owner in ranges if first <= slot <= last]:
                found.setdefault(owner, []).append(shard)
        return [Primary(owner, tuple(shards), _share(shards)) for owner, shards in found.items()]
    raise failure


def _share(shards: Sequence[int]) -> str:
    return f"a node of a cluster, with {len(shards)} shards of ours"
