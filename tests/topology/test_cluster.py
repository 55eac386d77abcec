"""In a cluster each shard has one slot, and a request goes to the node that has it."""

from typing import Any, NamedTuple

import pytest
from redis.crc import key_slot

from safeconduct.events import StoreUnavailable
from safeconduct.stores.redis import health, plain_ask
from server_groups import until
from topology_sites import DEADLINE_MS, KINDS_OF_SITE, SLACK_SECONDS, Load

SHARDS = 8
MIDDLE = pytest.mark.parametrize(("world", "consistency"), KINDS_OF_SITE)


def slot_of(shard):
    return key_slot(b"{sc:%02d}" % shard)


@MIDDLE
def test_shards_on_every_node_are_served(cluster, open_site, world, consistency):
    site = open_site(cluster.url, world, consistency, shards=SHARDS)
    names = [f"user{number}" for number in range(24)]

    kept, ended = [site.sign_in(name) for name in names], [site.sign_in(name) for name in names]
    for token in ended:
        site.revoke(token)

    assert len({cluster.owner(slot_of(shard)) for shard in range(SHARDS)}) == 3
    assert [200] * 24 == [site.status(token) for token in kept]
    assert [401] * 24 == [site.status(token) for token in ended]


def test_a5_a_killed_node_is_replaced_without_a_restart(cluster, open_site):
    sites = [open_site(cluster.url, world, consistency, shards=SHARDS) for world, consistency in KINDS_OF_SITE]
    names = [f"user{number}" for number in range(12)]
    kept, ended = [sites[0].sign_in(name) for name in names], [sites[0].sign_in(name) for name in names]
    for token in ended:
        sites[0].revoke(token)
    assert {200} == {site.status(token) for site in sites for token in kept}
    cluster.settle()
    tokens = {f"valid{number}": token for number, token in enumerate(kept)}
    tokens |= {f"revoked{number}": token for number, token in enumerate(ended)}
    loads = [Load(site, **tokens) for site in sites]

    killed = cluster.owner(slot_of(0))
    promoted = cluster.replica_of(killed)
    killed.kill()
    until(lambda: "role:master" in promoted.say("INFO", "replication"), "a promoted replica")
    for load in loads:
        for name in tokens:
            if name.startswith("valid"):
                load.until_served(name)
    killed.start()
    cluster.settle()
    for load in loads:
        load.stop()

    for load in loads:
        for name in tokens:
            assert ({200, 503} if name.startswith("valid") else {401, 503}) >= load.statuses(name).keys()
        assert load.longest_seconds < DEADLINE_MS / 1000 + SLACK_SECONDS
    assert [200] * 12 == [sites[0].status(token) for token in kept]


@pytest.fixture
def shard(cluster):
    """Return a shard with its slot, the node that has it and another one; afterwards nothing is being migrated."""
    number = 3
    slot = slot_of(number)
    source = cluster.owner(slot)
    target = next(node for node in primaries(cluster) if node is not source)
    yield Shard(number, slot, source, target)
    if cluster.owner(slot) is source:
        cluster.move(slot, target)
    cluster.settle()


class Shard(NamedTuple):
    number: int
    slot: int
    source: Any
    target: Any


@MIDDLE
def test_a5_a_moved_slot_is_followed(cluster, open_site, shard, world, consistency):
    """The node that had it says where it is now."""
    site = open_site(cluster.url, world, consistency, shards=SHARDS)
    kept, ended = site.pair_on(shard.number)
    assert (200, 401) == (site.status(kept), site.status(ended))
    before = cluster.refusals("MOVED")

    cluster.move(shard.slot, shard.target)

    assert (200, 401) == (site.status(kept), site.status(ended))
    later = site.sign_in_on(shard.number)
    site.revoke(later)
    assert 401 == site.status(later)
    assert before < cluster.refusals("MOVED")


@MIDDLE
def test_a5_a_slot_that_is_half_way_is_not_served_and_then_is(cluster, open_site, shard, world, consistency):
    """TRYAGAIN while some of a shard's keys are here and some there, ASK once all of them are there."""
    site = open_site(cluster.url, world, consistency, shards=SHARDS)
    kept, ended = site.pair_on(shard.number)
    assert (200, 401) == (site.status(kept), site.status(ended))
    elsewhere = site.sign_in_on(0)
    asked, crossed = cluster.refusals("ASK"), cluster.refusals("CROSSSLOT")
    cluster.begin_move(shard.slot, shard.target)
    keys = cluster.keys_in(shard.source, shard.slot)
    [meta] = [key for key in keys if key.endswith(":meta")]

    cluster.move_key(shard.source, shard.target, meta)
    half_way = site.status(ended)
    signed_in = site.tokens_on(shard.number)
    others = site.status(elsewhere)
    for key in keys:
        cluster.move_key(shard.source, shard.target, key)
    there = site.status(ended)

    assert (503, None, 200, 401) == (half_way, signed_in, others, there)
    assert 200 == site.status(kept)
    assert asked < cluster.refusals("ASK")
    assert crossed == cluster.refusals("CROSSSLOT")


