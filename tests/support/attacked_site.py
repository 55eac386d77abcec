"""One application with clients, API keys, exchange and hand-over, and what an attacker can send to it."""

import json
from base64 import b64encode
from itertools import count
from urllib.parse import quote_plus, urlencode

import jwt

from handed_over import TRUST, people, sending_site
from handed_over import hand_over as handed_over_token
from issued_tokens import in_world
from login_site import SITE, LoginClient, LoginSite
from table_tokens import AUDIENCE, FOREIGN_KEY, public

BILLING = "https://billing.example"
TOKEN, ACCEPT = "/auth/token", "/auth/accept"
SECRET, OTHER_SECRET = "8Vn0pQx2sLr7tYw4zKc9mBd6hGf3jRaE1uTi5oXe", "kD4wZ8rT1xJ6vN3qB9sM5yH2gL7fC0pAeUiOoXbR"
LONG_SECRET = SECRET + OTHER_SECRET
KEY = jwt.PyJWK(FOREIGN_KEY, "ES256").key
PUBLIC_TEXT = json.dumps(public(FOREIGN_KEY))
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
ALL = ["self_signed", "client_credentials", "token_exchange"]
CLIENTS = [
    {"client_id": "reports", "secret": SECRET, "scopes": ["read"], "grants": ALL},
    {"client_id": "once", "secret": OTHER_SECRET, "scopes": ["read"], "single_use": True},
    {"client_id": "robot", "keys": {"keys": [public(FOREIGN_KEY)]}, "scopes": ["write"], "grants": ALL},
    {"client_id": "long", "secret": LONG_SECRET, "algorithm": "HS512", "scopes": ["read"]},
    {"client_id": "alice", "secret": SECRET[::-1], "scopes": ["read"], "grants": ALL},
    *(
        {"client_id": f"hop{number}", "secret": SECRET + str(number), "audiences": [BILLING], "scopes": ["invoice:pay"],
         "grants": ["token_exchange", "client_credentials"]}
        for number in range(5)
    ),
]  # fmt: skip
SECRETS = {entry["client_id"]: entry["secret"] for entry in CLIENTS if "secret" in entry}
FORM = ("content-type", "application/x-www-form-urlencoded")
_numbers = count(1)


class AttackedSite:
    """The application in one world, and all that an attacker can send to it."""

    def __init__(self, world, **fields):
        directory = people()
        directory.passwords |= {"client:reports": "a name like a client's"}
        self.site = LoginSite(
            world,
            directory=directory,
            clients=CLIENTS,
            trust=[TRUST],
            sources=["bearer", "cookie", "api_key"],
            tokens={"audiences": [BILLING]},
            access={"rules": [{"path": "/read", "scopes": ["read"]}, {"path": "/users", "schemes": ["bearer"]}]},
            **fields,
        )
        self.clock = self.site.clock
        self._sender = sending_site(world, self.clock)

    def close(self):
        """Close both servers."""
        self.site.close()
        self._sender.close()

    def get(self, token, target="/read", method="GET"):
        """Send a bearer token."""
        return self.site.request(method, target, [("authorization", f"Bearer {token}")])

    def ask(self, client="reports", *, secret=None, **form):
        """Ask for a token by ``client_secret_basic``."""
        return self.site.request("POST", TOKEN, [FORM, self.basic(client, secret)], urlencode(form).encode())

    def basic(self, client, secret=None):
        """Return the header of ``client_secret_basic``."""
        pair = f"{quote_plus(client)}:{quote_plus(secret or SECRETS[client])}"
        return ("authorization", "Basic " + b64encode(pair.encode()).decode())

    def credentials(self, client="reports", **form):
        """Return the token of the client credentials grant."""
        return json.loads(self.ask(client, grant_type="client_credentials", **form).body)["access_token"]

    def exchange(self, token, *, client="hop0", **form):
        """Exchange a token."""
        usual = {"grant_type": EXCHANGE, "subject_token": token, "subject_token_type": ACCESS_TOKEN}
        return self.ask(client, **usual | form)

    def exchanged(self, token, **form):
        """Return the token that another one was exchanged for."""
        return json.loads(self.exchange(token, **form).body)["access_token"]

    def assert_by(self, assertion):
        """Ask for a token by an assertion."""
        form = {"grant_type": "client_credentials", "client_assertion_type": ASSERTION, "client_assertion": assertion}
        return self.site.request("POST", TOKEN, [FORM], urlencode(form).encode())

    def signed(self, client="reports", *, key=None, alg="HS256", header=None, **claims):
        """Sign a token as a client; a claim of None is left out."""
        now = int(self.clock())
        usual = {"iss": client, "sub": client, "aud": AUDIENCE, "iat": now, "exp": now + 300}
        written = {name: value for name, value in (usual | claims).items() if value is not None}
        return jwt.encode(written, key or SECRETS.get(client, SECRET), alg, headers={"typ": None, **(header or {})})

    def assertion(self, client="reports", **changes):
        """Sign an assertion as a client."""
        usual = {"aud": f"{SITE}{TOKEN}", "jti": f"a{next(_numbers)}", "exp": int(self.clock()) + 60}
        return self.signed(client, **{"header": {"typ": "client-authentication+jwt"}, **usual, **changes})

    def sign_in(self, name="alice", password="wonder"):
        """Return a client that has signed in."""
        login = LoginClient(self.site)
        assert 200 == login.get_tokens(name, password)
        return login

    def user_token(self, name="alice", password="wonder"):
        """Return the access token of a user."""
        return self.sign_in(name, password).tokens["access_token"]

    def api_key(self, subject="alice", **fields):
        """Return an API key, which its owner has made."""
        verbs = self.site.auth.async_api_keys.create, self.site.auth.api_keys.create
        return in_world(self.site, *verbs, subject, **{"name": "ci", "scopes": ["invoice:pay"]} | fields).key

    def handed_over(self):
        """Return the token with which the first server hands alice over."""
        return handed_over_token(self._sender).token

    def revoke(self, verb, *words):
        """Revoke something, as an operator does."""
        asynchronous, blocking = self.site.auth.async_sessions, self.site.auth.sessions
        in_world(self.site, getattr(asynchronous, f"revoke_{verb}"), getattr(blocking, f"revoke_{verb}"), *words)
