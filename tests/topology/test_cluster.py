"""In a cluster each shard has one slot, and a request goes to the node that has it."""

import pytest
from redis.crc import key_slot

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
