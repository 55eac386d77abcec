"""Replies of equal pairs are read as they are; every other reply is left to the driver, and no byte is lost."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safeconduct.stores.redis.pairs import read_pairs


def _encoded(strings):
    return b"*%d\r\n" % len(strings) + b"".join(b"$%d\r\n%s\r\n" % (len(each), each) for each in strings)


class Arriving:
    """A reply that arrives in pieces; nobody may wait for more than there is."""

    def __init__(self, reply, cuts):
        bounds = sorted({0, len(reply), *(cut % (len(reply) + 1) for cut in cuts)})
        self._pieces = [reply[begin:end] for begin, end in pairwise(bounds)]

    def __call__(self):
        assert self._pieces, "waits for what never comes"
        return self._pieces.pop(0)

    @property
    def rest(self):
        return b"".join(self._pieces)


CUTS = st.lists(st.integers(0, 5000), max_size=6)
#: Strings that look like what stands between strings, too.
STRINGS = st.sampled_from([b"", b"a", b"\r\n", b"$1\r\n", b"\r\n$2\r\n", b"xyz", b"123", b"inf", b"*"]) | st.binary(
    max_size=4
)


@given(st.integers(0, 20), st.integers(0, 15), st.integers(1, 30), st.data(), CUTS)
def test_equal_pairs_are_found_however_they_arrive(first_size, second_size, count, data, cuts):
    """The strings stand where the pairs say."""
    pair = st.tuples(
        st.binary(min_size=first_size, max_size=first_size), st.binary(min_size=second_size, max_size=second_size)
    )
    expected = data.draw(st.lists(pair, min_size=count, max_size=count))
    reply = _encoded([each for pair in expected for each in pair])

    pairs, octets = read_pairs(Arriving(reply, cuts))

    assert (pairs.count, pairs.end, octets, pairs.octets) == (count, len(reply), reply, reply)
    begins = range(pairs.begin, pairs.end, pairs.stride)
    firsts = [octets[begin + pairs.first_at :][:first_size] for begin in begins]
    seconds = [octets[begin + pairs.second_at :][:second_size] for begin in begins]
    assert expected == list(zip(firsts, seconds, strict=True))


@given(st.lists(STRINGS, max_size=12), CUTS)
def test_any_other_reply_is_returned_as_far_as_it_was_received(strings, cuts):
    """Nothing is waited for once the reply is complete, and none of it is lost."""
    reply = _encoded(strings)
    arriving = Arriving(reply, cuts)

    pairs, octets = read_pairs(arriving)

    assert reply == octets + arriving.rest
    is_uniform = bool(strings) and len(strings) % 2 == 0
    is_uniform = is_uniform and all(len({len(each) for each in strings[side::2]}) == 1 for side in (0, 1))
    assert is_uniform == (pairs is not None)


@pytest.mark.parametrize(
    "reply",
    [
        b"-ERR no\r\n",
        b"*-1\r\n",
        b"*0\r\n",
        b"*3\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nc\r\n",
        b":5\r\n",
        b"$-1\r\n",
        b"*2\r\n$-1\r\n$1\r\na\r\n",
        b"*2\r\n$1\r\na\r\n$-1\r\n",
        b"*2\r\n*1\r\n:1\r\n:2\r\n",
        b"*2\r\n:1\r\n:2\r\n",
        b"*" + b"1" * 40,
        b"*2\r\n$1\r\na\r\n$1\r\nb\r\n+more\r\n",
        b"*4\r\n$1\r\na\r\n$1\r\nb\r\n$1\r\nab$1\r\nb\r\n",
    ],
)
@pytest.mark.parametrize("cuts", [[], range(60)], ids=["at once", "byte by byte"])
def test_a_reply_of_another_shape_is_no_pairs(reply, cuts):
    arriving = Arriving(reply, list(cuts))

    pairs, octets = read_pairs(arriving)

    # A byte more than the reply is not waited for, and so not noticed here.
    assert pairs is None or arriving.rest
    assert reply == octets + arriving.rest
