"""An application that issues no tokens runs the suite with those of an issuer that it trusts."""

import json
from base64 import urlsafe_b64decode

import pytest

from conforming_apps import around, new_auth, plain_asgi, plain_wsgi, site_of
from safeconduct import AccessConfig, Auth, Config, ConfigurationError, Rule, Trust
from safeconduct.testing import Clock, FakeIssuer, throw_away_keys
from safeconduct.testing.conformance import Site, check_all
from safeconduct.testing.conformance.forgeries import FORGERIES

ACCESS = AccessConfig(public=["/"], rules=[Rule(path="/admin", roles=["admin"])])


def trust_in(fake, **options):
    usual = {
        "issuer": fake.issuer,
        "audience": fake.audience,
        "algorithms": [fake.algorithm],
        "keys": fake.path,
        "roles": {"boss": "admin"},
    }
    return Trust(**{**usual, **options})


def verifying_auth(fake, clock, **options):
    """Return an ``Auth`` that trusts *fake* and has no keys of its own."""
    config = Config(store="memory://", access=ACCESS, trust=[trust_in(fake, **options)])
    return Auth(config, clock=clock)


def site_with(app, issuer, **more):
    return site_of(app, issuer=issuer, login=None, **more)


def test_an_application_that_only_verifies_is_attacked(issuer, clock):
    """What it does not have is skipped: cookies and sign-in."""
    with verifying_auth(issuer, clock) as auth, site_with(plain_asgi(auth), issuer) as site:
        report = check_all(site)

    assert () == report.failed
    assert {
        "sources must include \"cookie\", got ['bearer']",
        "the application serves no sign-in: it has no directory, or endpoints.enabled is false",
    } == {reason for _, reason in report.skipped}
    assert {f"{name} is refused" for name in FORGERIES} <= set(report.passed)
    assert "a WebSocket is closed when its token expires" in report.passed


@pytest.mark.parametrize(
    ("options", "skipped"),
    [
        ({"token_types": ["JWT"]}, {"an ID token is refused"}),
        ({"scopes_claim": "scp", "roles_claim": "groups"}, set()),
        ({"max_lifetime_seconds": 600, "leeway_seconds": 0}, set()),
    ],
    ids=["type", "claims", "lifetimes"],
)
def test_the_tokens_are_those_that_the_trust_accepts(issuer, clock, options, skipped):
    with verifying_auth(issuer, clock, **options) as auth:
        report = check_all(site_with(plain_wsgi(auth), issuer))

    assert () == report.failed
    assert skipped == {check for check, reason in report.skipped if reason.startswith("tokens of the type")}


def test_scopes_are_granted_by_the_issuer(issuer, clock):
    access = AccessConfig(rules=[Rule(path="/{rest...}", scopes=["read", "write"])])
    config = Config(store="memory://", access=access, trust=[trust_in(issuer, scopes_claim="scp")])
    with Auth(config, clock=clock) as auth:
        report = check_all(Site(plain_wsgi(auth), closed="/me", issuer=issuer, scopes=["read", "write"]))

    assert () == report.failed


def test_an_application_with_keys_is_attacked_with_the_tokens_of_an_issuer_too(issuer):
    clock = Clock()
    trusted = FakeIssuer(issuer.path, clock=clock)
    with new_auth(clock=clock, trust=[trust_in(trusted)]) as auth, site_of(plain_asgi(auth), issuer=trusted) as site:
        report = check_all(site)

    assert ((), ()) == (report.failed, report.skipped)


def unverified_subject(environ):
    """Answer like an application that decodes a token and checks no signature, time or audience."""
    token = environ.get("HTTP_AUTHORIZATION", "").removeprefix("Bearer ")
    try:
        claims = json.loads(urlsafe_b64decode(token.split(".")[1] + "=="))
    except (IndexError, ValueError):
        return "401 Unauthorized", [("WWW-Authenticate", "Bearer")], b""
    return "200 OK", [], str(claims.get("sub")).encode()


def test_every_forgery_is_served_by_an_application_that_does_not_verify(issuer, clock):
    """It cannot decode the others."""
    with verifying_auth(issuer, clock) as auth:
        report = check_all(site_with(around(plain_wsgi(auth), unverified_subject), issuer))

    undecodable = {"an empty token", "what is no token", "a token of 100,000 octets", "a token of another script"}
    assert {f"{name} is refused" for name in FORGERIES.keys() - undecodable} <= dict(report.failed).keys()


def test_an_application_that_issues_no_tokens_needs_an_issuer(issuer, clock):
    with (
        verifying_auth(issuer, clock) as auth,
        pytest.raises(ConfigurationError, match="issuer: got nothing, wanted a FakeIssuer that the application trusts"),
    ):
        site_of(plain_wsgi(auth))


@pytest.mark.parametrize(
    ("options", "more", "wanted"),
    [
        (
            {"issuer": "https://other.example"},
            {},
            r"issuer: got .*, wanted one of \['https://other.example'\] \(trust\)",
        ),
        ({"audience": "other"}, {}, r"its tokens are refused \(WrongAudience"),
        ({"keys": throw_away_keys()}, {}, r"its tokens are refused \(UnknownKey"),
        ({"roles": None}, {}, r"needs_role: got 'admin', wanted one of \[\]"),
        ({}, {"needs_role": ("/admin", "boss")}, r"needs_role: got 'boss', wanted one of \['admin'\] \(trust.roles\)"),
    ],
    ids=["issuer", "audience", "keys", "no roles", "role"],
)
def test_an_issuer_that_the_application_does_not_trust_is_reported(issuer, clock, options, more, wanted):
    with verifying_auth(issuer, clock, **options) as auth, pytest.raises(ConfigurationError, match=wanted):
        site_with(plain_wsgi(auth), issuer, **more)


def test_an_application_without_tokens_cannot_be_attacked():
    """It takes passwords with every request."""
    with (
        new_auth(sources=["basic"]) as auth,
        pytest.raises(ConfigurationError, match='sources must include "bearer" or "cookie"'),
    ):
        site_of(plain_wsgi(auth))


def test_scopes_are_a_list():
    with new_auth() as auth, pytest.raises(ConfigurationError, match=r"scopes must be a list, such as \['read'\]"):
        Site(plain_wsgi(auth), closed="/me", scopes="read")


def test_a_user_whom_the_directory_knows_is_named():
    """With accounts looked up at every request, a made-up user would be refused."""
    with new_auth(login={"cut_off": "cached"}) as auth:
        assert () == check_all(site_of(plain_wsgi(auth), subject="alice")).failed
        assert "a signed-in user is let in" in dict(check_all(site_of(plain_wsgi(auth), subject="bob")).failed)


def test_sessions_that_are_bound_to_a_network_are_refreshed_from_it():
    with new_auth(sessions={"bind_network": "refuse", "bind_device": "refuse"}) as auth:
        assert () == check_all(site_of(plain_wsgi(auth))).failed
