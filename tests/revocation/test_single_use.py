"""Let a token count once: a second use is noticed by every process, and a store that forgot the first one refuses."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from safeconduct._core.revocation import Revocations
from safeconduct._core.revocation_keys import revocation_key, revocation_query
from safeconduct._core.single_use import use_once
from safeconduct._core.store import Revocation
from safeconduct.config import RevocationConfig, StoreConfig
from safeconduct.errors import NotSupported, RevokedToken, Unavailable
from safeconduct.stores import MemoryStore, scripts
from safeconduct.stores.null import NullStore
from safeconduct.stores.redis.server import RedisServer
from safeconduct.testing.store_contract.revocations import HORIZON_MS, LEEWAY_MS, question
from store_servers import Server
from worlds import WORLDS, Blocking, Clock

META, LOG = "safeconduct:{sc:00}:meta", "safeconduct:{sc:00}:log"
MARK = revocation_key("token", "i", "j")
LIFETIME_MS = 60_000


@pytest.fixture(scope="module", params=["valkey", "redis"])
def living_server(request):
    server = Server(request.param)
    yield server
    server.stop()


@pytest.fixture
def server(living_server):
    living_server.say("FLUSHALL")
    return living_server


class Process:
    """One process, which lets a token count once."""

    def __init__(self, world, **settings):
        self.world = world
        given = {"on_new_store": "accept", "shards": 1, "horizon_ms": HORIZON_MS, "leeway_ms": LEEWAY_MS}
        self.revocations = Revocations(world.store, announce=print, **{**given, **settings})

    def now_ms(self):
        return self.world.run(self.revocations.issue_time(question()))

    def use(self, issued_ms):
        query = revocation_query(
            issuer="i", subject="alice", token_id="j", client_id=None, kid="k", session_id=None,
            issued_ms=issued_ms, ends_ms=issued_ms + LIFETIME_MS, is_own=False, shards=1,
        )  # fmt: skip
        return self.world.run(use_once(self.world.store, self.revocations, query, mark=MARK, now_ms=issued_ms))


@pytest.fixture
def start(server):
    worlds = []

    def process(world="blocking", *, revocation=None, **settings):
        stores = RedisServer(
            StoreConfig(url=server.url, deadline_ms=5000),
            RevocationConfig(**(revocation or {})),
            horizon_ms=HORIZON_MS,
            leeway_ms=LEEWAY_MS,
            announce=print,
        )
        worlds.append(WORLDS[world](stores))
        return Process(worlds[-1], **settings)

    yield process
    for world in worlds:
        world.close()


@pytest.fixture
def memory():
    return Process(Blocking(MemoryStore(clock=Clock(), horizon_ms=HORIZON_MS, leeway_ms=LEEWAY_MS)))


def test_the_memory_lets_a_token_count_once(memory):
    issued_ms = memory.now_ms()

    assert [True, False, False] == [memory.use(issued_ms) for _ in range(3)]


def test_every_process_knows_of_a_use(start):
    first, second = start("native"), start("blocking")
    issued_ms = first.now_ms()

    assert [True, False, False] == [first.use(issued_ms), second.use(issued_ms), first.use(issued_ms)]


def test_of_many_uses_at_once_one_is_the_first(start):
    processes = [start() for _ in range(6)]
    issued_ms = processes[0].now_ms()

    with ThreadPoolExecutor(6) as threads:
        results = list(threads.map(lambda process: [process.use(issued_ms) for _ in range(10)], processes))

    assert 1 == sum(result.count(True) for result in results)


def test_a_cut_off_ends_a_token_before_its_use(start):
    process = start()
    issued_ms = process.now_ms()
    process.world.run(
        process.revocations.write(0, Revocation("subject", revocation_key("subject", "i", "alice"), (0,), lives_ms=0))
    )

    with pytest.raises(RevokedToken):
        process.use(issued_ms)


def test_a_store_that_lost_the_use_refuses_the_token(start, server):
    process = start()
    issued_ms = process.now_ms()
    process.use(issued_ms)
    server.say("FLUSHALL")

    with pytest.raises(Unavailable):
        process.use(issued_ms)
    with pytest.raises(RevokedToken):
        process.use(issued_ms)


def test_a_store_that_was_set_back_to_before_the_use_refuses_the_token(start, server):
    """A fresh process that the used token is shown to may not know; one that knew of the use does."""
    first, second = start(), start()
    issued_ms = first.now_ms()
    first.use(issued_ms)
    server.say("DEL", LOG, f"safeconduct:{{sc:00}}:use:{MARK.hex()}")
    server.say("EVAL", "return redis.call('ZREM', KEYS[1], redis.call('ZRANGE', KEYS[1], -1, -1)[1])", "1",
               "safeconduct:{sc:00}:rev")  # fmt: skip
    server.say("HDEL", META, "head")

    with pytest.raises(RevokedToken):
        first.use(issued_ms)
    assert "lost" in server.say("HGET", META, "reason")
    with pytest.raises(RevokedToken):
        second.use(issued_ms)


def test_a_new_store_may_refuse_what_is_older(start):
    process = start(on_new_store="refuse")
    issued_ms = process.now_ms() - 120_000

    with pytest.raises(RevokedToken):
        process.use(issued_ms)


def test_a_use_that_too_few_replicas_have_is_unavailable(start):
    process = start(revocation={"min_replicas": 1})

    with pytest.raises(Unavailable, match="replicas"):
        process.use(process.now_ms())


def test_a_malformed_reply_is_unavailable(start, monkeypatch):
    """What another script sends is not taken for a first use."""
    process = start()
    monkeypatch.setattr(scripts, "MARK_USED", scripts.ISSUE_TIME)

    with pytest.raises(Unavailable, match="malformed"):
        process.use(process.now_ms())


def test_the_server_forgets_a_use_with_its_token(start, server):
    process = start()
    process.use(process.now_ms())

    [left_ms] = re.findall(r":(\d+)", server.say("PTTL", f"safeconduct:{{sc:00}}:use:{MARK.hex()}"))
    # The process and the server read the machine's clock one after the other, so that they differ a little.
    assert LIFETIME_MS < int(left_ms) < LIFETIME_MS + 61_000


def test_without_a_store_nothing_can_count_once():
    store = NullStore(clock=Clock(), horizon_ms=HORIZON_MS, leeway_ms=LEEWAY_MS)

    with pytest.raises(NotSupported):
        Process(Blocking(store)).use(1_800_000_000_000)
