"""What a client, or someone who is none, tries at the token endpoint; each attempt gets its error, in both worlds."""

import hmac
import json
from base64 import b64encode, urlsafe_b64encode
from urllib.parse import urlencode

import pytest
from joserfc.jwk import ECKey

from oauth_site import (
    ASSERTION_TYPE,
    AUDIENCE,
    BILLING,
    CLIENT_KEY,
    ISSUER,
    SECRETS,
    TOKEN,
    OAuthClient,
    assertion,
    basic,
)
from safeconduct._core.oauth import client_authentication
from safeconduct.events import ClientRefused, ClientTokenIssued
from table_tokens import OWN_KEY, public

NOW = 1_800_000_000
GRANT = {"grant_type": "client_credentials"}
POST = {"client_id": "reports", "client_secret": SECRETS["reports"]}
FORM = [("content-type", "application/x-www-form-urlencoded")]
TYPED = {"typ": "client-authentication+jwt"}


def refused(client, status, error):
    """Check that the last response is a refusal in the form of OAuth, and that no token was issued."""
    response = client.response
    assert (status, error) == (response.status, client.json["error"]), client.json
    assert {"error", "error_description"} == client.json.keys()
    assert ("application/json",) == response.values("content-type")
    assert ("no-store",) == response.values("cache-control")
    challenges = ('Basic realm="https://api.example", charset="UTF-8"',) if status == 401 else ()
    assert challenges == response.values("www-authenticate")
    assert [] == [event for event in client.site.events if isinstance(event, ClientTokenIssued)]
    assert 1 == len([event for event in client.site.events if isinstance(event, ClientRefused)])


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


class TestSecrets:
    @pytest.mark.parametrize(
        "header",
        [
            basic("reports", "x" * 32),
            basic("reports", ""),
            basic("", SECRETS["reports"]),
            basic("nobody", SECRETS["reports"]),
            basic("robot", SECRETS["reports"]),
            basic("nightly", SECRETS["reports"]),
            ("authorization", "Basic " + b64encode(b"reports").decode()),
            ("authorization", "Basic " + b64encode(b"reports:%zz").decode()),
            ("authorization", "Basic " + b64encode(b"reports:%ff").decode()),
            ("authorization", "Basic " + b64encode(b"rep%").decode()),
            ("authorization", "Basic !"),
            ("authorization", "Basic"),
            ("authorization", "Bearer " + "x" * 20),
            ("authorization", "Digest x"),
            ("authorization", ""),
        ],
        ids=[
            "wrong", "empty", "no name", "unknown", "a client with keys", "another client", "no colon",
            "a malformed escape", "not UTF-8", "half an escape", "no base64", "nothing", "Bearer", "Digest",
            "no scheme",
        ],
    )  # fmt: skip
    def test_a_wrong_secret_is_refused(self, client, header):
        client.token(headers=[header])

        refused(client, 401, "invalid_client")

    @pytest.mark.parametrize(
        "fields",
        [
            {"client_id": "reports"},
            {"client_id": "reports", "client_secret": ""},
            {"client_secret": SECRETS["reports"]},
            {"client_id": "nobody", "client_secret": SECRETS["reports"]},
            {"client_id": "reports", "client_secret": SECRETS["reports"].lower()},
            {"client_id": "reports", "client_secret": SECRETS["reports"] + " "},
            {"client_id": "robot", "client_secret": SECRETS["reports"]},
            {"client_id": "nightly", "client_secret": "\0" * 32},
            {},
        ],
        ids=str,
    )
    def test_a_wrong_secret_in_the_body_is_refused(self, client, fields):
        client.token(headers=[], **fields)

        refused(client, 401, "invalid_client")

    def test_a_secret_is_compared_in_constant_time(self, client, monkeypatch):
        """Also for a client that is unknown, or has keys: the work is the same."""
        compared = []

        class Recorded:
            @staticmethod
            def compare_digest(known, digest):
                compared.append((len(known), len(digest)))
                return known == digest

        monkeypatch.setattr(client_authentication, "hmac", Recorded)

        for name in ("reports", "nobody", "robot"):
            client.token(headers=[basic(name, "wrong")])

        assert [(32, 32)] * 3 == compared

    def test_a_cookie_authenticates_no_client(self, client):
        client.token(headers=[("cookie", f"client_id=reports; client_secret={SECRETS['reports']}")])

        refused(client, 401, "invalid_client")


