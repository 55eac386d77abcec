"""Read the body of a request to an endpoint, and refuse what is ambiguous."""

import json
from base64 import b64decode
from urllib.parse import quote, urlencode

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

import corpora
from result_or_error import result_or_error
from safeconduct._http.request_body import MAX_BODY_BYTES, read_body
from safeconduct.errors import AuthError, InvalidRequest, PayloadTooLarge, UnsupportedMediaType

_JSON = b"application/json"
_FORM = b"application/x-www-form-urlencoded"

_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
_names = _text.filter(bool)


@pytest.mark.parametrize(
    "content_type",
    [
        b"application/json",
        b"Application/JSON",
        b" application/json\t",
        b"application/json;charset=utf-8",
        b"application/json ; Charset=UTF-8 ",
        b'application/json; charset="utf-8"',
        b"application/json;",
    ],
    ids=repr,
)
def test_a_json_body_is_read(content_type):
    """Case and blanks of the type do not matter."""
    body = b'{"username": "alice", "remember": true, "cookies": false}'

    assert {"username": "alice", "remember": True, "cookies": False} == read_body(content_type, body)


@pytest.mark.parametrize("content_type", [_FORM, _FORM + b"; charset=utf-8", _FORM.upper()], ids=repr)
def test_a_form_is_read(content_type):
    """Values are strings, ``+`` is a space, and escapes are UTF-8."""
    body = b"username=al+ice&password=%C3%A9%2B%26%3D=x&remember="

    assert {"username": "al ice", "password": "é+&==x", "remember": ""} == read_body(content_type, body)


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        b"",
        b"text/plain",
        b"text/plain; application/json",
        b"multipart/form-data; boundary=x",
        b"application/jsonx",
        b"application/problem+json",
        b"application/json, text/plain",
        b"application/json; charset=utf-16",
        b"application/json; charset=latin-1",
        b"application/json; charset=utf-8; charset=utf-16",
        b"application/json; charset=",
        b"application/json; boundary=x",
        b"application/json\x0b",
        b"\xc2\xa0application/json",
    ],
    ids=repr,
)
def test_another_type_is_refused(content_type):
    """They are 415, including every type but one that a foreign form can send (CVE-2021-32677)."""
    assert UnsupportedMediaType is result_or_error(read_body, content_type, b'{"username": "alice"}')


@pytest.mark.parametrize(
    "content_type", [None, _FORM, _JSON, b"application/octet-stream", b"text/plain", b"x"], ids=repr
)
def test_t4_no_body_says_nothing(content_type):
    """Some clients send a type with an empty body."""
    assert read_body(content_type, b"") == {}


@pytest.mark.parametrize("body", [b" ", b"\n", b"\x00"], ids=repr)
def test_a_blank_text_is_no_json(body):
    """A body that is declared as JSON is JSON (RFC 8259 §2)."""
    assert InvalidRequest is result_or_error(read_body, _JSON, body)


@pytest.mark.parametrize("content_type", [_JSON, _FORM, b"text/plain", None], ids=repr)
def test_more_than_16_kb_are_refused_before_they_are_read(content_type):
    """A longer body is 413, whatever its type."""
    assert PayloadTooLarge is result_or_error(read_body, content_type, b"x" * (MAX_BODY_BYTES + 1))


def test_exactly_16_kb_are_read():
    """A body of exactly the limit is read."""
    value = "x" * (MAX_BODY_BYTES - len('{"a":""}'))

    assert {"a": value} == read_body(_JSON, b'{"a":"%s"}' % value.encode())


