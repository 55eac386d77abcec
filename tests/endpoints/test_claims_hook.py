"""Answer 503 and keep nothing where the claims hook makes a token impossible."""

from datetime import date

import pytest

from login_site import SITE, LoginClient, LoginSite
from safeconduct import ConfigurationError
from safeconduct._core.directory import Account
from safeconduct.errors import Unavailable
from safeconduct.events import HookFailed, SignedIn
from table_tokens import OWN_KEY, SECRETS_KEY, public
from token_factory import jwk_for

#: Our own fault must not look like the caller's.
AWAY = (503, "unavailable")


class Hook:
    says = {"tenant": "t1"}  # noqa: RUF012 - each test sets its own

    def __call__(self, _principal):
        return self.says


@pytest.fixture
def hook():
    return Hook()


@pytest.fixture
def hooked(workers, format_of_tokens, hook):
    return workers(tokens={"format": format_of_tokens}, add_claims=hook)


def answered(client, status):
    return status, client.json["code"]


@pytest.mark.parametrize(
    "says", [{"since": date(2026, 1, 2)}, {"tenant": "\ud800"}, {"sub": "root"}, {"tenant": "x" * 40_000}],
    ids=["date", "surrogate", "sub", "40 KB"],
)  # fmt: skip
def test_b3_a_refresh_whose_claims_no_token_can_say_is_503(hooked, hook, clock, says):
    """The old token stays valid, even after its grace, and later sign-ins work."""
    client = LoginClient(hooked)
    client.get_tokens(remember=True)
    before, hook.says = client.tokens, says

    assert AWAY == answered(client, client.refresh())
    assert AWAY == answered(client, client.get_tokens("bob", "builder"))

    hook.says = {"tenant": "t2"}
    clock.advance(seconds=60)
    assert 200 == client.refresh(before["refresh_token"])
    assert () == hooked.auth.sessions.list("bob")
    assert ["alice"] == [event.subject for event in hooked.events if isinstance(event, SignedIn)]
    assert 2 == sum(isinstance(event, HookFailed) for event in hooked.events)


@pytest.mark.parametrize("says", [{"roles": ["admin"]}, {"scope": "admin"}, {"groups": ["admin"]}, {"scp": "admin"}])
def test_b9_a_hook_grants_no_rights(make, hook, says):
    """This holds for an account without roles, and for renamed claims."""
    site = make(add_claims=hook, tokens={"roles_claim": "groups", "scopes_claim": "scp"})
    site.directory.accounts["alice"] = Account("alice")
    hook.says = says

    client = LoginClient(site)

    assert AWAY == answered(client, client.get_tokens())
    assert [HookFailed] == [type(event) for event in site.events if isinstance(event, HookFailed | SignedIn)]


def test_b3_a_token_that_cannot_be_kept_begins_no_session(make):
    site = make(tokens={"format": "opaque"})
    references = site.auth._container.stores.opaque_tokens

    async def away(*_, **__):
        raise Unavailable("away")

    keep, references.keep = references.keep, away
    client = LoginClient(site)

    assert AWAY == answered(client, client.get_tokens())

    references.keep = keep
    assert () == site.auth.sessions.list("alice")
    assert [] == [event for event in site.events if isinstance(event, SignedIn)]


def test_b4_encrypted_tokens_without_a_key_for_envelopes_are_refused_at_once(world):
    with pytest.raises(ConfigurationError, match=r'tokens\.format: got "jwe".*keys new --use enc'):
        LoginSite(world, tokens={"format": "jwe"})


def test_b4_an_issuer_that_cannot_sign_serves_no_sign_in(world):
    """A set of public keys can only verify."""
    keys = {"keys": [public(OWN_KEY), SECRETS_KEY]}

    with pytest.raises(ConfigurationError, match=r"endpoints\.enabled: got true; .*no active signing key"):
        LoginSite(world, keys=keys, endpoints={"enabled": True}, external_url=SITE)


@pytest.mark.parametrize("written", ["jws", "jwe", "opaque"])
def test_c3_a_claim_that_says_nothing_is_left_out(make, hook, written):
    """It reads as one that the hook never set, in every format, and takes no room in the token."""
    site = make(
        tokens={"format": written}, keys={"keys": [OWN_KEY, jwk_for("A256KW", "e1"), SECRETS_KEY]}, add_claims=hook
    )
    hook.says = {"tenant": None, "groups_of": (), "plan": "", "limits": {}, "seats": 0, "trial": False}
    client = LoginClient(site)
    client.get_tokens()

    claims = site.auth.verify(client.tokens["access_token"]).claims

    assert {"seats": 0, "trial": False} == {name: claims[name] for name in hook.says if name in claims}
    assert claims.get("tenant") is claims.get("never") is None
