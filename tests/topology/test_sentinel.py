"""With Redis Sentinel, a new primary is found by itself, and no revocation passes on the way."""

import pytest

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
