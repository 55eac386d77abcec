"""npm ``oauth4webapi`` and ``openid-client``, unchanged, exchange a user's token (RFC 8693)."""

import pytest

from app_reports import WORLDS
from exchange_site import ACCESS_TOKEN, EXCHANGE, SECRET, entry, exchange_site, user_token
from issued_tokens import BILLING, TOKENS, claims_of
from oauth_peers import NodeClient
from table_tokens import ISSUER

LIBRARIES = ("oauth4webapi", "openid-client")
FORMATS = ("jws", "opaque")


@pytest.fixture(params=WORLDS)
def make_node(request):
    """Make a site whose client exchanges tokens and asks about them, and the process that is this client."""
    made = []

    def build(**fields):
        clients = [entry("front", grants=["token_exchange", "introspection"])]
        made.append(exchange_site(request.param, clients=clients, **fields))
        made.append(NodeClient(made[0]))
        return made

    yield build
    for each in reversed(made):
        each.close()


def task(token, **parameters):
    """Return what a library is asked to do."""
    subject = {"subject_token": token, "subject_token_type": ACCESS_TOKEN}
    return {
        "issuer": ISSUER,
        "method": "client_secret_basic",
        "client_id": "front",
        "secret": SECRET,
        "grant_type": EXCHANGE,
        "parameters": subject | parameters,
    }


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("library", LIBRARIES)
def test_a_library_exchanges_a_token(make_node, library, form):
    """And finds it active, and ends it."""
    site, node = make_node(tokens={**TOKENS, "format": form})

    got = node.run(library, **task(user_token(site), audience=BILLING, scope="invoice:pay"))

    token = got["token"]
    assert ("bearer", "invoice:pay", 900) == tuple(token[name] for name in ("token_type", "scope", "expires_in"))
    assert ACCESS_TOKEN == token["issued_token_type"]
    assert ({"sub": "front"}, "alice") == tuple(claims_of(token["access_token"])[name] for name in ("act", "sub"))
    assert (True, BILLING, {"sub": "front"}) == tuple(got["before"][name] for name in ("active", "aud", "act"))
    assert {"active": False} == got["after"]


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize(
    ("parameters", "error"),
    [
        ({"scope": "stock:read"}, "invalid_scope"),
        ({"audience": "https://x.example"}, "invalid_target"),
        ({"actor_token": "x", "actor_token_type": ACCESS_TOKEN}, "invalid_request"),
    ],
    ids=str,
)
def test_a_library_understands_our_refusals(make_node, library, parameters, error):
    site, node = make_node(tokens=TOKENS)

    with pytest.raises(ValueError, match=error):
        node.run(library, **task(user_token(site), **parameters))
