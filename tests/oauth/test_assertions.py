"""Assertions that are wrong, and JWTs that are none: each attempt gets its error, in both worlds."""

import hmac
import json
from base64 import urlsafe_b64encode
from urllib.parse import urlencode

import pytest
from joserfc.jwk import ECKey

from oauth_site import (
    ASSERTION_TYPE,
    AUDIENCE,
    CLIENT_KEY,
    ISSUER,
    SECRETS,
    TOKEN,
    OAuthClient,
    assertion,
    refused,
)
from table_tokens import OWN_KEY, public

NOW = 1_800_000_000
GRANT = {"grant_type": "client_credentials"}
FORM = [("content-type", "application/x-www-form-urlencoded")]
TYPED = {"typ": "client-authentication+jwt"}


class TestAssertions:
    @pytest.mark.parametrize(
        "text",
        [
            assertion(aud=AUDIENCE),
            assertion(aud="https://other.example"),
            assertion(aud=[ISSUER, AUDIENCE]),
            assertion(aud=[ISSUER, "https://other.example"]),
            assertion(aud=[]),
            assertion(aud=None),
            assertion(aud=5),
            assertion(sub="reports"),
            assertion(sub=None),
            assertion(iss=None),
            assertion(iss="nobody", sub="nobody"),
            assertion(exp=NOW + 365 * 86_400),
            assertion(exp=NOW + 301),
            assertion(exp=None),
            assertion(iat=None),
            assertion(iat=NOW - 100, exp=NOW - 11),
            assertion(iat=NOW + 100, exp=NOW + 200),
            assertion(nbf=NOW + 100),
            assertion(jti=None),
            assertion(jti=""),
            assertion(jti=5),
            assertion(key=OWN_KEY),
            assertion(key=SECRETS["reports"], alg="HS256"),
            assertion("reports"),
            assertion("reports", key=SECRETS["reports"], alg="HS512"),
            assertion("nightly", key=SECRETS["nightly"], alg="HS256"),
            assertion(header={"typ": "at+jwt"}),
            assertion(header={"typ": "dpop+jwt"}),
            assertion(header={"kid": "another"}),
            assertion(cnf={"jkt": "x"}),
            assertion(client_id_="x")[:-4] + "AAAA",
            "x",
            "a.b.c",
            "a.b.c.d.e",
            "é",
        ],
        ids=[
            "our audience", "another audience", "two of ours", "ours and another", "no audience in a list",
            "no audience", "a number as audience", "sub is not iss", "no sub", "no iss", "an unknown client",
            "a year", "five minutes and a second", "no exp", "no iat", "expired", "from the future", "not yet",
            "no jti", "an empty jti", "a number as jti", "another key", "a secret of another client",
            "a key of another client", "another algorithm", "a client with a digest", "an access token",
            "another type", "an unknown kid", "bound to a key", "another signature", "a text", "no JWT", "five parts",
            "a letter outside ASCII",
        ],
    )  # fmt: skip
    def test_a_wrong_assertion_is_refused(self, client, text):
        client.token_by_assertion(text)

        refused(client, 401, "invalid_client")

    @pytest.mark.parametrize("header", [{}, {"typ": "JWT"}, TYPED], ids=["no typ", "JWT", "rfc7523bis"])
    @pytest.mark.parametrize("audience", [ISSUER, [ISSUER], "https://app.example/auth/token"], ids=str)
    def test_a_right_assertion_is_accepted(self, client, header, audience):
        assert 200 == client.token_by_assertion(assertion(header=header, aud=audience))

    def test_a_replayed_assertion_is_refused(self, client):
        """RFC 7523 §3: ``jti`` is marked as used in the command that asks."""
        text = assertion()
        assert 200 == client.token_by_assertion(text)
        client.site.events.clear()

        client.token_by_assertion(text)

        refused(client, 401, "invalid_client")

    def test_a_jti_is_each_clients_own(self, client):
        """Otherwise a client could use up those of another."""
        one = assertion("reports", key=SECRETS["reports"], alg="HS256", jti="1")

        assert [200, 200] == [client.token_by_assertion(text) for text in (one, assertion(jti="1"))]

    def test_it_is_not_used_up_by_a_wrong_one(self, client):
        """A forged assertion with the same ``jti`` ends none."""
        client.token_by_assertion(assertion(jti="7", key=OWN_KEY))

        assert 200 == client.token_by_assertion(assertion(jti="7"))

    def test_client_id_may_name_the_client(self, client):
        """RFC 7521 §4.2: it is optional, and must be right."""
        assert 200 == client.token_by_assertion(assertion(), client_id="robot")
        client.site.events.clear()
        client.token_by_assertion(assertion(), client_id="reports")
        refused(client, 401, "invalid_client")

    @pytest.mark.parametrize("kind", ["urn:ietf:params:oauth:client-assertion-type:saml2-bearer", "", None])
    def test_another_type_of_assertion_is_refused(self, client, kind):
        proof = {} if kind is None else {"client_assertion_type": kind}
        client.token(headers=[], client_assertion=assertion(), **proof)

        refused(client, 401, "invalid_client")

    def test_without_a_store_no_assertion_is_accepted(self, make):
        client = OAuthClient(make(store="none"))
        assert 200 == client.token()
        client.site.events.clear()

        client.token_by_assertion(assertion())

        refused(client, 401, "invalid_client")

    @pytest.mark.parametrize(
        "header",
        [
            {"alg": "none"},
            {"alg": "None"},
            {"alg": "HS256"},
            {"alg": "ES256", "crit": ["exp"]},
            {"alg": "ES256", "b64": False, "crit": ["b64"]},
            {"alg": "ES256", "jwk": public(OWN_KEY)},
            {"alg": ["ES256"]},
            {},
        ],
        ids=str,
    )
    def test_a_header_chooses_neither_the_algorithm_nor_the_key(self, client, header):
        """Not even an HMAC with the public key, which anyone knows, as its secret."""
        head, body, signature = assertion(jti="8").split(".")
        head = urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode()
        secret = json.dumps(public(CLIENT_KEY)).encode()
        mac = hmac.digest(secret, f"{head}.{body}".encode(), "sha256")
        forged = urlsafe_b64encode(mac).rstrip(b"=").decode()

        for last in (signature, "", forged):
            assert 401 == client.token_by_assertion(f"{head}.{body}.{last}")

    def test_of_two_requests_at_once_one_passes(self, site):
        """The mark is set and read in one command."""
        form = {**GRANT, "client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion()}

        responses = site.request_all([("POST", TOKEN, FORM, urlencode(form).encode())] * 8)

        assert [200, *[401] * 7] == sorted(response.status for response in responses)


class TestAssertionOrToken:
    """One key signs both, and neither counts as the other."""

    def self_signed(self, **claims):
        return assertion("signer", key=SECRETS["signer"], alg="HS256", **claims)

    @pytest.fixture
    def client(self, make):
        grants = ["self_signed", "client_credentials"]
        return OAuthClient(make(changes={"signer": {"grants": grants}}))

    def test_a_self_signed_token_is_no_assertion(self, client):
        client.token_by_assertion(self.self_signed(aud=AUDIENCE))

        refused(client, 401, "invalid_client")

    def test_an_assertion_of_the_same_client_is_one(self, client):
        assert 200 == client.token_by_assertion(self.self_signed())

    def test_where_issuer_and_audience_are_one_the_type_decides(self, make):
        """Such a client's assertions carry the type."""
        grants = ["self_signed", "client_credentials"]
        client = OAuthClient(make(audience=ISSUER, changes={"signer": {"grants": grants}}))

        assert 401 == client.token_by_assertion(self.self_signed())
        assert 200 == client.token_by_assertion(self.self_signed(header=TYPED))
        assert 200 == client.token_by_assertion(assertion())


def test_a_key_of_another_curve_is_no_key_of_the_client(client):
    other = ECKey.generate_key("P-256", {"kid": CLIENT_KEY["kid"], "alg": "ES256"}).as_dict(private=True)

    client.token_by_assertion(assertion(key=other))

    refused(client, 401, "invalid_client")
