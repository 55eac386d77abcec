"""``auth.tokens.issue``: a token for a user's next step on another server, and one for tests, jobs and migrations."""

import pytest

from issued_tokens import BILLING, STOCK, TOKENS, claims_of, issue, part_of, staff, user_of, verify
from login_site import LoginClient
from safeconduct import Anonymous, Principal
from safeconduct.errors import ConfigurationError, ExpiredToken, InsufficientRights, NotSupported
from table_tokens import AUDIENCE, FOREIGN_KEY, IDP, ISSUER, OWN_KEY, SECRETS_KEY, mint, public
from token_factory import jwk_for

SEALING_KEY = {**jwk_for("A256KW", "e1"), "safeconduct_state": "active"}
TRUST = {"issuer": IDP, "audience": AUDIENCE, "algorithms": ["ES256"], "keys": {"keys": [public(FOREIGN_KEY)]}}


@pytest.fixture
def site(make):
    return make(tokens=TOKENS, directory=staff())


@pytest.fixture
def alice(site):
    return user_of(site)


def test_a_token_for_another_server_says_who_acts_for_whom(site, alice, clock):
    """The user, their session, the scopes that were asked for, and this server as the actor (RFC 8693 §4.1)."""
    token = issue(site, alice, audience=BILLING, scopes=["invoice:pay"])

    claims = claims_of(token)
    assert 22 == len(claims.pop("jti"))
    assert int(clock()) == claims.pop("iat_ms") // 1000
    assert {
        "iss": ISSUER,
        "aud": BILLING,
        "sub": "alice",
        "client_id": ISSUER,
        "sid": alice.session_id,
        "acr": "urn:safeconduct:acr:remembered",
        "scope": "invoice:pay",
        "act": {"sub": ISSUER},
        "iat": int(clock()),
        "exp": int(clock()) + 60,
    } == claims
    assert "at+jwt" == part_of(token, 0)["typ"]


def test_the_configured_client_is_the_actor(make):
    site = make(tokens={**TOKENS, "client_id": "front"}, directory=staff())

    claims = claims_of(issue(site, user_of(site), audience=BILLING))

    assert ("front", {"sub": "front"}) == (claims["client_id"], claims["act"])


@pytest.mark.parametrize("audience", [None, AUDIENCE], ids=str)
def test_a_token_for_our_own_audience_is_accepted_here(site, alice, audience):
    """It has the user's name and session, and no level above ``remembered``."""
    token = issue(site, alice, audience=audience, scopes=["invoice:read"], roles=["clerk"])

    principal = verify(site, token)

    assert ("alice", "remembered", alice.session_id) == (principal.subject, principal.level, principal.session_id)
    assert ({"invoice:read"}, {"clerk"}) == (principal.scopes, principal.roles)
    assert ({"sub": ISSUER}, None) == (principal.actor, principal.auth_time)
    assert 200 == LoginClient(site).use(token)


def test_scopes_and_roles_are_none_unless_they_are_named(site, alice):
    claims = claims_of(issue(site, alice, audience=BILLING))

    assert not {"scope", "roles", "name", "auth_time", "rn", "cg"} & claims.keys()


def test_another_servers_token_is_no_token_here(site, alice):
    token = issue(site, alice, audience=BILLING)

    assert 401 == LoginClient(site).use(token)


def test_no_other_audience_than_those_of_the_configuration(site, alice):
    with pytest.raises(NotSupported, match=r"tokens\.audiences"):
        issue(site, alice, audience="https://evil.example")


@pytest.mark.parametrize(
    ("asked", "lacking"),
    [({"scopes": ["invoice:pay", "invoice:void"]}, ("invoice:void",)), ({"roles": ["owner"]}, ())],
    ids=str,
)
def test_nobody_passes_on_what_they_do_not_have(site, alice, asked, lacking):
    with pytest.raises(InsufficientRights) as caught:
        issue(site, alice, audience=BILLING, **asked)

    assert lacking == caught.value.scopes


