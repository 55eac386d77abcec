"""Mask CSRF tokens anew for every page, and accept them masked and plain."""

import hmac

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import safeconduct
from app_reports import WORLDS
from login_site import LoginClient, LoginSite
from result_or_error import result_or_error
from safeconduct._core.csrf import SessionTokens, csrf_token, is_csrf_token, mask_csrf_token, unmask_csrf_token
from safeconduct.guard import PASSED

_KEY = bytes(range(32))
_SESSION, _GENERATION = "AAECAwQFBgcICQoLDA0ODxAR", 7
_PLAIN = csrf_token(_KEY, _SESSION, _GENERATION)
_MASK = bytes(range(100, 132))
#: base64url(mask ‖ mask XOR HMAC-SHA256(key, "sc/csrf/1" ‖ session ‖ 00 00 00 07)), made with hashlib alone.
_VECTOR = "ZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXp7fH1-f4CBgoP7ZnMUqq97x1JNKPVxJvHV89a8WVkotRb9PprX7UR0-A"

masks = st.binary(min_size=32, max_size=32)


def is_ours(value):
    """Return whether *value* counts for the session."""
    return is_csrf_token(value, key=_KEY, session_id=_SESSION, generation=_GENERATION)


class FormApp:
    """An application that writes the token of the caller into its page."""

    def __init__(self, world):
        self.site = LoginSite(world, app=getattr(self, world), access={"public": ["/public"]})

    async def asgi(self, scope, _receive, send):
        """Serve ASGI."""
        if scope["type"] == "http":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": safeconduct.csrf_token().encode()})

    def wsgi(self, _environ, start_response):
        """Serve WSGI."""
        start_response("200 OK", [])
        return [safeconduct.csrf_token().encode()]


@pytest.fixture(params=WORLDS)
def client(request):
    """A client of such an application."""
    app = FormApp(request.param)
    yield LoginClient(app.site)
    app.site.close()


def test_the_masked_form_is_that_of_the_design():
    """base64url(mask ‖ mask XOR token), without padding."""
    assert _VECTOR == mask_csrf_token(_PLAIN, _MASK)


def test_a_token_counts_masked_and_plain():
    """A page of forms gets it masked, a script may have it from ``GET /auth/session``."""
    assert is_ours(_PLAIN.encode())
    assert is_ours(_VECTOR.encode())


@given(mask=masks, session=st.text(), generation=st.integers(min_value=0, max_value=2**32 - 1))
def test_unmasking_undoes_masking(mask, session, generation):
    """Whatever the mask and the token."""
    token = csrf_token(_KEY, session, generation)

    assert token.encode() == unmask_csrf_token(mask_csrf_token(token, mask).encode())


@given(mask=masks, bit=st.integers(min_value=0, max_value=86 * 8 - 1))
def test_one_flipped_bit_is_refused(mask, bit):
    """Also among the bits of the last character that carry nothing."""
    value = bytearray(mask_csrf_token(_PLAIN, mask).encode())
    value[bit // 8] ^= 1 << bit % 8

    assert not is_ours(bytes(value))


@given(value=st.binary(min_size=0, max_size=120) | st.binary(min_size=86, max_size=86))
def test_arbitrary_bytes_are_refused_without_an_exception(value):
    """Any length, and the very length of a masked one."""
    assume(value != _PLAIN.encode())

    assert result_or_error(is_ours, value) is False


def test_a_token_that_is_masked_twice_is_refused():
    """There are two forms and no more."""
    assert not is_ours(b"=" * 86)
    assert not is_ours(_VECTOR.encode() + b"==")
    assert not is_ours(b"\n" + _VECTOR.encode()[:-1])


def test_the_comparison_takes_the_same_time_whatever_is_wrong(monkeypatch):
    """Masked tokens too are compared by ``compare_digest``, over their whole length."""
    compared = []
    monkeypatch.setattr(hmac, "compare_digest", lambda one, other: compared.append((len(one), len(other))) or False)

    assert not is_ours(_VECTOR.encode())
    assert not SessionTokens(None, (_PLAIN.encode(),)).include(_VECTOR.encode())
    assert [(43, 43)] * 2 == compared


def test_a_masked_token_has_one_spelling():
    """The decoder ignores four bits of the last character, and every character that is no base64url."""
    respelled = [_VECTOR[:-1] + letter for letter in "BCDEF"] + [f"{_VECTOR[:40]}!{_VECTOR[40:-1]}"]

    assert {False} == {is_ours(text.encode()) for text in respelled}


def test_each_call_masks_the_token_anew(client):
    """A page that is compressed must not repeat the same secret (BREACH)."""
    client.sign_in()
    client.request("GET", "/form")
    first = client.response.body
    client.request("GET", "/form")

    assert len(first) == 86
    assert first != client.response.body
    assert client.csrf.encode() == unmask_csrf_token(first) == unmask_csrf_token(client.response.body)


def test_a_masked_token_lets_a_form_pass_on_either_path(client):
    """The first time the request takes the slow path, afterwards the fast one."""
    client.sign_in()
    client.request("GET", "/form")
    client.csrf = client.response.body.decode()

    assert [200, 200, 200] == [client.request("POST", "/form") for _ in range(3)]


def test_a_masked_token_of_another_session_is_refused_on_either_path(client):
    """Masking hides a token, and changes nothing about whose it is."""
    other = LoginClient(client.site)
    other.sign_in("bob", "builder")
    other.request("GET", "/form")
    client.sign_in()
    mine, client.csrf = client.csrf, other.response.body.decode()

    assert client.request("POST", "/form") == 403
    client.csrf = mine
    assert client.request("POST", "/form") == 200
    client.csrf = other.response.body.decode()
    assert client.request("POST", "/form") == 403


def test_a_token_from_before_the_step_up_no_longer_counts(client):
    """The generation rises, masked or not."""
    client.sign_in()
    client.request("GET", "/form")
    before = client.response.body.decode()
    assert client.request("POST", "/auth/step-up", json_body={"password": "wonder"}) == 200

    client.csrf = before

    assert client.request("POST", "/form") == 403


def test_a_caller_without_a_session_has_an_empty_token(client):
    """A template writes an empty field for them, not the word None."""
    assert client.request("GET", "/public") == 200
    assert client.response.body == b""


def test_a_token_in_a_header_needs_none(client):
    """No page makes a browser send it, so there is nothing to protect."""
    client.get_tokens()
    assert client.use() == 200
    assert client.response.body == b""


def test_without_the_secrets_key_there_is_none(client):
    """It is derived from it."""
    client.sign_in()
    client.site.lose_secrets()

    assert client.request("GET", "/form") == 200
    assert client.response.body == b""


def test_outside_of_a_request_there_is_no_session_to_ask_for():
    """As ``current`` has it."""
    with pytest.raises(LookupError, match="no request is being served"):
        safeconduct.csrf_token()


def test_an_identity_of_no_auth_has_none():
    """A test may set one."""
    app = FormApp("asgi")
    passed = app.site.auth.asgi_gate().authenticator.anonymous_results.no_credential
    before = PASSED.set(type(passed).of(passed.identity, passed.clock, object()))
    try:
        assert safeconduct.csrf_token() == ""
    finally:
        PASSED.reset(before)
        app.site.close()
