"""Require a live session for every token that we issued: ``sessions.require_session`` (R3)."""

import json
from base64 import urlsafe_b64decode

import pytest

from login_site import ACCESS, OWN_PAGE, LoginClient, LoginSite, stores_of
from safeconduct.stores.memory import session_index
from store_servers import KINDS
from table_tokens import AUDIENCE, FOREIGN_KEY, IDP, mint, public

TRUST = [{"issuer": IDP, "audience": AUDIENCE, "algorithms": ["ES256"], "keys": {"keys": [public(FOREIGN_KEY)]}}]


@pytest.fixture
def make_over(world, moment, servers):
    """Make a site with an allowlist over any kind of store."""
    made = []

    def build(kind, **fields):
        server = None if kind == "memory" else servers(kind)
        stores = stores_of(kind, server, moment, print)
        site = LoginSite(world, clock=moment.clock, stores=stores, sessions={"require_session": True}, **fields)
        made.append((site, server))
        return made[-1]

    yield build
    for site, _ in made:
        site.close()


@pytest.fixture(params=["memory", *KINDS])
def site(request, make_over):
    return make_over(request.param)[0]


@pytest.fixture
def client(site):
    return LoginClient(site)


def minted(site, by="own", like=None, **claims):
    now = int(site.clock())
    # Not later than the store's last issue time: a later token would prove that the store lost data.
    stamped = {} if like is None else {name: claims_of(like)[name] for name in ("iat", "iat_ms")}
    return mint(by=by, **{"iat": now, "iat_ms": now * 1000 + 1, "exp": now + 900} | stamped | claims)


def claims_of(token):
    segment = token.split(".")[1]
    return json.loads(urlsafe_b64decode(segment + "=" * (-len(segment) % 4)))


def test_a_login_has_its_whole_life(client, clock):
    client.get_tokens(remember=True)
    assert (200, 200, 200) == (client.use(), client.refresh(), client.use())
    clock.advance(seconds=3600)
    assert (200, 200) == (client.refresh(), client.use())

    assert 204 == client.request("POST", "/auth/logout", bearer=client.tokens["access_token"])
    assert 401 == client.use()


def test_a_page_has_it_too(client):
    client.sign_in()

    assert 200 == client.request("POST", "/me")
    assert 204 == client.request("POST", "/auth/logout")
    assert 401 == client.request("GET", "/me")


def test_a_token_without_a_session_does_not_count(site, client):
    """A thief of the signing key can sign tokens, but cannot put a session into the store."""
    client.get_tokens()
    genuine, like = client.tokens["session_id"], client.tokens["access_token"]
    other = genuine[:-4] + ("AAAA" if genuine[-4:] != "AAAA" else "BBBB")

    assert 200 == client.use(minted(site, like=like, sid=genuine))
    assert (401, 401) == (client.use(minted(site, like=like)), client.use(minted(site, like=like, sid=other)))
    assert 401 == site.request("GET", "/me", [("cookie", f"{ACCESS}={minted(site, like=like)}"), *OWN_PAGE]).status


def test_what_others_issue_has_no_session_here(make_over):
    """A proven password is not enough either."""
    site, _ = make_over("memory", trust=TRUST, sources=["bearer", "basic"])
    client = LoginClient(site)

    assert 200 == client.use(minted(site, by="foreign", iss=IDP, kid="foreign"))
    assert 200 == site.request("GET", "/me", [("authorization", "Basic YWxpY2U6d29uZGVy")]).status


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_asked_in_the_same_command(make_over, kind):
    site, server = make_over(kind)
    client = LoginClient(site)
    client.get_tokens()
    client.use()

    def asked():
        json_body = server.say("INFO", "commandstats").splitlines()
        return sum(
            int(line.split("calls=")[1].split(",")[0]) for line in json_body if line.startswith("cmdstat_evalsha:")
        )

    before = asked()
    statuses = [client.use() for _ in range(20)]

    assert ([200] * 20, 20) == (statuses, asked() - before)


def test_an_evicted_session_ends_at_once(make_over, monkeypatch):
    """The memory is bounded, and a remembered proof of an evicted session no longer counts."""
    monkeypatch.setattr(session_index, "LIMIT", 1)
    site, _ = make_over("memory")
    first, second = LoginClient(site), LoginClient(site)
    first.get_tokens()
    assert (200, 200) == (first.use(), first.use())

    second.get_tokens("bob", "builder")

    assert (401, 200) == (first.use(), second.use())
