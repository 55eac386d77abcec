"""Write challenges: what a header can hold, and which challenges each error gets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpora import cases
from header_readers import read_challenge
from result_or_error import result_or_error
from safeconduct import errors
from safeconduct._http.challenges import Challenge, challenges_for
from safeconduct.errors import (
    AuthError,
    BadCredentials,
    ConfigurationError,
    InsufficientRights,
    InvalidGrant,
    InvalidRequest,
    InvalidToken,
    MissingCredential,
    StepUpRequired,
)

_ACR = {
    "remembered": "urn:safeconduct:acr:remembered",
    "explicit": "urn:safeconduct:acr:explicit",
    "multifactor": "urn:safeconduct:acr:multifactor",
}
_BASIC = b'Basic realm="api", charset="UTF-8"'
_BARE = b'Bearer realm="api"'

_TEXTS = {
    "www-authenticate-001": 'Bearer realm="ex\\"am\\\\ple"',
    "www-authenticate-002": 'Bearer error="invalid_token", error_description="bad ?alg?"',
    "www-authenticate-003": 'Bearer error_description="x??Set-Cookie: a=b"',
    "www-authenticate-004": 'Bearer error_description="??????"',
}


def _challenges(error, *, basic_offered=False):
    return challenges_for(error, realm="api", basic_offered=basic_offered, acr_values=_ACR)


def _every_error():
    return [
        kind()
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, AuthError) and kind is not AuthError
    ]


@pytest.mark.parametrize(
    "case", [case for case in cases("attacks/www-authenticate") if case["id"] in _TEXTS], ids=lambda case: case["id"]
)
def test_a_value_is_quoted_and_what_a_header_cannot_hold_is_replaced(case):
    """Quotes are escaped (RFC 9110 §5.6.4); control and non-ASCII characters are replaced."""
    named = dict(case["input"])

    written = Challenge(named.pop("scheme"), tuple(named.items())).to_header()

    assert _TEXTS[case["id"]] == written
    assert case["expect"] in {written, "escape-or-strip", "sanitise", "ascii-only"}


def test_a_scope_out_of_its_grammar_is_refused():
    """Row 005 of the corpus: no scope token contains a quote (RFC 6749 §3.3)."""
    (row,) = (case for case in cases("attacks/www-authenticate") if case["id"] == "www-authenticate-005")

    with pytest.raises(ConfigurationError, match="scope"):
        Challenge("Bearer", (("scope", row["input"]["scope"]),))


@pytest.mark.parametrize(
    ("scheme", "parameters"),
    [
        ("Bea rer", ()),
        ("", ()),
        ("Bearer", (("re alm", "x"),)),
        ("Bearer", (("realm", "x"), ("Realm", "y"))),
        ("Bearer", (("scope", ""),)),
        ("Bearer", (("scope", "a  b"),)),
    ],
)
def test_a_challenge_that_could_not_be_written_is_refused(scheme, parameters):
    """Parameter names are tokens and unique (RFC 6750 §3)."""
    with pytest.raises(ConfigurationError):
        Challenge(scheme, parameters)


@pytest.mark.parametrize(
    "text", ["", "Bearer realm=x", 'Bearer realm="x', 'Bearer realm="x", ', 'Bearer realm="x" x', 'Bearer a="1", a="2"']
)
def test_what_is_no_challenge_of_ours_is_not_read(text):
    """A field has one challenge with quoted values and nothing behind it."""
    assert InvalidRequest is result_or_error(read_challenge, text)


def test_without_a_credential_the_challenge_is_bare():
    """Without a credential there is no error code (RFC 6750 §3.1)."""
    assert (_BARE,) == _challenges(MissingCredential())


def test_basic_is_a_challenge_of_its_own_only_where_it_is_offered():
    """Two schemes are two fields (row 012); a browser script gets no Basic challenge (row 014)."""
    assert (_BARE, _BASIC) == _challenges(MissingCredential(), basic_offered=True)
    assert (_BARE, _BASIC) == _challenges(BadCredentials(), basic_offered=True)
    assert (_BARE,) == _challenges(BadCredentials())


def test_all_that_is_wrong_with_a_token_has_one_challenge():
    """Rows 007 and 015: expired, revoked, forged and unknown look the same."""
    others = (BadCredentials, InvalidGrant)
    kinds = [error for error in _every_error() if isinstance(error, InvalidToken) and not isinstance(error, others)]
    description = InvalidToken.detail.encode()
    expected = b'Bearer realm="api", error="invalid_token", error_description="' + description + b'"'

    assert len(kinds) > 10
    assert {(expected,)} == {_challenges(error) for error in kinds}
    assert {(expected, _BASIC)} == {_challenges(error, basic_offered=True) for error in kinds}


def test_two_credentials_are_an_invalid_request():
    """Row 009: Basic is never offered."""
    (challenge,) = _challenges(InvalidRequest(), basic_offered=True)

    assert challenge.startswith(b'Bearer realm="api", error="invalid_request", ')


def test_missing_scopes_are_named():
    """Row 010: the challenge names all that the request needs."""
    (challenge,) = _challenges(InsufficientRights(["pay", "read:all"]), basic_offered=True)

    assert challenge.startswith(b'Bearer realm="api", error="insufficient_scope", ')
    assert challenge.endswith(b', scope="pay read:all"')


@pytest.mark.parametrize("scopes", [(), ('a"b',), ("a b",)])
def test_missing_roles_and_what_is_no_scope_are_not_named(scopes):
    """The response is otherwise unchanged."""
    (challenge,) = _challenges(InsufficientRights(scopes))

    assert b'error="insufficient_scope"' in challenge
    assert b"scope=" not in challenge


@pytest.mark.parametrize(
    ("error", "tail"),
    [
        (
            StepUpRequired("explicit", 300),
            b', acr_values="urn:safeconduct:acr:explicit urn:safeconduct:acr:multifactor", max_age="300"',
        ),
        (StepUpRequired("multifactor"), b', acr_values="urn:safeconduct:acr:multifactor"'),
        (StepUpRequired(max_age_seconds=0), b'sign-in.", max_age="0"'),
        (StepUpRequired("nonsense"), b'sign-in."'),
    ],
    ids=["level and age", "level", "age", "no level of ours"],
)
def test_a_step_up_names_every_level_that_satisfies_and_the_age(error, tail):
    """Row 018 (RFC 9470 §3)."""
    (challenge,) = _challenges(error, basic_offered=True)

    assert challenge.startswith(b'Bearer realm="api", error="insufficient_user_authentication", ')
    assert challenge.endswith(tail)


@pytest.mark.parametrize("error", _every_error(), ids=lambda error: type(error).__name__)
def test_every_401_has_a_challenge_and_an_outage_has_none(error):
    """Row 013 (RFC 9110 §15.5.2); row 011: a 503 says nothing about the credential."""
    challenges = _challenges(error)

    assert bool(challenges) == (error.status == 401 or isinstance(error, (InvalidRequest, InsufficientRights)))


_VALUES = st.text(st.characters(min_codepoint=32, max_codepoint=126))


@given(st.dictionaries(st.sampled_from(["realm", "error", "acr_values", "x-y"]), _VALUES))
def test_a_challenge_comes_out_as_it_went_in(parameters):
    """Quoting and parsing are inverse."""
    challenge = Challenge("Bearer", tuple(parameters.items()))

    assert challenge == read_challenge(challenge.to_header())


@given(st.text(), st.sampled_from(["realm", "error_description"]))
def test_no_text_leaves_its_quotes(text, name):
    """Any realm or description is written as one parameter of printable ASCII."""
    written = Challenge("Bearer", ((name, text),)).to_header()

    assert written.isascii()
    assert written.isprintable()
    assert [name] == [read for read, _ in read_challenge(written).parameters]


@given(st.text() | st.from_regex(r'Bearer ([a-z]+=".{0,9}"(, )?){0,3}', fullmatch=True))
def test_nothing_but_an_auth_error_leaves(text):
    """Any text is parsed or refused with the one error."""
    actual = result_or_error(read_challenge, text)

    assert actual is InvalidRequest or isinstance(actual, Challenge)
