"""Parse the Authorization field: the corpora, the edges of the grammar, arbitrary input."""

from base64 import b64decode, b64encode

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app_client import request_with
from corpora import cases
from result_or_error import result_or_error
from safeconduct._http.authorization import (
    MAX_FIELD_BYTES,
    MAX_PART_BYTES,
    MAX_TOKEN_BYTES,
    Basic,
    Bearer,
    Dpop,
    UnknownScheme,
    read_authorization,
)
from safeconduct.errors import InvalidRequest, MalformedToken

# Rows that the corpus rejects and this parser accepts, because another part refuses them.
_REFUSED_LATER = {
    # Unknown schemes: the gate answers 401 with the bare challenge.
    "authorization-header-032": UnknownScheme("token"),
    "authorization-header-038": UnknownScheme("digest"),
    # A DPoP token without a proof: the gate refuses it, because DPoP is not implemented.
    "authorization-header-040": Dpop("aaa.bbb.ccc"),
    # Valid token68, but no token of ours: the token reader refuses it.
    "authorization-header-042": Bearer("null"),
}
# 007 is a policy row: "trailing OWS is stripped by the HTTP layer; never by the token parser".  Every server does strip
# it (RFC 9110 §5.5), so a value that still has it did not come from one and is refused.
# 054 is a policy row: the header takes precedence, and the cookie is never read.
_POLICY = {"authorization-header-007": MalformedToken, "authorization-header-054": Bearer("aaa.bbb.ccc")}


def _authorization_of(case):
    pairs = [(b64decode(name), b64decode(value)) for name, value in case.get("headers_b64", [])]
    return request_with(*pairs).values(b"authorization")


def _expected(case):
    expect = case["expect"]
    if case["id"] in _POLICY:
        return _POLICY[case["id"]]
    if case["id"] in _REFUSED_LATER:
        return _REFUSED_LATER[case["id"]]
    if isinstance(expect, dict):
        return Bearer(expect["token"])
    return {"reject": MalformedToken, "reject400": InvalidRequest, "none": None}[expect]


@pytest.mark.parametrize("case", cases("attacks/authorization-header"), ids=lambda case: case["id"])
def test_every_row_of_the_authorization_corpus_is_answered_as_it_says(case):
    """A credential, none, 400 or 401, as the corpus says, except for the policies above."""
    values = _authorization_of(case)

    assert _expected(case) == result_or_error(read_authorization, values)


@pytest.mark.parametrize("case", cases("attacks/basic-credentials"), ids=lambda case: case["id"])
def test_every_row_of_the_basic_corpus_is_answered_as_it_says(case):
    """User and password are taken exactly as typed, or refused with 401 before hashing."""
    value = b64decode(case["header_b64"])
    expect = case["expect"]

    actual = result_or_error(read_authorization, [value])

    if expect == "reject":
        assert MalformedToken is actual
    else:
        assert Basic(expect["user"], expect["password"]) == actual
        assert expect.get("must_not_equal_account") != actual.username


def _basic(text):
    return b"Basic " + b64encode(text if isinstance(text, bytes) else text.encode())


def _refuses(value):
    return result_or_error(read_authorization, [value]) is MalformedToken


@pytest.mark.parametrize("value", [b"Bearer   a.b", b"bEARER a.b"])
def test_the_scheme_has_no_case_and_one_or_more_spaces_follow(value):
    """Credentials are the scheme, 1*SP and a token68 (RFC 6750 §2.1)."""
    assert Bearer("a.b") == read_authorization([value])


@pytest.mark.parametrize(
    "value",
    [
        b"Bearer a,Bearer b",
        b"Bearer a, Basic YTpi",
        b"Basic YTpi,Basic YTpi",
        b"Bearer a b",
        b"Bearer a=b",
        b"Bearer =",
        b"Bearer a\n",
        b" Bearer a",
        b"Bearer",
        b"Basic",
        b"DPoP ",
        b"DPoP a,DPoP b",
    ],
    ids=repr,
)
def test_a_credential_out_of_its_grammar_is_malformed(value):
    """This holds where a WSGI server joined two fields by a comma."""
    assert _refuses(value)


def test_the_longest_token_is_read_and_one_octet_more_is_not():
    """The length is checked before the grammar."""
    longest = b"Bearer " + b"a" * MAX_TOKEN_BYTES

    assert Bearer("a" * MAX_TOKEN_BYTES) == read_authorization([longest])
    assert MAX_FIELD_BYTES == len(longest)
    assert _refuses(longest + b"a")


