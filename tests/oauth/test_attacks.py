"""What a client, or someone who is none, tries at the token endpoint; each attempt gets its error, in both worlds."""

from base64 import b64encode
from urllib.parse import urlencode

import pytest

from oauth_site import (
    ASSERTION_TYPE,
    AUDIENCE,
    BILLING,
    SECRETS,
    TOKEN,
    assertion,
    basic,
    refused,
)
from safeconduct._core.oauth import client_authentication

NOW = 1_800_000_000
GRANT = {"grant_type": "client_credentials"}
POST = {"client_id": "reports", "client_secret": SECRETS["reports"]}
FORM = [("content-type", "application/x-www-form-urlencoded")]
TYPED = {"typ": "client-authentication+jwt"}


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
