"""A token that seems to be issued in the future counts only once the store's clock agrees, remembered or not."""

import pytest

from bounded_site import BoundedSite, signed_in
from safeconduct.stores.redis.follower import Follower
from table_tokens import mint


@pytest.fixture
def site(world, moment, servers, monkeypatch):
    monkeypatch.setattr(Follower, "start", lambda _self: None)
    server = servers("valkey")
    server.say("FLUSHALL")
    made = BoundedSite(world, server, moment)
    yield made
    made.close()


def test_a_token_from_the_future_is_refused_each_time(site, moment):
    """It was verified and is cached, and nothing in the local view speaks against it."""
    client = signed_in(site)
    issued_at = int(moment.clock()) + 60
    token = mint(iat=issued_at, iat_ms=issued_at * 1000, exp=issued_at + 600)

    early = [client.request("GET", "/me", bearer=token, with_cookies=False) for _ in range(4)]
    moment.clock.advance(seconds=60)
    site.follow()
    later = [client.request("GET", "/me", bearer=token, with_cookies=False) for _ in range(3)]

    assert ([401] * 4, [200] * 3) == (early, later)
