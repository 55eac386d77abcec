"""Accept tokens that other libraries made for a trusted issuer, and no others."""

import pytest

from interop_peers import AUDIENCE, NOW, PEERS, key_for_peers, public_half, their_issuer
from safeconduct.errors import BadSignature

#: The claims of an issuer that does not know us.
CLAIMS = {
    "aud": AUDIENCE,
    "sub": "alice/renée",
    "client_id": "app",
    "jti": "token-1",
    "iat": NOW - 10,
    "exp": NOW + 290,
    "scope": "read write",
    "roles": ["App-Admins", "Others"],
}
SIGNED = [pytest.param(peer, name, id=f"{peer.name}-{name}") for peer in PEERS for name in peer.signs]
SEALED = [pytest.param(peer, name, id=f"{peer.name}-{name}") for peer in PEERS for name in peer.seals]


def signed(peer, algorithm, key):
    """Return a token that *peer* signed."""
    return peer.sign(
        key, {"alg": algorithm, "typ": "at+jwt", "kid": algorithm}, {"iss": their_issuer(algorithm), **CLAIMS}
    )


def sealed(peer, algorithm, key):
    """Return a token that *peer* signed with ES256 and put into an envelope."""
    outside = {"alg": algorithm, "enc": "A256GCM", "cty": "JWT", "typ": "at+jwt", "kid": algorithm}
    return peer.seal(public_half(key), outside, signed(peer, "ES256", key_for_peers("ES256")))


def is_alice(principal, issuer):
    """Return whether *principal* matches ``CLAIMS`` as the trust maps them."""
    actual = (principal.subject, principal.issuer, principal.client_id, principal.token_id, principal.expires_at)
    given = (principal.scopes, principal.roles, principal.level)
    return actual == ("alice/renée", issuer, "app", "token-1", NOW + 290) and given == (
        {"read", "write"},
        {"admin"},
        "remembered",
    )


@pytest.mark.parametrize(("peer", "algorithm"), SIGNED)
def test_a_signed_token_is_accepted(peer, algorithm, trusting):
    """Signatures according to the RFCs are accepted."""
    token = signed(peer, algorithm, key_for_peers(algorithm))

    principal = trusting.verify(token)

    assert is_alice(principal, their_issuer(algorithm))


@pytest.mark.parametrize(("peer", "algorithm"), SIGNED)
def test_a_token_by_another_key_is_refused(peer, algorithm, trusting):
    """The kid selects the key, and only that key verifies."""
    token = signed(peer, algorithm, key_for_peers(algorithm, "wrong"))

    with pytest.raises(BadSignature) as caught:
        trusting.verify(token)

    assert (401, "invalid_token") == (caught.value.status, caught.value.code)


@pytest.mark.parametrize(("peer", "algorithm"), SEALED)
def test_a_nested_token_is_accepted(peer, algorithm, trusting):
    """Signed inside, encrypted outside (RFC 7519 §5.2)."""
    token = sealed(peer, algorithm, key_for_peers(algorithm))

    principal = trusting.verify(token)

    assert is_alice(principal, their_issuer("ES256"))


@pytest.mark.parametrize(("peer", "algorithm"), SEALED)
def test_a_nested_token_for_another_key_is_refused(peer, algorithm, trusting):
    """An envelope for another recipient does not open."""
    token = sealed(peer, algorithm, key_for_peers(algorithm, "wrong"))

    with pytest.raises(BadSignature) as caught:
        trusting.verify(token)

    assert (401, "invalid_token") == (caught.value.status, caught.value.code)


def test_the_table_is_whole():
    """Every library covers its algorithms; Ed25519 may have either name."""
    assert {"PyJWT": 13, "jwcrypto": 13, "jose": 13} == {
        peer.name: len(set(peer.signs) - {"Ed25519"}) for peer in PEERS
    }
