"""Other libraries accept the tokens that we issue, with what we publish and nothing else."""

import pytest

from interop_peers import AUDIENCE, NOW, OUR_ISSUER, PEERS, Expected, key_for_peers
from safeconduct import Auth, Config
from safeconduct._tokens.algorithms import canonical
from safeconduct._tokens.issuer import Grant

#: "dir" is accepted and never issued.
ISSUED = ("A256KW", "ECDH-ES+A256KW")
SIGNED = [pytest.param(peer, name, id=f"{peer.name}-{name}") for peer in PEERS for name in peer.signs]
SEALED = [pytest.param(peer, name, id=f"{peer.name}-{name}") for peer in PEERS for name in peer.seals if name in ISSUED]

GRANT = Grant(
    subject="alice/renée",
    level="explicit",
    scopes=["read", "write"],
    roles=["admin"],
    lifetime_seconds=300,
    auth_time=NOW - 60,
    token_id="token-1",
    extra={"tenant": {"name": "Ωmega", "seats": 3}},
)
CLAIMS = {
    "iss": OUR_ISSUER,
    "aud": AUDIENCE,
    "sub": "alice/renée",
    "client_id": OUR_ISSUER,
    "jti": "token-1",
    "iat": NOW,
    "iat_ms": NOW * 1000 + 7,
    "exp": NOW + 300,
    "acr": "urn:safeconduct:acr:explicit",
    "auth_time": NOW - 60,
    "scope": "read write",
    "roles": ["admin"],
    "tenant": {"name": "Ωmega", "seats": 3},
}


def issuing(*algorithms, form="jws"):
    """Return an ``Auth`` that issues with a key for each of *algorithms*, and signs with the first."""
    keys = {"keys": [key_for_peers(name) for name in algorithms]}
    tokens = {"format": form, "algorithm": canonical(algorithms[0])}
    config = Config(store="memory://", issuer=OUR_ISSUER, audience=AUDIENCE, keys=keys, tokens=tokens)
    return Auth(config, clock=lambda: NOW)


def issue(auth):
    """Return a token of *auth* for ``GRANT``."""
    return auth._container.issuer.issue(GRANT, iat_ms=NOW * 1000 + 7)


def jwks_for(auth, algorithm):
    """Return the keys that *auth* publishes, or the shared secret, which is never published."""
    published = auth._container.keys.current().published()
    return published if published["keys"] else {"keys": [key_for_peers(algorithm)]}


@pytest.mark.parametrize(("peer", "algorithm"), SIGNED)
def test_a_signed_token_is_accepted_there(peer, algorithm):
    """The published JWK Set suffices, where there is one."""
    with issuing(algorithm) as auth:
        token, jwks = issue(auth), jwks_for(auth, algorithm)

    claims = peer.verify(jwks, token, Expected(algorithm, OUR_ISSUER, AUDIENCE, NOW))

    assert claims == CLAIMS


@pytest.mark.parametrize(("peer", "algorithm"), SEALED)
def test_a_nested_token_is_accepted_there(peer, algorithm):
    """The envelope opens with the reader's key, and the token in it is verified like any other."""
    with issuing("ES256", algorithm, form="jwe") as auth:
        token, jwks = issue(auth), jwks_for(auth, "ES256")

    header, inner = peer.open(key_for_peers(algorithm), token)
    claims = peer.verify(jwks, inner, Expected("ES256", OUR_ISSUER, AUDIENCE, NOW))

    repeated = {name: CLAIMS[name] for name in ("iss", "aud", "iat", "exp")}
    outside = {"alg": algorithm, "enc": "A256GCM", "cty": "JWT", "typ": "at+jwt", "kid": algorithm}
    assert {**outside, **repeated} == {name: value for name, value in header.items() if name != "epk"}
    assert {name: value for name, value in claims.items() if name != "pad"} == CLAIMS


@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.name)
def test_what_was_changed_is_refused_there(peer):
    """The other libraries refuse a changed token."""
    with issuing("ES256") as auth:
        token, jwks = issue(auth), jwks_for(auth, "ES256")
    spoilt = token[:-10] + ("A" if token[-10] != "A" else "B") + token[-9:]

    with pytest.raises(Exception, match=r"(?i)signature|verif"):
        peer.verify(jwks, spoilt, Expected("ES256", OUR_ISSUER, AUDIENCE, NOW))