@pytest.mark.parametrize(
    "body",
    [
        b'{"password": "a", "password": "b"}',
        b'{"a": "x", "\\u0061": "x"}',
        b'{"a": {"b": "x", "b": "y"}}',
        b'{"a": null}',
        b'{"a": 1}',
        b'{"a": 1.5}',
        b'{"a": NaN}',
        b'{"a": -Infinity}',
        b'{"a": ' + b"1" * 9999 + b"}",
        b'{"a": []}',
        b'{"a": {}}',
        b'{"a": "\\ud800"}',
        b'{"\\udfff": "a"}',
        b'{"a": "\xff"}',
        b'{"a": "\xed\xa0\x80"}',
        b'\xef\xbb\xbf{"a": "x"}',
        '{"a": "x"}'.encode("utf-16"),
        b'{"a": "x"} {}',
        b'{"a": "x",}',
        b'{"a": "x\n"}',
        b"{'a': 'x'}",
        b"[]",
        b'"a"',
        b"true",
        b"null",
        b"[" * MAX_BODY_BYTES,
        b'{"a":' * (MAX_BODY_BYTES // 5),
    ],
    ids=lambda body: repr(body[:24]),
)
def test_json_that_is_no_flat_object_of_words_is_refused(body):
    """Ambiguous, of another type, not UTF-8 or too deep: all are 400."""
    assert InvalidRequest is result_or_error(read_body, _JSON, body)


@pytest.mark.parametrize(
    "body",
    [
        b"password=a&password=b",
        b"a=x&%61=x",
        b"a",
        b"=x",
        b"a=x&",
        b"&a=x",
        b"a=x&&b=y",
        b"a=%",
        b"a=%4",
        b"a=%zz",
        b"a=%FF",
        b"a=%ED%A0%80",
        b"a=\xff",
        b"%FF=a",
    ],
    ids=repr,
)
def test_a_form_that_can_be_read_in_two_ways_is_refused(body):
    """A repeated or nameless field, a missing ``=`` or an invalid escape is 400."""
    assert InvalidRequest is result_or_error(read_body, _FORM, body)


def test_no_refusal_repeats_the_body():
    """The body contains a password."""
    with pytest.raises(InvalidRequest) as caught:
        read_body(_JSON, b'{"password": "hunter2", }')

    assert "hunter2" not in f"{caught.value!r}{caught.value.reason}{caught.value.__cause__!r}"
    assert caught.value.__suppress_context__


def test_the_json_test_suite_is_read_strictly():
    """All that the suite refuses is refused, with the one error."""
    lines = corpora.foreign("json-test-suite", "cases.jsonl").read_text("utf-8").splitlines()
    for case in map(json.loads, lines):
        read = result_or_error(read_body, _JSON, b64decode(case["b64"]))

        assert isinstance(read, dict) or issubclass(read, AuthError), case["name"]
        # An empty body has no format.
        assert case["expect"] != "reject" or not case["b64"] or not isinstance(read, dict), case["name"]


@given(st.dictionaries(_text, _text | st.booleans(), max_size=8))
def test_what_is_written_as_json_is_read(members):
    """Writing and parsing are inverse, with and without escapes."""
    for ascii_only in (True, False):
        body = json.dumps(members, ensure_ascii=ascii_only).encode()

        assert members == read_body(_JSON, body)


@given(st.dictionaries(_names, _text, max_size=8))
def test_what_is_written_as_a_form_is_read(members):
    """Writing and parsing are inverse, with ``+`` and with ``%20``."""
    for quoting in ({}, {"quote_via": quote}):
        body = urlencode(members, **quoting).encode()

        assert members == read_body(_FORM, body)


@given(content_type=st.sampled_from([_JSON, _FORM]) | st.none() | st.binary(max_size=40), body=st.binary(max_size=200))
@example(content_type=_FORM, body=b"\x00=\x00")
def test_any_octets_are_read_or_refused(content_type, body):
    """Reading raises nothing but an ``AuthError``, and returns strings and booleans."""
    read = result_or_error(read_body, content_type, body)

    assert read in (InvalidRequest, UnsupportedMediaType) or all(type(value) in (str, bool) for value in read.values())


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=5))
def test_json_that_is_no_object_is_refused(value):
    """This holds for any body."""
    assert InvalidRequest is result_or_error(read_body, _JSON, json.dumps(value).encode())
