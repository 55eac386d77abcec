"""Attack the hand-over of a browser: replayed, misused, forged, from another page, over another person's session."""

import re

import pytest
from joserfc import jwe
from joserfc.jwk import OctKey

from handed_over import FORM, ONE, TRUST, TYP, Browser, hand_over, minted, receiving_site
from issued_tokens import claims_of
from login_site import ACCESS, SITE, LoginClient
from safeconduct.errors import ConfigurationError
from safeconduct.events import HandOverReused
from table_tokens import AUDIENCE, FOREIGN_KEY, NOW, OWN_KEY, SECRETS_KEY, mint, public
from token_factory import jwk_for

IDENTITY = ("alice", ONE)


def who(browser):
    """Return the person that a browser is signed in as."""
    session = browser.session()
    return session.get("subject"), session.get("issuer")


def test_a_replay_is_refused_and_reported(receiver, browser, token):
    browser.accept(token)

    thief = Browser(receiver)
    assert 401 == thief.accept(token)
    assert {} == thief.cookies
    assert [("alice", ONE)] == [(each.subject, each.issuer) for each in receiver.events if type(each) is HandOverReused]
    assert IDENTITY == who(browser)


def test_of_many_posts_at_once_one_counts(receiver, token):
    body = f"token={token}".encode()
    posts = [("POST", "/auth/accept", [FORM, ("origin", SITE)], body)] * 8

    statuses = sorted(answer.status for answer in receiver.request_all(posts))

    assert [303, *[401] * 7] == statuses


def test_the_first_post_consumes_nothing(browser, token):
    for _ in range(3):
        assert 200 == browser.accept(token, origin=ONE)

    assert 303 == browser.accept(token)


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "http://one.example", "https://one.example:444", "null", None]
)
def test_a_post_from_elsewhere_is_refused(browser, token, origin):
    assert 403 == browser.accept(token, origin=origin)
    assert {} == browser.cookies
    assert 303 == browser.accept(token)


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none"])
def test_null_is_ours_by_the_word_of_the_browser_alone(browser, token, site):
    assert 403 == browser.accept(token, origin="null", headers=[("sec-fetch-site", site)])
    assert 303 == browser.accept(token, origin="null", headers=[("sec-fetch-site", "same-origin")])


def test_two_origins_are_refused(browser, token):
    assert 403 == browser.accept(token, headers=[("origin", ONE)])


def test_the_page_of_another_trust_is_refused(make_receiver, token):
    """Each issuer hands over from its own pages."""
    other = {**TRUST, "issuer": "https://three.example", "remote_user": None}
    browser = Browser(make_receiver(trust_list=[TRUST, other]))

    assert 403 == browser.accept(token, origin="https://three.example")


def test_named_origins_replace_that_of_the_issuer(make_receiver, token):
    browser = Browser(make_receiver(trust={"hand_over_origins": ["https://pages.example"]}))

    assert 200 == browser.accept(token, origin="https://pages.example")
    assert 403 == browser.accept(token, origin=ONE)


def test_a_trusted_origin_for_csrf_hands_nobody_over(make_receiver, token):
    browser = Browser(make_receiver(csrf={"trusted_origins": ["https://spa.example"]}))

    assert 403 == browser.accept(token, origin="https://spa.example")


@pytest.mark.parametrize("at", ["sender", "receiver"])
def test_it_is_no_bearer_token_and_no_cookie(request, token, at):
    client = LoginClient(request.getfixturevalue(at))

    assert 401 == client.use(token)
    for path, method in (("/auth/renew", "POST"), ("/auth/sessions", "GET"), ("/auth/logout-everywhere", "POST")):
        assert 401 == client.request(method, path, bearer=token)
    client.cookies = {ACCESS: token}
    assert 401 == client.request("GET", "/me")
    assert 401 == client.request("POST", "/auth/refresh", json_body={"refresh_token": token}, with_cookies=False)


