"""With Redis Sentinel, a new primary is found by itself, and no revocation passes on the way."""

import pytest

from safeconduct.events import StoreUnavailable
from server_groups import until
from topology_sites import DEADLINE_MS, KINDS_OF_SITE, SLACK_SECONDS, Load

MIDDLE = pytest.mark.parametrize(("world", "consistency"), KINDS_OF_SITE)


@MIDDLE
def test_the_primary_is_found(group, open_site, world, consistency):
    site = open_site(group.url, world, consistency)

    kept, ended = site.sign_in(), site.sign_in()
    site.revoke(ended)

    assert (200, 401) == (site.status(kept), site.status(ended))


def test_a2_a_killed_primary_is_replaced_without_a_restart(group, open_site):
    """Every site has seen a revocation; it goes on to be refused, and nothing valid is answered 401."""
    sites = [open_site(group.url, world, consistency) for world, consistency in KINDS_OF_SITE]
    kept, ended = sites[0].sign_in(), sites[0].sign_in()
    sites[0].revoke(ended)
    assert [(200, 401)] * 4 == [(site.status(kept), site.status(ended)) for site in sites]
    group.settle()
    loads = [Load(site, valid=kept, revoked=ended) for site in sites]

    killed = group.fail_over()
    for load in loads:
        load.until_served()
    later = sites[0].sign_in()
    sites[0].revoke(later)
    group.revive(killed)
    for load in loads:
        load.until_served()
        load.stop()

    for load in loads:
        assert {200, 503} >= load.statuses("valid").keys(), load.site.events
        assert {401, 503} >= load.statuses("revoked").keys()
        assert load.longest_seconds < DEADLINE_MS / 1000 + SLACK_SECONDS
        assert 401 == load.site.status(later)


@MIDDLE
def test_a4_a_replica_is_never_read(group, open_site, world, consistency):
    """It lags, and may not know a revocation of its primary."""
    site = open_site(group.url, world, consistency)
    kept, ended = site.sign_in(), site.sign_in()
    site.revoke(ended)

    for _ in range(20):
        assert (200, 401) == (site.status(kept), site.status(ended))

    asked = group.replica.say("INFO", "commandstats")
    assert not [word for word in ("evalsha", "xread", "zmscore", "hmget", "zscore") if f"cmdstat_{word}:" in asked]


@pytest.mark.parametrize("world", ["asgi", "wsgi"])
def test_a4_a_replica_that_sentinels_name_is_not_asked(group, open_site, world):
    """The roles were swapped by hand, which sentinels learn seconds later; connections to the old primary live on."""
    warm, fresh = (open_site(group.url, world, "strict") for _ in range(2))
    kept = warm.sign_in()
    assert 200 == warm.status(kept)
    first, second = group.primary, group.replica

    swap(first, second)
    seen = [site.status(kept) for site in (warm, fresh) for _ in range(6)]
    swap(second, first)

    assert {503} == set(seen)
    for site in (warm, fresh):
        until(lambda site=site: 200 == site.status(kept), "a primary that the sentinels name")
        assert any("replica" in event.reason for event in site.events if isinstance(event, StoreUnavailable))
    group.settle()


def swap(primary, replica):
    """Let the *replica* of *primary* be its primary."""
    written = int(primary.statistic("replication", "master_repl_offset"))
    until(lambda: int(replica.statistic("replication", "slave_repl_offset")) >= written, "a replica that has all")
    replica.say("REPLICAOF", "NO", "ONE")
    primary.say("REPLICAOF", "127.0.0.1", replica.port)
    until(lambda: primary.statistic("replication", "master_link_status") == "up", "a replica")
