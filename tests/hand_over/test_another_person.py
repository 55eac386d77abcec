"""Ask before a browser becomes another person: only the button of our page, never a script or another page, goes on."""

import re

import pytest

from handed_over import ONE, Browser, minted
from login_site import ACCESS, REFRESH

IDENTITY = ("alice", ONE)


def who(browser):
    """Return the person that a browser is signed in as."""
    session = browser.session()
    return session.get("subject"), session.get("issuer")


@pytest.fixture
def token():
    return minted()


@pytest.fixture
def bobs(browser):
    """The browser of the receiver's own bob."""
    assert 200 == browser.sign_in("bob", "builder", remember=True)
    return browser


def test_only_the_button_goes_on(bobs, token):
    for _ in range(2):
        assert 200 == bobs.accept(token)
        assert "<script" not in bobs.text
        assert "bob (https://issuer.example)" in bobs.text
        assert f"alice ({ONE})" in bobs.text
        assert "script-src" not in bobs.header("content-security-policy")
    assert "bob" == who(bobs)[0]

    bobs.accept(token)
    assert 303 == bobs.press(token)
    assert IDENTITY == who(bobs)
    assert REFRESH not in bobs.cookies


def test_our_own_alice_is_another_person_than_theirs(browser, token):
    browser.sign_in("alice", "wonder")

    assert 200 == browser.accept(token)
    assert 303 == browser.press(token)


@pytest.mark.parametrize("cookie", [ACCESS, REFRESH])
def test_either_cookie_shows_who_it_is(bobs, token, cookie):
    bobs.cookies = {cookie: bobs.cookies[cookie]}

    assert 200 == bobs.accept(token)
    assert "bob" in bobs.text


def test_the_sessions_before_are_ended(receiver, bobs, token):
    before = dict(bobs.cookies)
    bobs.accept(token)
    bobs.press(token)

    thief = Browser(receiver)
    thief.cookies = before
    assert not thief.session()["is_authenticated"]
    assert 401 == thief.request("POST", "/auth/refresh")


@pytest.mark.parametrize("forged", ["", "1", "true", "A" * 43, "é", "\x00"])
def test_a_forged_button_does_not(bobs, token, forged):
    assert bobs.accept(token, confirmation=forged) in {200, 400}
    assert "bob" == who(bobs)[0]


def test_the_button_of_another_token_does_not(bobs, token):
    bobs.accept(token)
    [value] = re.findall(r'name="confirmation" value="([^"]+)"', bobs.text)

    assert 200 == bobs.accept(minted(jti="b" * 22), confirmation=value)
    assert "bob" == who(bobs)[0]


def test_the_button_of_another_session_does_not(receiver, bobs, token):
    """An attacker who is signed in can make a value for their own browser only."""
    attacker = Browser(receiver)
    attacker.sign_in("alice", "wonder")
    attacker.accept(token)
    [value] = re.findall(r'name="confirmation" value="([^"]+)"', attacker.text)

    assert 200 == bobs.accept(token, confirmation=value)
    assert "bob" == who(bobs)[0]


def test_the_page_of_the_issuer_cannot_press_it(bobs, token):
    bobs.accept(token)
    [value] = re.findall(r'name="confirmation" value="([^"]+)"', bobs.text)

    assert 200 == bobs.accept(token, origin=ONE, confirmation=value)
    assert "document.forms[0].submit()" in bobs.text
    assert value not in bobs.text
    assert "bob" == who(bobs)[0]


def test_a_person_who_was_signed_out_is_no_other_person(receiver, bobs, token):
    receiver.auth.sessions.revoke_subject("bob")

    assert 303 == bobs.accept(token)


@pytest.mark.parametrize("garbage", ["x", "a.b.c", "rt1.x.y", "é"])
def test_what_is_no_token_is_nobody(browser, token, garbage):
    browser.cookies = {ACCESS: garbage, REFRESH: garbage}

    assert 303 == browser.accept(token)


def test_two_cookies_of_one_name_are_refused(bobs, token):
    headers = [("cookie", f"{ACCESS}=x; {ACCESS}=y")]

    assert 400 == bobs.accept(token, headers=headers)


def test_the_name_of_who_is_signed_in_is_only_text(browser, token):
    browser.accept(minted("<b>carol</b>", jti="c" * 22))

    assert 200 == browser.accept(token)
    assert "<b>" not in browser.text
    assert f"&lt;b&gt;carol&lt;/b&gt; ({ONE})" in browser.text


def test_a_name_is_only_text(bobs):
    subject = "<script>alert(1)</script>\"'&"
    token = minted(subject)
    bobs.accept(token)

    assert "<script>" not in bobs.text
    assert "&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#x27;&amp;" in bobs.text
    assert 303 == bobs.press(token)
