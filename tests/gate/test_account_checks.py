"""With ``login.cut_off = "cached"`` a request asks the directory at most once in a while, and the store never more."""

import base64

import pytest

from app_reports import WORLDS
from login_site import LoginClient, LoginSite
from safeconduct import Account
from table_tokens import FOREIGN_KEY, IDP, mint, public

CACHED = {"login": {"cut_off": "cached"}, "revocation": {"staleness_seconds": 5}}
BASIC = (("authorization", f"Basic {base64.b64encode(b'alice:wonder').decode()}"),)
TRUSTED = {
    "issuer": IDP,
    "audience": "https://api.example",
    "algorithms": ["ES256"],
    "keys": {"keys": [public(FOREIGN_KEY)]},
}


@pytest.fixture(params=WORLDS)
def make(request):
    made = []

    def build(**fields):
        site = LoginSite(request.param, **CACHED | fields)
        made.append(site)
        return site

    yield build
    for site in made:
        site.close()


def cut_off(site, at=None):
    site.directory.accounts["alice"] = Account("alice", cut_off=site.clock() if at is None else at)


def test_r4_a_hundred_requests_are_one_look_up(make):
    """And no slow path: the account is found where the token is."""
    site = make()
    client = LoginClient(site)
    client.get_tokens()
    statuses = [client.use() for _ in range(3)]
    gate = site.auth.asgi_gate() if site.world == "asgi" else site.auth.wsgi_gate()
    decided, decide = [], gate.decide

    def counted(*given):
        decided.append(given)
        return decide(*given)

    gate.decide = counted
    statuses += [client.use() for _ in range(100)]

    assert ({200}, 1, []) == (set(statuses), site.directory.lookups, decided)


def test_r4_a_remembered_password_is_proven_again_after_a_cut_off(make):
    """The password is here, so the right one is let in at once; it is compared once more."""
    site = make(sources=["bearer", "cookie", "basic"])
    ask = lambda: site.request("GET", "/me", BASIC).status  # noqa: E731 - short, and used many times
    assert [200] * 3 == [ask() for _ in range(3)]
    assert 1 == site.directory.checks

    site.clock.advance(seconds=6)
    cut_off(site)
    assert [200] * 3 == [ask() for _ in range(3)]
    assert 2 == site.directory.checks


def test_r4_a_remembered_password_that_was_changed_ends_with_the_cut_off(make):
    site = make(sources=["bearer", "cookie", "basic"])
    assert 200 == site.request("GET", "/me", BASIC).status
    site.directory.passwords["alice"] = "changed"
    assert 200 == site.request("GET", "/me", BASIC).status

    site.clock.advance(seconds=6)
    cut_off(site)

    assert [401] * 2 == [site.request("GET", "/me", BASIC).status for _ in range(2)]


@pytest.mark.parametrize("issuer", [None, "https://issuer.example"], ids=["Basic alone", "with an issuer"])
def test_r4_basic_needs_no_issuer(make, issuer):
    fields = {"keys": None, "audience": None, "external_url": None} if issuer is None else {}
    site = make(sources=["basic"], issuer=issuer, endpoints={"enabled": False}, **fields)
    assert 200 == site.request("GET", "/me", BASIC).status
    site.clock.advance(seconds=6)
    del site.directory.accounts["alice"]

    assert 401 == site.request("GET", "/me", BASIC).status


@pytest.mark.parametrize(
    "claims",
    [
        {"by": "foreign", "iss": IDP, "subject": "alice"},
        {"subject": "app"},
        {"subject": "client:app"},
    ],
    ids=["another issuer", "a client by its name", "a client"],
)
def test_r4_no_one_is_looked_up_who_is_not_in_the_directory(make, claims):
    """Another issuer's alice is not ours, and a client is no user."""
    site = make(trust=[TRUSTED])
    claims = {"iat": int(site.clock()), "iat_ms": int(site.clock()) * 1000, "exp": int(site.clock()) + 900} | claims
    token = mint(**claims)

    assert [200] * 3 == [LoginClient(site).use(token) for _ in range(3)]
    assert 0 == site.directory.lookups


def test_r4_a_token_without_a_sign_in_is_compared_by_its_issue(make):
    """One that code has issued for a job."""
    site = make()
    now = int(site.clock())
    token = mint(iat=now, iat_ms=now * 1000, exp=now + 900)
    assert 200 == LoginClient(site).use(token)
    site.clock.advance(seconds=6)

    cut_off(site, now - 1)
    assert 200 == LoginClient(site).use(token)
    site.clock.advance(seconds=6)
    cut_off(site, now)
    assert 401 == LoginClient(site).use(token)


@pytest.mark.parametrize("consistency", ["none", "bounded", "strict"])
def test_r4_the_account_counts_whatever_a_rule_says_of_the_store(make, consistency):
    site = make(access={"rules": [{"path": "/me", "consistency": consistency}]})
    client = LoginClient(site)
    client.get_tokens()
    assert [200] * 2 == [client.use() for _ in range(2)]
    site.clock.advance(seconds=6)
    cut_off(site)

    assert 401 == client.use()


@pytest.mark.parametrize(("on_invalid", "status"), [("anonymous", 200), ("reject", 401)])
def test_r4_on_a_public_path_one_who_is_cut_off_is_no_one(make, on_invalid, status):
    site = make(access={"public": ["/me"], "on_invalid": on_invalid})
    client = LoginClient(site)
    client.get_tokens()
    client.use()
    site.clock.advance(seconds=6)
    cut_off(site)

    assert status == client.use()
    assert b"alice" not in client.response.body


def test_r4_an_inner_middleware_asks_too(make):
    """One identity for both, and one look-up."""
    site = make()
    inner = site.auth.asgi(site.application) if site.world == "asgi" else site.auth.wsgi(site.application)
    site.application, outer = inner, site.application
    client = LoginClient(site)
    client.get_tokens()

    assert [200] * 2 == [client.use() for _ in range(2)]
    assert 1 == site.directory.lookups
    site.clock.advance(seconds=6)
    cut_off(site)
    assert 401 == client.use()
    site.application = outer


def test_r4_threads_at_once_look_up_once():
    """Behind WSGI each request has a thread of its own."""
    site = LoginSite("wsgi", **CACHED)
    client = LoginClient(site)
    client.get_tokens()
    fields = (("authorization", f"Bearer {client.tokens['access_token']}"),)

    answers = site.request_all([("GET", "/me", fields)] * 8)

    assert ({200}, 1) == ({answer.status for answer in answers}, site.directory.lookups)
    site.close()
