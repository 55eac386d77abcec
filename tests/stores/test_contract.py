"""Every store keeps the store contract, in both worlds."""

import pytest

from safeconduct.config import RevocationConfig, StoreConfig
from safeconduct.stores import MemoryStore
from safeconduct.stores.redis.server import RedisServer
from safeconduct.testing import Clock
from safeconduct.testing.store_contract import StoreContract
from safeconduct.testing.store_contract.revocations import ALICE, KEY, OTHER, TOKEN, question


class Shift:
    """The shift of a server's clock."""

    def __init__(self):
        self.shift_ms = 0

    def __call__(self):
        return self.shift_ms

    def advance(self, *, seconds):
        self.shift_ms += int(seconds * 1000)


class TestMemoryStore(StoreContract):
    """The store in memory."""

    @pytest.fixture
    def clock(self):
        return Clock()

    @pytest.fixture
    def stores(self, clock):
        return MemoryStore(clock=clock, horizon_ms=self.horizon_ms, leeway_ms=self.leeway_ms)


class TestRedisStore(StoreContract):
    """The store on a server."""

    @pytest.fixture
    def clock(self):
        return Shift()

    @pytest.fixture
    def stores(self, clock, server):
        return self.store_of(1, clock, server)

    @pytest.fixture
    def resharded(self, clock, server):
        return self.store_of(4, clock, server)

    def store_of(self, shards, clock, server):
        return RedisServer(
            StoreConfig(url=server.socket_url, deadline_ms=5000, shards=shards),
            RevocationConfig(),
            horizon_ms=self.horizon_ms,
            leeway_ms=self.leeway_ms,
            announce=print,
            shift_ms=clock,
        )

    def test_many_questions_are_answered_together(self, world, server):
        """One command carries as many queries as its reply has bits; each is answered as if alone."""
        self.mark(world)
        before_ms = self.cut(world).before_ms
        queries = [question(issued_ms=before_ms + 1 - number % 2, cuts=[OTHER, ALICE], ends_ms=(1 << 52) - number)
                 for number in range(60)]  # fmt: skip
        queries += [question(marks=[KEY, TOKEN]), question(marks=[KEY]), question(ends_ms=0, cuts=[OTHER])]
        alone = [world.run(world.store.ask(one)) for one in queries]
        sent = commands(server)

        answered = world.run(world.store.ask_all(queries))

        answers = [answered[one] for one in queries]
        assert [one.is_revoked for one in alone] == [one.is_revoked for one in answers]
        assert {(alone[0].epoch, False)} == {(one.epoch, one.is_empty) for one in answers}
        assert {True, False} == {one.is_revoked for one in answers}
        assert 2 == commands(server) - sent

    def test_a_store_without_an_epoch_answers_all_so(self, world, server):
        server.say("FLUSHALL")

        [answer] = world.run(world.store.ask_all([question(marks=[TOKEN])])).values()

        assert (None, True, False) == (answer.epoch, answer.is_empty, answer.is_revoked)


def commands(server):
    """Return how many scripts a server has run."""
    stats = [line for line in server.say("INFO", "commandstats").splitlines() if line.startswith("cmdstat_evalsha:")]
    return sum(int(line.split("calls=")[1].split(",")[0]) for line in stats)
