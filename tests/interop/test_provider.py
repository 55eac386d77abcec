"""
A certified OpenID provider, as it is, is one of the issuers that can be trusted.

The provider runs on node in a process of its own; the program that starts it is not part of this repository.
"""

import pytest

from openid_provider import AUDIENCE, PROGRAM, Provider, require_provider
from safeconduct import Auth, Config, Trust
from safeconduct.errors import WrongAudience
from safeconduct.service import ClientCredentials, TokenRequestRefused


@pytest.fixture(params=["ES256", "RS256", "PS256", "Ed25519"])
def provider(request, tmp_path):
    """Start a provider that signs with each algorithm in turn."""
    require_provider()
    running = Provider(PROGRAM, request.param, tmp_path)
    yield running
    running.close()


def trusting(provider, audience=AUDIENCE):
    """Return an ``Auth`` that trusts *provider* by the JWK Set that it publishes."""
    jwks = provider.ask("GET", "/jwks")
    algorithms = ["ES256", "RS256", "PS256", "Ed25519"]
    trust = Trust(issuer=provider.issuer, audience=audience, algorithms=algorithms, keys=jwks, scopes=["read"])
    return Auth(Config(store="memory://", trust=[trust]))


def test_a_token_of_a_provider_is_accepted(provider):
    """A certified provider issues RFC 9068 tokens that we accept."""
    with trusting(provider) as auth:
        principal = auth.verify(provider.token())

    who = (principal.issuer, principal.subject, principal.client_id, principal.scopes, principal.level)
    assert (provider.issuer, "m2m", "m2m", {"read"}, "remembered") == who


def test_a_token_for_somebody_else_is_refused(provider):
    """A valid signature of the provider is not enough."""
    with trusting(provider, audience="https://other.example") as auth, pytest.raises(WrongAudience) as caught:
        auth.verify(provider.token())

    assert (401, "invalid_token") == (caught.value.status, caught.value.code)


@pytest.mark.parametrize("way", ["issuer", "token_url"])
def test_a_service_of_ours_gets_a_token_of_a_provider(provider, way):
    """By its metadata or by its endpoint; what it gives is what we accept."""
    place = {way: provider.issuer if way == "issuer" else f"{provider.issuer}/token"}
    service = ClientCredentials("m2m", "m2m-secret", scopes=["read"], audience=AUDIENCE, **place)

    with trusting(provider) as auth:
        principal = auth.verify(service._tokens().get().value)

    assert ("m2m", {"read"}) == (principal.client_id, principal.scopes)


def test_a_provider_refuses_a_wrong_secret(provider):
    service = ClientCredentials("m2m", "another-secret", issuer=provider.issuer)

    with pytest.raises(TokenRequestRefused) as caught:
        service._tokens().get()

    assert ("invalid_client", 401) == (caught.value.error, caught.value.status)
