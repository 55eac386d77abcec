"""Hand a browser over: what the first server makes, and what becomes of it at the second."""

from dataclasses import FrozenInstanceError, replace

import pytest

from handed_over import ONE, TRUST, TYP, Browser, hand_over, minted, sending_site
from issued_tokens import claims_of, issue, part_of, user_of, verify
from login_site import ACCESS, DEVICE, REFRESH, login_configuration
from safeconduct import Auth
from safeconduct.errors import (
    ConfigurationError,
    ExpiredToken,
    InsufficientRights,
    NotSupported,
    RevokedToken,
    Unavailable,
)
from safeconduct.events import SessionEnded, SignedIn
from table_tokens import AUDIENCE, FOREIGN_KEY, SECRETS_KEY
from token_factory import jwk_for


def test_s2_a_browser_is_handed_over_in_two_posts(receiver, browser, token):
    assert 200 == browser.accept(token, origin=ONE)
    assert {} == browser.cookies
    assert 303 == browser.accept(token)

    assert "/invoices/7" == browser.header("location")
    assert "no-store" == browser.header("cache-control")
    session = browser.session()
    assert ("alice", ONE, "remembered") == (session["subject"], session["issuer"], session["level"])
    assert (["invoice:pay"], ["guest"]) == (session["scopes"], session["roles"])
    assert ("one:alice", None) == (session["display_name"], session["auth_time"])
    [began] = [event for event in receiver.events if isinstance(event, SignedIn)]
    assert ("alice", ONE, "remembered", session["session_id"]) == (
        began.subject, began.issuer, began.level, began.session_id,
    )  # fmt: skip


def test_the_token_says_who_goes_where_for_a_minute(sender, clock):
    token = hand_over(sender).token

    claims = claims_of(token)
    assert 22 == len(claims.pop("jti"))
    assert {
        "iss": ONE,
        "aud": AUDIENCE,
        "sub": "alice",
        "iat": int(clock()),
        "exp": int(clock()) + 60,
        "next": "/invoices/7",
        "scope": "invoice:pay",
        "roles": ["admin", "clerk"],
    } == claims
    assert (TYP, "ES256") == (part_of(token, 0)["typ"], part_of(token, 0)["alg"])


def test_it_ends_no_later_than_the_users_own_token(sender, clock):
    alice = user_of(sender)
    clock.advance(seconds=880)

    assert alice.expires_at == claims_of(hand_over(sender, alice).token)["exp"]
    clock.advance(seconds=20)
    with pytest.raises(ExpiredToken):
        hand_over(sender, alice)


def test_it_is_signed_and_never_encrypted(world, clock):
    sealing = {**jwk_for("A256KW", "e1"), "safeconduct_state": "active"}
    keys = {"keys": [{**FOREIGN_KEY, "safeconduct_state": "active"}, SECRETS_KEY, sealing]}
    site = sending_site(world, clock, keys=keys, tokens={"audiences": [AUDIENCE], "format": "jwe"})

    assert 3 == len(hand_over(site).token.split("."))
    site.close()


@pytest.mark.parametrize(
    ("named", "error"),
    [
        ({"audience": "https://evil.example"}, NotSupported),
        ({"scopes": ["invoice:void"]}, InsufficientRights),
        ({"scopes": "invoice:pay"}, ConfigurationError),
    ],
    ids=str,
)
def test_nobody_is_handed_over_elsewhere_or_with_more(sender, named, error):
    with pytest.raises(error):
        hand_over(sender, **named)


def test_a_revoked_user_is_not_handed_over(sender):
    alice = user_of(sender)
    sender.auth.sessions.revoke_subject("alice")

    with pytest.raises(RevokedToken):
        hand_over(sender, alice)


def test_what_is_no_persons_own_token_is_not_handed_over(sender):
    """A token that another server acts with, and a token without a session."""
    alice = user_of(sender)
    for token in (issue(sender, alice), issue(sender, subject="alice")):
        with pytest.raises(InsufficientRights) as caught:
            hand_over(sender, verify(sender, token), scopes=[])
        assert "session of their own" in caught.value.reason


def test_a_person_who_was_handed_over_is_not_handed_on(make_receiver, token):
    """At a third server they would be the second server's own user of that name."""
    receiver = make_receiver(tokens={"audiences": [AUDIENCE]})
    browser = Browser(receiver)
    browser.accept(token)

    with pytest.raises(InsufficientRights):
        hand_over(receiver, receiver.auth.verify(browser.cookies[ACCESS]), scopes=[])


def test_the_value_is_frozen_and_hides_its_token(sender):
    made = hand_over(sender)

    with pytest.raises(FrozenInstanceError):
        made.token = "another"
    assert made.token not in repr(made)


