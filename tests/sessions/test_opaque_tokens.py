"""Write and read opaque tokens, and keep them in a store."""

import base64
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safeconduct._core.opaque import OpaqueTokens, ParsedOpaqueToken, is_opaque_token
from safeconduct._core.revocation_query import RevocationQuery
from safeconduct._core.run_sync import run_sync
from safeconduct._core.store import OpaqueQuery
from safeconduct._core.tagged_token import text_of
from safeconduct._tokens.derived_keys import DerivedKeys
from safeconduct.errors import BadSignature, InvalidToken, MalformedToken, Unavailable, UnknownKey
from safeconduct.stores import MemoryStore
from safeconduct.testing.store_contract.opaque_tokens import CLAIMS, REFERENCE
from safeconduct.testing.store_contract.session_commands import GRACE_MS, opening, ref_of

OLD = DerivedKeys({1: b"1" * 32}, 1)
BOTH = DerivedKeys({1: b"1" * 32, 2: b"2" * 32}, 2)
NEW = DerivedKeys({2: b"2" * 32}, 2)
SID = text_of(bytes(range(18)))

references = st.builds(
    ParsedOpaqueToken, st.binary(min_size=18, max_size=18), st.binary(min_size=30, max_size=30), st.sampled_from([1, 2])
)


def of(keys):
    return OpaqueTokens(lambda: keys, lambda size: b"s" * size)


@given(references)
def test_a_reference_round_trips(reference):
    written = of(BOTH).write(reference)

    assert is_opaque_token(written)
    assert reference == of(BOTH).read(written)


