"""A local view knows that a credential counts, or that it was revoked, or leaves it to the store."""

import pytest

from safeconduct._core.epochs import Epoch
from safeconduct._core.revocation_keys import epoch_tag
from safeconduct._core.revocation_query import RevocationQuery
from safeconduct.stores.view.entries import Entries
from safeconduct.stores.view.local_view import LocalView, ShardView

EPOCH = Epoch("e", 1000, "new", 86_400_000)
TOKEN, SESSION, SUBJECT = (letter + bytes(16) for letter in (b"t", b"s", b"u"))


def query(issued_ms=50_000, *, own=True, kept=None, ends_ms=10**9, shard=0):
    instance = epoch_tag("e") if own else None
    return RevocationQuery(shard, (TOKEN,), (SUBJECT, SESSION), issued_ms, ends_ms, instance, kept)


def loaded(epoch=EPOCH, *, position=(5, 0), last_issued_ms=40_000, loaded_ms=45_000, forgotten_ms=-1):
    return ShardView(
        epoch=epoch, position=position, last_issued_ms=last_issued_ms, loaded_ms=loaded_ms, forgotten_ms=forgotten_ms,
        marks=Entries(base=0), cuts=Entries(base=0),
    )  # fmt: skip


class Clock:
    seconds = 100.0

    def __call__(self):
        return self.seconds


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def view(clock):
    made = LocalView(shards=2, staleness_seconds=1.0, monotonic=clock)
    made.publish(0, loaded())
    made.confirm((0, 1), clock())
    return made


def test_a_credential_counts_if_nothing_speaks_against_it(view):
    assert view.holds(query())
    assert not view.is_known_revoked(query())


def test_a_revoked_token_does_not_count(view):
    view.shards[0].marks.put(TOKEN, 10**6)

    assert not view.holds(query())
    assert view.is_known_revoked(query())


@pytest.mark.parametrize("key", [SESSION, SUBJECT])
@pytest.mark.parametrize(("issued_ms", "expected"), [(50_000, "ended"), (50_001, "counts")])
def test_a_cut_off_ends_what_was_issued_until_then(view, key, issued_ms, expected):
    """Revoked means issued at or before the cut-off."""
    view.shards[0].cuts.put(key, 50_000)

    assert expected == view.verdict(query(issued_ms))


def test_a_credential_whose_entry_may_be_forgotten_has_ended(view):
    """Entries are forgotten after the credential has expired, whatever this process's clock says."""
    view.shards[0].forgotten_ms = 10**9

    assert "ended" == view.verdict(query(ends_ms=10**9))
    assert "counts" == view.verdict(query(ends_ms=10**9 + 1))


@pytest.mark.parametrize("later", [1.0, 5.0])
def test_a_view_that_is_too_old_is_not_believed(view, clock, later):
    """Its version is another one too, so that the fast path looks again."""
    version = view.version
    clock.seconds += 0.999
    assert view.holds(query())
    assert version is view.version

    clock.seconds += later - 0.999

    assert not view.holds(query())
    assert version is not view.version
    assert view.age_seconds == pytest.approx(later)


def test_each_shard_is_as_old_as_its_own_last_confirmation(view, clock):
    """The fast path looks again at every credential while one shard is too old, and the others still count."""
    view.publish(1, loaded())
    version = view.version
    clock.seconds += 0.6

    view.confirm((1,), clock())
    assert version is view.version
    assert view.age_seconds == pytest.approx(0.6)
    clock.seconds += 0.6

    assert [False, True] == [view.holds(query(shard=shard)) for shard in (0, 1)]
    assert version is not view.version
    view.confirm((0,), clock())
    assert view.holds(query())
    assert version is view.version


def test_a_shard_that_no_follower_has_is_never_believed(view):
    """A session may be older than the number of shards."""
    assert not view.holds(query(shard=7))


def test_a_view_that_is_too_old_still_knows_what_was_revoked(view, clock):
    """A revoked credential does not pass where an outage lets others pass."""
    view.shards[0].marks.put(TOKEN, 10**6)
    clock.seconds += 60

    assert view.is_known_revoked(query())


def test_a_view_that_was_never_loaded_knows_nothing(clock):
    view = LocalView(shards=2, staleness_seconds=1.0, monotonic=clock)

    assert not view.holds(query())
    assert not view.is_known_revoked(query())
    assert float("inf") == view.age_seconds


def test_a_session_that_must_be_in_the_store_is_asked_for(view):
    """The view has revocations, and no sessions."""
    assert "unknown" == view.verdict(query(kept="a session"))


@pytest.mark.parametrize(
    ("epoch", "kept", "expected"),
    [
        (EPOCH, "a session", "counts"),
        (EPOCH, "another", "unknown"),
        (EPOCH, None, "counts"),
        (Epoch("before", 900, "new", 1), "a session", "unknown"),
        (None, "a session", "unknown"),
    ],
)
def test_a_session_that_the_store_had_is_remembered(view, clock, epoch, kept, expected):
    """For as long as the view may be old, and only in the same data."""
    view.note_record((0, "a session"), epoch, clock())
    view.note_record(None, EPOCH, clock())

    assert expected == view.verdict(query(kept=kept))
    clock.seconds += 0.999
    assert expected == view.verdict(query(kept=kept))
    clock.seconds += 0.001
    assert ("unknown" if kept else "counts") == view.verdict(query(kept=kept))


