"""Revoke tokens, keys, sessions, subjects, clients and everything, and nothing else."""

import asyncio
import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safeconduct._core.revocation import Revocations
from safeconduct._core.revocation_keys import parse_session_id, revocation_key, revocation_query, shard_of
from safeconduct._core.revoker import Revoker
from safeconduct._core.run_sync import run_sync
from safeconduct.errors import NotFound, RevokedToken, Unavailable
from safeconduct.events import Revoked
from safeconduct.stores import MemoryStore
from safeconduct.testing.store_contract.revocations import HORIZON_MS, LEEWAY_MS
from worlds import Clock

SID = "AAB" + "A" * 21


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def store(clock):
    return MemoryStore(clock=clock, horizon_ms=HORIZON_MS, leeway_ms=LEEWAY_MS)


@pytest.fixture
def events():
    return []


@pytest.fixture
def revocations(store, events):
    return made(store, events)


def made(store, events, shards=1):
    return Revocations(
        store, shards=shards, horizon_ms=HORIZON_MS, leeway_ms=LEEWAY_MS,
        on_new_store="accept", announce=events.append,
    )  # fmt: skip


def revoker_of(revocations):
    return Revoker(revocations, absolute_lifetime_ms=HORIZON_MS)


def asking(**changed):
    fields = {
        "issuer": "i", "subject": "alice", "token_id": "j", "client_id": "c", "kid": "k", "session_id": None,
        "issued_ms": 1_800_000_000_000, "ends_ms": 1 << 50, "is_own": True, "shards": 1,
    }  # fmt: skip
    return revocation_query(**{**fields, **changed})


VERBS = {
    "token": lambda one: one.revoke_token("i", "j", subject="alice", expires_ms=1 << 50),
    "token of nobody known": lambda one: one.revoke_token("i", "j", subject=None, expires_ms=1 << 50),
    "subject": lambda one: one.revoke_subject("i", "alice"),
    "client": lambda one: one.revoke_client("i", "c"),
    "key": lambda one: one.revoke_key("i", "k"),
    "everything": lambda one: one.revoke_everything("i"),
}


@pytest.mark.parametrize("verb", VERBS.values(), ids=VERBS)
def test_a_verb_ends_its_thing_and_nothing_of_another_issuer(revocations, verb):
    """A tenant's revoke-all is its own (ASVS 8.4.1)."""
    run_sync(verb(revoker_of(revocations)))

    with pytest.raises(RevokedToken):
        run_sync(revocations.check(asking(), now_ms=0))
    assert run_sync(revocations.check(asking(issuer="other"), now_ms=0)) is None


def test_a_session_ends(store, revocations, events):
    sid = base64.urlsafe_b64encode(b"\0\0" + store.instance + b"x" * 8).decode()
    issued_ms = run_sync(revocations.issue_time(asking()))
    run_sync(revocations.check(asking(session_id=sid, issued_ms=issued_ms), now_ms=0))
    receipt = run_sync(revoker_of(revocations).revoke_session("i", sid, ends_ms=1 << 50))

    with pytest.raises(RevokedToken):
        run_sync(revocations.check(asking(session_id=sid, issued_ms=issued_ms), now_ms=0))
    assert ((0,), True) == (receipt.shards, receipt.before_ms is not None)
    assert [Revoked(kind="session", shards=1, replicas=0)] == events
    assert run_sync(revocations.check(asking(session_id=sid, is_own=False), now_ms=0)) is None


@pytest.mark.parametrize("session_id", ["", "short", "=" * 24, "é" * 24, "A" * 23 + "!", "__" + "A" * 22])
def test_what_is_no_session_is_not_found(revocations, session_id):
    with pytest.raises(NotFound):
        run_sync(revoker_of(revocations).revoke_session("i", session_id, ends_ms=0))


def test_a_session_of_ours_with_an_unreadable_id_is_refused(revocations):
    with pytest.raises(Unavailable):
        run_sync(revocations.check(asking(session_id="x"), now_ms=0))


class HalfDown(MemoryStore):
    """A store with some failing shards."""

    __slots__ = ("down",)

    async def revoke(self, shard, revocation):
        if shard in self.down:
            raise Unavailable("down")
        return await super().revoke(shard, revocation)


@pytest.mark.parametrize(("down", "shards", "missed"), [((), (0, 1, 2), ()), ((1,), (0, 2), (1,))])
def test_shards_that_cannot_be_asked_are_reported(clock, down, shards, missed):
    store = HalfDown(clock=clock, horizon_ms=HORIZON_MS, leeway_ms=LEEWAY_MS)
    store.down = down

    receipt = run_sync(revoker_of(made(store, [], shards=3)).revoke_client("i", "c"))

    assert (shards, missed) == (receipt.shards, receipt.missed)


def test_a_revocation_that_no_shard_took_is_unavailable(clock):
    store = HalfDown(clock=clock, horizon_ms=HORIZON_MS, leeway_ms=LEEWAY_MS)
    store.down = (0, 1, 2)

    with pytest.raises(Unavailable):
        run_sync(revoker_of(made(store, [], shards=3)).revoke_client("i", "c"))


def test_what_is_absent_is_not_asked_for():
    query = asking(token_id=None, client_id=None, kid=None)

    assert () == query.marks
    assert 2 == len(query.cuts)


text = st.text(st.characters(exclude_categories=()), max_size=8)


@given(text, text, text, text)
def test_different_things_have_different_revocation_keys(issuer, first, other_issuer, other):
    """No colon, brace, line end or empty part makes two keys equal."""
    same = (issuer, first) == (other_issuer, other)

    assert same == (revocation_key("token", issuer, first) == revocation_key("token", other_issuer, other))
    assert revocation_key("token", issuer, first) != revocation_key("key", issuer, first)


@given(text, text, st.integers(1, 65536))
def test_a_shard_is_one_of_those_that_there_are(issuer, subject, shards):
    assert 0 <= shard_of(issuer, subject, shards) < shards


@given(st.text())
def test_any_text_is_a_session_or_none(session_id):
    location = parse_session_id(session_id)

    assert location is None or 8 == len(location[1])


def test_a_coroutine_that_suspends_is_an_error():
    """An async store behind WSGI is an error at once, and is not awaited forever."""
    with pytest.raises(RuntimeError):
        run_sync(asyncio.sleep(0))
