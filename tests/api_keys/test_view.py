"""What a process knows of an API key without asking the store: that it was there a minute ago, in the same data."""

import pytest

from safeconduct._core.epochs import Epoch
from safeconduct._core.revocation_keys import api_key_query, revocation_key
from safeconduct._core.revocation_query import ApiKeyRef
from safeconduct.stores.view.entries import Entries
from safeconduct.stores.view.local_view import LocalView, ShardView
from safeconduct.stores.view.proofs import API_KEY_SECONDS

ISSUER = "https://issuer.example"
OWNER, SUBJECT = (revocation_key(kind, ISSUER, "alice") for kind in ("api_keys", "subject"))
EVERYTHING = revocation_key("everything", ISSUER)
EPOCH = Epoch("e", 1000, "new", 86_400_000)


class Clock:
    seconds = 100.0

    def __call__(self):
        return self.seconds


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def view(clock):
    made = LocalView(shards=1, staleness_seconds=3600.0, monotonic=clock)
    publish(made)
    made.confirm((0,), clock())
    return made


def publish(view, epoch=EPOCH):
    view.publish(
        0,
        ShardView(
            epoch=epoch, position=(5, 0), last_issued_ms=40_000, loaded_ms=45_000, forgotten_ms=-1,
            marks=Entries(base=0), cuts=Entries(base=0),
        ),
    )  # fmt: skip


def query(issued_ms=30_000, key_id="0" * 16):
    return api_key_query(ISSUER, 0, ApiKeyRef(key_id, b"d" * 32), owner=OWNER, issued_ms=issued_ms, ends_ms=10**9)


def prove(view, clock, asked, epoch=EPOCH):
    view.note_record(asked.record, epoch, clock(), is_api_key=True)


def test_a_key_counts_for_a_minute_since_the_store_had_it(view, clock):
    asked = query()
    assert not view.holds(asked)
    prove(view, clock, asked)

    assert [True, False] == [view.holds(asked), view.holds(query(key_id="1" * 16))]
    clock.seconds += API_KEY_SECONDS - 0.001
    assert view.holds(asked)
    clock.seconds += 0.001
    assert not view.holds(asked)


def test_a_session_of_the_same_name_proves_no_key(view, clock):
    asked = query()
    view.note_record(asked.record, EPOCH, clock())

    assert not view.holds(asked)


@pytest.mark.parametrize(
    ("key", "holds"), [(OWNER, False), (EVERYTHING, False), (SUBJECT, True)], ids=["owner", "everything", "sign-out"]
)
def test_a_cut_off_of_its_own_ends_a_key(view, clock, key, holds):
    asked = query()
    prove(view, clock, asked)

    view.shards[0].cuts.put(key, 30_000)
    view.change()

    assert holds is view.holds(asked)


def test_a_mark_ends_a_key(view, clock):
    asked = query()
    prove(view, clock, asked)

    view.shards[0].marks.put(asked.marks[0], 10**6)
    view.change()

    assert "ended" == view.verdict(asked)


@pytest.mark.parametrize(
    ("issued_ms", "reason", "verdict"),
    [
        (1000, "new", "unknown"), (1001, "new", "counts"), (40_000, "lost", "counts"), (40_001, "lost", "unknown"),
        (45_000, "new", "unknown"), (45_001, "new", "counts"), (1000, "adopted", "counts"),
    ],
)  # fmt: skip
def test_a_key_that_the_data_may_not_know_is_asked_about(view, clock, issued_ms, reason, verdict):
    """It is as old as the data, or later than they know by the time they were read."""
    epoch = Epoch("e", 1000, reason, 86_400_000)
    publish(view, epoch)
    asked = query(issued_ms)
    prove(view, clock, asked, epoch)

    assert verdict == view.verdict(asked)


def test_a_proof_counts_in_the_data_that_gave_it(view, clock):
    asked = query()
    prove(view, clock, asked, Epoch("before", 900, "new", 1))

    assert not view.holds(asked)


def test_a_forked_child_remembers_no_key(view, clock):
    asked = query()
    prove(view, clock, asked)

    view.reset()
    publish(view)
    view.confirm((0,), clock())

    assert not view.holds(asked)
