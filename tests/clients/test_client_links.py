"""Show a service what it may do: rules of ``schemes`` and links, by a signed token and by client credentials."""

import json
from base64 import b64encode

import pytest

from client_tokens import SECRET

RULES = [
    {"path": "/services", "schemes": ["client"]},
    {"path": "/people", "schemes": ["bearer", "cookie"]},
    {"path": "/read", "scopes": ["read"]},
]
LINKS = [{"rel": path[1:], "method": "GET", "path": path} for path in ("/services", "/people", "/read", "/open")]
GRANTS = ["self_signed", "client_credentials"]
CLIENTS = [{"client_id": "reports", "secret": SECRET, "scopes": ["read", "list"], "grants": GRANTS}]
ACCESS = {"rules": RULES, "links": LINKS, "public": ["/open"]}


@pytest.fixture
def site(make):
    return make(access=ACCESS, clients=CLIENTS)


def credentials_token(site, scope=None):
    """Return a token that the client gets for its secret."""
    fields = [
        ("content-type", "application/x-www-form-urlencoded"),
        ("authorization", "Basic " + b64encode(f"reports:{SECRET}".encode()).decode()),
    ]
    body = "grant_type=client_credentials" + (f"&scope={scope}" if scope else "")
    return json.loads(site.request("POST", "/auth/token", fields, body.encode()).body)["access_token"]


@pytest.mark.parametrize("how", ["signed", "credentials"])
def test_a_client_is_of_a_kind_of_its_own(site, how):
    """No matter how it got its token."""
    token = site.token() if how == "signed" else credentials_token(site)

    assert [200, 403, 200] == [site.status(token, path) for path in ("/services", "/people", "/read")]
    shown = json.loads(site.get(token, "/auth/session").body)
    assert ["services", "read", "open"] == [link["rel"] for link in shown["links"] if link["rel"] != "logout"]


def test_a_token_with_fewer_scopes_is_shown_less(site):
    token = credentials_token(site, scope="list")

    links = json.loads(site.get(token, "/auth/session").body)["links"]
    assert ["services", "open"] == [link["rel"] for link in links if link["rel"] != "logout"]
    assert 403 == site.status(token, "/read")
