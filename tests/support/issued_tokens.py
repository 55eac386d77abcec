"""Issue tokens in the world of a site, and read what they say."""

import base64
import json

from login_site import LoginClient
from memory_directory import MemoryDirectory
from safeconduct import Account

BILLING = "https://billing.example"
STOCK = "https://stock.example"
RIGHTS = {"roles": ["clerk", "admin"], "scopes": ["invoice:pay", "invoice:read"]}
TOKENS = {"audiences": [BILLING, STOCK]}


def in_world(site, awaitable, blocking, *args, **named):
    """Call the verb of the site's world."""
    if site.world == "asgi":
        return site._runner.run(awaitable(*args, **named))
    return blocking(*args, **named)


def issue(site, *args, **named):
    """Issue a token."""
    return in_world(site, site.auth.async_tokens.issue, site.auth.tokens.issue, *args, **named)


def verify(site, token):
    """Return the principal of a token, as a request's token is checked."""
    return in_world(site, site.auth.async_verify, site.auth.verify, token)


def part_of(token, index):
    """Return the header (0) or the claims (1) of a signed token, unchecked."""
    segment = token.split(".")[index]
    return json.loads(base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))


def claims_of(token):
    """Return the claims of a signed token, unchecked."""
    return part_of(token, 1)


def staff():
    """Return users of whom alice has rights."""
    people = MemoryDirectory(alice="wonder", bob="builder")
    people.accounts["alice"] = Account("alice", level="explicit", **RIGHTS)
    return people


def user_of(site, name="alice", password="wonder"):
    """Sign a user in and return their principal."""
    client = LoginClient(site)
    assert 200 == client.get_tokens(name, password)
    return verify(site, client.tokens["access_token"])
