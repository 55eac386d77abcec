"""A snapshot is whole, whatever shape its pages have and whatever is written meanwhile."""

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from followed_store import Writer, query, session, token
from safeconduct.errors import Unavailable
from safeconduct.stores.redis import snapshot as snapshot_module
from safeconduct.stores.redis.snapshot import read_pages
from safeconduct.stores.view.packed_table import SPAN

CUT, REV = "safeconduct:{sc:00}:cut", "safeconduct:{sc:00}:rev"
NOW_MS = 1_800_000_000_000
#: Of one size, as almost always, near each other or far apart.
EQUAL = st.integers(NOW_MS - 5000, NOW_MS + 5000) | st.integers(10**12, 10**13 - 1)
ANY = (
    EQUAL
    | st.integers(0, 1 << 45)
    | st.sampled_from(["+inf", "0.5", "1e3", "-7", "12.75", 999, 1000, NOW_MS - NOW_MS % 10**9, NOW_MS + SPAN - 1])
)


def _write(server, key, entries):
    words = [word for key, score in entries.items() for word in (score, key)]
    if words:
        server.say("ZADD", key, *words)


def _read(feed, name, letters=b"", base=0):
    read = {}
    for page in feed.pages(0, name, letters, base=base):
        read |= zip(page.keys, page.instants, strict=True)
    return read


def _distance(score, base):
    return int(max(min(float(score) - base, SPAN - 1), 0))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    scores=st.lists(EQUAL, max_size=30) | st.lists(ANY, max_size=30),
    limit=st.integers(1, 8),
    base=st.sampled_from([0, NOW_MS - 5000, NOW_MS - SPAN // 2, NOW_MS + 1]),
)
def test_every_entry_is_read(server, follower, scores, limit, base):
    """Few entries a page, many of one score, scores of any size: each key has its distance from the base."""
    server.say("DEL", CUT)
    entries = {session(str(number)): score for number, score in enumerate(scores)}
    _write(server, CUT, entries)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(snapshot_module, "PAGE_ENTRIES", limit)
        read = _read(follower._feed, b"cut", base=base)

    assert read == {key: _distance(score, base) for key, score in entries.items()}


@pytest.mark.parametrize("count", [5, 300])
def test_only_the_wanted_kinds_are_read(server, follower, count):
    """Sessions and tokens may fill whole pages, or stand next to each other."""
    draw = random.Random(1)  # noqa: S311 - the same each time
    tokens = {token(str(number)): NOW_MS // 1000 + draw.randrange(count) for number in range(count)}
    sessions = {session(str(number)): NOW_MS // 1000 + draw.randrange(2 * count) for number in range(count)}
    _write(server, REV, tokens | sessions | {b"another's": 5, b"entry": 5})

    assert tokens == _read(follower._feed, b"rev", b"tk")
    assert sessions == _read(follower._feed, b"rev", b"s")
    assert {} == _read(follower._feed, b"rev", b"x")


@pytest.mark.parametrize("odd", [b"another's", b"of seventeen byte"[:16]])
def test_entries_that_are_not_ours_are_left_out(server, follower, odd):
    """Also where all of them have one size."""
    _write(server, CUT, {odd: 7})
    assert {} == _read(follower._feed, b"cut")

    _write(server, CUT, {session("a"): 8})
    assert {session("a"): 8} == _read(follower._feed, b"cut")


def test_changes_between_two_pages_are_not_missed(server, follower, monkeypatch):
    """An entry that moves to the end is read there; one that is forgotten shifts nothing out of sight."""
    monkeypatch.setattr(snapshot_module, "PAGE_ENTRIES", 4)
    entries = {session(str(number)): 1000 + number // 3 for number in range(60)}
    _write(server, CUT, entries)
    keys = list(entries)
    read = {}

    for number, page in enumerate(follower._feed.pages(0, b"cut", b"", base=0)):
        read |= zip(page.keys, page.instants, strict=True)
        if number < 10:
            # The last that was read is forgotten, and two are revoked again: one that was read and one that was not.
            del entries[page.keys[-1]]
            server.say("ZREM", CUT, page.keys[-1])
            again = {keys[number]: 5000 + number, keys[59 - number]: 6000 + number}
            entries |= again
            _write(server, CUT, again)

    assert entries == {key: read.get(key) for key in entries}


def test_a_view_loaded_while_others_revoke_is_whole(server, open_stores, following, monkeypatch):
    """Whatever is revoked between two pages is in the snapshot or in the log after it."""
    monkeypatch.setattr(snapshot_module, "PAGE_ENTRIES", 5)
    stores = open_stores(server.url)
    writer, names = Writer(stores), [f"before-{number}" for number in range(40)]
    for name in names:
        writer.end(name)
    pages = snapshot_module.read_pages

    def revoking(send, key, letters, *, base):
        for page in pages(send, key, letters, base=base):
            yield page
            names.append(f"meanwhile-{len(names)}")
            writer.end(names[-1])
            if len(names) % 3 == 0:
                writer.revoke(names[-1])

    monkeypatch.setattr("safeconduct.stores.redis.feed.read_pages", revoking)
    follower = following()
    follower.connect()
    monkeypatch.setattr("safeconduct.stores.redis.feed.read_pages", pages)
    follower.follow()

    assert len(names) > 50
    assert {"ended"} == {follower.view.verdict(query(name)) for name in names}
    assert "counts" == follower.view.verdict(query("another"))
    stores.end()


@pytest.mark.parametrize("reply", [None, 5, b"text", [b"member"], [1, 2], [b"member", None]])
def test_a_page_of_another_shape_is_unavailable(reply):
    with pytest.raises(Unavailable):
        list(read_pages(lambda _command: reply, b"key", b"", base=0))


def test_a_server_that_must_be_examined_is_read_all_the_same(server, follower, monotonic):
    """Its health is asked along with a page, and neither reply is taken for the other's."""
    _write(server, CUT, {session(str(number)): NOW_MS for number in range(50)})
    monotonic.seconds += 3600

    assert 50 == len(_read(follower._feed, b"cut"))
    assert 50 == len(_read(follower._feed, b"cut"))


def test_a_connection_that_is_cut_within_a_page_is_unavailable(server, follower):
    _write(server, CUT, {session(str(number)): NOW_MS for number in range(50)})
    server.say("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")

    with pytest.raises(Unavailable):
        list(follower._feed.pages(0, b"cut", b"", base=0))
