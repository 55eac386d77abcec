"""A site whose clients exchange the tokens of its users."""

from issued_tokens import BILLING, STOCK, staff
from login_site import LoginClient
from oauth_site import OAuthClient, basic, oauth_site

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"
JWT = "urn:ietf:params:oauth:token-type:jwt"
SECRET = "mFh1Zq8Yw2Vd6Xn0Rb4Tc9Ks7Lp3Jg5A"


def entry(name, **fields):
    """Return a client that exchanges tokens."""
    usual = {
        "client_id": name,
        "secret": SECRET,
        "scopes": ["invoice:pay", "stock:read"],
        "audiences": [BILLING],
        "grants": ["token_exchange"],
    }
    return usual | fields


def clients():
    """Return the clients of the site."""
    chain = [entry(name, audiences=[BILLING, STOCK]) for name in ("second", "third", "fourth", "fifth")]
    return [
        entry("front"),
        entry("clerks", roles=["clerk", "owner"]),
        entry("mute", scopes=[]),
        entry("other", grants=["client_credentials"]),
        entry("signer", grants=["self_signed", "client_credentials", "token_exchange"]),
        *chain,
    ]


def exchange_site(world, **fields):
    """Return a site with users and clients."""
    return oauth_site(world, **{"clients": clients(), "directory": staff(), **fields})


class ExchangeClient(OAuthClient):
    """A service that exchanges tokens of users."""

    def exchange(self, token, *, by="front", without=(), **fields):
        """Exchange a token, and return the status."""
        form = {"grant_type": EXCHANGE, "subject_token": token, "subject_token_type": ACCESS_TOKEN} | fields
        pairs = []
        for name, value in form.items():
            if name not in without:
                pairs += [(name, each) for each in ([value] if isinstance(value, str) else value)]
        return self.post("/auth/token", pairs, headers=[basic(by, SECRET)])

    def exchanged(self, token, **fields):
        """Exchange a token, and return the new one."""
        assert 200 == self.exchange(token, **fields), self.json
        return self.json["access_token"]


def user_token(site, name="alice", password="wonder"):
    """Sign a user in, and return their access token."""
    client = LoginClient(site)
    assert 200 == client.get_tokens(name, password)
    return client.tokens["access_token"]
