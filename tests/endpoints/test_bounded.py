"""With bounded consistency a request is answered from the local view, and the store is asked only where it must be."""

import asyncio

import pytest

from app_reports import AsgiReport
from bounded_site import STALE_SECONDS, BoundedSite, TokenClient, scripts_run, signed_in
from login_site import OWN_PAGE, LoginSite
from safeconduct._core.requirement import Requirement
from safeconduct.errors import Unavailable
from safeconduct.events import RevocationUnchecked
from safeconduct.stores.redis.follower import Follower


@pytest.fixture
def site(request, world, moment, servers, monkeypatch):
    """Make a site over an emptied server, and return both."""
    monkeypatch.setattr(Follower, "start", lambda _self: None)
    made = []

    def build(**options):
        server = servers(request.param)
        server.say("FLUSHALL")
        site = BoundedSite(world, server, moment, **options)
        made.append(site)
        return site, server

    yield build
    for each in made:
        each.close()


both_servers = pytest.mark.parametrize("site", ["valkey", "redis"], indirect=True)


@both_servers
def test_a_warm_request_sends_no_command(site):
    site, server = site()
    client = signed_in(site)
    before = scripts_run(server)

    assert {200} == {client.get() for _ in range(20)}

    assert before == scripts_run(server)


@both_servers
def test_the_first_request_asks_the_store(site):
    """Nothing is loaded yet."""
    site, server = site()
    client = TokenClient(site)
    client.get_tokens()
    before = scripts_run(server)

    assert 200 == client.get()

    assert before < scripts_run(server)


@both_servers
def test_what_another_process_revoked_is_refused_once_it_was_read(site, moment):
    """The bound is the greatest age of the view."""
    site, server = site()
    client = signed_in(site)
    other = BoundedSite("wsgi", server, moment)
    other.auth.sessions.sign_out(client.tokens["access_token"])

    site.follow()

    assert 401 == client.get()
    assert "invalid_token" == client.json["code"]
    other.close()


@both_servers
def test_what_this_process_revoked_is_refused_at_once(site):
    """Also before the follower has read it."""
    site, _ = site()
    client = signed_in(site)

    assert 204 == client.request(
        "POST", "/auth/logout", bearer=client.tokens["access_token"], headers=OWN_PAGE, with_cookies=False
    )

    assert 401 == client.get()


@both_servers
def test_a_view_that_is_too_old_lets_the_store_be_asked(site, moment):
    site, server = site()
    client = signed_in(site)
    before = scripts_run(server)
    moment.clock.advance(seconds=STALE_SECONDS)

    assert 200 == client.get()

    assert before + 1 == scripts_run(server)


@both_servers
@pytest.mark.parametrize(
    ("rule", "asked"), [({"consistency": "strict"}, 5), ({"consistency": "bounded"}, 0), ({"consistency": "none"}, 0)]
)
def test_a_rule_says_how_surely_a_revocation_must_be_seen(site, rule, asked):
    """/payments asks every time."""
    site, server = site(access={"rules": [{"path": "/payments/{id}", **rule}]})
    client = signed_in(site, "/payments/1")
    before = scripts_run(server)

    assert {200} == {client.get("/payments/1") for _ in range(5)}

    assert before + asked == scripts_run(server)


@both_servers
def test_a_bounded_rule_where_the_store_is_asked_by_default(site):
    site, server = site(consistency="strict", access={"rules": [{"path": "/news", "consistency": "bounded"}]})
    client = signed_in(site, "/news")
    before = scripts_run(server)

    assert {200} == {client.get("/news") for _ in range(5)}
    assert before == scripts_run(server)
    assert 200 == client.get()
    assert before + 1 == scripts_run(server)


class Mounted:
    """An application that mounts another one, behind the same ``Auth``."""

    inner = None

    async def __call__(self, scope, receive, send):
        await self.inner({**scope, "root_path": "/sub"}, receive, send)


@both_servers
@pytest.mark.parametrize("world", ["asgi"])
def test_an_inner_middleware_that_is_strict_asks_though_the_outer_one_is_bounded(site):
    """What the local view said outside is not what the store says."""
    mounted = Mounted()
    rules = [{"path": "/sub/{rest...}", "consistency": "bounded"}]
    site, server = site(app=mounted, consistency="strict", access={"rules": rules})
    mounted.inner = site.auth.asgi(AsgiReport())
    client = signed_in(site, "/sub/news")
    before = scripts_run(server)

    assert {200} == {client.get("/sub/news") for _ in range(5)}

    assert before + 5 == scripts_run(server)