@given(references, st.integers(0, 66 * 8 - 1))
def test_one_flipped_bit_is_refused(reference, bit):
    octets = bytearray(base64.urlsafe_b64decode(of(BOTH).write(reference)))
    octets[bit // 8] ^= 1 << bit % 8

    with pytest.raises(InvalidToken):
        of(BOTH).read(base64.urlsafe_b64encode(bytes(octets)).decode())


@given(st.text())
def test_any_text_is_refused(text):
    with pytest.raises(MalformedToken):
        of(BOTH).read(text)


@pytest.mark.parametrize("other", ["+", "/", "=", "é", "\n", " "])
def test_a_reference_has_one_spelling(other):
    written = of(OLD).write(of(OLD).new(SID))

    with pytest.raises(MalformedToken):
        of(OLD).read(written[:-1] + other)


def test_another_version_of_the_form_is_refused():
    with pytest.raises(MalformedToken, match="version"):
        of(OLD).read(base64.urlsafe_b64encode(b"\2" + bytes(65)).decode())


def test_an_opaque_token_of_a_removed_key_is_refused():
    written = of(OLD).write(of(OLD).new(SID))

    assert of(OLD).read(written) == of(BOTH).read(written)
    with pytest.raises(UnknownKey):
        of(NEW).read(written)


def test_a_reference_of_another_deployment_is_refused():
    """Without the key nobody can make the tag, even with the secret of a token."""
    other_keys = of(DerivedKeys({1: b"x" * 32}, 1))

    with pytest.raises(BadSignature):
        of(OLD).read(other_keys.write(other_keys.new(SID)))


def test_the_digest_is_of_session_and_secret():
    """Digests of two sessions differ and contain no secret."""
    reference = of(OLD).new(SID)

    assert reference.digest != replace(reference, session=bytes(18)).digest
    assert reference.digest != replace(reference, secret=b"t" * 30).digest
    assert reference.secret not in reference.digest
    assert "secret" not in repr(reference)


@pytest.mark.parametrize(
    ("token", "expected"), [("a" * 88, True), ("a" * 87, False), ("a" * 89, False), ("a" * 87 + ".", False)], ids=str
)
def test_an_opaque_token_is_recognised_by_its_form(token, expected):
    assert expected == is_opaque_token(token)


@pytest.fixture
def store(clock):
    return MemoryStore(clock=clock, horizon_ms=86_400_000, leeway_ms=10_000)


def test_the_memory_forgets_a_token_after_its_end(store, clock):
    """Storing a token removes expired ones."""
    ref = ref_of(store)
    begun = run_sync(store.sessions.open(ref, opening()))
    question = RevocationQuery(0, (), (), begun.iat_ms, begun.iat_ms + 1000, store.instance, ref.session_id, REFERENCE)
    run_sync(store.opaque_tokens.keep(question, CLAIMS, grace_ms=GRACE_MS))
    clock.advance(seconds=62)

    fresh = replace(question, ends_ms=question.ends_ms + 62_000, reference=b"y" * 32)
    run_sync(store.opaque_tokens.keep(fresh, CLAIMS, grace_ms=GRACE_MS))

    assert (False, True) == (store.opaque_tokens.keeps(REFERENCE), store.opaque_tokens.keeps(b"y" * 32))


@pytest.mark.parametrize("kind", ["redis", "valkey"])
def test_a_server_forgets_a_token_after_its_end(kind, servers, open_stores, enter):
    world = enter("blocking", open_stores(kind))
    world.run(world.store.begin_epoch(0, reason="new", seen=None))
    ref = ref_of(world.store.sessions)
    begun = world.run(world.store.sessions.open(ref, opening()))
    question = RevocationQuery(0, (), (), begun.iat_ms, begun.iat_ms + 1000, None, ref.session_id, REFERENCE)

    world.run(world.store.opaque_tokens.keep(question, CLAIMS, grace_ms=GRACE_MS))

    left_ms = int(servers(kind).say("PTTL", f"safeconduct:{{sc:00}}:tok:{REFERENCE.hex()}").strip(":\r\n"))
    assert 0 < left_ms <= 120_000


def test_a_server_without_an_epoch_keeps_and_tells_nothing(open_stores, enter):
    """Tokens that a store no longer knows are never resolved from old data."""
    world = enter("blocking", open_stores("valkey"))
    ref = ref_of(world.store.sessions)
    question = RevocationQuery(0, (), (), 1, 1 << 50, None, ref.session_id, REFERENCE)

    kept = world.run(world.store.opaque_tokens.keep(question, CLAIMS, grace_ms=GRACE_MS))
    reply = world.run(world.store.opaque_tokens.resolve(OpaqueQuery(0, ref.session_id, REFERENCE)))

    assert (None, True) == (kept.epoch, kept.is_empty)
    assert (None, True, "") == (reply.epoch, reply.is_empty, reply.claims)


def test_an_evicted_session_is_looked_up_anew(store, monkeypatch):
    """The fast path looks the session up again after its record was evicted."""
    monkeypatch.setattr("safeconduct.stores.memory.session_index.LIMIT", 1)
    first, second = ref_of(store, 1), ref_of(store, 2)
    begun = run_sync(store.sessions.open(first, opening()))
    question = RevocationQuery(0, (), (), begun.iat_ms, 1 << 52, store.instance, first.session_id)
    version, held = store.version, store.holds(question)

    run_sync(store.sessions.open(second, opening()))

    assert held
    assert version is not store.version
    assert not store.holds(question)
    assert run_sync(store.ask(question)).is_revoked


def test_a_token_of_another_process_is_no_answer(store):
    """The state of the token is unknown: 503, not 401."""
    with pytest.raises(Unavailable):
        run_sync(store.opaque_tokens.resolve(OpaqueQuery(0, text_of(bytes(18)), REFERENCE)))
    with pytest.raises(Unavailable):
        run_sync(store.opaque_tokens.resolve(OpaqueQuery(0, "no id", REFERENCE)))


def test_a_memory_that_is_full_forgets_the_oldest_token(store, monkeypatch):
    """It is refused then, also on the fast path."""
    monkeypatch.setattr("safeconduct.stores.memory.opaque.LIMIT", 1)
    ref = ref_of(store)
    begun = run_sync(store.sessions.open(ref, opening()))
    first = RevocationQuery(0, (), (), begun.iat_ms, 1 << 52, store.instance, ref.session_id, REFERENCE)
    run_sync(store.opaque_tokens.keep(first, CLAIMS, grace_ms=GRACE_MS))
    version, held = store.version, store.holds(first)

    run_sync(store.opaque_tokens.keep(replace(first, reference=b"y" * 32), CLAIMS, grace_ms=GRACE_MS))

    assert held
    assert version is not store.version
    assert not store.holds(first)


def kept_in_turn(store, count):
    """Store *count* tokens of one session, as refreshes do, and return the queries for them."""
    ref = ref_of(store)
    begun = run_sync(store.sessions.open(ref, opening()))
    first = RevocationQuery(0, (), (), begun.iat_ms, 1 << 52, store.instance, ref.session_id, REFERENCE)
    questions = [replace(first, reference=bytes([number]) * 32) for number in range(count)]
    for question in questions:
        run_sync(store.opaque_tokens.keep(question, CLAIMS, grace_ms=GRACE_MS))
    return questions


def test_b5_the_memory_forgets_a_token_whose_place_another_took(store, clock):
    """It ends by the clock, also on the fast path, although nothing is written."""
    first, second = kept_in_turn(store, 2)
    version = store.version
    within = (run_sync(store.ask(first)).is_revoked, store.holds(first), store.holds(second))
    clock.advance(seconds=GRACE_MS / 1000)

    assert (False, False, True) == within
    assert version is store.version
    assert (True, False) == (run_sync(store.ask(first)).is_revoked, run_sync(store.ask(second)).is_revoked)


def test_b5_many_refreshes_leave_one_token_in_the_memory(store, clock):
    """A user who keeps refreshing does not evict the sessions of others."""
    kept_in_turn(store, 200)
    clock.advance(seconds=GRACE_MS / 1000)
    others = kept_in_turn(store, 1)

    assert 2 == len(store.opaque_tokens._kept), "the newest, and the one before it for a grace"
    assert store.holds(others[0])


def test_a_memory_that_is_closed_resolves_nothing(store):
    """The state of the token is unknown: 503, not 401."""
    ref = ref_of(store)
    store.end()

    with pytest.raises(Unavailable):
        run_sync(store.opaque_tokens.resolve(OpaqueQuery(0, ref.session_id, REFERENCE)))