@pytest.mark.parametrize("world", ["asgi", "wsgi"])
def test_a5_a_slot_that_no_node_serves_is_unavailable(cluster, open_site, shard, world):
    """CLUSTERDOWN; the shards in other slots are served."""
    site = open_site(cluster.url, world, "strict", shards=SHARDS)
    (kept, ended), elsewhere = site.pair_on(shard.number), site.sign_in_on(0)
    assert (200, 401) == (site.status(kept), site.status(ended))

    shard.source.say("CLUSTER", "DELSLOTS", shard.slot)
    down = site.status(kept), site.status(ended), site.status(elsewhere)
    shard.source.say("CLUSTER", "ADDSLOTS", shard.slot)

    assert (503, 503, 200) == down
    until(lambda: 200 == site.status(kept), "a slot that is served")
    assert 401 == site.status(ended)
    assert any("CLUSTERDOWN" in event.reason for event in site.events if isinstance(event, StoreUnavailable))


def test_a5_slots_are_moved_key_by_key_during_load(cluster, open_site, shard):
    """Requests are refused at most while their shard is moved, and no revoked token passes."""
    sites = [open_site(cluster.url, world, consistency, shards=SHARDS) for world, consistency in KINDS_OF_SITE]
    kept, ended = sites[0].pair_on(shard.number)
    assert [(200, 401)] * 4 == [(site.status(kept), site.status(ended)) for site in sites]
    crossed = cluster.refusals("CROSSSLOT")
    loads = [Load(site, valid=kept, revoked=ended) for site in sites]

    cluster.move(shard.slot, shard.target)
    for load in loads:
        load.until_served()
    cluster.move(shard.slot, shard.source)
    for load in loads:
        load.until_served()
        load.stop()

    for load in loads:
        assert {200, 503} >= load.statuses("valid").keys()
        assert {401, 503} >= load.statuses("revoked").keys()
        assert load.longest_seconds < DEADLINE_MS / 1000 + SLACK_SECONDS
    assert crossed == cluster.refusals("CROSSSLOT")


@pytest.mark.parametrize("world", ["asgi", "wsgi"])
def test_a_warm_request_to_a_cluster_sends_no_command(cluster, open_site, world):
    """One follower for each shard keeps the view current."""
    site = open_site(cluster.url, world, "bounded", shards=SHARDS)
    kept = site.sign_in()
    until(lambda: site.is_answered_from_memory(kept), "a view")
    before = cluster.scripts_run()

    assert {200} == {site.status(kept) for _ in range(200)}

    # Each follower's first rounds may run scripts, a request's would be 200.
    assert cluster.scripts_run() - before < 100


def primaries(cluster):
    """Return the nodes that have the slots of our shards."""
    return {cluster.owner(slot_of(shard)) for shard in range(SHARDS)}


def scripts_run(cluster):
    """Return how many scripts all nodes have run."""
    infos = [node.say("INFO", "commandstats") for node in cluster.nodes]
    lines = [line for info in infos for line in info.splitlines() if line.startswith("cmdstat_eval")]
    return sum(int(line.partition("calls=")[2].partition(",")[0]) for line in lines)


@pytest.mark.parametrize("world", ["asgi", "wsgi"])
def test_a_strict_request_runs_no_script_while_nothing_changes(cluster, open_site, monkeypatch, world):
    """Plain commands go to the node that has the shard; where that is not known, a script finds it."""
    # However long the test takes, no script is due.
    monkeypatch.setattr(plain_ask, "SCRIPT_EVERY_SECONDS", 1e9)
    monkeypatch.setattr(health, "EVERY_SECONDS", 1e9)
    site = open_site(cluster.url, world, "strict", shards=SHARDS)
    tokens = [site.sign_in_on(shard) for shard in range(SHARDS)]
    assert [200] * SHARDS == [site.status(token) for token in tokens]
    before = scripts_run(cluster)

    assert [200] * SHARDS == [site.status(token) for token in tokens]
    between = scripts_run(cluster)
    site.stores._topology._slots.replace([], [])

    assert [200] * SHARDS == [site.status(token) for token in tokens]
    assert before == between
    assert between < scripts_run(cluster)
