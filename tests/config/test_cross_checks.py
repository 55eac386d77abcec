"""Check fields of the configuration against each other."""

import pytest

from minimal_config import ISSUER, TRUST, errors_by_field, errors_of, minimal_fields
from safeconduct.config import Config, CookieConfig, Rule, SessionConfig, TokenConfig, Trust
from safeconduct.errors import ConfigurationError

NONE = {"store": "none"}


def stable(value):
    """Return the same name for a row in every process, since the order of a set differs."""
    return str(sorted(value) if isinstance(value, set) else value)


def trusting(*templates):
    """Return a trust for each template, each with another issuer."""
    return [
        {**TRUST, "issuer": f"https://idp{number}", **({"remote_user": text} if text else {})}
        for number, text in enumerate(templates)
    ]


CLIENT = {"client_id": "reports", "secret": "env:REPORTS_SECRET"}
DIGEST = "sha256:" + "0f" * 32
HAND_OVER = {**TRUST, "hand_over": True}
BROWSERS = {"sources": ["bearer", "cookie"], "external_url": ISSUER}

WRONG = [
    ({"store": "memory://"}, {"keys"}),
    ({"store": "memory://", "issuer": "a", "audience": "a"}, {"keys"}),
    ({"store": "memory://", "keys": "keys/"}, {"issuer", "audience"}),
    ({"store": "memory://", "keys": "keys/", "issuer": "a"}, {"audience"}),
    (minimal_fields(sources=["bearer", "cookie"]), {"external_url"}),
    (minimal_fields(access={"sign_in_url": "/auth/continue?a=b"}), {"access.sign_in_url"}),
    (minimal_fields(access={"sign_in_url": "/session"}, endpoints={"prefix": ""}), {"access.sign_in_url"}),
    (minimal_fields(**NONE, revocation={"consistency": "strict"}), {"revocation.consistency"}),
    (
        minimal_fields(**NONE, access={"rules": [{"path": "/a", "consistency": "strict"}]}),
        {"access.rules[0].consistency"},
    ),
    (
        minimal_fields(
            revocation={"consistency": "strict"},
            access={"rules": [{"path": "/a", "consistency": "none"}, {"path": "/b", "on_outage": "serve"}]},
        ),
        {"access.rules[1].on_outage"},
    ),
    (minimal_fields(revocation={"on_outage": "serve", "consistency": "strict"}), {"revocation.on_outage"}),
    (minimal_fields(trust=[{**TRUST, "issuer": ISSUER}]), {"trust[0].issuer"}),
    (minimal_fields(trust=[TRUST, {**TRUST, "audience": "b"}]), {"trust[1].issuer"}),
    (minimal_fields(trust=trusting("{sub}")), {"trust[0].remote_user"}),
    (minimal_fields(trust=trusting("a:{sub}", "a:{sub}")), {"trust[1].remote_user"}),
    (minimal_fields(trust=trusting("a:{sub}", "a:b:{sub}")), {"trust[1].remote_user"}),
    (minimal_fields(trust=trusting("a{sub}", "{sub}b")), {"trust[1].remote_user"}),
    (minimal_fields(trust=trusting("a{sub}z", "ab{sub}yz")), {"trust[1].remote_user"}),
    ({"store": "memory://", "trust": trusting("{sub}", "b:{sub}")}, {"trust[1].remote_user"}),
    ({"store": "memory://", "sources": ["bearer", "basic"], "trust": trusting("{sub}")}, {"trust[0].remote_user"}),
    (minimal_fields(**NONE, sources=["bearer", "api_key"]), {"sources"}),
    (minimal_fields(**NONE, clients=[{**CLIENT, "single_use": True}]), {"clients[0].single_use"}),
    (minimal_fields(**NONE, **BROWSERS, trust=[HAND_OVER]), {"trust[0].hand_over"}),
    (minimal_fields(trust=[HAND_OVER]), {"trust[0].hand_over"}),
    (minimal_fields(**BROWSERS, trust=[{**HAND_OVER, "issuer": "idp"}]), {"trust[0].hand_over_origins"}),
    (minimal_fields(clients=[{**CLIENT, "client_id": ISSUER}]), {"clients[0].client_id"}),
    (minimal_fields(clients=[CLIENT, CLIENT]), {"clients[1].client_id"}),
    (minimal_fields(clients=[{**CLIENT, "client_id": TRUST["issuer"]}], trust=[TRUST]), {"clients[0].client_id"}),
    ({"store": "memory://", "clients": [CLIENT]}, {"audience"}),
    (minimal_fields(clients=[{**CLIENT, "keys": "reports.json"}]), {"clients[0].secret"}),
    (minimal_fields(clients=[{"client_id": "reports"}]), {"clients[0].secret"}),
    (minimal_fields(clients=[{**CLIENT, "secret": DIGEST}]), {"clients[0].secret"}),
    (minimal_fields(clients=[{**CLIENT, "algorithm": "ES256"}]), {"clients[0].algorithm"}),
    (
        minimal_fields(clients=[{"client_id": "reports", "keys": "reports.json", "algorithm": "HS256"}]),
        {"clients[0].algorithm"},
    ),
]

