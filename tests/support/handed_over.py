"""Two servers, of which the first hands its users' browsers over to the second, and a browser."""

import re
from html import unescape
from urllib.parse import urlencode

from issued_tokens import in_world, user_of
from login_site import SITE, LoginClient, LoginSite
from memory_directory import MemoryDirectory
from safeconduct import Account
from table_tokens import AUDIENCE, FOREIGN_KEY, SECRETS_KEY, mint, public

ONE = "https://one.example"
FORM = ("content-type", "application/x-www-form-urlencoded")
TRUST = {
    "issuer": ONE,
    "audience": AUDIENCE,
    "algorithms": ["ES256"],
    "keys": {"keys": [public(FOREIGN_KEY)]},
    "hand_over": True,
    "scopes": ["invoice:pay"],
    "roles": {"clerk": "guest"},
    "remote_user": "one:{sub}",
}
TYP = "safeconduct-handover+jwt"


def people():
    """Return the users of either server: the same names, and not the same persons."""
    directory = MemoryDirectory(alice="wonder", bob="builder")
    directory.accounts["alice"] = Account(
        "alice", level="explicit", roles=["clerk", "admin"], scopes=["invoice:pay", "invoice:read"]
    )
    return directory


def sending_fields():
    """Return the configuration of the server that hands over."""
    return {
        "issuer": ONE,
        "audience": f"{ONE}/api",
        "external_url": ONE,
        "keys": {"keys": [{**FOREIGN_KEY, "safeconduct_state": "active"}, SECRETS_KEY]},
        "tokens": {"audiences": [AUDIENCE]},
        "directory": people(),
    }


def sending_site(world, clock, **fields):
    """Return the server that hands over."""
    return LoginSite(world, clock=clock, **sending_fields() | fields)


def receiving_site(world, clock, *, trust=None, trust_list=None, **fields):
    """Return the server that receives."""
    trusts = trust_list or [{**TRUST, **(trust or {})}]
    return LoginSite(world, clock=clock, directory=people(), trust=trusts, **fields)


def hand_over(site, principal=None, **named):
    """Hand a user of *site* over."""
    usual = {"audience": AUDIENCE, "next": "/invoices/7", "scopes": ["invoice:pay"]}
    verbs = site.auth.async_tokens.hand_over, site.auth.tokens.hand_over
    return in_world(site, *verbs, principal or user_of(site), **usual | named)


def minted(subject="alice", **claims):
    """Sign a hand-over with the key of the first server, by another library; a claim of None is left out."""
    usual = {
        "typ": TYP, "iss": ONE, "aud": AUDIENCE, "iat_ms": None, "client_id": None, "exp": 1_800_000_060,
        "jti": "0123456789abcdefghijkl", "next": "/invoices/7",
    }  # fmt: skip
    return mint(subject, **{"by": "foreign", **usual, **claims})


class Browser(LoginClient):
    """A browser at the receiving server."""

    def accept(self, token, *, origin=SITE, headers=(), target="/auth/accept", **fields):
        """Post a token from a page of *origin*, and return the status; cookies come only with our own origin."""
        sent_by = () if origin is None else (("origin", origin),)
        body = urlencode({"token": token, **fields}).encode()
        return self.request(
            "POST",
            target,
            headers=[FORM, *sent_by, *headers],
            body=body,
            page=False,
            with_cookies=origin in {SITE, "null"},
        )

    def press(self, token):
        """Press the button of the page that the last response shows."""
        fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', self.text))
        assert token == fields.pop("token")
        return self.accept(token, **{name: unescape(value) for name, value in fields.items()})

    @property
    def text(self):
        """The text of the last response."""
        return self.response.body.decode()

    def session(self):
        """Return what ``GET /auth/session`` says."""
        assert 200 == self.request("GET", "/auth/session")
        return self.json

    def header(self, name):
        """Return the one value of a field."""
        [value] = self.response.values(name)
        return value
