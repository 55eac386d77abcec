"""The secrets and keys of clients are read when the ``Auth`` is made, or when the application names the client."""

import pytest
from joserfc.jwk import ECKey

from client_tokens import SECRET
from safeconduct import Auth, Client, Config, ConfigurationError
from safeconduct._keys.clients import load_client

ISSUER = "https://api.example.com"
#: 16 bytes, which is enough for a secret that is only shown.
SHORT = "0123456789abcdef"


def ignore(_event):
    """Take an event that nobody reads."""


def loaded(**fields):
    """Return a client that was read from its entry."""
    return load_client(Client(client_id="reports", **fields), ignore, environ={"REPORTS": SECRET, "EMPTY": ""})


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"secret": SHORT}, "a secret of 16 bytes, wanted 32 for HS256"),
        ({"secret": SECRET, "algorithm": "HS512"}, "a secret of 40 bytes, wanted 64 for HS512"),
        ({"secret": SHORT, "grants": ["client_credentials"], "algorithm": "HS256"}, "wanted 32 for HS256"),
        ({"secret": "env:EMPTY"}, "EMPTY"),
        ({"secret": "env:ABSENT"}, "ABSENT"),
        ({"keys": {"keys": []}}, "no usable key"),
        ({"keys": {"keys": [ECKey.generate_key("P-256", private=True).as_dict(private=True)]}}, "no usable key"),
        ({"jwks": "https://reports.example.com/jwks"}, "not implemented"),
    ],
)
def test_a_credential_that_cannot_be_used_is_named_by_its_client(fields, reason):
    with pytest.raises(ConfigurationError, match=reason) as caught:
        loaded(**fields)

    assert "reports" in str(caught.value)


def test_a_short_secret_is_only_shown():
    """It authenticates the client at the token endpoint, and verifies nothing."""
    client = loaded(secret=SHORT, grants=["client_credentials"])

    assert (True, None) == (client.secret_digest is not None, client.keys)


def test_a_set_of_public_keys_may_be_given_in_code():
    key = ECKey.generate_key("P-256", private=True, parameters={"kid": "a"})

    client = loaded(keys={"keys": [key.as_dict(private=False)]})

    assert "a" == client.keys.table().find("a", "ES256").kid


def test_an_auth_with_such_a_client_is_not_made():
    config = Config(store="memory://", audience=ISSUER, clients=[{"client_id": "reports", "secret": SHORT}])

    with pytest.raises(ConfigurationError, match="reports"):
        Auth(config)