class TestRequests:
    """Malformed requests are ``invalid_request``, before anything is compared."""

    @pytest.mark.parametrize(
        ("headers", "fields"),
        [
            ([basic("reports", SECRETS["reports"])], POST),
            ([basic("reports", SECRETS["reports"])], {"client_assertion": assertion()}),
            ([], {**POST, "client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion()}),
            ([("authorization", "Bearer x")], POST),
        ],
        ids=["Basic and body", "Basic and assertion", "body and assertion", "Bearer and body"],
    )
    def test_two_authentications_at_once(self, client, headers, fields):
        """RFC 6749 §2.3, whether or not both are right."""
        client.token(headers=headers, **fields)

        refused(client, 400, "invalid_request")

    @pytest.mark.parametrize("name", ["grant_type", "scope", "client_id", "client_secret", "anything"])
    def test_a_parameter_twice(self, client, name):
        """RFC 6749 §3.2, whatever its values are."""
        client.post(TOKEN, [*GRANT.items(), *POST.items(), (name, "read"), (name, "read")])

        refused(client, 400, "invalid_request")

    @pytest.mark.parametrize("query", [urlencode(POST), urlencode({**GRANT, **POST}), "a=b", "x"])
    def test_a_query(self, client, query):
        """RFC 6749 §2.3.1: a secret in the URL ends in logs, so that it is not taken."""
        client.post(f"{TOKEN}?{query}", GRANT, headers=[basic("reports", SECRETS["reports"])])

        refused(client, 400, "invalid_request")

    @pytest.mark.parametrize(
        ("content_type", "body"),
        [
            ("application/json", b'{"grant_type": "client_credentials"}'),
            ("multipart/form-data; boundary=x", b"--x--"),
            ("text/plain", b"grant_type=client_credentials"),
            ("application/x-www-form-urlencoded; charset=latin-1", b"grant_type=client_credentials"),
            ("application/x-www-form-urlencoded", b"grant_type=%zz"),
            ("application/x-www-form-urlencoded", b"grant_type=%ff"),
            ("application/x-www-form-urlencoded", b"grant_type=\xff"),
            ("application/x-www-form-urlencoded", b"grant_type"),
            ("application/x-www-form-urlencoded", b"="),
            ("application/x-www-form-urlencoded", b""),
        ],
        ids=str,
    )
    def test_another_body(self, client, content_type, body):
        """RFC 6749 §3.2: a form, with 400 for anything else (§5.2)."""
        headers = [("content-type", content_type), basic("reports", SECRETS["reports"])]
        client.post(TOKEN, headers=headers, body=body)

        refused(client, 400, "invalid_request")

    def test_two_content_types(self, client):
        """In WSGI the server joins them, so that the type is an unknown one."""
        client.post(TOKEN, {**GRANT, **POST}, headers=[*FORM, *FORM])

        refused(client, 400, "invalid_request")

    def test_seventeen_kilobytes(self, client):
        client.post(TOKEN, {**GRANT, **POST, "x": "y" * 17 * 1024})

        refused(client, 413, "invalid_request")

    def test_no_grant_type(self, client):
        client.post(TOKEN, POST)

        refused(client, 400, "invalid_request")

    @pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD", "post"])
    def test_another_method(self, client, method):
        assert 405 == client.post(f"{TOKEN}?{urlencode({**GRANT, **POST})}", method=method)
        assert ("POST",) == client.response.values("allow")


class TestRights:
    @pytest.mark.parametrize("grant_type", ["password", "authorization_code", "refresh_token", "x" * 5000, "\n", '"'])
    def test_another_grant_type(self, client, grant_type):
        client.post(TOKEN, {"grant_type": grant_type, **POST})

        refused(client, 400, "unsupported_grant_type")
        assert "The grant type is not supported." == client.json["error_description"]

    def test_a_client_without_the_grant(self, client):
        client.token("signer")

        refused(client, 400, "unauthorized_client")

    @pytest.mark.parametrize("scope", ["admin", "read admin", "READ", "read write admin"])
    def test_a_scope_beyond_its_own(self, client, scope):
        client.token(scope=scope)

        refused(client, 400, "invalid_scope")

    @pytest.mark.parametrize("scope", [" ", "read  write", " read", "read ", 're"ad', "read\twrite", "réad"])
    def test_a_malformed_scope(self, client, scope):
        client.token(scope=scope)

        refused(client, 400, "invalid_scope")

    @pytest.mark.parametrize(
        "fields",
        [
            {"audience": "https://other.example"},
            {"resource": "https://other.example"},
            {"resource": BILLING + "/"},
            {"resource": [BILLING, AUDIENCE]},
            {"resource": BILLING, "audience": AUDIENCE},
            {"audience": [BILLING, "https://other.example"]},
        ],
        ids=str,
    )
    def test_an_audience_beyond_its_own(self, client, fields):
        """A token has one audience, so that none can use it at the other (RFC 8707 §2)."""
        client.token(**fields)

        refused(client, 400, "invalid_target")

    @pytest.mark.parametrize("fields", [{"resource": [BILLING, BILLING]}, {"resource": BILLING, "audience": BILLING}])
    def test_an_audience_may_be_named_twice(self, client, fields):
        assert 200 == client.token(**fields)

    def test_another_clients_audience(self, client):
        client.token("nightly", audience=BILLING)

        refused(client, 400, "invalid_target")

    def test_a_token_for_another_audience_is_none_for_us(self, client):
        client.token(audience=BILLING)

        response = client.site.request("GET", "/me", [("authorization", f"Bearer {client.json['access_token']}")])

        assert 401 == response.status


def test_a_key_of_another_curve_is_no_key_of_the_client(client):
    other = ECKey.generate_key("P-256", {"kid": CLIENT_KEY["kid"], "alg": "ES256"}).as_dict(private=True)

    client.token_by_assertion(assertion(key=other))

    refused(client, 401, "invalid_client")