def test_it_ends_no_later_than_the_users_own_token(site, alice, clock):
    clock.advance(seconds=alice.expires_at - clock() - 20)

    token = issue(site, alice, audience=BILLING, lifetime_seconds=60)

    assert alice.expires_at == claims_of(token)["exp"]


def test_it_ends_no_later_than_the_session(make, clock):
    """Whose end the user's own token never passes."""
    site = make(tokens=TOKENS, directory=staff(), sessions={"short_absolute_lifetime_seconds": 100})
    begun = int(clock())
    alice = user_of(site)
    clock.advance(seconds=70)

    assert begun + 100 == claims_of(issue(site, alice, audience=BILLING))["exp"]


def test_nothing_is_made_of_a_token_that_has_ended(site, alice, clock):
    clock.advance(seconds=alice.expires_at - clock())

    with pytest.raises(ExpiredToken):
        issue(site, alice, audience=BILLING)


def test_the_chain_of_actors_is_kept_and_is_four_long_at_most(make):
    sites = [
        make(tokens={**TOKENS, "client_id": name}, directory=staff(), sessions={}) for name in ("a", "b", "c", "d", "e")
    ]
    user, stores = user_of(sites[0]), sites[0].auth._container.stores
    others = [
        make(tokens={**TOKENS, "client_id": name}, directory=staff(), stores=stores) for name in ("b", "c", "d", "e")
    ]
    for site in (sites[0], *others[:3]):
        token = issue(site, user)
        user = verify(site, token)

    assert {"sub": "d", "act": {"sub": "c", "act": {"sub": "b", "act": {"sub": "a"}}}} == claims_of(token)["act"]
    with pytest.raises(InsufficientRights) as caught:
        issue(others[3], user)
    assert "too many parties would act one for another" == caught.value.reason


@pytest.mark.parametrize(
    "act", [{"name": "a"}, {"sub": 1}, {"sub": ""}, {"sub": "a", "act": "b"}, {"sub": "a", "act": []}], ids=str
)
def test_an_actor_without_a_name_is_not_passed_on(site, act):
    """Another process with our keys may have written it."""
    user = verify(site, mint(act=act))

    with pytest.raises(InsufficientRights):
        issue(site, user)


def principals(clock):
    """Return callers whose rights cannot be passed on."""
    usual = {"subject": "alice", "issuer": ISSUER, "scheme": "bearer", "expires_at": int(clock()) + 60}
    return {
        "anonymous": Anonymous(),
        "another issuer": Principal(**usual | {"issuer": IDP}, token_id="t", claims={"iat_ms": 1}),
        "basic": Principal(**usual | {"scheme": "basic"}),
        "api key": Principal(**usual | {"scheme": "api_key"}, token_id="k", claims={"iat_ms": 1}),
        "client": Principal(**usual | {"subject": "client:x"}, token_id="t", claims={"iat_ms": 1}),
        "made by hand": Principal(**usual),
    }


@pytest.mark.parametrize("kind", ["anonymous", "another issuer", "basic", "api key", "client", "made by hand"])
def test_only_a_person_with_a_token_of_ours_passes_rights_on(site, kind, clock):
    with pytest.raises(InsufficientRights):
        issue(site, principals(clock)[kind], audience=BILLING)


def test_a_user_of_another_issuer_gets_no_token_of_ours(make):
    """Its alice would be ours."""
    site = make(tokens=TOKENS, trust=[TRUST])
    foreign = verify(site, mint(by="foreign", iss=IDP))

    with pytest.raises(InsufficientRights):
        issue(site, foreign, audience=BILLING)


def test_a_token_for_a_job_has_what_it_is_given(site, clock):
    """No session, no ``act``, no ``rn``; roles and scopes as they are given."""
    token = issue(site, subject="batch", scopes=["b", "a"], roles=["clerk"], lifetime_seconds=600)

    claims = claims_of(token)
    assert ("batch", AUDIENCE, "a b", ["clerk"]) == tuple(claims[name] for name in ("sub", "aud", "scope", "roles"))
    assert int(clock()) + 600 == claims["exp"]
    assert not {"sid", "act", "rn", "cg", "auth_time"} & claims.keys()
    assert 200 == LoginClient(site).use(token)