def test_the_form_posts_the_token_and_escapes_everything(sender):
    made = hand_over(sender)

    form = made.form("https://two.example/auth/accept", nonce='n"><b>')

    assert '<form method="post" action="https://two.example/auth/accept">' in form
    assert f'<input type="hidden" name="token" value="{made.token}">' in form
    assert '<script nonce="n&quot;&gt;&lt;b&gt;">' in form
    assert "<button>" in form
    assert "<script>" in made.form("https://two.example/a?b=c&d=e")
    assert "b=c&amp;d=e" in made.form("https://two.example/a?b=c&d=e")
    assert made.form("http://localhost:8000/auth/accept")


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "http://two.example/auth/accept", "//two.example", "/auth/accept", "", "https://u@two.example/",
     'https://two.example/"><script>', "data:text/html,x"],
)  # fmt: skip
def test_a_form_goes_to_no_other_kind_of_url(sender, url):
    with pytest.raises(ConfigurationError, match="url"):
        hand_over(sender).form(url)


def test_a_session_ends_with_the_short_absolute_lifetime(receiver, browser, token, clock):
    """Renewals keep the rights, and none reaches beyond; the directory is never asked."""
    browser.accept(token)
    receiver.directory.accounts.pop("alice")
    receiver.directory.fails = True
    begun = clock()

    while True:
        session = browser.session()
        if session["renew_after"] is None:
            break
        clock.seconds, browser.csrf = session["renew_after"], session["csrf_token"]
        assert 200 == browser.request("POST", "/auth/renew")
        assert ["guest"] == browser.session()["roles"]

    assert begun + receiver.auth.config.sessions.short_absolute_lifetime_seconds == session["expires_at"]


def test_the_cookies_of_a_hand_over(browser, token):
    """The refresh cookie is deleted in any case; the mark of a known device stays."""
    browser.cookies[DEVICE] = "device"
    browser.accept(token)

    set_cookies = {line.partition("=")[0]: line for line in browser.response.values("set-cookie")}
    assert {ACCESS, REFRESH} == set(set_cookies)
    assert "Max-Age=0" in set_cookies[REFRESH]
    assert {ACCESS, DEVICE} == set(browser.cookies)


def test_the_session_that_the_browser_had_is_ended(receiver, token):
    """The same person again: no question, and the session before is over."""
    first = Browser(receiver)
    first.accept(token)
    before = dict(first.cookies)
    again = minted(jti="b" * 22)

    assert 303 == first.accept(again)

    old = Browser(receiver)
    old.cookies = before
    assert not old.session()["is_authenticated"]
    assert first.session()["is_authenticated"]


def test_step_up_and_extend_are_refused(browser, token):
    browser.accept(token)
    browser.csrf = browser.session()["csrf_token"]

    assert 403 == browser.request("POST", "/auth/step-up", json_body={"password": "wonder"})
    # There is no refresh token to extend.
    assert 401 == browser.request("POST", "/auth/refresh", json_body={"extend": True})
    assert "step-up" not in {link["rel"] for link in browser.session()["links"]}


def test_a_hand_over_gives_no_proof_of_any_age(make_receiver, token):
    """A rule with ``max_age_seconds`` asks when the user was proven here, and they never were."""
    site = make_receiver(access={"rules": [{"path": "/pay", "max_age_seconds": 300}]})
    browser = Browser(site)
    browser.accept(token)

    assert 200 == browser.request("GET", "/invoices/7")
    assert 401 == browser.request("GET", "/pay")


def test_without_a_directory_people_can_be_handed_over_and_cannot_sign_in(clock):
    with Auth(login_configuration(trust=[TRUST]), clock=clock) as auth:
        paths = {route.path for route in auth.wsgi_gate().endpoints.routes}

    assert "/auth/accept" in paths
    assert not {"/auth/login", "/auth/step-up"} & paths


def test_a_server_without_a_store_can_hand_over(world, clock):
    site = sending_site(world, clock, store="none")

    assert "alice" == claims_of(hand_over(site).token)["sub"]
    site.close()


def test_one_session_too_many_ends_another(make_receiver):
    site = make_receiver(sessions={"max_per_subject": 1})
    first, second = Browser(site), Browser(site)
    first.accept(minted())
    second.accept(minted(jti="b" * 22))

    assert ["too_many"] == [event.reason for event in site.events if isinstance(event, SessionEnded)]
    assert 401 == first.request("GET", "/me")


def test_an_opaque_token_that_cannot_be_kept_leaves_no_session(make_receiver, monkeypatch):
    site = make_receiver(tokens={"format": "opaque"})

    async def fail(*_args, **_named):
        raise Unavailable("gone")

    monkeypatch.setattr(type(site.auth._container.store(site.world).opaque_tokens), "keep", fail)
    assert 503 == Browser(site).accept(minted())
    monkeypatch.undo()

    assert () == site.auth.sessions.list("alice", issuer=ONE)


def test_an_id_that_is_taken_gives_no_one_elses_session(receiver, browser, monkeypatch):
    kind = type(receiver.auth._container.store(receiver.world).sessions)
    open_session = kind.open

    async def open_another(self, ref, opening):
        reply = await open_session(self, ref, opening)
        return replace(reply, session=replace(reply.session, person_issuer=""))

    monkeypatch.setattr(kind, "open", open_another)

    assert 503 == browser.accept(minted())
    assert {} == browser.cookies
