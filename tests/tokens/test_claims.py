"""Check the type and the time of every claim."""

import pytest

from safeconduct._tokens.claims import read_claims
from safeconduct.errors import (
    BindingMismatch,
    ExpiredToken,
    InvalidToken,
    MalformedToken,
    NotYetValidToken,
    WrongAudience,
)
from token_factory import AUDIENCE, CLAIMS, NOW, own_policy_for, trust_policy_for, without

OWN = own_policy_for()
TRUST = trust_policy_for(
    remote_user="idp:{sub}",
    roles={"App-Admins": "admin"},
    scopes=frozenset(("read", "write")),
    levels={"https://idp/loa3": "multifactor"},
)


def read(changes, policy=OWN, now=NOW):
    """Read valid claims with *changes*."""
    return read_claims({**CLAIMS, **changes}, policy, "k1", now)


@pytest.mark.parametrize("name", ["aud", "sub", "jti", "iat", "exp", "client_id", "iat_ms"])
def test_a_required_claim_is_required(name):
    """RFC 9068 §2.2, and the milliseconds of our tokens."""
    with pytest.raises(InvalidToken):
        read_claims(without(name), OWN, "k1", NOW)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"exp": NOW}, ExpiredToken),
        ({"exp": NOW - 1}, ExpiredToken),
        ({"exp": -1}, ExpiredToken),
        ({"exp": True}, MalformedToken),
        ({"exp": str(NOW + 9)}, MalformedToken),
        ({"exp": None}, MalformedToken),
        ({"exp": [NOW + 9]}, MalformedToken),
        ({"iat": NOW + 1, "iat_ms": NOW * 1000 + 1000}, NotYetValidToken),
        ({"iat": True}, MalformedToken),
        ({"exp": NOW + 86391}, MalformedToken),
        ({"nbf": NOW + 1}, NotYetValidToken),
        ({"nbf": "1"}, MalformedToken),
        ({"nbf": None}, MalformedToken),
        ({"nbf": False}, MalformedToken),
        ({"aud": AUDIENCE + "/"}, WrongAudience),
        ({"aud": []}, WrongAudience),
        ({"aud": [[AUDIENCE]]}, WrongAudience),
        ({"aud": {AUDIENCE: 1}}, WrongAudience),
        ({"aud": None}, WrongAudience),
        ({"aud": [AUDIENCE, 1]}, MalformedToken),
        ({"sub": ""}, MalformedToken),
        ({"sub": 1}, MalformedToken),
        ({"jti": ""}, MalformedToken),
        ({"jti": ["a"]}, MalformedToken),
        ({"client_id": ""}, MalformedToken),
        ({"client_id": None}, MalformedToken),
        ({"cnf": None}, BindingMismatch),
        ({"cnf": {"jkt": "x"}}, BindingMismatch),
        ({"cnf": []}, BindingMismatch),
        ({"iat_ms": (NOW - 9) * 1000}, MalformedToken),
        ({"iat_ms": float((NOW - 10) * 1000)}, MalformedToken),
        ({"iat_ms": None}, MalformedToken),
        ({"iat": float(NOW - 10)}, MalformedToken),
        ({"auth_time": -1}, MalformedToken),
        ({"auth_time": True}, MalformedToken),
        ({"auth_time": "1"}, MalformedToken),
        ({"acr": 3}, MalformedToken),
        ({"sid": 1}, MalformedToken),
        ({"cg": 1.0}, MalformedToken),
        ({"cg": "1"}, MalformedToken),
        ({"rn": -1}, MalformedToken),
        ({"act": "bob"}, MalformedToken),
        ({"scope": ["read"]}, MalformedToken),
        ({"scope": 5}, MalformedToken),
        ({"roles": "admin"}, MalformedToken),
        ({"roles": {"admin": 1}}, MalformedToken),
        ({"roles": ["admin", 1]}, MalformedToken),
    ],
    ids=repr,
)
def test_a_claim_of_the_wrong_type_or_time_is_refused(changes, error):
    """Types are exact, and errors refuse (RFC 7519 §4.1, RFC 9068 §4)."""
    with pytest.raises(error):
        read(changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": NOW + 0.5},
        {"exp": NOW + 1},
        {"nbf": NOW},
        {"nbf": -5},
        {"iat": NOW, "iat_ms": NOW * 1000},
        {"aud": [AUDIENCE]},
        {"aud": ["https://other.example", AUDIENCE]},
        {"exp": NOW - 10 + 86400},
    ],
    ids=repr,
)
def test_the_last_good_value_is_accepted(changes):
    """Each bound is as the design says."""
    assert "alice" == read(changes).subject


