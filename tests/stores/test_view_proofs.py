"""The view remembers for a while which sessions and opaque tokens the store had, in bounded memory."""

import pytest

from safeconduct._core.epochs import Epoch
from safeconduct._core.revocation_query import RevocationQuery
from safeconduct.stores.view.proofs import RecordProof, RecordProofs

EPOCH = Epoch("e", 1000, "new", 1)
SECONDS = 2.0


@pytest.fixture
def proofs():
    return RecordProofs(seconds=SECONDS, most=8)


def proven(sent_at):
    return RecordProof(EPOCH, sent_at)


def test_a_record_counts_from_the_sending_of_the_command_that_proved_it(proofs):
    """The end is not included."""
    proof = proven(100.0)
    proofs.add((0, "s"), proof)

    assert [proof, proof, None] == [proofs.find((0, "s"), 100.0 + age) for age in (0, 1.999, 2.0)]


@pytest.mark.parametrize("key", [(0, "t"), (1, "s"), (0, b"s")])
def test_one_record_says_nothing_of_another(proofs, key):
    """The holder of a signing key may name a session that exists on another shard."""
    proofs.add((0, "s"), proven(100.0))

    assert proofs.find(key, 100.0) is None


def test_a_record_that_is_proven_again_counts_for_longer(proofs):
    proofs.add((0, "s"), proven(100.0))
    proofs.add((0, "t"), proven(102.5))
    proofs.add((0, "s"), proven(102.5))

    assert proofs.find((0, "s"), 104.0)


def test_a_record_is_kept_for_as_long_as_it_counts(proofs):
    """What comes meanwhile does not push it out, as long as there is room."""
    for name, sent_at in [("s", 100.0), ("t", 101.9), ("u", 102.1)]:
        proofs.add((0, name), proven(sent_at))

    assert proofs.find((0, "t"), 103.8)
    assert proofs.find((0, "s"), 102.1) is None


def test_what_no_longer_counts_is_dropped(proofs):
    for number in range(50):
        proofs.add((0, str(number)), proven(100.0 + number * SECONDS))

    assert 2 == len(proofs)


def test_a_flood_does_not_grow_the_memory(proofs):
    """Evicted records are asked for again."""
    for number in range(1000):
        proofs.add((0, str(number)), proven(100.0))

    assert len(proofs) <= 8
    assert proofs.find((0, "999"), 100.0)


def test_a_forked_child_remembers_nothing(proofs):
    proofs.add((0, "s"), proven(100.0))

    proofs.clear()

    assert 0 == len(proofs)
    assert proofs.find((0, "s"), 100.0) is None


def test_a_look_up_is_remembered_for_one_credential_at_one_version():
    """Two tokens of a session are revoked by different entries."""
    first, second = (RevocationQuery(0, (mark,), (), 1, 2, None, "s") for mark in (b"t1", b"t2"))
    proof, version = proven(100.0), object()
    assert not proof.was_looked_up(first, version)

    proof.note_look_up(first, version)

    assert proof.was_looked_up(first, version)
    assert not proof.was_looked_up(second, version)
    assert not proof.was_looked_up(first, object())
