"""Whatever ends something may demand that replicas have it; a caller learns if they do not, and may try again."""

import pytest

from login_site import OWN_PAGE, LoginClient, LoginSite, login_configuration
from replicated_servers import Replicated
from safeconduct import RevocationReceipt, TooFewReplicas
from safeconduct.errors import RevokedToken, Unavailable
from safeconduct.stores.redis.server import RedisServer
from store_servers import KINDS
from worker_processes import wait_for


@pytest.fixture(scope="module")
def replicated_servers():
    """Start a primary and a replica at the first test that asks for their kind."""
    started = {}

    def start(kind):
        if kind not in started:
            started[kind] = Replicated(kind)
        return started[kind]

    yield start
    for servers in started.values():
        servers.stop()


@pytest.fixture(params=KINDS)
def pair(request, replicated_servers):
    """Return an emptied primary and a replica that follows it."""
    pair = replicated_servers(request.param)
    pair.primary.say("FLUSHALL")
    yield pair
    pair.replica.resume()


@pytest.fixture
def open_site(world, moment, pair):
    """Open a site over the primary; a command that waits in vain takes four tenths of a second."""
    made = []

    def build(min_replicas=1, **fields):
        revocation = {"min_replicas": min_replicas, "consistency": "strict"}
        config = login_configuration(store={"url": pair.primary.socket_url, "deadline_ms": 500}, revocation=revocation)
        stores = RedisServer(
            config.store, config.revocation, horizon_ms=86_400_000, leeway_ms=10_000, announce=print,
            shift_ms=moment.shift_ms, monotonic=moment.clock,
        )  # fmt: skip
        made.append(LoginSite(world, stores=stores, clock=moment.clock, revocation=revocation, **fields))
        return made[-1]

    yield build
    for site in made:
        site.close()


@pytest.fixture
def site(open_site):
    return open_site()


def signed_in(site, **more):
    client = LoginClient(site)
    # The deadline is short, and a sign-in may take longer on a busy machine.
    assert wait_for(lambda: 200 == client.get_tokens(**more))
    assert wait_for(lambda: 200 == client.use())
    return client


VERBS = {
    "end": lambda sessions, client, **demand: sessions.end(client.tokens["session_id"], **demand),
    "token": lambda sessions, _client, **demand: sessions.revoke_token("some-id", subject="alice", **demand),
    "subject": lambda sessions, _client, **demand: sessions.revoke_subject("alice", **demand),
    "client": lambda sessions, _client, **demand: sessions.revoke_client("shop", **demand),
    "key": lambda sessions, _client, **demand: sessions.revoke_key("a-key", **demand),
    "everything": lambda sessions, _client, **demand: sessions.revoke_everything(**demand),
}


@pytest.mark.parametrize("verb", VERBS)
def test_a_revocation_that_too_few_replicas_have_says_so(site, pair, verb):
    """It is written; asked for again, it waits again, also if there is nothing more to write."""
    client = signed_in(site)
    pair.replica.pause()

    for _ in range(2):
        with pytest.raises(TooFewReplicas) as caught:
            VERBS[verb](site.auth.sessions, client)

        receipt = caught.value.receipt
        assert (1, (0,), 0, ()) == (caught.value.wanted, receipt.shards, receipt.replicas, receipt.missed)

    pair.replica.resume()
    assert 1 == patiently(lambda: VERBS[verb](site.auth.sessions, client)).replicas


def patiently(verb):
    """Repeat until the replica that was paused has caught up, as a caller would."""
    for _ in range(100):
        try:
            return verb()
        except TooFewReplicas:
            pass
    raise AssertionError("the replica did not catch up")


@pytest.mark.parametrize("verb", ["token", "subject"])
def test_a_call_may_demand_more_or_less_than_configured(open_site, pair, verb):
    client = signed_in(open_site(min_replicas=0))
    relaxed, demanding = open_site(min_replicas=0).auth.sessions, open_site(min_replicas=1).auth.sessions
    assert 1 == patiently(lambda: VERBS[verb](relaxed, client, min_replicas=1)).replicas
    pair.replica.pause()

    with pytest.raises(TooFewReplicas):
        VERBS[verb](relaxed, client, min_replicas=1)
    assert 0 == VERBS[verb](relaxed, client).replicas
    assert 0 == VERBS[verb](demanding, client, min_replicas=0).replicas


def test_what_too_few_replicas_have_is_in_effect(site, pair):
    client = signed_in(site)
    pair.replica.pause()

    with pytest.raises(TooFewReplicas):
        site.auth.sessions.revoke_subject("alice")

    with pytest.raises(RevokedToken):
        site.auth.verify(client.tokens["access_token"])