RIGHT = [
    {"store": "memory://", "sources": ["basic"]},
    {"store": "memory://", "trust": [TRUST]},
    {"store": "memory://", "trust": trusting("{sub}")},
    minimal_fields(sources=["bearer", "cookie"], external_url="https://api.example.com"),
    minimal_fields(**NONE),
    {"store": "memory://", "audience": ISSUER, "clients": [CLIENT]},
    minimal_fields(clients=[{**CLIENT, "secret": DIGEST, "grants": ["client_credentials"]}]),
    minimal_fields(clients=[{"client_id": "reports", "keys": "reports.json", "algorithm": "ES256"}]),
    minimal_fields(**NONE, clients=[CLIENT]),
    minimal_fields(**BROWSERS, trust=[HAND_OVER]),
    minimal_fields(**NONE, revocation={"consistency": "none"}),
    minimal_fields(**NONE, access={"rules": [{"path": "/a", "consistency": "none"}]}),
    minimal_fields(trust=trusting("idp:{sub}")),
    minimal_fields(trust=trusting("a:{sub}", "b:{sub}", None)),
    minimal_fields(trust=trusting("a{sub}y", "a{sub}z")),
    minimal_fields(trust=trusting("{sub}@a", "{sub}@b")),
]


@pytest.mark.parametrize(("fields", "expected"), WRONG, ids=stable)
def test_a_disagreement_is_named(fields, expected):
    """A configuration with contradictory fields is refused."""
    assert expected == set(errors_of(fields))


@pytest.mark.parametrize("fields", RIGHT, ids=str)
def test_what_agrees_is_taken(fields):
    """Every combination that the design allows is accepted."""
    assert isinstance(Config.from_mapping(fields), Config)


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"tokens": {"format": "opaque"}}, "tokens.format"),
        ({"sessions": {"require_session": True}}, "sessions.require_session"),
        ({"revocation": {"consistency": "bounded"}}, "revocation.consistency"),
        ({"access": {"rules": [{"path": "/a", "consistency": "bounded"}]}}, "access.rules[0].consistency"),
    ],
    ids=str,
)
def test_what_needs_a_store_is_refused_without_one(fields, name):
    """The reason is reported even for a value that is not implemented."""
    problems = errors_of(minimal_fields(**NONE, **fields))

    assert [name] == list(problems)
    assert "since the store is none" in problems[name]


@pytest.mark.parametrize(
    ("cls", "fields", "names"),
    [
        (Rule, {"path": "/", "consistency": "strict", "on_outage": "serve"}, {"rule.on_outage"}),
        (
            TokenConfig,
            {"access_lifetime_seconds": 901, "max_lifetime_seconds": 900},
            {"tokens.access_lifetime_seconds"},
        ),
        (TokenConfig, {"public_claims": ["iss", "exp", "groups2"], "roles_claim": "groups2"}, {"tokens.public_claims"}),
        (
            SessionConfig,
            {"absolute_lifetime_seconds": 60, "explicit_lifetime_seconds": 61},
            {
                "sessions.short_absolute_lifetime_seconds",
                "sessions.idle_lifetime_seconds",
                "sessions.explicit_lifetime_seconds",
            },
        ),
        (
            SessionConfig,
            {"idle_lifetime_seconds": 10, "refresh_grace_seconds": 10},
            {"sessions.refresh_grace_seconds"},
        ),
        (CookieConfig, {"access": "a", "refresh": "a"}, {"cookies.refresh"}),
        (CookieConfig, {"secure": False}, {"cookies.access", "cookies.refresh", "cookies.device"}),
        (
            CookieConfig,
            {"secure": False, "access": "__secure-a", "refresh": "b", "device": "c"},
            {"cookies.access"},
        ),
        (
            CookieConfig,
            {"secure": False, "same_site": "none", "access": "a", "refresh": "b", "device": "c"},
            {"cookies.same_site"},
        ),
        (Trust, {**TRUST, "keys": None}, {"trust.keys"}),
        (Trust, {**TRUST, "jwks": "https://idp/jwks"}, {"trust.keys"}),
        (Trust, {**TRUST, "keys": None, "jwks": "https://idp/jwks", "discovery": True}, {"trust.keys"}),
    ],
    ids=stable,
)
def test_a_section_agrees_with_itself(cls, fields, names):
    """A section that is created alone is checked for contradictions too."""
    with pytest.raises(ConfigurationError) as caught:
        cls(**fields)

    assert names == set(errors_by_field(caught.value))


@pytest.mark.parametrize(
    ("cls", "fields"),
    [
        (Rule, {"path": "/", "consistency": "none", "on_outage": "serve"}),
        (TokenConfig, {"access_lifetime_seconds": 900, "max_lifetime_seconds": 900}),
        (CookieConfig, {"secure": False, "access": "a", "refresh": "b", "device": "c"}),
        (Trust, {**TRUST, "keys": None, "jwks": "https://idp.example/jwks?a=b"}),
        (Trust, {**TRUST, "keys": None, "jwks": "https://idp.example"}),
        (Trust, {**TRUST, "keys": None, "discovery": True}),
    ],
    ids=str,
)
def test_a_section_that_agrees_is_taken(cls, fields):
    """The bound itself is accepted."""
    assert isinstance(cls(**fields), cls)


def test_a_disagreement_with_a_wrong_field_is_not_reported():
    """Contradictions of a field are reported only once the field itself is valid."""
    assert {"keys", "sources[0]"} == set(errors_of({"store": "memory://", "keys": 5, "sources": ["x"]}))


def test_a9_basic_without_an_issuer_of_its_own_shares_no_name_with_a_trust():
    """Otherwise alice by password and alice of a trusted issuer would share one `REMOTE_USER`."""
    fields = {"store": "memory://", "trust": trusting("{sub}")}

    assert "no user of Basic may have" in errors_of(fields | {"sources": ["basic", "bearer"]})["trust[0].remote_user"]
    Config.from_mapping(fields | {"sources": ["bearer"]})
    Config.from_mapping(fields | {"sources": ["basic"], "trust": trusting("idp:{sub}")})
