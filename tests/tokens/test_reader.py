"""Parse tokens strictly, with one kind of error."""

import contextlib
import json
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safeconduct._tokens.reader import decode_segment, media_type, read_header, read_object
from safeconduct.errors import MalformedToken
from token_factory import segment


@given(st.binary(max_size=200))
def test_a_segment_has_one_spelling(data):
    """Decoding and encoding are inverse (RFC 4648 §3.5)."""
    assert data == decode_segment(segment(data))


@given(st.binary(max_size=60))
def test_any_bytes_are_a_segment_or_malformed(data):
    """Only the canonical spelling is accepted, and nothing but ``MalformedToken`` is raised."""
    with contextlib.suppress(MalformedToken):
        assert data == segment(decode_segment(data))


@pytest.mark.parametrize(
    "text", [b"YQ==", b"YQ=", b"YR", b"YWJ", b"Y", b"YW+/", b"YW\n", b"Y W", b"YWI=", b"=", b"\xc3\xa4YW"]
)
def test_a_loose_spelling_is_refused(text):
    """Padding, white space, the standard alphabet and loose bits are refused."""
    with pytest.raises(MalformedToken):
        decode_segment(text)


@pytest.mark.parametrize(
    "text",
    [
        '{"a":1,"a":2}',
        '{"a":1,"a" :2}',
        '{"a":1,"a"\t:2}',
        '{"a":1,"a"\n:2}',
        '{"a":1,"a"\r\n :2,"b":":"}',
        '{"a":1,"a" :2,"b":":"}',
        '{"a":1,"\\u0061":2}',
        '{"a":{"b":1,"b":2}}',
        '{"a":[{"b":1,"b":2}]}',
        '{"a":NaN}',
        '{"a":-Infinity}',
        '{"a":[Infinity]}',
        '{"a":1e400}',
        '{"a":[-1e400]}',
        '{"a":100000000000000000000}',
        '{"a":[-100000000000000000000]}',
        '{"a":{"b":[[999999999999999999999]]}}',
        '{"a":' + "9" * 5000 + "}",
        '{"a":"\\ud800"}',
        '{"\\udfff":1}',
        '{"a":["\\ud83d"]}',
        '{"a":' + "[" * 32 + "]" * 32 + "}",
        '{"a":' + "[" * 7000 + "]" * 7000 + "}",
        '{"a":' * 7000 + "1" + "}" * 7000,
        "[" * 16000,
        "[]",
        "{}{}",
        "",
        " ",
        "1",
        "null",
        '"a"',
        "{",
        "{}x",
        "x{}",
        "{'a':1}",
        '{"a":1,}',
        '{"a":"\x01"}',
        "\ufeff{}",
        '{"a":1}//',
    ],
    ids=lambda text: repr(text[:24]),
)
def test_what_is_not_one_strict_object_is_refused(text):
    """Two parsers must not read different tokens, and parsing must be cheap (RFC 8725 §2.4)."""
    with pytest.raises(MalformedToken):
        read_object(text.encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize(
    "data", [b'{"a":"\xff"}', b'{"a":"\xed\xa0\x80"}', b"\xff\xfe{\x00}\x00", b'\xef\xbb\xbf{"a":1}']
)
def test_what_is_not_utf_8_is_refused(data):
    """JSON in a token is UTF-8 without a mark (RFC 7519 §7.2, RFC 8259 §8.1)."""
    with pytest.raises(MalformedToken):
        read_object(data)


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"a": 99999999999999999999},
        {"a": "1" * 40, "b": 10**19},
        {"a": 'x\\y"z', "b": "ä\N{PILE OF POO}"},
        {"a b": ":", "c": "d :e", "f": '":'},
        {"a": {"b": [1, {"c": None}]}, "d": [True, 1.5]},
        {"a": json.loads("[" * 31 + "]" * 31)},
        {"a": "[{" * 60},
    ],
    ids=lambda value: repr(value)[:24],
)
@pytest.mark.parametrize(
    "style", [{}, {"indent": 1}, {"separators": (",", ":")}, {"separators": (" , ", " : "), "ensure_ascii": False}]
)
def test_a_good_object_is_read_as_it_is(value, style):
    """Objects that all parsers read alike are accepted."""
    text = json.dumps(value, **style)

    assert value == read_object(f" {text}\r\n".encode())
    assert value == read_object(text.encode())


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**20) + 1, 10**20 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.text(), JSON, max_size=6), st.booleans())
def test_any_object_survives(value, is_ascii):
    """The parser reads what ``json`` writes."""
    data = json.dumps(value, ensure_ascii=is_ascii).encode()

    assert value == read_object(data)


