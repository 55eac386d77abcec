"""Keep the people of another issuer apart from our own of the same name."""

import pytest

from handed_over import ONE, Browser, minted
from login_site import ACCESS, LoginClient
from safeconduct import Account
from safeconduct.events import HandOverReused
from table_tokens import mint

IDENTITY = ("alice", ONE)


def who(browser):
    """Return the person that a browser is signed in as."""
    session = browser.session()
    return session.get("subject"), session.get("issuer")


def test_a_disabled_person_of_ours_is_another_person(receiver, browser, token):
    """Our directory says nothing about the people of another issuer."""
    receiver.directory.accounts["alice"] = Account("alice", disabled=True)

    assert 303 == browser.accept(token)
    assert IDENTITY == who(browser)


def test_their_alice_is_never_ours(receiver, browser, token):
    """Sign-out everywhere, the list and revocations of ours do not reach theirs, nor the reverse."""
    ours = LoginClient(receiver)
    ours.get_tokens()
    browser.accept(token)
    browser.csrf = browser.session()["csrf_token"]
    browser.request("GET", "/auth/sessions")
    [listed] = browser.json["sessions"]
    assert listed["is_current"]
    mine = ours.tokens["session_id"]
    assert 401 == browser.request("DELETE", f"/auth/sessions/{mine}")

    other = Browser(receiver)
    other.accept(minted(jti="c" * 22))
    assert 204 == other.request(
        "DELETE",
        f"/auth/sessions/{other.session()['session_id']}",
        headers=[("x-csrf-token", other.json["csrf_token"])],
    )
    assert 204 == browser.request("POST", "/auth/logout-everywhere")
    assert 200 == ours.use()
    assert not Browser(receiver).session()["is_authenticated"]


def test_revocations_name_the_issuer(receiver, browser, token):
    browser.accept(token)
    receiver.auth.sessions.revoke_subject("alice")
    receiver.auth.sessions.sign_out_everywhere("alice")
    assert [] == list(receiver.auth.sessions.list("alice"))
    assert IDENTITY == who(browser)
    assert 1 == len(receiver.auth.sessions.list("alice", issuer=ONE))

    receiver.auth.sessions.revoke_subject("alice", issuer=ONE)

    assert 401 == browser.request("GET", "/me")
    assert () == receiver.auth.sessions.list("alice", issuer=ONE)


@pytest.mark.parametrize("verb", ["revoke_everything", "sign_out_everywhere"])
def test_what_ends_theirs(receiver, browser, token, verb):
    browser.accept(token)
    arguments = ("alice",) if verb == "sign_out_everywhere" else ()
    getattr(receiver.auth.sessions, verb)(*arguments, issuer=ONE)

    assert 401 == browser.request("GET", "/me")


def test_a_token_that_was_revoked_before_its_use_is_refused(receiver, browser, token):
    receiver.auth.sessions.revoke_subject("alice", issuer=ONE)

    assert 401 == browser.accept(token)
    assert [] == [each for each in receiver.events if type(each) is HandOverReused]


def test_the_application_sees_the_name_of_the_trust(browser, receiver, token):
    browser.accept(token)
    principal = receiver.auth.verify(browser.cookies[ACCESS])

    assert ("alice", ONE, "one:alice") == (principal.subject, principal.issuer, principal.remote_user)
    assert ONE == principal.claims["pi"]


def test_a_hook_sees_whose_person_it_is(make_receiver, token):
    seen = []
    site = make_receiver(add_claims=lambda principal: seen.append(principal) or {"shoe": 43})
    browser = Browser(site)
    browser.accept(token)

    assert {("alice", ONE, "one:alice")} == {(each.subject, each.issuer, each.remote_user) for each in seen}


def test_no_hook_can_set_the_issuer_of_a_person(make_receiver):
    client = LoginClient(make_receiver(add_claims=lambda _principal: {"pi": ONE}))

    assert 503 == client.get_tokens()


def test_a_foreign_token_cannot_name_the_issuer_of_a_person(receiver):
    principal = receiver.auth.verify(mint(by="foreign", iss=ONE, iat_ms=None, pi="https://issuer.example"))

    assert ONE == principal.issuer


def test_a_hook_that_fails_uses_nothing_up(make_receiver, token):
    """Nothing is written before everything but the store has been tried."""
    broken = [True]

    def hook(_principal):
        if broken:
            raise ValueError
        return {}

    browser = Browser(make_receiver(add_claims=hook))
    assert 503 == browser.accept(token)
    broken.clear()

    assert 303 == browser.accept(token)