def test_leeway_moves_all_three_bounds():
    """The conditions are now < exp + leeway, nbf ≤ now + leeway, and iat ≤ now + leeway."""
    policy = trust_policy_for(leeway_seconds=10)
    late = {**CLAIMS, "iat": NOW + 10, "nbf": NOW + 10, "exp": NOW + 20}

    assert NOW + 20 == read_claims(late, policy, "k", NOW).expires_at
    assert NOW + 20 == read_claims(late, policy, "k", NOW + 29.9).expires_at
    with pytest.raises(ExpiredToken):
        read_claims(late, policy, "k", NOW + 30)
    with pytest.raises(NotYetValidToken):
        read_claims(late, policy, "k", NOW - 1)


@pytest.mark.parametrize(
    ("value", "expected"), [(None, set()), ("", set()), ("a", {"a"}), (" a  b ", {"a", "b"}), ("a\tb", {"a\tb"})]
)
def test_scopes_are_split_at_the_space_alone(value, expected):
    """A null is read as empty."""
    assert expected == read({"scope": value}).scopes


def test_what_is_missing_reads_as_empty_for_scope_and_roles_alone():
    """Other optional claims that are absent are None."""
    claims = read({"roles": None})

    assert (frozenset(), frozenset()) == (claims.scopes, claims.roles)
    assert (None, None, None, None, None) == (
        claims.session_id, claims.auth_time, claims.actor, claims.csrf_generation, claims.renewals,
    )  # fmt: skip


OPTIONAL = ("acr", "act", "auth_time", "cg", "name", "rn", "roles", "scope", "sid", "tenant")


@pytest.mark.parametrize("policy", [OWN, TRUST], ids=["own", "foreign"])
@pytest.mark.parametrize("value", [None, "", [], {}], ids=repr)
@pytest.mark.parametrize("name", OPTIONAL)
def test_c3_an_empty_claim_reads_as_a_missing_one(policy, name, value):
    """For every issuer, in the fields and in the claims that the application reads."""
    without_it = {key: each for key, each in CLAIMS.items() if key != name}

    empty = read_claims({**without_it, name: value}, policy, "k1", NOW)

    assert read_claims(without_it, policy, "k1", NOW) == empty
    assert name not in empty.raw


@pytest.mark.parametrize("value", [None, "", [], {}], ids=repr)
@pytest.mark.parametrize("name", ["aud", "client_id", "cnf", "exp", "iat", "iat_ms", "jti", "nbf", "sub"])
def test_c3_an_empty_claim_lifts_no_requirement(name, value):
    """A required claim is missing then, and one that restricts the token is malformed."""
    with pytest.raises(InvalidToken):
        read({name: value})


@pytest.mark.parametrize("value", [0, False, 0.0, " ", [None], {"a": None}], ids=repr)
def test_c3_only_what_says_nothing_is_empty(value):
    assert value == read({"tenant": value}).raw["tenant"]


@pytest.mark.parametrize("level", ["remembered", "explicit", "multifactor"])
def test_own_levels_are_read_from_acr(level):
    """Our own names of levels are read."""
    assert level == read({"acr": f"urn:safeconduct:acr:{level}"}).level


@pytest.mark.parametrize(
    "changes", [{}, {"acr": "explicit"}, {"acr": "urn:safeconduct:acr:explicit", "sub": "app"}], ids=repr
)
def test_no_level_above_remembered_comes_of_itself(changes):
    """An unmapped acr is remembered, and so is a client without a user."""
    assert "remembered" == read(changes).level


def test_own_claims_are_read():
    """All claims of a session's token are read."""
    changes = {"sid": "s", "cg": 3, "rn": 0, "auth_time": NOW - 20, "act": {"sub": "svc"}, "roles": ["a", "b"], "x": 1}

    claims = read(changes)

    assert ("s", 3, 0, NOW - 20) == (claims.session_id, claims.csrf_generation, claims.renewals, claims.auth_time)
    assert {"sub": "svc"} == claims.actor
    assert {"a", "b"} == claims.roles
    assert (NOW - 10) * 1000 + 7 == claims.issued_ms
    assert ("alice", True, "k1", 1) == (claims.display_name, claims.is_own, claims.kid, claims.raw["x"])