@both_servers
@pytest.mark.parametrize("world", ["asgi"])
def test_an_inner_middleware_refuses_what_the_outer_one_serves_unchecked(site, moment):
    mounted = Mounted()
    rules = [{"path": "/sub/{rest...}", "on_outage": "serve"}, {"path": "/news", "on_outage": "refuse"}]
    site, _ = site(app=mounted, access={"rules": rules})
    mounted.inner = site.auth.asgi(AsgiReport())
    client = signed_in(site, "/sub/news")
    site.stores._threads.end()
    site.stores._loops.end()
    moment.clock.advance(seconds=STALE_SECONDS)

    assert 503 == client.get("/sub/news")


@both_servers
@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, 503),
        ({"on_outage": "serve"}, 200),
        ({"access": {"rules": [{"path": "/me", "on_outage": "serve"}]}}, 200),
        ({"on_outage": "serve", "access": {"rules": [{"path": "/me", "on_outage": "refuse"}]}}, 503),
    ],
    ids=["refuse", "serve", "a rule that serves", "a rule that refuses"],
)
def test_in_an_outage_on_outage_decides_once_the_view_is_too_old(site, moment, options, expected):
    """Until then the view answers; a request that passes unchecked is announced once a minute."""
    site, _ = site(**options)
    client = signed_in(site)
    site.stores._threads.end()
    site.stores._loops.end()
    assert 200 == client.get()
    moment.clock.advance(seconds=STALE_SECONDS)

    assert [expected] * 2 == [client.get() for _ in range(2)]

    unchecked = [event for event in site.events if isinstance(event, RevocationUnchecked)]
    assert (1 if expected == 200 else 0) == len(unchecked)
    if unchecked:
        assert STALE_SECONDS == unchecked[0].view_age_seconds
        moment.clock.advance(seconds=60)
        assert 200 == client.get()
        assert 2 == len([event for event in site.events if isinstance(event, RevocationUnchecked)])


@both_servers
def test_what_is_known_to_be_revoked_never_passes_in_an_outage(site, moment):
    site, server = site(on_outage="serve")
    client = signed_in(site)
    other = BoundedSite("wsgi", server, moment)
    other.auth.sessions.sign_out(client.tokens["access_token"])
    other.close()
    site.follow()
    site.stores._threads.end()
    site.stores._loops.end()
    moment.clock.advance(seconds=STALE_SECONDS)

    assert 503 == client.get()


@both_servers
def test_a_server_that_evicts_is_not_an_outage(site, moment):
    """A store that may have forgotten revocations must not be believed, and not be served without."""
    site, server = site(on_outage="serve")
    client = signed_in(site)
    server.say("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    site.stores._topology.node.health.doubt()
    moment.clock.advance(seconds=STALE_SECONDS)

    try:
        assert 503 == client.get()
        with pytest.raises(Unavailable):
            site.follow()
    finally:
        server.say("CONFIG", "SET", "maxmemory-policy", "noeviction")


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [(None, None, None), ("serve", None, "serve"), (None, "serve", "serve"), ("serve", "refuse", "refuse")],
)
def test_of_two_rules_the_one_that_refuses_in_an_outage_counts(first, second, expected):
    assert expected == (Requirement(on_outage=first) + Requirement(on_outage=second)).on_outage


def test_a_server_whose_first_request_comes_late_has_its_view_by_then(servers, moment):
    """The ASGI lifespan starts the thread."""
    server = servers("redis")
    server.say("FLUSHALL")
    site = BoundedSite("asgi", server, moment)

    async def application(_scope, receive, send):
        assert "lifespan.startup" == (await receive())["type"]
        while not site.auth.view_age_seconds < STALE_SECONDS:
            pass
        await send({"type": "lifespan.startup.complete"})

    sent = []

    async def send(message):
        sent.append(message["type"])

    async def receive():
        return {"type": "lifespan.startup"}

    asyncio.run(site.auth.asgi(application)({"type": "lifespan"}, receive, send))

    assert ["lifespan.startup.complete"] == sent
    site.close()


def test_where_no_view_is_kept_it_has_no_age(moment):
    """With "strict" everywhere."""
    site = LoginSite("wsgi", clock=moment.clock)

    assert site.auth.view_age_seconds is None
    site.close()