def test_a_token_for_a_job_on_another_server_says_who_acts(site):
    claims = claims_of(issue(site, subject="batch", audience=STOCK))

    assert (STOCK, {"sub": ISSUER}) == (claims["aud"], claims["act"])


def test_a_token_for_a_job_counts_after_a_cut_off(site):
    """It is issued later than whatever would end it."""
    site.auth.sessions.revoke_subject("batch")

    token = issue(site, subject="batch")

    assert 200 == LoginClient(site).use(token)


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"subject": ""},
        {"subject": 5},
        {"subject": "\ud800"},
        {"subject": "client:reports"},
        {"subject": "batch", "scopes": "read"},
        {"subject": "batch", "roles": "admin"},
        {"subject": "batch", "scopes": ["read write"]},
        {"subject": "batch", "scopes": [1]},
        {"subject": "batch", "roles": [None]},
        {"subject": "batch", "roles": ["x" * 20_000]},
        {"subject": "batch", "lifetime_seconds": 0},
        {"subject": "batch", "lifetime_seconds": True},
        {"subject": "batch", "lifetime_seconds": 60.0},
        {"subject": "batch", "lifetime_seconds": 86_401},
    ],
    ids=lambda wrong: repr(wrong)[:60],
)
def test_a_wrong_argument_is_named(site, wrong):
    with pytest.raises(ConfigurationError):
        issue(site, **wrong)


def test_a_token_without_a_user_or_a_subject_is_refused(site):
    with pytest.raises(ConfigurationError, match="principal: got nothing"):
        issue(site, scopes=["a"])


def test_a_user_or_a_subject_but_not_both(site, alice):
    with pytest.raises(ConfigurationError):
        issue(site, alice, subject="bob")


def test_only_our_own_audience_gets_an_encrypted_token(make):
    """Another server has no key of ours to decrypt with."""
    site = make(
        tokens={**TOKENS, "format": "jwe"}, directory=staff(), keys={"keys": [OWN_KEY, SECRETS_KEY, SEALING_KEY]}
    )
    alice = user_of(site)

    own, other = issue(site, alice), issue(site, alice, audience=BILLING)

    assert (4, 2) == (own.count("."), other.count("."))
    assert 200 == LoginClient(site).use(own)
    assert BILLING == claims_of(other)["aud"]


def test_what_no_sign_in_makes_is_never_opaque(make):
    """A session has one opaque token, which another would push out."""
    site = make(tokens={**TOKENS, "format": "opaque"}, directory=staff())
    alice = user_of(site)

    tokens = [issue(site, alice), issue(site, subject="batch")]

    assert [2, 2] == [token.count(".") for token in tokens]
    assert [200, 200] == [LoginClient(site).use(token) for token in tokens]
    assert BILLING == claims_of(issue(site, alice, audience=BILLING))["aud"]


def test_who_may_act_is_repeated(site):
    """Otherwise a token made of the user's would let others act who may not (RFC 8693 §4.4)."""
    only_front = {"sub": "front"}

    assert only_front == claims_of(issue(site, verify(site, mint(may_act=only_front))))["may_act"]


def test_without_keys_nothing_is_issued(make):
    site = make(
        issuer=None, audience=None, keys=None, sources=["bearer"], trust=[TRUST], login={}, directory=None,
        endpoints={"enabled": False},
    )  # fmt: skip

    with pytest.raises(ConfigurationError):
        issue(site, subject="batch")


def test_without_a_store_the_time_alone_ends_it(make, clock):
    site = make(store="none", tokens=TOKENS, directory=staff())

    token = issue(site, user_of(site), scopes=["invoice:pay"])

    assert 200 == LoginClient(site).use(token)
    clock.advance(seconds=60 + 10)
    assert 401 == LoginClient(site).use(token)


def test_the_blocking_verb_names_its_twin_in_a_loop(site):
    async def issue_in_a_loop():
        site.auth.tokens.issue(subject="batch")

    if site.world == "asgi":
        with pytest.raises(RuntimeError, match=r"async_tokens\.issue"):
            site._runner.run(issue_in_a_loop())
