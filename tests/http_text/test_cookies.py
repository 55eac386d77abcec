"""Parse cookies in linear time, and remove ours before the application sees them."""

import gc
import sys
from base64 import b64decode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpora import cases
from result_or_error import result_or_error
from safeconduct._http.cookies import MAX_FIELD_BYTES, MAX_VALUE_BYTES, find, find_plain, hide_cookies, without
from safeconduct.errors import InvalidRequest, MalformedToken

_NAME = b"__Host-at"
_REFRESH = b"__Host-refresh"
_DEVICE = b"__Host-device"

# "null" is "absent or refused"; these are refused, because we never set such a value.
# 017 is between quotes, and splitting at every ";" would find a cookie in it, so the row is stricter.
# 006 and 041 are policy rows, "reject or literal": no token has quotes or backslashes, so they are refused.
_REFUSED = {"cookie-header-006", "cookie-header-017", "cookie-header-039", "cookie-header-041", "cookie-header-042"}


def _expected(case):
    if case["id"] in _REFUSED:
        return MalformedToken
    return InvalidRequest if case["expect"] == "ambiguous" else case["expect"]


@pytest.mark.parametrize("case", cases("attacks/cookie-header"), ids=lambda case: case["id"])
def test_every_row_of_the_cookie_corpus_is_answered_as_it_says(case):
    """A cookie is found, absent or refused; of two cookies neither is used."""
    values = [b64decode(value) for value in case["cookie_headers_b64"]]

    assert _expected(case) == result_or_error(find, values, case["name"].encode())


def test_several_cookie_fields_are_read_as_one():
    """HTTP/2 splits the field (RFC 9113 §8.2.3)."""
    assert find([b"a=1", b"__Host-at=abc", b"b=2"], _NAME) == "abc"


_PIECES = [_NAME, b"=", b"; ", b";", b" ", b"\t", b'"', b"abc", b"-x", b",", b"a=1", b"\\", b"\xe9", b"\r"]


@given(st.lists(st.sampled_from(_PIECES), max_size=12).map(b"".join))
def test_f3_a_plain_field_is_read_as_one_that_is_looked_at_closely(line):
    """One field is parsed faster than several, with the same result for any content."""
    assert result_or_error(find, [line, b"z=1"], _NAME) == result_or_error(find, [line], _NAME)


@given(st.lists(st.sampled_from(_PIECES), max_size=12).map(b"".join))
def test_f3_a_plain_value_is_the_one_that_is_found(line):
    """The fast search never finds the value of another cookie, or one of two."""
    value = find_plain(line, _NAME)

    assert value is None or result_or_error(find, [line], _NAME) in (value.decode("latin-1"), MalformedToken)