def test_a_server_that_cannot_sign_receives_nobody(world, clock):
    """It opens sessions for those who are handed over."""
    keys = [{**OWN_KEY, "safeconduct_state": "retired"}, SECRETS_KEY]

    with pytest.raises(ConfigurationError, match=r"trust\.hand_over: got true; .*signing key"):
        receiving_site(world, clock, keys={"keys": keys})


def test_no_trust_can_list_its_type_as_that_of_access_tokens(world, clock):
    for spelling in (TYP, f"application/{TYP}", TYP.upper()):
        with pytest.raises(ConfigurationError, match="token_types"):
            receiving_site(world, clock, trust={"token_types": ["at+jwt", spelling]})


@pytest.mark.parametrize(
    "claims",
    [
        {"typ": "at+jwt", "client_id": "app"},
        {"typ": "JWT"},
        {"typ": "application/jwt"},
        {"exp": NOW - 11, "iat": NOW - 60},
        {"exp": NOW + 61},
        {"iat": NOW + 11, "exp": NOW + 60},
        {"aud": "https://another.example"},
        {"aud": [AUDIENCE, "https://another.example"]},
        {"aud": [AUDIENCE]},
        {"aud": None},
        {"iss": "https://three.example"},
        {"iss": "https://issuer.example"},
        {"jti": None},
        {"sub": None},
        {"exp": None},
        {"iat": None},
        {"cnf": {"jkt": "x"}},
        {"sub": "client:reports"},
        {"sub": "client:reports", "client_id": "reports"},
        {"by": "own"},
        {"nbf": NOW + 3600},
    ],
    ids=str,
)
def test_a_wrong_token_is_refused_in_both_steps(browser, claims):
    token = minted(**claims)

    assert 401 == browser.accept(token, origin=ONE)
    assert 401 == browser.accept(token)
    assert {} == browser.cookies


def test_an_access_token_is_refused(receiver, browser):
    """Of the issuer, and of our own."""
    client = LoginClient(receiver)
    client.get_tokens()

    for token in (mint(by="foreign", iss=ONE), client.tokens["access_token"], client.tokens["access_token"] + "x", "x"):
        assert 401 == browser.accept(token)


def test_our_own_hand_over_is_refused(make_receiver):
    """Only a trusted issuer's people come here."""
    site = make_receiver(tokens={"audiences": [AUDIENCE]})
    token = hand_over(site).token

    assert 401 == Browser(site).accept(token)


def test_an_encrypted_token_is_refused(make_receiver, token):
    """Also where the issuer encrypts its access tokens."""
    sealing = jwk_for("A256KW", "e1")
    keys = {"keys": [public(FOREIGN_KEY), sealing]}
    browser = Browser(make_receiver(trust={"keys": keys, "algorithms": ["ES256", "A256KW", "A256GCM"]}))
    header = {"alg": "A256KW", "enc": "A256GCM", "typ": TYP, "cty": "JWT", "kid": "e1"}
    sealed = jwe.encrypt_compact(header, token.encode(), OctKey.import_key(sealing), algorithms=["A256KW", "A256GCM"])

    assert 401 == browser.accept(sealed)
    assert 401 == browser.accept(f"{token}.a.b")
    assert 303 == browser.accept(token)


def test_a_trust_without_hand_over_is_no_reason(make_receiver, token):
    other = {**TRUST, "issuer": "https://three.example", "remote_user": None}
    browser = Browser(make_receiver(trust_list=[{**TRUST, "hand_over": False}, other]))

    assert 403 == browser.accept(token, origin=ONE)
    assert 401 == browser.accept(token)


def test_without_any_such_trust_there_is_no_endpoint(make_receiver, token):
    """The path is the application's."""
    browser = Browser(make_receiver(trust={"hand_over": False}))

    assert 401 == browser.accept(token)
    assert 404 == browser.request("GET", "/auth/openapi.json") or "/auth/accept" not in browser.json["paths"]