def test_claims_cannot_be_changed():
    """Claims are shared between requests, so they are immutable."""
    claims = read({"act": {"sub": "svc"}})

    with pytest.raises(AttributeError):
        claims.subject = "mallory"
    with pytest.raises(TypeError):
        claims.raw["sub"] = "mallory"
    with pytest.raises(TypeError):
        claims.actor["sub"] = "mallory"


def test_a_foreign_issuer_says_only_what_the_trust_maps():
    """Scopes are filtered, roles and levels are mapped, names get their prefix."""
    changes = {
        "scope": ["read", "delete"], "roles": ["App-Admins", "admin"], "acr": "https://idp/loa3", "cg": "x", "rn": "y",
        "auth_time": NOW - 1.5,
    }  # fmt: skip

    claims = read(changes, TRUST)

    assert ({"read"}, {"admin"}, "multifactor") == (claims.scopes, claims.roles, claims.level)
    assert ("idp:alice", False) == (claims.display_name, claims.is_own)
    assert (None, None, NOW - 2) == (claims.csrf_generation, claims.renewals, claims.auth_time)


def test_own_names_of_levels_mean_nothing_from_a_foreign_issuer():
    """Otherwise any trusted issuer could claim multifactor."""
    assert "remembered" == read({"acr": "urn:safeconduct:acr:multifactor"}, TRUST).level


def test_a_foreign_issuer_without_mappings_gives_no_role_and_no_name():
    """By default there are no roles and all scopes."""
    claims = read({"roles": ["admin"], "scope": "x y"}, trust_policy_for())

    assert (set(), {"x", "y"}, None) == (claims.roles, claims.scopes, claims.display_name)


@pytest.mark.parametrize(
    ("issued", "expected"), [(NOW - 10, NOW - 20), (NOW - 10.25, NOW - 20.25), (NOW - 10.2505, NOW - 20.251)]
)
def test_a_foreign_token_is_taken_for_older_by_the_leeway(issued, expected):
    """A cut-off ends it whichever clock is ahead (revocation.md)."""
    claims = read({"iat": issued}, trust_policy_for(leeway_seconds=10))

    assert round(expected * 1000) == claims.issued_ms


def test_a_trust_of_plain_jwts_needs_no_client_id_but_a_right_one():
    """Only RFC 9068 requires it."""
    policy = trust_policy_for(token_types=frozenset({"jwt"}))

    assert read_claims(without("client_id"), policy, "k", NOW, "jwt").client_id is None
    assert read_claims({**CLAIMS, "client_id": None}, policy, "k", NOW, "jwt").client_id is None
    with pytest.raises(MalformedToken):
        read_claims({**CLAIMS, "client_id": 1}, policy, "k", NOW, "jwt")


def test_other_names_of_claims_are_read_where_the_policy_says():
    """The fields are roles_claim and scopes_claim."""
    policy = own_policy_for(roles_claim="groups", scopes_claim="scp")

    claims = read({"groups": ["g"], "scp": "s", "roles": ["r"], "scope": "t"}, policy)

    assert ({"g"}, {"s"}) == (claims.roles, claims.scopes)


def test_a_subject_that_names_a_client_is_no_person():
    """RFC 9700 §4.15: no name for ``REMOTE_USER``, and no level that a person proves."""
    raised = {"sub": "client:app", "acr": "urn:safeconduct:acr:multifactor"}
    for policy in (OWN, TRUST):
        claims = read({**raised, "acr": "https://idp/loa3"} if policy is TRUST else raised, policy)
        assert (claims.subject, claims.level) == ("client:app", "remembered")
        assert claims.remote_user is claims.display_name is None


def test_a_person_of_another_issuer_is_no_client():
    """A client's subject names the client that the token was issued to."""
    with pytest.raises(MalformedToken):
        read({"sub": "client:mallory"}, TRUST)
    assert read({"sub": "client"}, TRUST).remote_user == "idp:client"
