"""Describe the authorization server: ``GET /.well-known/oauth-authorization-server`` (RFC 8414)."""

import json

import pytest
from authlib.oauth2.rfc8414 import AuthorizationServerMetadata

from login_site import LoginSite
from oauth_site import AUDIENCE, ISSUER, clients
from safeconduct import Auth, Config
from table_tokens import OWN_KEY

PATH = "/.well-known/oauth-authorization-server"


def metadata_of(site, path=PATH):
    response = site.request("GET", path)
    assert 200 == response.status
    assert ("application/json",) == response.values("content-type")
    return json.loads(response.body)


def test_the_metadata_are_valid_and_name_what_is_on(site):
    metadata = metadata_of(site)

    AuthorizationServerMetadata(metadata).validate()
    assert ISSUER == metadata["issuer"]
    assert "https://app.example/auth/token" == metadata["token_endpoint"]
    assert "https://app.example/auth/introspect" == metadata["introspection_endpoint"]
    assert "https://app.example/auth/revoke" == metadata["revocation_endpoint"]
    assert "https://app.example/.well-known/jwks.json" == metadata["jwks_uri"]
    assert ["client_credentials"] == metadata["grant_types_supported"]
    assert ["read", "write"] == metadata["scopes_supported"]
    methods = ["client_secret_basic", "client_secret_jwt", "client_secret_post", "private_key_jwt"]
    assert methods == metadata["token_endpoint_auth_methods_supported"]
    assert [*methods, "none"] == metadata["revocation_endpoint_auth_methods_supported"]
    assert {"ES256", "HS256"} <= set(metadata["token_endpoint_auth_signing_alg_values_supported"])
    assert "HS384" not in metadata["token_endpoint_auth_signing_alg_values_supported"]
    assert "authorization_endpoint" not in metadata


def test_every_endpoint_in_it_is_served(site):
    metadata = metadata_of(site)

    for name in ("token_endpoint", "introspection_endpoint", "revocation_endpoint"):
        path = metadata[name].removeprefix("https://app.example")
        assert (400, 401)[name != "revocation_endpoint"] == site.request("POST", path).status
        assert 405 == site.request("GET", path).status


def test_the_issuers_path_comes_after_the_well_known_one(make):
    """RFC 8414 §3.1: a slash at the end is removed."""
    site = make(issuer="https://issuer.example/tenant/")

    assert "https://issuer.example/tenant/" == metadata_of(site, f"{PATH}/tenant")["issuer"]
    assert 401 == site.request("GET", PATH).status


def test_only_secrets_need_no_algorithm(make):
    digest = {"secret": "sha256:" + "ab" * 32, "grants": ["client_credentials"]}
    site = make(clients=[{"client_id": "nightly", **digest}])

    metadata = metadata_of(site)

    assert ["client_secret_basic", "client_secret_post"] == metadata["token_endpoint_auth_methods_supported"]
    assert not [name for name in metadata if "signing_alg" in name]
    # No scope, and no one may ask about tokens.
    assert {"scopes_supported", "introspection_endpoint"}.isdisjoint(metadata)


def test_an_algorithm_of_a_clients_own_is_named(make):
    site = make(changes={"reports": {"secret": "9" + "kD3mVx7QpZ" * 7, "algorithm": "HS512"}})

    named = metadata_of(site)["token_endpoint_auth_signing_alg_values_supported"]

    assert "HS512" in named


def test_without_a_store_there_are_no_assertions_and_no_revocation(make):
    """Whether an assertion was used before, only a store can tell."""
    site = make(store="none")

    metadata = metadata_of(site)

    assert ["client_secret_basic", "client_secret_post"] == metadata["token_endpoint_auth_methods_supported"]
    assert "revocation_endpoint" not in metadata
    assert 401 == site.request("POST", "/auth/revoke").status


@pytest.mark.parametrize(
    "fields",
    [
        {"endpoints": {"well_known": False}},
        {"endpoints": {"enabled": False}},
        {"clients": []},
        {"issuer": "reports-issuer"},
        {"changes": {name: {"grants": ["introspection"]} for name in ("reports", "nightly", "robot", "signer")}},
    ],
    ids=["well_known", "enabled", "no clients", "no URL", "no grant"],
)
def test_where_no_client_could_use_them_there_are_none(make, fields):
    assert 401 == make(**fields).request("GET", PATH).status


@pytest.mark.parametrize(
    "keys", [None, {"keys": [{**OWN_KEY, "safeconduct_state": "retired"}]}], ids=["no keys", "none that signs"]
)
def test_without_a_key_that_signs_there_is_no_token_endpoint(world, keys):
    """Tokens can be introspected, since clients have audiences."""
    issuer = None if keys is None else ISSUER
    config = Config(store="memory://", issuer=issuer, audience=AUDIENCE, keys=keys, clients=clients())
    with Auth(config) as auth:
        gate = auth.asgi_gate() if world == "asgi" else auth.wsgi_gate()

    paths = {route.path for route in gate.endpoints.routes}
    assert {"/auth/introspect", "/auth/revoke"} <= paths
    assert {"/auth/token", PATH}.isdisjoint(paths)


def test_without_clients_authlib_is_not_imported_for_them(world):
    """A site pays for what it uses."""
    site = LoginSite(world)
    assert {"/auth/token", PATH}.isdisjoint(route.path for route in site.auth.wsgi_gate().endpoints.routes)
    site.close()


def test_the_clients_entries_are_complete():
    """The site of these tests has every kind of credential."""
    assert {"secret", "keys"} == {name for entry in clients() for name in ("secret", "keys") if name in entry}