def test_a_remembered_session_that_was_cut_off_has_ended(view, clock):
    """What was looked up is looked up again at another version."""
    asked = query(kept="a session")
    assert not view.holds(asked)
    view.note_record((0, "a session"), EPOCH, clock())
    assert [True] * 2 == [view.holds(asked) for _ in range(2)]

    view.shards[0].cuts.put(SESSION, 50_000)
    view.change()

    assert not view.holds(asked)
    assert "ended" == view.verdict(asked)


def test_a_forked_child_remembers_no_session(view, clock):
    view.note_record((0, "a session"), EPOCH, clock())

    view.reset()
    view.publish(0, loaded())

    assert "unknown" == view.verdict(query(kept="a session"))


@pytest.mark.parametrize(
    ("reason", "refuses_new", "own", "expected"),
    [
        ("new", False, False, "counts"),
        ("new", False, True, "unknown"),
        ("new", True, False, "unknown"),
        ("lost", False, False, "unknown"),
        ("lost", False, True, "unknown"),
        ("adopted", True, True, "counts"),
    ],
)
def test_what_is_older_than_the_data_is_for_the_store_to_say(clock, reason, refuses_new, own, expected):
    """Unless the data is known to cover it."""
    view = LocalView(shards=2, staleness_seconds=1.0, refuses_new=refuses_new, monotonic=clock)
    view.publish(0, loaded(Epoch("e", 1000, reason, 86_400_000)))
    view.confirm((0, 1), clock())

    assert expected == view.verdict(query(1000, own=own))
    assert "counts" == view.verdict(query(50_000, own=own))


@pytest.mark.parametrize(
    ("issued_ms", "own", "expected"),
    [(40_000, True, "counts"), (40_001, True, "unknown"), (45_000, True, "unknown"), (45_001, True, "counts"),
     (45_000, False, "counts")],
)  # fmt: skip
def test_a_token_of_a_later_state_of_the_data_is_shown_to_the_store(view, issued_ms, own, expected):
    """It was issued before the data was read, and the data has not issued it: the data was set back."""
    assert expected == view.verdict(query(issued_ms, own=own))


@pytest.mark.parametrize(
    ("name", "started_ms", "position", "expected"),
    [
        ("e", 1000, (5, 0), "counts"),
        ("e", 1000, (5, 1), "unknown"),
        ("later", 2000, (1, 0), "unknown"),
        ("earlier", 500, (9, 0), "counts"),
    ],
)
def test_a_change_that_a_reply_told_of_is_waited_for(view, name, started_ms, position, expected):
    """Another epoch is waited for too, unless the reply was late."""
    view.expect(0, Epoch(name, started_ms, "lost", 1), position)

    assert expected == view.verdict(query())


def test_a_change_is_believed_once_it_is_contained(view):
    """A later reply that tells of an earlier change takes nothing back."""
    version = view.version
    view.expect(0, EPOCH, (6, 0))
    assert version is not view.version
    view.expect(0, EPOCH, (5, 7))
    view.shards[0].position = (5, 9)
    assert "unknown" == view.verdict(query())

    view.shards[0].position = (6, 0)

    assert "counts" == view.verdict(query())


@pytest.mark.parametrize(("position", "expected"), [((9, 8), "unknown"), ((9, 9), "counts")])
def test_a_change_during_the_load_is_waited_for(view, position, expected):
    """What this process revoked meanwhile may be missing in the snapshot."""
    view.expect(1, EPOCH, (9, 9))

    view.publish(1, loaded(position=position))

    assert expected == view.verdict(RevocationQuery(1, (), (), 50_000, 10**9))


def test_a_version_of_a_view_that_is_too_old_is_never_seen_again(view, clock):
    """Nothing that was looked up at that moment counts later."""
    clock.seconds += 60

    assert view.version is not view.version


@pytest.mark.parametrize(
    ("reason", "own", "issued_ms", "position", "expected"),
    [
        ("new", True, 50_000, (5, 0), False),
        ("new", True, 1000, (5, 0), True),
        ("new", False, 1000, (5, 0), False),
        ("lost", False, 1000, (5, 0), True),
        ("adopted", True, 1000, (5, 0), False),
        ("new", False, 50_000, (5, 1), True),
    ],
)
def test_in_an_outage_everything_that_is_known_counts(clock, reason, own, issued_ms, position, expected):
    """Also that data was lost, and that there is a change that was not read yet."""
    view = LocalView(shards=2, staleness_seconds=1.0, monotonic=clock)
    view.publish(0, loaded(Epoch("e", 1000, reason, 86_400_000)))
    view.expect(0, Epoch("e", 1000, reason, 86_400_000), position)

    assert expected == view.is_known_revoked(query(issued_ms, own=own))


def test_each_change_makes_another_version(view):
    """What held at one version need not be looked up again."""
    versions = [view.version]
    for change in (lambda: view.publish(0, loaded()), view.change, view.reset):
        change()
        versions.append(view.version)

    assert 4 == len(set(map(id, versions)))
    assert "unknown" == view.verdict(query())


def test_a_forked_child_knows_nothing(view):
    view.reset()

    assert not view.holds(query())
    assert not view.shards
