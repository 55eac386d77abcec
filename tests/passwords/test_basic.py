"""Remember Basic credentials that were proven, for a short time."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memory_directory import AsyncMemoryDirectory, MemoryDirectory, run
from safeconduct._core.basic import BasicCredentials, ProvenPair
from safeconduct._core.directory import Account
from safeconduct._core.passwords import Passwords
from safeconduct._core.throttle import Throttle, ThrottleEvents
from safeconduct.config import BasicConfig, LoginConfig
from safeconduct.directories import CallableDirectory
from safeconduct.directories.adapters import adapt_directory
from safeconduct.errors import BadCredentials, TooManyAttempts, Unavailable
from safeconduct.stores.memory.store import MemoryStore
from worlds import Clock

NOW_MS = 1_800_000_000_000
HOME = "192.0.2.1"


class Memory:
    """Basic credentials over a directory."""

    def __init__(self, world, directory, *, realm="api", key=b"k" * 32, capacity=10, cache_seconds=60):
        self.world = world
        self.people = adapt_directory(directory, world, LoginConfig())
        store = MemoryStore(clock=Clock(), horizon_ms=1000, leeway_ms=0)
        throttle = Throttle(
            store, store, LoginConfig(), key=b"k" * 32, events=ThrottleEvents(lambda _event: None, Clock())
        )
        self.pairs = BasicCredentials(
            Passwords(self.people, throttle, announce=lambda _event: None),
            BasicConfig(cache_seconds=cache_seconds),
            realm=realm,
            key=key,
            make=lambda pair: pair,
            capacity=capacity,
        )

    def prove(self, username="alice", password="wonder", *, now_ms=NOW_MS):
        return run(self.world, self.pairs.prove(username, password, network=HOME, now_ms=now_ms, issued_ms=now_ms))

    def recall(self, username="alice", password="wonder", *, now_ms=NOW_MS):
        return self.pairs.recall(username, password, now_ms)


@pytest.fixture
def directory():
    return MemoryDirectory(alice="wonder", **{f"user{number}": "pw" for number in range(20)})


@pytest.fixture(params=["wsgi", "asgi"])
def memory(request, directory):
    memory = Memory(request.param, directory)
    yield memory
    memory.people.close()


def test_a_proven_pair_is_recalled_for_a_minute(memory):
    """The pair keeps the time of its proof, for comparison with a later cut-off."""
    assert memory.recall() is None

    proven = memory.prove()

    assert ProvenPair(Account("alice", roles=["user"]), NOW_MS, NOW_MS) == proven
    assert proven is memory.recall(now_ms=NOW_MS + 59_999)
    assert memory.recall(now_ms=NOW_MS + 60_000) is None


def test_an_expired_pair_is_looked_up_in_the_directory_again(memory, directory):
    """Use does not extend a remembered pair."""
    memory.prove()
    directory.accounts["alice"] = Account("alice", roles=["boss"])

    refilled = memory.prove(now_ms=NOW_MS + 60_000)

    assert ProvenPair(Account("alice", roles=["boss"]), NOW_MS + 60_000, NOW_MS + 60_000) == refilled
    assert (2, 2) == (directory.checks, directory.lookups)


@pytest.mark.parametrize(
    ("username", "password"),
    [("alice", "Wonder"), ("Alice", "wonder"), ("alicew", "onder"), ("alic", "ewonder"), ("alice", "wonder ")],
    ids=str,
)
def test_no_other_pair_is_recalled(memory, username, password):
    """The digest covers user and password with their lengths, exactly as they came."""
    memory.prove()

    assert memory.recall(username, password) is None


def test_another_realm_or_process_digests_otherwise(directory):
    digests = {
        Memory("wsgi", directory, realm=realm, key=key).pairs._digest("alice", "wonder")
        for realm in ("api", "app")
        for key in (b"k" * 32, b"o" * 32)
    }

    assert 4 == len(digests)


def test_realm_and_user_do_not_run_into_each_other(directory):
    one, other = Memory("wsgi", directory, realm="api"), Memory("wsgi", directory, realm="apia")

    assert one.pairs._digest("alice", "wonder") != other.pairs._digest("lice", "wonder")


def test_what_is_remembered_shows_no_password(memory):
    memory.prove()

    assert "wonder" not in repr(vars(memory.pairs))


def test_a_wrong_pair_is_never_remembered(memory, directory):
    """Failures are not cached: garbage takes no memory, and a changed password works at once."""
    with pytest.raises(BadCredentials):
        memory.prove(password="new")
    directory.passwords["alice"] = "new"

    assert memory.prove(password="new")
    assert 1 == len(memory.pairs._young)


def test_a_directory_that_is_out_is_not_remembered(memory, directory):
    """A fault is 503 while it lasts; a remembered pair still counts."""
    directory.passwords, passwords = None, directory.passwords
    with pytest.raises(Unavailable):
        memory.prove()
    directory.passwords = passwords

    assert memory.prove()


def test_memory_is_bounded(memory):
    """At most ten pairs are kept, and always the last five."""
    for number in range(20):
        memory.prove(f"user{number}", "pw")
        assert len(memory.pairs._young) + len(memory.pairs._old) <= 10

    assert all(memory.recall(f"user{number}", "pw") for number in range(15, 20))
    assert memory.recall("user0", "pw") is None


def test_the_older_half_is_recalled_too(memory):
    for number in range(6):
        memory.prove(f"user{number}", "pw")

    assert memory.recall("user0", "pw")


@pytest.mark.parametrize("later", [0, 5], ids=["young", "old"])
def test_an_expired_pair_is_proven_again(memory, later):
    """The gate does this when a cut-off ended the pair."""
    memory.prove()
    for number in range(later):
        memory.prove(f"user{number}", "pw")

    memory.pairs.forget("alice", "wonder")

    assert memory.recall() is None
    memory.pairs.forget("alice", "wonder")


def test_everything_can_be_forgotten(memory):
    memory.prove()

    memory.pairs.clear()

    assert memory.recall() is None


def test_a_clock_that_went_back_does_not_lengthen_what_is_remembered(memory):
    """The clock went back by more than the order of simultaneous requests explains."""
    memory.prove()

    assert memory.recall(now_ms=NOW_MS - 1000)
    assert memory.recall(now_ms=NOW_MS - 1001) is None


def test_without_memory_each_request_is_proven(directory):
    memory = Memory("wsgi", directory, cache_seconds=0)

    memory.prove()

    assert memory.recall() is None


def test_a_page_that_loads_twenty_things_costs_one_hash_and_one_try():
    """If each attempt counted, the sixth would be 429 despite the right password."""
    directory = AsyncMemoryDirectory(alice="wonder")
    memory = Memory("asgi", directory)

    async def load():
        requests = [
            memory.pairs.prove("alice", "wonder", network=HOME, now_ms=NOW_MS, issued_ms=NOW_MS) for _ in range(20)
        ]
        return await asyncio.gather(*requests)

    proven = asyncio.run(load())

    assert 1 == directory.checks
    assert {NOW_MS} == {pair.proven_ms for pair in proven}


def test_parallel_guesses_are_counted_one_by_one():
    """Waiting does not let attempts through: of twenty equal wrong pairs five are compared."""
    directory = AsyncMemoryDirectory(alice="wonder")
    memory = Memory("asgi", directory)

    async def guess():
        requests = [memory.pairs.prove("alice", "no", network=HOME, now_ms=NOW_MS, issued_ms=NOW_MS) for _ in range(20)]
        return await asyncio.gather(*requests, return_exceptions=True)

    answers = asyncio.run(guess())

    assert 5 == directory.checks
    assert [BadCredentials] * 5 + [TooManyAttempts] * 15 == [type(answer) for answer in answers]


def test_a_static_directory_answers_refills_by_its_check_alone():
    directory = CallableDirectory(lambda _username, _password: Account("alice"))

    assert "alice" == Memory("wsgi", directory).prove().account.subject


@given(st.text(st.characters(codec=None)), st.text(st.characters(codec=None)))
def test_any_pair_may_be_asked_for(username, password):
    """Lone surrogates are accepted, too."""
    assert Memory("wsgi", MemoryDirectory()).recall(username, password) is None