def test_f3_too_long_a_field_is_looked_at_closely():
    """The full parser refuses it."""
    line = b"__Host-at=abc; a=" + b"x" * MAX_FIELD_BYTES

    assert find_plain(line, _NAME) is None
    assert b"abc" == find_plain(line[: MAX_FIELD_BYTES // 2], _NAME)


def test_two_cookies_in_two_fields_are_ambiguous():
    """They are refused like two in one field, even if one is malformed."""
    assert InvalidRequest is result_or_error(find, [b"__Host-at=abc", b"__Host-at="], _NAME)


@pytest.mark.parametrize(
    ("joined", "expected"),
    [
        (b"__Host-at=abc,b=2", MalformedToken),
        (b"__Host-at=abc,__Host-at=def", MalformedToken),
        (b"__Host-at=abc, __Host-at=def", MalformedToken),
        (b"b=2,__Host-at=abc", None),
        (b"b=2;__Host-at=abc", "abc"),
    ],
    ids=repr,
)
def test_a_comma_separates_no_cookies(joined, expected):
    """Where a WSGI server joined two fields, a cookie next to the comma is refused."""
    assert expected == result_or_error(find, [joined], _NAME)


def test_only_spaces_and_tabs_are_trimmed():
    """Blanks around the name and the value are ignored."""
    assert find([b"a=1;\t __Host-at \t=\t abc \t; b=2"], _NAME) == "abc"


@pytest.mark.parametrize(
    "blank", [b"\x0b", b"\x0c", b"\r", b"\n", b"\x00", b"\x1c", b"\xa0", b"\xe2\x80\x80"], ids=repr
)
def test_a_name_with_any_other_whitespace_is_another_name(blank):
    """A browser stores such a cookie without applying the prefix rules, and other parsers strip the blank."""
    assert find([b"a=1; " + blank + b"__Host-at=evil"], _NAME) is None
    assert find([b"a=1; __Host-at" + blank + b"=evil"], _NAME) is None


@pytest.mark.parametrize("value", [b"", b"a b", b"a\x0b", b"\xc3\xa9", b"a\x00", b'"a"', b"a\\b", b"a,b"], ids=repr)
def test_a_value_that_no_cookie_of_ours_has_is_malformed(value):
    """A malformed cookie is an error and not an absent one."""
    assert MalformedToken is result_or_error(find, [_NAME + b"=" + value], _NAME)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b'a="x; __Host-at=abc; b=y"', MalformedToken),
        (b'a= "x\\"; __Host-at=abc; b="', MalformedToken),
        (b'a="x"; __Host-at=abc; b="y"', "abc"),
        (b'a="x; __Host-at=abc', "abc"),
        (b'a=5"; __Host-at=abc; b=6"', "abc"),
    ],
    ids=repr,
)
def test_a_cookie_between_the_quotes_of_another_is_refused(line, expected):
    """Parsers of RFC 2109 would not see it; quotes make no difference."""
    assert expected == result_or_error(find, [line], _NAME)
    assert expected == result_or_error(find, line.split(b"; "), _NAME)


def test_the_longest_value_is_read_and_one_octet_more_is_not():
    """The length limit is that of a token in the header."""
    longest = b"a" * MAX_VALUE_BYTES

    assert longest.decode() == find([_NAME + b"=" + longest], _NAME)
    assert MalformedToken is result_or_error(find, [_NAME + b"=" + longest + b"a"], _NAME)


def test_our_cookie_is_not_looked_for_in_fields_that_are_too_long():
    """The limit holds for the fields together; if the cookie is in none of them, it is absent."""
    ours = _NAME + b"=abc"
    rest = b"x" * (MAX_FIELD_BYTES - len(ours + b"; "))

    assert find([ours, rest], _NAME) == "abc"
    assert MalformedToken is result_or_error(find, [ours, rest + b"x"], _NAME)
    assert find([rest, rest], _NAME) is None


def test_an_error_shows_nothing_of_the_value():
    """Neither the text nor the attributes of the error contain it."""
    with pytest.raises(MalformedToken) as caught:
        find([_NAME + b'="s3cret"'], _NAME)

    assert "s3cret" not in f"{caught.value!r} {caught.value.__dict__}"


def _calls(call, *arguments):
    """Return how many calls a call makes, including calls into C."""
    events = []
    # A garbage collection during the call would run callbacks, hypothesis' among them.
    gc.disable()
    sys.setprofile(lambda _, event, __: events.append(event))
    try:
        call(*arguments)
    finally:
        sys.setprofile(None)
        gc.enable()
    return sum(event in {"call", "c_call"} for event in events)