@pytest.mark.parametrize("verb", ["sign_out", "sign_out_everywhere"])
def test_a_sign_out_in_code_says_so_too(site, pair, verb):
    client = signed_in(site)
    argument = client.tokens["access_token"] if verb == "sign_out" else "alice"
    sign_out = getattr(site.auth.sessions, verb)
    pair.replica.pause()

    for _ in range(2):
        with pytest.raises(TooFewReplicas) as caught:
            sign_out(argument)
        assert (None, 0) == (caught.value.receipt.before_ms, caught.value.receipt.replicas)

    pair.replica.resume()
    patiently(lambda: sign_out(argument))


def logout_with_access_token(client):
    return client.request(
        "POST", "/auth/logout", bearer=client.tokens["access_token"], headers=OWN_PAGE, with_cookies=False
    )


def logout_with_refresh_token(client):
    body = {"refresh_token": client.tokens["refresh_token"]}
    return client.request("POST", "/auth/logout", json_body=body, with_cookies=False)


@pytest.mark.parametrize(
    ("logout", "token_format"),
    [
        (logout_with_access_token, "jws"),
        (logout_with_access_token, "opaque"),
        (logout_with_refresh_token, "jws"),
    ],
    ids=["signed", "opaque", "refresh"],
)
def test_a_logout_is_answered_503_until_the_replicas_have_it(open_site, pair, logout, token_format):
    """The session has ended all the same, and another try waits for the replicas again."""
    client = signed_in(open_site(tokens={"format": token_format}), remember=True)
    pair.replica.pause()

    for _ in range(2):
        assert 503 == logout(client)
        assert ("1",) == client.response.values("retry-after")
        assert "unavailable" == client.json["code"]
        assert 401 == client.use()

    pair.replica.resume()
    statuses = [logout(client)]
    while statuses[-1] == 503 and len(statuses) < 100:
        statuses.append(logout(client))
    assert 204 == statuses[-1]


def test_after_a_logout_everywhere_the_token_that_asked_has_ended_too(site, pair):
    """Another try is answered 401: a revoked token may not end sessions."""
    client = signed_in(site)
    pair.replica.pause()

    def everywhere():
        return client.request(
            "POST", "/auth/logout-everywhere", bearer=client.tokens["access_token"], headers=OWN_PAGE,
            with_cookies=False,
        )  # fmt: skip

    assert [503, 401] == [everywhere(), everywhere()]


def test_ending_another_session_is_answered_503_until_the_replicas_have_it(site, pair):
    """Then 404: there is no such session any more."""
    client, other = signed_in(site), signed_in(site)
    pair.replica.pause()

    def end():
        return client.request(
            "DELETE", f"/auth/sessions/{other.tokens['session_id']}", bearer=client.tokens["access_token"],
            headers=OWN_PAGE, with_cookies=False,
        )  # fmt: skip

    assert [503, 503] == [end(), end()]
    assert 401 == other.use()

    pair.replica.resume()
    statuses = [end()]
    while statuses[-1] == 503 and len(statuses) < 100:
        statuses.append(end())
    assert 404 == statuses[-1]


def test_a_sign_in_that_replaces_a_session_ends_it_on_the_replicas_first(site, pair):
    """Without a session to replace it goes on."""
    client = LoginClient(site)
    assert 200 == client.sign_in(remember=True)
    pair.replica.pause()

    assert 503 == client.sign_in(remember=True)
    assert 200 == LoginClient(site).sign_in(remember=True)


def test_without_a_replica_no_demand_is_met(site, pair):
    """A replica that is gone is as good as none."""
    pair.replica.kill()

    try:
        with pytest.raises(TooFewReplicas, match="only 0 of 1 replicas"):
            site.auth.sessions.revoke_subject("alice")
    finally:
        pair.replica.start()
        pair.await_link()


def test_a_store_in_memory_has_no_replica(make):
    sessions = make().auth.sessions

    assert 0 == sessions.revoke_subject("alice").replicas
    with pytest.raises(TooFewReplicas):
        sessions.revoke_subject("alice", min_replicas=1)


@pytest.mark.parametrize(
    ("replicas", "missed", "wanted", "is_enough"),
    [(0, (), 0, True), (0, (1,), 0, True), (1, (), 1, True), (2, (), 1, True), (1, (), 2, False), (2, (1,), 1, False)],
)
def test_a_demand_is_met_by_enough_replicas_of_every_shard(replicas, missed, wanted, is_enough):
    """A shard that was missed has nothing to replicate."""
    receipt = RevocationReceipt(before_ms=1, shards=(0,), replicas=replicas, missed=missed)

    if is_enough:
        receipt.require(wanted)
        return
    with pytest.raises(Unavailable) as caught:
        receipt.require(wanted)
    assert receipt is caught.value.receipt
