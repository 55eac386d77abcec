"""Remember where a token is in a ``Cookie`` field: exactly as the slow path finds it, bounded, and without secrets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from result_or_error import result_or_error
from safeconduct._core.cookie_memory import LONGEST_LINE, CookieMemory
from safeconduct._core.credential_sources import Sources
from safeconduct._http.cookies import find, hide_cookies, without

HIDDEN = frozenset({b"sc-refresh", b"sc-device"})
SOURCES = Sources(
    ["cookie"],
    access_cookie="sc",
    hidden_cookies=("sc-refresh", "sc-device"),
    own_origin=None,
    trusted_origins=frozenset(),
)

_pieces = st.sampled_from(
    [
        b"sc=tok",
        b"sc=tok2",
        b"sc-refresh=r",
        b"sc-device=d",
        b"a=1",
        b"; ",
        b";",
        b" ",
        b"\t",
        b'"',
        b",",
        b"=",
        b"sc",
        b"x",
    ]
)
_lines = st.lists(_pieces, max_size=12).map(b"".join)
_cookies = st.lists(_pieces, max_size=8).map(b"; ".join)


def remembering(*lines, capacity=10):
    """Return a memory that has seen *lines*, each of which has a cached token."""
    memory = CookieMemory(SOURCES, capacity=capacity)
    for line in lines:
        found = memory.find(line)
        if found is not None and found[2]:
            memory.remember(found[0], found[1])
    return memory


@given(st.lists(_lines | _cookies, max_size=3), _lines | _cookies)
def test_what_is_found_is_what_the_slow_path_finds(before, line):
    """Whatever was seen before, the key is that of the one token, and the rest is what the application would see."""
    found = remembering(*before).find(line)

    if found is None:
        return
    key, rest, _ = found
    # A value that is malformed is never cached.
    value = result_or_error(find, [line], b"sc")
    assert key == f"cookie {value}" or not isinstance(value, str)
    assert [rest] == without([line], HIDDEN)
    environ = {"HTTP_COOKIE": line.decode("latin-1")}
    hide_cookies(environ, HIDDEN)
    assert rest.decode("latin-1") == environ["HTTP_COOKIE"]


@pytest.mark.parametrize(
    "line",
    [b"sc=t", b"a=1; sc=t", b"sc=t; sc-refresh=r", b"sc=t; sc-refresh=r; a=1", b"a=1; sc=t; sc-refresh=r; sc-device=d"],
)
def test_a_field_is_known_the_second_time(line):
    memory = CookieMemory(SOURCES, capacity=10)
    key, rest, is_new = memory.find(line)
    memory.remember(key, rest)

    assert ("cookie t", True) == (key, is_new)
    assert (key, rest, False) == memory.find(line)


def test_hidden_cookies_are_not_remembered():
    """They outlive the access token, and a store has only their digest."""
    memory = remembering(b"sc=t; sc-refresh=s3cret", b"sc=t; sc-refresh=s3cret; a=1", b"sc-refresh=s3cret; sc=t")

    remembered = repr([memory._keys, memory._latest])
    assert "sc=t" in remembered
    assert "s3cret" not in remembered


def test_other_hidden_cookies_change_nothing():
    """A refresh token that was rotated is cut out like the one before."""
    memory = remembering(b"sc=t; sc-refresh=1")

    assert ("cookie t", b"sc=t", False) == memory.find(b"sc=t; sc-refresh=2; sc-device=3")


def test_of_each_token_one_field_is_remembered():
    """One token with ever new cookies beside it takes the memory of one."""
    memory = remembering(b"sc=other", *(b"sc=t; a=%d" % number for number in range(100)))

    assert {b"sc=other", b"sc=t; a=99"} == memory._keys.keys()


def test_the_memory_is_bounded():
    memory = remembering(*(b"sc=%d" % number for number in range(25)))

    assert {f"cookie {number}" for number in range(20, 25)} == set(memory._keys.values()) == memory._latest.keys()


def test_a_long_field_is_not_looked_up():
    memory = CookieMemory(SOURCES, capacity=10)
    longest = b"sc=t; a=".ljust(LONGEST_LINE, b"x")

    assert memory.find(longest) is not None
    assert memory.find(longest + b"x") is None
