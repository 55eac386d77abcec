"""A plain model, the store in memory and a server give the same answers to the same commands."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from safeconduct._core.run_sync import run_sync
from safeconduct._core.store import Revocation
from safeconduct.config import RevocationConfig, StoreConfig
from safeconduct.stores import MemoryStore
from safeconduct.stores.redis.server import RedisServer
from safeconduct.testing.store_contract.revocations import HORIZON_MS, LEEWAY_MS, question

NAMES = [b"a", b"b", b"c"]
AGES = st.integers(-2 * HORIZON_MS, 2 * HORIZON_MS)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("mark"), st.sampled_from(NAMES), st.integers(0, HORIZON_MS)),
        st.tuples(st.just("cut"), st.sampled_from(NAMES), st.just(0)),
        st.tuples(st.just("stamp"), st.sampled_from(NAMES), st.just(0)),
        st.tuples(st.just("advance"), st.just(b""), st.sampled_from([0, 1, 1000, 70_000, HORIZON_MS, -5000])),
    ),
    max_size=25,
)


class Subject:
    """One store under test, and the model of the tokens that it issued."""

    def __init__(self, store):
        self.store = store
        self.stamped = []
        self.ended = set()
        self.marked = set()

    def mark(self, name, lives_ms, now_ms):
        run_sync(self.store.revoke(0, Revocation("token", b"t" + name, (0,), now_ms + lives_ms)))
        self.marked.add(name)

    def cut(self, name):
        run_sync(self.store.revoke(0, Revocation("subject", b"u" + name, (0,), None, 0)))
        self.ended |= {token for token in self.stamped if token[0] == name}

    def stamp(self, name):
        iat_ms = run_sync(self.store.issue_time(question(cuts=[b"u" + name]))).iat_ms
        # A cut-off cannot distinguish two tokens of the same millisecond.
        assert (name, iat_ms) not in self.ended
        self.stamped.append((name, iat_ms))

    def verdicts(self, latest_ms):
        """Return for each unexpired token whether it counts as revoked."""
        alive = [token for token in self.stamped if latest_ms < token[1] + HORIZON_MS]
        return [(self._is_revoked(*token), token in self.ended) for token in alive]

    def _is_revoked(self, name, iat_ms):
        query = question(cuts=[b"u" + name], issued_ms=iat_ms, ends_ms=iat_ms + HORIZON_MS)
        return run_sync(self.store.ask(query)).is_revoked


class Time:
    """One clock for both stores: the memory's own, and a shift of the server's."""

    def __init__(self):
        self.shift_ms = 0

    def seconds(self):
        return (1_800_000_000_000 + self.shift_ms) / 1000

    def shift(self):
        return self.shift_ms


@given(STEPS)
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.parametrize("kind", ["memory", "server"])
def test_a_store_ends_what_the_model_ends(server, kind, steps):
    """An unexpired token is revoked if, and only if, a cut-off came after its issue."""
    time = Time()
    stores = opened(kind, server, time)
    subject = Subject(stores.blocking())
    run_sync(subject.store.begin_epoch(0, reason="new", seen=None))
    latest_ms = 0
    for step, name, amount in steps:
        now_ms = run_sync(subject.store.issue_time(question(cuts=[]))).iat_ms
        latest_ms = max(latest_ms, now_ms)
        if step == "mark":
            subject.mark(name, amount, now_ms)
        elif step == "advance":
            time.shift_ms += amount
        else:
            getattr(subject, step)(name)

    verdicts = subject.verdicts(latest_ms)
    run_sync(subject.store.close())

    assert [store_verdict for _, store_verdict in verdicts] == [model_verdict for model_verdict, _ in verdicts]


def opened(kind, server, time):
    if kind == "memory":
        return MemoryStore(clock=time.seconds, horizon_ms=HORIZON_MS, leeway_ms=LEEWAY_MS)
    server.say("FLUSHALL")
    return RedisServer(
        StoreConfig(url=server.socket_url, deadline_ms=5000), RevocationConfig(),
        horizon_ms=HORIZON_MS, leeway_ms=LEEWAY_MS, announce=print, shift_ms=time.shift,
    )  # fmt: skip