@given(st.binary(max_size=60) | st.text(max_size=60).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_are_an_object_or_malformed(data):
    """The reader raises MalformedToken and nothing else."""
    with contextlib.suppress(MalformedToken):
        read_object(data)


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"alg": None},
        {"alg": 1},
        {"alg": ["ES256"]},
        {"alg": "ES256", "kid": None},
        {"alg": "ES256", "kid": ["k"]},
        {"alg": "ES256", "typ": 1},
        {"alg": "ES256", "typ": None},
        {"alg": "ES256", "cty": {}},
        {"alg": "ES256", "crit": ["exp"]},
        {"alg": "ES256", "crit": None},
        {"alg": "ES256", "b64": True},
        {"alg": "ES256", "zip": "DEF"},
    ],
    ids=repr,
)
def test_a_header_of_the_wrong_shape_is_refused(members):
    """Members have their types, null is not absent, and extensions are refused (RFC 7515 §4)."""
    with pytest.raises(MalformedToken):
        read_header(segment(json.dumps(members).encode()))


def test_a_header_is_read_and_what_points_to_keys_is_only_kept():
    """Unknown members are ignored; EdDSA reads Ed25519 (RFC 9864 §2.2)."""
    header = read_header(segment(b'{"alg":"EdDSA","kid":"k","typ":"at+jwt","jku":"https://evil.example"}'))

    assert ("Ed25519", "k", "at+jwt", None) == (header.algorithm, header.kid, header.typ, header.cty)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("AT+JWT", "at+jwt"),
        ("application/at+jwt", "at+jwt"),
        ("Application/At+Jwt", "at+jwt"),
        ("\u212aWT", "\u212aWT"),
    ],
)
def test_a_media_type_ignores_ascii_case_alone(value, expected):
    """The prefix "application/" is optional, and the Kelvin sign is not a k (RFC 7515 §4.1.9)."""
    assert expected == media_type(value)


LONG, SHORT = "1" * 21, "1" * 20
_STRING = '"sub":"' + LONG + '"'


@pytest.mark.parametrize(
    "text",
    [
        '{"a":%s}',
        '{"a": %s}',
        '{"a":\n%s}',
        '{"a":\t%s}',
        '{"a":-%s}',
        '{"a":[%s]}',
        '{"a":[0,%s]}',
        '{"a":[0, -%s]}',
        '{"a":{"b":%s}}',
        '{"a":[[],{"b":[%s]}]}',
        "{" + _STRING + ',"a":%s}',
        '{"a":%s,' + _STRING + "}",
        "{" + _STRING + ',"b":"x-' + LONG * 3 + '","a":[%s]}',
        '{"s":"\\u0061' + LONG + '","a":%s}',
    ],
)
def test_f4_a_long_integer_is_refused_wherever_it_stands(text):
    """Strings of digits before it do not matter; an integer of twenty digits is read."""
    with pytest.raises(MalformedToken):
        read_object((text % LONG).encode())

    assert read_object((text % SHORT).encode())


@pytest.mark.parametrize("before", ["", "google-oauth2|", "x", "acct:", "a,", "a ", "-", "{", "["], ids=repr)
@pytest.mark.parametrize("more", ["", ',"aud":["a","b"]'], ids=["flat", "nested"])
def test_f4_digits_of_a_string_are_no_integer(before, more):
    """Google's ``sub`` has 21 digits; text that looks like an integer inside a string is no integer."""
    text = '{"sub":"' + before + LONG + '"' + more + "}"

    assert before + LONG == read_object(text.encode())["sub"]


@pytest.mark.parametrize("before", ["", "google-oauth2|", "x"], ids=repr)
@pytest.mark.parametrize("more", ["", ',"aud":["a","b"]'], ids=["flat", "nested"])
def test_f4_digits_of_a_string_cost_no_call_more(before, more):
    """Reading 21 digits takes as many calls as 18."""

    def calls(digits):
        counted = []
        text = ('{"sub":"' + before + "1" * digits + '"' + more + "}").encode()
        sys.setprofile(lambda _, event, __: counted.append(event) if event == "call" else None)
        try:
            read_object(text)
        finally:
            sys.setprofile(None)
        return len(counted)

    assert calls(18) == calls(21)