def test_a_dpop_token_is_not_a_bearer_token():
    """A DPoP token is distinguished by its scheme (RFC 9449 §7.1)."""
    assert Dpop("a.b") == read_authorization([b"dpop a.b"])


@pytest.mark.parametrize("value", [b"eyJhbGciOiJFUzI1NiJ9.e30.c2ln", b"s3cret", b"s" * 33 + b" x"])
def test_a_token_without_a_scheme_is_not_taken_for_a_scheme(value):
    """It may be a secret without its scheme, so none of it is kept."""
    with pytest.raises(MalformedToken) as caught:
        read_authorization([value])

    assert value.decode().split()[0] not in f"{caught.value!r} {caught.value}"


@pytest.mark.parametrize(
    "pair",
    ["user\x7f:p", "user:p\x85", "us\ter:p", "user:p\x00", "\ufeffuser:p", "nocolon", "", b"user:\xed\xa0\x80"],
    ids=repr,
)
def test_a_pair_with_what_no_name_or_password_has_is_refused(pair):
    """Control characters, a byte order mark, a missing colon and invalid UTF-8 are refused (RFC 7617 §2)."""
    assert _refuses(_basic(pair))


@pytest.mark.parametrize(
    "encoded", [b"YTpi=", b"YTpiYw", b"YTpiYw=", b"YTpiYx==", b"YTpiYw===", b"YTp_", b"=YTpi", b"YTpi YTpi"]
)
def test_base64_has_one_spelling(encoded):
    """Missing or superfluous padding, pad bits that are set and the other alphabet are refused (RFC 4648 §3.5)."""
    assert _refuses(b"Basic " + encoded)


@pytest.mark.parametrize(("name", "password"), [("é" * 512, "p"), ("u", "p" * MAX_PART_BYTES)])
def test_a_name_or_a_password_of_1024_octets_passes_and_one_more_does_not(name, password):
    """The bound is in bytes, and for name and password each."""
    assert Basic(name, password) == read_authorization([_basic(f"{name}:{password}")])
    assert _refuses(_basic(f"{name}{name[:1]}:{password}" if name != "u" else f"u:{password}p"))


@pytest.mark.parametrize(
    "credential", [Bearer("s3cret"), Dpop("s3cret"), Basic("s3cret", "s3cret"), UnknownScheme("s3cret")]
)
def test_no_credential_shows_its_secret(credential):
    """The repr contains nothing of the credential."""
    assert "s3cret" not in repr(credential)


def test_an_error_keeps_nothing_of_the_credential():
    """Neither the message nor a chained error contains it."""
    with pytest.raises(MalformedToken) as caught:
        read_authorization([b"Basic " + b64encode(b"user:s3cret\xff")])

    assert "s3cret" not in f"{caught.value!r} {caught.value.__dict__}"
    assert caught.value.__suppress_context__


@given(st.lists(st.binary(max_size=64), max_size=3))
def test_nothing_but_an_auth_error_leaves(values):
    """Any content of the fields raises nothing but an ``AuthError``."""
    actual = result_or_error(read_authorization, values)

    assert (InvalidRequest is actual) == (len(values) > 1)


@given(st.from_regex(rb"(Bearer|DPoP|Basic|X) [\x00-\xff]{0,40}", fullmatch=True))
def test_nothing_but_an_auth_error_leaves_behind_a_scheme(value):
    """Any text after a scheme raises nothing but an ``AuthError``."""
    assert InvalidRequest is not result_or_error(read_authorization, [value])


_NAMES = st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=40).filter(lambda text: text[:1] != "\ufeff")


@given(_NAMES.filter(lambda text: ":" not in text), _NAMES)
def test_a_pair_comes_out_as_it_went_in(username, password):
    """They are not trimmed, folded or normalised, and the first colon separates them."""
    assert Basic(username, password) == read_authorization([_basic(f"{username}:{password}")])


_VALID = [b"Bearer aGk.aGk-_~+/==", b"DPoP aGk", b"Basic dXNlcjpwYXNz", b"Basic YTpiYw=="]


@given(st.sampled_from(_VALID), st.integers(min_value=0), st.integers(0, 7))
def test_one_flipped_bit_makes_another_credential_or_none(value, at, bit):
    """Only the case of the scheme does not matter."""
    at %= len(value)
    flipped = value[:at] + bytes([value[at] ^ 1 << bit]) + value[at + 1 :]
    assume(flipped[: at + 1].lower() != value[: at + 1].lower() or b" " in value[:at])

    assert read_authorization([value]) != result_or_error(read_authorization, [flipped])
