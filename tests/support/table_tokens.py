"""The tokens of the request table, minted by another library with keys that protect nothing."""

from functools import cache

from joserfc import jwt
from joserfc.jwk import ECKey

NOW = 1_800_000_000
ISSUER = "https://issuer.example"
AUDIENCE = "https://api.example"
IDP = "https://idp.example"
PARTNER = "https://partner.example"
LIFETIME_SECONDS = 900
ACR = "urn:safeconduct:acr:"

OWN_KEY = {
    "kty": "EC",
    "crv": "P-256",
    "x": "w4-zlVA_ENa76kFPvINbZfwcrRKVE74j2g6RILh-v0Y",
    "y": "2XhgBFm9hDkdPepb6pWrsPk_stBg7tocgkaKT3Ftdbc",
    "d": "PIf0ajw-WhJFQm5XUkal9H69Qgowo0qxZn0kn1PFOv8",
    "kid": "own",
    "alg": "ES256",
    "use": "sig",
    "safeconduct_state": "active",
}
SECRETS_KEY = {
    "kty": "oct",
    "k": "8cXWT91xQ05DVzISx91P4c5vZe1Jau_are4LTDhPw6U",
    "kid": "safeconduct-secrets",
    "safeconduct_state": "active",
}
FOREIGN_KEY = {
    "kty": "EC",
    "crv": "P-256",
    "x": "Jg1U6Ai-FL1CGj8SyQgE5YMzFCF9573Eqv87f7FFwH4",
    "y": "h7t2mFl5EtbFfVo0m65BW-ttvJTNNpXcqoK69LYFqQ0",
    "d": "I2oei7De5luFwM8anlMUcFtRlKcpQhdvvMgEXFI7m58",
    "kid": "foreign",
    "alg": "ES256",
    "use": "sig",
}


def public(jwk):
    """Return the public half of *jwk*."""
    return {name: value for name, value in jwk.items() if name not in {"d", "safeconduct_state"}}


@cache
def _key(name):
    return ECKey.import_key(OWN_KEY if name == "own" else FOREIGN_KEY)


def mint(subject="alice", *, by="own", kid=None, typ="at+jwt", **claims):
    """Sign an access token; a claim of None is left out."""
    usual = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": subject,
        "client_id": "app",
        "jti": f"jti-{subject}",
        "iat": NOW,
        "iat_ms": NOW * 1000,
        "exp": NOW + LIFETIME_SECONDS,
    }
    present = {name: value for name, value in (usual | claims).items() if value is not None}
    header = {"alg": "ES256", "typ": typ, "kid": kid or by}
    return jwt.encode(header, present, _key(by), algorithms=["ES256"])


def _spoilt(token):
    """Return *token* with one bit of its signature flipped."""
    return token[:-10] + ("A" if token[-10] != "A" else "B") + token[-9:]


def _signed_in(subject, level, seconds_ago, **claims):
    return mint(subject, acr=ACR + level, auth_time=NOW - seconds_ago, jti=f"{subject}-{level}-{seconds_ago}", **claims)


@cache
def tokens():
    """Return all tokens of the table by name."""
    return {
        "alice": mint(),
        "bob": mint("bob"),
        "admin": mint("root", roles=["admin"]),
        "auditor": _signed_in("ann", "explicit", 0, roles=["admin", "auditor"], scope="audit"),
        "reader": mint("rita", scope="read"),
        "writer": mint("walt", scope="read write"),
        "explicit": _signed_in("alice", "explicit", 60),
        "multifactor": _signed_in("alice", "multifactor", 60),
        "stale": _signed_in("alice", "explicit", 301),
        "client": mint("worker", client_id="worker"),
        "utf8": mint("renée/ю"),
        "long": mint("a" * 2000),
        "expired": mint(jti="expired", iat=NOW - 2000, iat_ms=(NOW - 2000) * 1000, exp=NOW - 1000),
        "last-second": mint("late", iat=NOW - 900, iat_ms=(NOW - 900) * 1000, exp=NOW - 9),
        "early": mint(jti="early", nbf=NOW + 100),
        "revoked": mint(jti="revoked"),
        "audience": mint(jti="audience", aud="https://other.example"),
        "issuer": mint(jti="issuer", iss="https://evil.example"),
        "typ": mint(jti="typ", typ="jwt"),
        "bound": mint(jti="bound", cnf={"jkt": "x"}),
        "unknown-key": mint(jti="unknown-key", kid="nobody"),
        "signature": _spoilt(mint(jti="signature")),
        "no-exp": mint(jti="no-exp", exp=None),
        "idp": mint("alice", by="foreign", iss=IDP, jti="idp", iat_ms=None, roles=["admin"], scope="read"),
        "partner": mint(
            "alice",
            by="foreign",
            iss=PARTNER,
            jti="partner",
            iat_ms=None,
            roles=["boss"],
            scope="read write",
            acr="gold",
        ),
        "usurper": mint("alice", by="foreign", jti="usurper"),
    }
