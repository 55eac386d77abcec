"""Write error responses: status, fields and body, and the redirection to sign in."""

import json
from urllib.parse import parse_qsl, quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from safeconduct import errors
from safeconduct._http.problems import PROBLEM_TYPE, answer, page_url, see_other
from safeconduct.errors import (
    AuthError,
    BadSignature,
    InsufficientRights,
    InvalidGrant,
    InvalidToken,
    MethodNotAllowed,
    MissingCredential,
    TooManyAttempts,
    Unavailable,
    UnknownKey,
)

_CLASSES = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, AuthError) and kind is not AuthError
]


def _answer(error, *, body=None, basic_offered=False, style="problem"):
    return answer(error, realm="api", basic_offered=basic_offered, acr_values={}, body=body, style=style)


def _values(reply, name):
    return [value for key, value in reply.fields if key == name]


@pytest.mark.parametrize("kind", _CLASSES, ids=lambda kind: kind.__name__)
def test_an_error_becomes_a_problem_document(kind):
    """The body has the constant members of RFC 9457, our code, and an OAuth code where an RFC defines one."""
    expected = {
        "type": PROBLEM_TYPE + kind.code,
        "title": kind.title,
        "status": kind.status,
        "detail": kind.detail,
        "code": kind.code,
    }
    if kind.error:
        expected |= {"error": kind.error, "error_description": kind.detail}

    reply = _answer(kind(reason="evidence"))

    assert kind.status == reply.status
    assert expected == json.loads(reply.body)
    assert [b"application/problem+json"] == _values(reply, b"content-type")
    assert [b"%d" % len(reply.body)] == _values(reply, b"content-length")
    assert [b"no-store"] == _values(reply, b"cache-control")
    other = _answer(kind(reason="evidence"), style="error_message")
    assert {"error", "message"} == json.loads(other.body).keys()
    assert [b"application/json"] == _values(other, b"content-type")
    assert b"evidence" not in other.body + reply.body + b"".join(value for _, value in reply.fields)


def test_a_missing_credential_gets_no_error_code():
    """RFC 6750 §3.1."""
    assert "error" not in json.loads(_answer(MissingCredential()).body)


def test_all_that_is_wrong_with_a_credential_has_one_body():
    """Row 015 of the corpus: a forged and a revoked token look the same (ASVS 16.5.1).

    For refresh tokens there is the one code of RFC 6749 §5.2.
    """
    kinds = [kind for kind in _CLASSES if issubclass(kind, InvalidToken) and kind is not InvalidGrant]

    assert len(kinds) > 10
    assert len({_answer(kind(reason=kind.__name__)).body for kind in kinds}) == 1


def test_evidence_stays_inside():
    """The response contains neither the key's id nor the reason."""
    for error in (BadSignature("kid-7", "evidence"), UnknownKey("kid-7", "evidence")):
        assert b"kid-7" not in repr((_answer(error).fields, _answer(error).body)).encode()


def test_an_outage_says_when_to_come_back_and_nothing_of_the_credential():
    """Row 011 of the corpus: 503, Retry-After, no challenge."""
    reply = _answer(Unavailable("store", retry_after_seconds=7), basic_offered=True)

    assert reply.status == 503
    assert [b"7"] == _values(reply, b"retry-after")
    assert [] == _values(reply, b"www-authenticate")


@pytest.mark.parametrize(("seconds", "expected"), [(0, b"1"), (90, b"90")])
def test_too_many_attempts_say_when_to_come_back(seconds, expected):
    """Retry-After is at least one second."""
    assert [expected] == _values(_answer(TooManyAttempts(seconds)), b"retry-after")


def test_a_wrong_method_gets_the_right_ones():
    """RFC 9110 §15.5.6."""
    assert [b"GET, HEAD"] == _values(_answer(MethodNotAllowed(["GET", "HEAD"])), b"allow")


def test_challenges_are_fields_of_their_own():
    """Row 012 of the corpus."""
    expected = [b'Bearer realm="api"', b'Basic realm="api", charset="UTF-8"']

    assert expected == _values(_answer(MissingCredential(), basic_offered=True), b"www-authenticate")


def test_a_custom_body_replaces_the_problem_and_nothing_else():
    """Status, challenges and no-store are unchanged."""
    plain = _answer(InsufficientRights(["pay"]))

    reply = _answer(InsufficientRights(["pay"]), body={"error": "forbidden", "message": "é"})

    assert {"error": "forbidden", "message": "é"} == json.loads(reply.body)
    assert [b"application/json"] == _values(reply, b"content-type")
    assert [b"%d" % len(reply.body)] == _values(reply, b"content-length")
    assert (plain.status, plain.fields[2:]) == (reply.status, reply.fields[2:])


def _circle():
    body = {}
    body["self"] = body
    return body


@pytest.mark.parametrize(
    "body", [{"x": object()}, {"x": float("nan")}, {("a",): 1}, _circle()], ids=["object", "nan", "key", "circle"]
)
def test_a_body_that_json_cannot_say_leaves_the_problem(body):
    """An invalid custom body does not change the refusal."""
    assert _answer(MissingCredential()) == _answer(MissingCredential(), body=body)


@pytest.mark.parametrize(
    ("path", "target", "url"),
    [
        ("/login", "/me", "/login?next=/me"),
        ("/login", "/a%20b/%C3%A9?x=1&y=%23", "/login?next=/a%2520b/%25C3%25A9%3Fx%3D1%26y%3D%2523"),
        ("/login", None, "/login"),
        ("/é\r\nSet-Cookie: a=b", None, "/%C3%A9%0D%0ASet-Cookie:%20a=b"),
        ("/a?b#c", None, "/a%3Fb%23c"),
    ],
)
def test_a_person_is_sent_to_sign_in_and_back(path, target, url):
    """The target is one value of the query, whatever is in it."""
    assert url == page_url(path, target=target)
    assert (target or "") == dict(parse_qsl(url.partition("?")[2])).get("next", "")


def test_a_redirection_is_not_cached():
    reply = see_other("/login?next=/me")

    assert 303 == reply.status
    assert [b"/login?next=/me"] == _values(reply, b"location")
    assert [b"no-store"] == _values(reply, b"cache-control")
    assert b"" == reply.body


@given(st.text(), st.text() | st.none(), st.text())
def test_a_redirect_is_always_one_line_of_ascii(path, target, error):
    """This holds for any path, any target and any other parameter."""
    url = page_url(
        path,
        target=None if target is None else quote(target, errors="replace"),
        more={"error": quote(error, errors="replace")},
    )

    assert url.isascii()
    assert url.isprintable()