@pytest.mark.parametrize(
    "octets", [b";", b"\\", b'"', b" ", b"=", b'="', b";=", b";__Host-at", b'="__Host-at;'], ids=repr
)
def test_a_field_twice_as_long_is_no_more_than_twice_the_work(octets):
    """Other parsers unquote in quadratic time (CVE-2024-7592)."""
    short, long = (b"__Host-at=abc; x=" + octets * times for times in (2_000, 4_000))

    assert _calls(find, [long], _NAME) <= 2 * _calls(find, [short], _NAME)
    assert _calls(without, [long], {_NAME}) <= 2 * _calls(without, [short], {_NAME})


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([b"a=1; __Host-refresh=r; b=2"], [b"a=1; b=2"]),
        ([b"__Host-refresh=r; b=2"], [b"b=2"]),
        ([b"a=1; __Host-refresh=r"], [b"a=1"]),
        ([b"a=1;__Host-device=d;__Host-refresh=r ;\tb = 2 "], [b"a=1;\tb = 2 "]),
        ([b"__Host-refresh=r"], []),
        ([b"__Host-refresh=r; "], []),
        ([b"__Host-refresh=r; __Host-device=d", b"a=1"], [b"a=1"]),
        ([b"__Host-refresh=r; __Host-refresh=s; a=1"], [b"a=1"]),
        (
            [b"a=__Host-refresh; =__Host-refresh=x; x__Host-refresh=1"],
            [b"a=__Host-refresh; =__Host-refresh=x; x__Host-refresh=1"],
        ),
        ([b"__host-refresh=x; __Host-refresh"], [b"__host-refresh=x; __Host-refresh"]),
        ([b' ;; a=\xff\x00";'], [b' ;; a=\xff\x00";']),
        ([], []),
    ],
    ids=repr,
)
def test_named_cookies_are_taken_away_and_every_other_octet_stays(values, expected):
    """A cookie is removed with its separator, wherever it was."""
    assert expected == without(values, {_REFRESH, _DEVICE})


def test_a_removed_cookie_cannot_be_found_any_more():
    """Blanks around it do not matter."""
    kept = without([b"a=1; \t__Host-refresh\t = r"], {_REFRESH})

    assert find(kept, _REFRESH) is None


@pytest.mark.parametrize(
    ("joined", "expected"),
    [
        ("a=1,__Host-refresh=r", "a=1"),
        ("a=1, __Host-refresh =r,b=2; c=3,__Host-device=d", "a=1,b=2; c=3"),
        ("__Host-refresh=r,__Host-device=d", None),
        ("a=1,2,3; b=x,__Host-refreshed=r", "a=1,2,3; b=x,__Host-refreshed=r"),
        ("a=1,__Host-refresh", "a=1"),
    ],
)
def test_t6_a_cookie_that_a_server_joined_by_a_comma_is_hidden(joined, expected):
    """A browser sends several Cookie fields over HTTP/2, which hypercorn joins like this for WSGI."""
    environ = {"HTTP_COOKIE": joined}

    hide_cookies(environ, frozenset({_REFRESH, _DEVICE}))

    assert expected == environ.get("HTTP_COOKIE")


_FIELDS = st.lists(
    st.lists(
        st.sampled_from(
            [b"__Host-refresh", b"__Host-device", b"a", b"=", b";", b" ", b"\t", b'"', b",", b"\x1c", b"x"]
        ),
        max_size=12,
    ).map(b"".join),
    max_size=3,
)


@given(_FIELDS | st.lists(st.binary(max_size=40), max_size=3))
def test_nothing_but_an_auth_error_leaves(values):
    """Any content of the fields is accepted, and a found value contains no separator."""
    actual = result_or_error(find, values, _REFRESH)

    assert actual in {None, InvalidRequest, MalformedToken} or not set(actual) & set(' \t;,"\\')


@given(_FIELDS)
def test_removing_is_idempotent_and_touches_no_other_cookie(values):
    """The rest contains none of the names, and the other cookies unchanged."""
    left = without(values, {_REFRESH})

    assert result_or_error(find, left, _REFRESH) is None
    assert result_or_error(find, values, b"a") == result_or_error(find, left, b"a")
    assert left == without(left, {_REFRESH})


@given(
    st.text(st.sampled_from("!#$%&'()*+-./0aZ:<=>?@[]^_`{|}~"), min_size=1), st.integers(min_value=0), st.integers(0, 7)
)
def test_a_value_comes_out_as_it_went_in_and_one_flipped_bit_shows(value, at, bit):
    """A value is never unquoted, decoded or folded."""
    octets = value.encode()
    at %= len(octets)
    flipped = octets[:at] + bytes([octets[at] ^ 1 << bit]) + octets[at + 1 :]

    assert value == find([_NAME + b"=" + octets], _NAME)
    assert value != result_or_error(find, [_NAME + b"=" + flipped], _NAME)
