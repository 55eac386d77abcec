"""Replies of another shape than the scripts and the log have are refused."""

import pytest

from safeconduct.errors import Unavailable
from safeconduct.stores.redis.feed_replies import position_of, read_changes, read_head, read_time


@pytest.mark.parametrize("text", [b"", b"5", b"a-1", b"1-b", b"-1-0"])
def test_an_id_of_another_shape_is_unavailable(text):
    with pytest.raises(Unavailable):
        position_of(text)


@pytest.mark.parametrize(
    "reply",
    [
        [[7]],
        [["text", None, None]],
        [[b"e", b"l", b"5"]],
        [[b"e", b"5", b"new", b"l", b"5-0", b"soon", b"1"]],
        [[b"e", b"5", b"new", b"l", b"5-0", b"1", b"soon"]],
    ],
)
def test_a_head_of_another_shape_is_unavailable(reply):
    with pytest.raises(Unavailable):
        read_head(reply[0], 0)


@pytest.mark.parametrize(
    "entry",
    [
        None,
        [b"1-0", [b"p", b"0-0"]],
        [b"1-0", [b"p", b"0-0", b"e", b"e", b"m", b"m", b"b", b"x", b"x", b"1"]],
        [b"1-0", [b"p", b"0-0", b"e", b"e", b"m", b"m", b"b", b"1", b"x", b"never"]],
        [b"1", [b"p", b"0-0", b"e", b"e", b"m", b"m", b"b", b"1", b"x", b"1"]],
    ],
)
def test_an_entry_of_another_shape_cannot_be_read(entry):
    assert read_changes([entry]) is None


@pytest.mark.parametrize("reply", [None, [b"1"], [b"1", b"soon"], [1, 2]])
def test_a_time_of_another_shape_is_unavailable(reply):
    with pytest.raises(Unavailable):
        read_time(reply)


def test_a_shard_that_has_no_beat_yet_has_not_written_for_ever():
    assert 7000 == read_head([b"e", b"5", b"new", b"l", b"5-0", None, None], 7000).beat_age_ms
