"""Sign tokens as an identity provider whose keys rotate."""

import json

import pytest

from safeconduct import Auth, Config, Trust
from safeconduct.errors import BadSignature, ExpiredToken, InvalidToken, UnknownKey
from safeconduct.testing import Clock, FakeIssuer

NAME = "https://api.example.com"


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def issuer(tmp_path, clock):
    return FakeIssuer(tmp_path / "issuer.json", clock=clock)


def trusting(issuer, clock, **options):
    """Return an ``Auth`` that trusts *issuer*."""
    trust = Trust(
        **{
            "issuer": issuer.issuer,
            "audience": issuer.audience,
            "algorithms": [issuer.algorithm],
            "keys": issuer.path,
            "roles": {"boss": "admin"},
            **options,
        }
    )
    return Auth(Config(store="memory://", trust=[trust]), clock=clock)


def test_its_tokens_count(issuer, clock):
    with trusting(issuer, clock) as auth:
        principal = auth.verify(issuer.token("bob", claims={"roles": ["boss"], "scope": "read"}))

    assert ("bob", issuer.issuer, {"admin"}, {"read"}) == (
        principal.subject,
        principal.issuer,
        principal.roles,
        principal.scopes,
    )


def test_its_headers_carry_a_token(issuer, clock):
    scheme, _, token = issuer.headers("bob")["Authorization"].partition(" ")

    with trusting(issuer, clock) as auth:
        assert ("Bearer", "bob") == (scheme, auth.verify(token).subject)


@pytest.mark.parametrize("algorithm", ["ES256", "EdDSA", "Ed25519", "RS256"])
def test_it_signs_with_any_algorithm(tmp_path, clock, algorithm):
    issuer = FakeIssuer(tmp_path / "issuer.json", algorithm=algorithm, clock=clock)

    with trusting(issuer, clock) as auth:
        assert "alice" == auth.verify(issuer.token()).subject


def test_a_running_application_learns_of_a_rotation(issuer, clock):
    """The unknown key makes it read the file again; the old key is published until it is dropped."""
    with trusting(issuer, clock) as auth:
        before, kid = issuer.token("bob"), issuer.kid
        issuer.rotate()

        assert kid != issuer.kid
        assert ["alice", "bob"] == [auth.verify(token).subject for token in (issuer.token(), before)]


def test_what_a_dropped_key_signed_ends(issuer, clock):
    before = issuer.token()
    issuer.rotate(drop_old=True)

    with trusting(issuer, clock) as auth:
        with pytest.raises(UnknownKey):
            auth.verify(before)
        assert "alice" == auth.verify(issuer.token()).subject


def test_the_file_is_the_set_of_public_keys(issuer):
    issuer.rotate()

    published = json.loads(issuer.path.read_text("utf-8"))

    assert issuer.jwks() == published
    assert 2 == len(published["keys"])
    assert not any({"d", "safeconduct_state"} & key.keys() for key in published["keys"])


def test_the_set_counts_without_a_file(issuer, clock):
    with trusting(issuer, clock, keys=issuer.jwks()) as auth:
        assert "alice" == auth.verify(issuer.token()).subject


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (FakeIssuer.expired_token, ExpiredToken),
        (FakeIssuer.not_yet_valid_token, InvalidToken),
        (FakeIssuer.other_audience_token, InvalidToken),
        (FakeIssuer.forged_token, BadSignature),
        (FakeIssuer.unsigned_token, InvalidToken),
    ],
    ids=lambda value: value.__name__,
)
def test_a_bad_token_is_refused_for_its_fault(issuer, clock, make, error):
    """The same token without the fault counts."""
    with trusting(issuer, clock) as auth:
        assert "bob" == auth.verify(issuer.token("bob")).subject
        with pytest.raises(error):
            auth.verify(make(issuer, "bob"))


def test_an_unsigned_token_has_no_signature(issuer):
    header, _, signature = issuer.unsigned_token().split(".")

    assert "" == signature
    assert header.startswith("eyJhbGciOiAibm9uZSI")


def test_claims_and_header_are_of_choice(issuer, clock):
    """A claim or a member of None is left out."""
    with trusting(issuer, clock) as auth:
        for token in (issuer.token(header={"typ": "JWT"}), issuer.token(claims={"exp": None})):
            with pytest.raises(InvalidToken):
                auth.verify(token)
        with pytest.raises(ExpiredToken):
            auth.verify(issuer.token(claims={"iat": int(clock()) - 500, "exp": int(clock()) - 100}))
