"""A site with clients: services that authenticate by a secret, by a digest of one, or by keys of their own."""

import json
from base64 import b64encode
from hashlib import sha256
from itertools import count
from urllib.parse import quote_plus, urlencode

from joserfc import jwt
from joserfc.jwk import OctKey, import_key

from login_site import LoginSite
from safeconduct.events import ClientRefused, ClientTokenIssued
from table_tokens import AUDIENCE, FOREIGN_KEY, ISSUER, public

BILLING = "https://billing.example"
TOKEN = "/auth/token"
#: The clients: by secret, by a digest, by keys, and one without any grant at the token endpoint.
SECRETS = {
    "reports": "mFh1Zq8Yw2Vd6Xn0Rb4Tc9Ks7Lp3Jg5A",
    "nightly": "with %41, a +, a : and é, 128 bits of kX7q",
    "signer": "Qe5Wr8Ty2Ui6Op0As4Df9Gh7Jk3Lz1Xc",
}
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
CLIENT_KEY = FOREIGN_KEY
_numbers = count(1)


def clients(**changes):
    """Return the entries of the clients; *changes* are for each of them, by its name."""
    entries = {
        "reports": {
            "secret": SECRETS["reports"],
            "scopes": ["read", "write"],
            "roles": ["auditor"],
            "audiences": [BILLING],
            "grants": ["client_credentials"],
        },
        "nightly": {
            "secret": "sha256:" + sha256(SECRETS["nightly"].encode()).hexdigest(),
            "scopes": ["read"],
            "grants": ["client_credentials", "introspection"],
        },
        "robot": {"keys": {"keys": [public(CLIENT_KEY)]}, "scopes": ["read"], "grants": ["client_credentials"]},
        "signer": {"secret": SECRETS["signer"], "scopes": ["read"], "grants": ["self_signed"]},
    }
    return [{"client_id": name, **entry, **changes.get(name, {})} for name, entry in entries.items()]


def oauth_site(world, *, changes=None, **fields):
    """Return a site with clients."""
    return LoginSite(world, **{"clients": clients(**(changes or {})), **fields})


def basic(client_id, secret):
    """Return the header of ``client_secret_basic`` (RFC 6749 §2.3.1)."""
    pair = f"{quote_plus(client_id)}:{quote_plus(secret)}"
    return ("authorization", "Basic " + b64encode(pair.encode()).decode())


def assertion(client_id="robot", *, key=CLIENT_KEY, alg="ES256", now=1_800_000_000, header=(), **claims):
    """Sign an assertion; a claim of None is left out."""
    usual = {
        "iss": client_id,
        "sub": client_id,
        "aud": ISSUER,
        "iat": now,
        "exp": now + 60,
        "jti": f"assertion-{next(_numbers)}",
    }
    usual = {name: value for name, value in {**usual, **claims}.items() if value is not None}
    signing = OctKey.import_key(key) if isinstance(key, str) else import_key(key)
    return jwt.encode({"alg": alg, **dict(header)}, usual, signing, algorithms=[alg])


class OAuthClient:
    """A service that sends forms to a site."""

    def __init__(self, site):
        self.site = site
        self.response = None

    def post(self, path, fields=(), *, headers=(), body=None, method="POST"):
        """Send a form, a mapping or pairs, and return the status."""
        if body is None:
            body = urlencode(fields).encode()
        kinds = () if any(name == "content-type" for name, _ in headers) else [_FORM]
        self.response = self.site.request(method, path, [*kinds, *headers], body)
        return self.response.status

    def token(self, by="reports", *, headers=None, **fields):
        """Ask for a token by ``client_secret_basic``."""
        headers = [basic(by, SECRETS[by])] if headers is None else headers
        form = [("grant_type", "client_credentials")]
        for name, value in fields.items():
            form += [(name, each) for each in ([value] if isinstance(value, str) else value)]
        return self.post(TOKEN, form, headers=headers)

    def token_by_assertion(self, text, **fields):
        """Ask for a token by an assertion."""
        proof = {"client_assertion_type": ASSERTION_TYPE, "client_assertion": text}
        return self.token(headers=[], **proof, **fields)

    @property
    def json(self):
        """Return the JSON of the last response."""
        return json.loads(self.response.body)


def refused(client, status, error):
    """Check that the last response is a refusal in the form of OAuth, and that no token was issued."""
    response = client.response
    assert (status, error) == (response.status, client.json["error"]), client.json
    assert {"error", "error_description"} == client.json.keys()
    assert ("application/json",) == response.values("content-type")
    assert ("no-store",) == response.values("cache-control")
    challenges = ('Basic realm="https://api.example", charset="UTF-8"',) if status == 401 else ()
    assert challenges == response.values("www-authenticate")
    assert [] == [event for event in client.site.events if isinstance(event, ClientTokenIssued)]
    assert 1 == len([event for event in client.site.events if isinstance(event, ClientRefused)])


_FORM = ("content-type", "application/x-www-form-urlencoded")

__all__ = [
    "AUDIENCE", "BILLING", "ISSUER", "TOKEN", "OAuthClient", "assertion", "basic", "clients", "oauth_site", "refused",
]  # fmt: skip
