"""A primary that is cut off from its replica and from the sentinels, together with some of its clients."""

import pytest

from safeconduct._core.receipt import TooFewReplicas
from safeconduct.errors import Unavailable
from safeconduct.events import StoreLost, StoreUnavailable
from server_groups import Front, SentinelGroup, until
from store_servers import KINDS

FAR = "127.0.0.2"


@pytest.fixture(scope="module", params=KINDS)
def split(request):
    """Provide a group of which all but the first primary and our process can be cut off."""
    options = ("--bind", "127.0.0.1", FAR, "--bind-source-addr", FAR, "--protected-mode", "no")
    started = SentinelGroup(request.param, *options, front=lambda port: Front(port, FAR), host=FAR)
    yield started
    started.stop()


def test_a3_what_a_primary_that_is_cut_off_says(split, open_site):
    """
    Show what is promised of a primary that is cut off, in the order in which it happens.

    The receipt says that no replica has a revocation; with ``min-replicas-to-write`` there is none; and after the
    network is whole again, what the old primary alone knew is noticed to be lost.
    """
    site = open_site(split.url, "wsgi", "strict", min_replicas=1)
    kept, ended = site.sign_in(), site.sign_in()
    assert (200, 200) == (site.status(kept), site.status(ended))
    old = split.primary
    split.settle()

    split.front.cut()
    until(lambda: split.primary is not old, "a promoted replica")
    with pytest.raises(TooFewReplicas) as caught:
        site.auth.sessions.revoke_subject("bob")
    with pytest.raises(TooFewReplicas):
        site.revoke(ended)
    assert 0 == caught.value.receipt.replicas
    assert 401 == site.status(ended)
    old.say("CONFIG", "SET", "min-replicas-max-lag", "1")
    old.say("CONFIG", "SET", "min-replicas-to-write", "1")
    with pytest.raises(Unavailable):
        site.auth.sessions.revoke_subject("carol")
    assert any("NOREPLICAS" in event.reason for event in site.events if isinstance(event, StoreUnavailable))

    split.front.heal()
    # As the sentinels do, some seconds later.
    old.say("REPLICAOF", "127.0.0.1", split.primary.port)
    assert 401 == until(lambda: (seen := site.status(ended)) != 503 and seen, "an answer")
    assert any(isinstance(event, StoreLost) for event in site.events)
    assert 200 == site.status(site.sign_in())
