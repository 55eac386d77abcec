"""Define what every store does with revocations, epochs, and tokens that count once."""

from typing import Any

import pytest

from safeconduct._core.revocation_query import RevocationQuery
from safeconduct._core.store import Revocation, SingleUse
from safeconduct.errors import Unavailable

HORIZON_MS = 86_400_000
LEEWAY_MS = 10_000
ALICE = b"u" + b"a" * 16
OTHER = b"u" + b"b" * 16
SESSION = b"s" + b"a" * 16
TOKEN = b"t" + b"a" * 16
KEY = b"k" + b"a" * 16


def question(*, issued_ms: Any = 0, ends_ms: Any = 1 << 52, marks: Any = (), cuts: Any = (), shard: Any = 0) -> Any:
    return RevocationQuery(shard, tuple(marks), tuple(cuts), issued_ms, ends_ms)


class RevocationContract:
    """Revocations are kept, asked about and removed; needs the fixtures ``world`` and ``clock``."""

    def ask(self, world: Any, **fields: Any) -> Any:
        return world.run(world.store.ask(question(**fields)))

    def stamp(self, world: Any, *cuts: Any) -> Any:
        return world.run(world.store.issue_time(question(cuts=cuts))).iat_ms

    def cut(self, world: Any, revocation_key: Any = ALICE, *, kind: Any = "subject", expires_ms: Any = None) -> Any:
        lives_ms = 0 if expires_ms is None else None
        return world.run(world.store.revoke(0, Revocation(kind, revocation_key, (0,), expires_ms, lives_ms)))

    def mark(self, world: Any, revocation_key: Any = TOKEN, *, kind: Any = "token", expires_ms: Any = None) -> Any:
        return world.run(world.store.revoke(0, Revocation(kind, revocation_key, (0,), expires_ms)))

    def use(self, world: Any, use_id: Any = b"1", revocation_key: Any = TOKEN, **fields: Any) -> Any:
        query = question(**{"marks": [revocation_key, KEY], "cuts": [ALICE], **fields})
        return world.run(world.store.mark_used(SingleUse(query, revocation_key, use_id))).outcome

    @pytest.mark.parametrize("shard", [0, 1])
    def test_data_of_another_number_of_shards_are_refused(self, resharded_world: Any, shard: Any) -> None:
        """Where the number was changed, revocations would be looked for in shards that do not have them."""
        with pytest.raises(Unavailable):
            resharded_world.run(resharded_world.store.begin_epoch(shard, reason="new", seen=None))

    def test_nothing_is_revoked_at_first(self, world: Any) -> None:
        assert not self.ask(world, marks=[TOKEN, KEY], cuts=[ALICE, SESSION]).is_revoked

    def test_a_mark_revokes_by_presence(self, world: Any) -> None:
        """A token and a key count as revoked whatever their iat says."""
        written = self.mark(world)

        assert written.before_ms is None
        assert self.ask(world, marks=[TOKEN], issued_ms=1 << 52).is_revoked
        assert not self.ask(world, marks=[KEY]).is_revoked

    @pytest.mark.parametrize("index", [0, 1, 2], ids=str)
    def test_any_one_of_several_marks_revokes(self, world: Any, index: Any) -> None:
        self.mark(world)
        marks = [KEY, KEY]
        marks.insert(index, TOKEN)

        assert self.ask(world, marks=marks, cuts=[ALICE]).is_revoked

    @pytest.mark.parametrize("index", [0, 1, 2], ids=str)
    def test_any_one_of_several_cuts_revokes(self, world: Any, index: Any) -> None:
        before_ms = self.cut(world).before_ms
        cuts = [OTHER, SESSION]
        cuts.insert(index, ALICE)

        assert self.ask(world, cuts=cuts, issued_ms=before_ms).is_revoked

    def test_a_cut_ends_what_came_before_and_nothing_after(self, world: Any) -> None:
        before_ms = self.cut(world).before_ms

        assert self.ask(world, cuts=[ALICE], issued_ms=before_ms).is_revoked
        assert not self.ask(world, cuts=[ALICE], issued_ms=before_ms + 1).is_revoked
        assert not self.ask(world, cuts=[OTHER], issued_ms=0).is_revoked

    def test_a_stamp_right_after_a_cut_lives(self, world: Any) -> None:
        """A sign-in in the same millisecond is not refused."""
        before_ms = self.cut(world).before_ms

        iat_ms = self.stamp(world, OTHER, ALICE)

        assert iat_ms > before_ms
        assert not self.ask(world, cuts=[ALICE], issued_ms=iat_ms).is_revoked

    @pytest.mark.parametrize("revocation_key", [ALICE, SESSION], ids=["same cut-off", "another"])
    def test_a_stamp_right_before_a_cut_ends(self, world: Any, revocation_key: Any) -> None:
        """A token issued ahead of the clock, after a cut-off, ends with the next cut-off."""
        self.cut(world)
        iat_ms = self.stamp(world, ALICE, SESSION)

        self.cut(world, revocation_key)

        assert self.ask(world, cuts=[ALICE, SESSION], issued_ms=iat_ms).is_revoked

    def test_a_cut_holds_when_the_clock_goes_back(self, world: Any, clock: Any) -> None:
        before_ms = self.cut(world).before_ms
        clock.advance(seconds=-3600)

        assert self.cut(world).before_ms >= before_ms
        assert self.ask(world, cuts=[ALICE], issued_ms=before_ms).is_revoked
        assert not self.ask(world, cuts=[ALICE], issued_ms=self.stamp(world, ALICE)).is_revoked

    def test_a_cut_ends_what_was_stamped_before_the_clock_went_back(self, world: Any, clock: Any) -> None:
        iat_ms = self.stamp(world, ALICE)
        clock.advance(seconds=-3600)

        self.cut(world)

        assert self.ask(world, cuts=[ALICE], issued_ms=iat_ms).is_revoked

    def test_an_entry_outlives_its_end_by_a_minute(self, world: Any, clock: Any) -> None:
        now_ms = self.stamp(world)
        self.mark(world, expires_ms=now_ms + 5_000)
        clock.advance(seconds=64)

        self.mark(world, KEY, kind="key")

        assert self.ask(world, marks=[TOKEN]).is_revoked

    def test_a_forgotten_entry_leaves_its_token_expired(self, world: Any, clock: Any) -> None:
        """An entry that was removed while the clock ran ahead does not make the token valid again."""
        now_ms = self.stamp(world)
        self.mark(world, expires_ms=now_ms + 80_000)
        clock.advance(seconds=3600)
        self.mark(world, KEY, kind="key")
        clock.advance(seconds=-3600)

        assert self.ask(world, marks=[TOKEN], ends_ms=now_ms + 10_000).is_revoked
        assert not self.ask(world, marks=[TOKEN], ends_ms=now_ms + 90_000).is_revoked

    def test_a_key_is_never_forgotten(self, world: Any, clock: Any) -> None:
        self.mark(world, KEY, kind="key")
        self.mark(world, KEY, kind="key", expires_ms=1)
        clock.advance(seconds=4e9)

        self.mark(world)

        assert self.ask(world, marks=[KEY]).is_revoked

    def test_a_cut_outlives_the_horizon(self, world: Any, clock: Any) -> None:
        """When a cut-off is removed, all tokens that it ended have expired."""
        before_ms = self.cut(world).before_ms
        clock.advance(seconds=(HORIZON_MS + LEEWAY_MS) / 1000 + 100)
        self.mark(world)

        assert self.ask(world, cuts=[ALICE], issued_ms=before_ms).is_revoked

    def test_a_cut_is_forgotten_in_the_end(self, world: Any, clock: Any) -> None:
        before_ms = self.cut(world).before_ms
        clock.advance(seconds=(HORIZON_MS + LEEWAY_MS) / 1000 + 130)
        self.mark(world)

        assert not self.ask(world, cuts=[ALICE], issued_ms=before_ms).is_revoked

    def test_the_later_end_of_two_counts(self, world: Any, clock: Any) -> None:
        now_ms = self.stamp(world)
        self.mark(world, expires_ms=now_ms + 500_000)
        self.mark(world, expires_ms=now_ms + 1_000)
        clock.advance(seconds=300)

        self.mark(world, KEY, kind="key")

        assert self.ask(world, marks=[TOKEN]).is_revoked

    @pytest.mark.parametrize("expires_ms", [-(1 << 70), -1, 0, 1 << 53, 1 << 63, 10**30], ids=str)
    def test_an_absurd_end_is_clamped(self, world: Any, expires_ms: Any) -> None:
        """A claim of 2**63 neither fails nor lets the token through."""
        self.mark(world, expires_ms=expires_ms)

        assert self.ask(world, marks=[TOKEN]).is_revoked

    def test_a_write_forgets_a_hundred_at_most(self, world: Any, clock: Any) -> None:
        """Removing old entries does not make a revocation slow."""
        now_ms = self.stamp(world)
        revocation_keys = [b"t%016d" % number for number in range(150)]
        for revocation_key in revocation_keys:
            self.mark(world, revocation_key, expires_ms=now_ms + 60_000)
        clock.advance(seconds=180)

        left: list[int] = []
        for _ in range(2):
            self.mark(world, KEY, kind="key")
            left.append(sum(self.ask(world, marks=[revocation_key]).is_revoked for revocation_key in revocation_keys))

        assert [50, 0] == left

    def test_an_epoch_stays(self, world: Any) -> None:
        first = self.ask(world).epoch

        again = world.run(world.store.begin_epoch(0, reason="new", seen=None))

        assert first == again
        assert first is self.ask(world).epoch
        assert "new" == first.reason
        assert HORIZON_MS == first.horizon_ms

    def test_a_stamp_is_younger_than_the_epoch(self, world: Any, clock: Any) -> None:
        clock.advance(seconds=-3600)

        assert self.stamp(world) > self.ask(world).epoch.started_ms

    def test_a_token_is_used_once(self, world: Any) -> None:
        issued_ms = self.stamp(world)

        outcomes = [self.use(world, use_id, issued_ms=issued_ms) for use_id in (b"1", b"2", b"3")]

        assert ["first", "used", "used"] == outcomes
        assert "first" == self.use(world, b"4", b"t" + b"b" * 16, issued_ms=issued_ms)

    def test_a_use_that_was_sent_twice_is_one(self, world: Any) -> None:
        """A command whose reply was lost must not read as a replay."""
        issued_ms = self.stamp(world)

        assert ["first"] * 3 == [self.use(world, issued_ms=issued_ms) for _ in range(3)]
        assert "used" == self.use(world, b"2", issued_ms=issued_ms)

    def test_a_used_token_is_revoked(self, world: Any) -> None:
        self.use(world, issued_ms=self.stamp(world))

        assert self.ask(world, marks=[TOKEN]).is_revoked
        assert not self.ask(world, marks=[KEY]).is_revoked

    @pytest.mark.parametrize("revocation_key", [TOKEN, KEY], ids=["token", "key"])
    def test_what_was_revoked_is_not_used(self, world: Any, revocation_key: Any) -> None:
        issued_ms = self.stamp(world)
        self.mark(world, revocation_key)

        assert "revoked" == self.use(world, issued_ms=issued_ms)

    def test_what_was_cut_off_is_not_used(self, world: Any) -> None:
        issued_ms = self.stamp(world)
        before_ms = self.cut(world).before_ms

        assert "revoked" == self.use(world, issued_ms=issued_ms)
        assert "first" == self.use(world, issued_ms=before_ms + 1)

    def test_what_has_expired_is_not_used(self, world: Any) -> None:
        now_ms = self.stamp(world)

        assert "revoked" == self.use(world, issued_ms=now_ms, ends_ms=now_ms - 1)

    def test_a_use_is_known_until_its_token_has_expired(self, world: Any, clock: Any) -> None:
        """A clock that ran ahead and forgot the use does not make the token new again."""
        now_ms = self.stamp(world)
        self.use(world, issued_ms=now_ms, ends_ms=now_ms + 60_000)
        clock.advance(seconds=59)
        assert "used" == self.use(world, b"2", issued_ms=now_ms, ends_ms=now_ms + 60_000)
        clock.advance(seconds=3600)
        self.mark(world, KEY, kind="key")
        clock.advance(seconds=-3659)

        assert self.use(world, b"3", issued_ms=now_ms, ends_ms=now_ms + 60_000) in {"used", "revoked"}
