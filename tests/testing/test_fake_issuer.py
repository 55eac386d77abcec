"""Sign tokens as an identity provider whose keys rotate."""

import json

import pytest
from flask import Flask

from safeconduct import Auth, Config, Trust
from safeconduct.errors import BadSignature, ConfigurationError, ExpiredToken, InvalidToken, UnknownKey
from safeconduct.flask import Safeconduct
from safeconduct.testing import FakeIssuer, reload_keys

NAME = "https://api.example.com"


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


def test_a_running_application_forgets_a_dropped_key_when_it_is_told_to(issuer, clock):
    """Its token was verified before, and is remembered no longer."""
    with trusting(issuer, clock) as auth:
        before = issuer.token("bob")
        assert "bob" == auth.verify(before).subject
        issuer.rotate(drop_old=True)

        reload_keys(auth)

        with pytest.raises(UnknownKey):
            auth.verify(before)
        assert "alice" == auth.verify(issuer.token()).subject


def test_a_remembered_request_ends_with_a_dropped_key(issuer, clock):
    """The same request passed a moment before, and the clock stands still."""
    with trusting(issuer, clock) as auth:
        app = Flask("app")
        Safeconduct(auth).init_app(app)
        app.add_url_rule("/me", "me", lambda: "me")
        client, headers = app.test_client(), issuer.headers("bob")
        assert [200, 200] == [client.get("/me", headers=headers).status_code for _ in range(2)]
        issuer.rotate(drop_old=True)

        reload_keys(client)

        assert [401, 200] == [client.get("/me", headers=each).status_code for each in (headers, issuer.headers("bob"))]


def test_any_number_of_rotations_are_seen_at_once(issuer, clock):
    """A key that is not known makes the application read the file at most once a second."""
    with trusting(issuer, clock) as auth:
        seen = []
        for _ in range(3):
            issuer.rotate()
            reload_keys(auth)
            seen.append(auth.verify(issuer.token()).subject)

    assert ["alice"] * 3 == seen


def test_keys_that_are_in_no_file_are_not_read_again(issuer, clock):
    with trusting(issuer, clock, keys=issuer.jwks()) as auth:
        issuer.rotate(drop_old=True)
        reload_keys(auth)

        with pytest.raises(UnknownKey):
            auth.verify(issuer.token())


def test_an_outage_leaves_the_keys_that_were_read(issuer, clock):
    """A key that it makes meanwhile is learned of afterwards."""
    with trusting(issuer, clock) as auth:
        before = issuer.token("bob")
        with issuer.outage():
            reload_keys(auth)
            assert "bob" == auth.verify(before).subject
            issuer.rotate()
            with pytest.raises(UnknownKey):
                auth.verify(issuer.token())
            assert not issuer.path.exists()

        reload_keys(auth)

        assert "alice" == auth.verify(issuer.token()).subject


def test_no_application_starts_in_an_outage(issuer, clock):
    with issuer.outage(), pytest.raises(ConfigurationError, match="keys: cannot read"):
        trusting(issuer, clock)


def test_the_keys_are_published_again_after_a_test_that_fails(issuer):
    with pytest.raises(LookupError), issuer.outage():
        raise LookupError

    assert issuer.jwks() == json.loads(issuer.path.read_text("utf-8"))


@pytest.mark.parametrize("algorithm", ["HS256", "A256KW", "none"])
def test_an_algorithm_needs_a_public_key(tmp_path, algorithm):
    with pytest.raises(ConfigurationError, match=r"algorithm must be one of \['ES256', "):
        FakeIssuer(tmp_path / "issuer.json", algorithm=algorithm)


def test_a_path_may_be_a_text(tmp_path, clock):
    issuer = FakeIssuer(str(tmp_path / "issuer.json"), clock=clock)

    with trusting(issuer, clock) as auth:
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