@pytest.mark.parametrize("change", [{"hand_over": False}, {"issuer": "https://three.example"}])
def test_a_session_ends_with_its_trust(make_receiver, token, change):
    """Without the trust, the sessions of its people count no more."""
    before = Browser(make_receiver())
    before.accept(token)
    after = Browser(make_receiver(trust=change))
    after.cookies = before.cookies

    assert 401 == after.request("GET", "/me")


BAD_NEXT = [
    None, 7, "", "invoices", "//evil.example", "///evil.example", "/\\evil.example", "\\\\evil.example",
    "https://evil.example", "javascript:alert(1)", "/a#b", "/a\\b", "/a\nb", "/a\tb", "/é", "/" + "a" * 2048,
    "/auth/logout", "/auth/accept", "/auth/session?x=1", "/auth/sessions/1", "/auth/%6Cogout", "/auth/%256Cogout",
    "/a/../auth/logout", "/a/%2e%2E/auth/logout", "/./auth/logout", "/%2Fevil.example", "/%5Cevil.example",
    "/auth/logout/", "/.well-known/jwks.json", "/auth/openapi.json", " /a", "/a b",
]  # fmt: skip


@pytest.mark.parametrize("path", BAD_NEXT, ids=repr)
def test_next_leads_nowhere_else(browser, path):
    assert 303 == browser.accept(minted(next=path))
    assert "/" == browser.header("location")


@pytest.mark.parametrize(
    "path", ["/", "/a", "/a/b?c=d&e=%20", "/a?next=https://other.example", "/auth", "/authors", "/~x"]
)
def test_next_leads_to_a_path_of_the_site(browser, path):
    assert 303 == browser.accept(minted(next=path))
    assert path == browser.header("location")


def test_next_is_checked_where_it_is_sent_too(sender):
    assert "/" == claims_of(hand_over(sender, next="//evil.example").token)["next"]


def test_a_long_body_is_refused(browser):
    assert 413 == browser.accept("a" * 17_000)


def test_json_is_refused(browser, token):
    assert 415 == browser.request(
        "POST", "/auth/accept", json_body={"token": token}, headers=[("origin", SITE)], page=False
    )


@pytest.mark.parametrize("types", [[], [FORM, FORM], [("content-type", "text/plain")]], ids=str)
def test_another_type_is_refused(browser, token, types):
    body = f"token={token}".encode()

    assert 415 == browser.request("POST", "/auth/accept", headers=[*types, ("origin", SITE)], body=body, page=False)


def test_the_query_is_not_read(browser, token):
    status = browser.request(
        "POST", f"/auth/accept?token={token}", headers=[FORM, ("origin", SITE)], body=b"x=1", page=False
    )

    assert 400 == status
    assert 405 == browser.request("GET", f"/auth/accept?token={token}")


@pytest.mark.parametrize("body", ["token={0}&token={0}", "token=", "", "token[]={0}"])
def test_a_doubled_or_missing_token_is_refused(browser, token, body):
    status = browser.request(
        "POST", "/auth/accept", headers=[FORM, ("origin", SITE)], body=body.format(token).encode(), page=False
    )

    assert status in {400, 401}
    assert 303 == browser.accept(token)


def test_nothing_frames_or_caches_the_pages(browser, token):
    browser.accept(token, origin=ONE)
    policy = browser.header("content-security-policy")
    [nonce] = re.findall("script-src 'nonce-([^']+)'", policy)

    assert f'<script nonce="{nonce}">' in browser.text
    for part in ("default-src 'none'", "form-action 'self'", "frame-ancestors 'none'", "base-uri 'none'"):
        assert part in policy
    assert ("DENY", "no-store", "nosniff") == tuple(
        map(browser.header, ("x-frame-options", "cache-control", "x-content-type-options"))
    )
    browser.accept(token, origin=ONE)
    assert nonce not in browser.text
