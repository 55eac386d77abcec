"""A site whose processes answer from a local view that the test moves step by step."""

from login_site import LoginClient, LoginSite, login_configuration
from safeconduct.stores.redis.server import RedisServer

STALE_SECONDS = 1.0


class BoundedSite(LoginSite):
    """A site over a server, whose follower the test moves step by step."""

    def __init__(self, world, server, moment, *, access=None, app=None, fields=None, **revocation):
        revocation = {"consistency": "bounded", "staleness_seconds": STALE_SECONDS} | revocation
        config = login_configuration(store={"url": server.socket_url, "deadline_ms": 5000}, revocation=revocation)
        self.stores = RedisServer(
            config.store, config.revocation, horizon_ms=86_400_000, leeway_ms=10_000, announce=print,
            keeps_view=True, shift_ms=moment.shift_ms, clock=moment.clock, monotonic=moment.clock,
        )  # fmt: skip
        self.follower = self.stores._follower
        self.follower._block_seconds = 0.001
        super().__init__(
            world,
            stores=self.stores,
            clock=moment.clock,
            revocation=revocation,
            access=access or {},
            app=app,
            **fields or {},
        )

    def follow(self):
        """Read what was revoked."""
        if self.follower._feed is None:
            self.follower.connect()
        self.follower.follow()

    def close(self):
        self.follower.disconnect()
        super().close()


class TokenClient(LoginClient):
    """A client that sends its access token in the header."""

    def get(self, target="/me"):
        return self.request("GET", target, bearer=self.tokens["access_token"], with_cookies=False)


def signed_in(site, target="/me"):
    """Return a client whose token and route were seen before."""
    client = TokenClient(site)
    assert 200 == client.get_tokens(remember=True)
    # The scripts that a request runs are known to the server from now on.
    assert 200 == client.get(target)
    site.follow()
    assert [200] * 3 == [client.get(target) for _ in range(3)]
    return client


def scripts_run(server):
    """Return how often requests have asked the server, by a script or by plain commands, which read two sets."""
    lines = server.say("INFO", "commandstats").splitlines()
    calls = {
        line.partition(":")[0]: int(line.partition("calls=")[2].partition(",")[0]) for line in lines if "=" in line
    }
    return sum(count for name, count in calls.items() if "eval" in name) + calls.get("cmdstat_zmscore", 0) // 2
