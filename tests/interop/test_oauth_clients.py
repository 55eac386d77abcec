"""npm ``oauth4webapi`` and ``openid-client``, unchanged, are clients of our OAuth endpoints."""

import pytest

from app_reports import WORLDS
from oauth_peers import NodeClient
from oauth_site import AUDIENCE, BILLING, CLIENT_KEY, ISSUER, SECRETS, oauth_site

LIBRARIES = ("oauth4webapi", "openid-client")
GRANTS = ["client_credentials", "introspection"]
#: How a client authenticates, and with what.
METHODS = {
    "client_secret_basic": {"client_id": "reports", "secret": SECRETS["reports"]},
    "client_secret_post": {"client_id": "reports", "secret": SECRETS["reports"]},
    "client_secret_jwt": {"client_id": "reports", "secret": SECRETS["reports"]},
    "private_key_jwt": {"client_id": "robot", "key": CLIENT_KEY},
}


@pytest.fixture(params=WORLDS)
def node(request):
    site = oauth_site(
        request.param, issuer=ISSUER, changes={name: {"grants": GRANTS} for name in ("reports", "nightly", "robot")}
    )
    client = None
    try:
        client = NodeClient(site)
        yield client
    finally:
        if client is not None:
            client.close()
        site.close()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("library", LIBRARIES)
def test_a_library_lives_the_life_of_a_token(node, library, method):
    """Discovery, a token, introspection, revocation, introspection."""
    got = node.run(library, issuer=ISSUER, method=method, parameters={"scope": "read"}, **METHODS[method])

    client_id = METHODS[method]["client_id"]
    assert ("bearer", "read", 900) == tuple(got["token"][name] for name in ("token_type", "scope", "expires_in"))
    assert (True, f"client:{client_id}") == (got["before"]["active"], got["before"]["sub"])
    assert AUDIENCE == got["before"]["aud"]
    assert {"active": False} == got["after"]
    paths = [url.removeprefix("https://app.example") for _, url in node.requests[1:]]
    assert ["/auth/token", "/auth/introspect", "/auth/revoke", "/auth/introspect"] == paths


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_secret_is_form_encoded_in_the_header(node, library):
    """RFC 6749 §2.3.1: a secret with a percent sign, a plus, a colon and a letter outside ASCII."""
    task = {"issuer": ISSUER, "method": "client_secret_basic", "parameters": {}}

    got = node.run(library, client_id="nightly", secret=SECRETS["nightly"], **task)

    assert got["before"]["active"]


@pytest.mark.parametrize("library", LIBRARIES)
def test_a_library_asks_for_another_audience(node, library):
    task = {"issuer": ISSUER, "method": "client_secret_basic", **METHODS["client_secret_basic"]}

    got = node.run(library, parameters={"resource": BILLING}, **task)

    assert BILLING == got["before"]["aud"]


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize(
    ("parameters", "error"),
    [({"scope": "admin"}, "invalid_scope"), ({"resource": "https://x.example"}, "invalid_target")],
)
def test_a_library_understands_our_refusals(node, library, parameters, error):
    task = {"issuer": ISSUER, "method": "client_secret_basic", **METHODS["client_secret_basic"]}

    with pytest.raises(ValueError, match=error):
        node.run(library, parameters=parameters, **task)
