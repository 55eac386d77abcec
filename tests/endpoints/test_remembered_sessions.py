"""With bounded consistency the store is asked for a session, or an opaque token, once in each period of staleness."""

import re

import pytest

from bounded_site import STALE_SECONDS, BoundedSite, TokenClient, scripts_run, signed_in
from login_site import OWN_PAGE
from safeconduct._core.decision import Passed
from safeconduct.errors import Unavailable
from safeconduct.stores import scripts
from safeconduct.stores.redis.follower import Follower
from store_servers import KINDS

OPAQUE = {"tokens": {"format": "opaque"}}
LISTED = {"sessions": {"require_session": True}}


@pytest.fixture(params=[LISTED, OPAQUE], ids=["listed", "opaque"])
def fields(request):
    return request.param


@pytest.fixture(params=KINDS)
def server(request, servers):
    server = servers(request.param)
    server.say("FLUSHALL")
    # Otherwise the first request that runs the script sends it twice.
    server.say("SCRIPT", "LOAD", scripts.ASK.text)
    return server


@pytest.fixture
def open_site(world, moment, server, monkeypatch, fields):
    """Open a site over the server; each is a process of its own."""
    monkeypatch.setattr(Follower, "start", lambda _self: None)
    made = []

    def build(**options):
        made.append(BoundedSite(world, server, moment, **{"fields": fields} | options))
        return made[-1]

    yield build
    for each in made:
        each.close()


@pytest.fixture
def site(open_site):
    return open_site()


def forget(server, kind):
    """Delete records without a word in the log."""
    for name in re.findall(r"safeconduct:\S+", server.say("KEYS", f"safeconduct:*{kind}:*")):
        server.say("DEL", name)


@pytest.mark.parametrize("server", ["valkey"], indirect=True)
def test_ten_thousand_warm_requests_send_a_command_in_each_period(site, server, moment):
    """And none in between."""
    client = signed_in(site)
    sent, before = [], scripts_run(server)

    for _ in range(20):
        moment.clock.advance(seconds=STALE_SECONDS / 4)
        site.follow()
        assert {200} == {client.get() for _ in range(500)}
        sent.append(scripts_run(server) - before)

    in_each_step = [later - earlier for earlier, later in zip([0, *sent], sent, strict=False)]
    assert {0, 1} == set(in_each_step)
    assert 5 == sent[-1]


def test_each_session_is_asked_for_by_itself(site, server, moment):
    clients = []
    for _ in range(3):
        # Later than the view's data: an earlier token that the data does not know would be shown to the store.
        moment.clock.advance(seconds=STALE_SECONDS / 4)
        clients.append(signed_in(site))
    moment.clock.advance(seconds=STALE_SECONDS)
    site.follow()
    before = scripts_run(server)

    assert {200} == {client.get() for _ in range(5) for client in clients}

    assert 3 == scripts_run(server) - before


def test_the_fast_path_is_taken(site, world):
    client = signed_in(site)
    gate = site.auth.asgi_gate() if world == "asgi" else site.auth.wsgi_gate()
    [route] = [route for route in gate._closed_routes if route[0] == "GET"]
    field = b"Bearer " + client.tokens["access_token"].encode()

    assert isinstance(gate.fast_path.recall(route, field, None), Passed)


def sign_out(other, client):
    other.auth.sessions.sign_out(client.tokens["access_token"])


def end_session(other, client):
    other.auth.sessions.end(client.tokens["session_id"])


def end_subject(other, _client):
    other.auth.sessions.revoke_subject("alice")


def sign_out_everywhere(other, _client):
    other.auth.sessions.sign_out_everywhere("alice")


def end_everything(other, _client):
    other.auth.sessions.revoke_everything()


def use_twice(other, client):
    """Present a refresh token again after it was used, and after the grace."""
    first, owner = client.tokens["refresh_token"], TokenClient(other)
    owner.refresh(first)
    other.clock.advance(seconds=11)
    assert 401 == owner.refresh(first)


ENDS = [sign_out, end_session, end_subject, sign_out_everywhere, end_everything, use_twice]


@pytest.mark.parametrize("end", ENDS, ids=lambda end: end.__name__)
def test_what_ends_elsewhere_is_refused_once_it_was_read(open_site, end):
    """Although the session was proven in this period."""
    site, other = (open_site(staleness_seconds=60.0) for _ in range(2))
    client = signed_in(site)

    end(other, client)
    site.follow()

    assert 401 == client.get()


@pytest.mark.parametrize("sent", ["/auth/logout", "/auth/logout-everywhere"])
def test_what_ends_here_is_refused_at_once(site, sent):
    """Also before the follower has read it."""
    client = signed_in(site)

    assert 204 == client.request(
        "POST", sent, bearer=client.tokens["access_token"], headers=OWN_PAGE, with_cookies=False
    )

    assert 401 == client.get()


def test_a_session_that_another_one_crowds_out_is_refused(open_site, fields):
    few = {**fields, "sessions": {"max_per_subject": 1, **fields.get("sessions", {})}}
    site, other = open_site(fields=few), open_site(fields=few)
    client = signed_in(site)

    assert 200 == TokenClient(other).get_tokens()
    site.follow()

    assert 401 == client.get()


def test_a_store_that_lost_its_data_lets_nothing_pass(site, server):
    client = signed_in(site)

    server.say("FLUSHALL")
    with pytest.raises(Unavailable):
        site.follow()

    assert client.get() in {401, 503}
    site.follower.disconnect()
    site.follow()
    assert [401] * 3 == [client.get() for _ in range(3)]


@pytest.mark.parametrize(
    ("fields", "kind"), [(LISTED, "ses"), (OPAQUE, "ses"), (OPAQUE, "tok")], indirect=["fields"], ids=str
)
def test_a_record_that_is_gone_without_a_word_counts_for_one_period(site, server, moment, kind):
    """An opaque token whose session has another one by now is such a record."""
    client = signed_in(site)
    # Proven at this instant.
    moment.clock.advance(seconds=STALE_SECONDS)
    site.follow()
    assert 200 == client.get()
    forget(server, kind)

    moment.clock.advance(seconds=STALE_SECONDS * 0.999)
    site.follow()
    assert 200 == client.get()
    moment.clock.advance(seconds=STALE_SECONDS * 0.001)
    site.follow()

    assert [401] * 3 == [client.get() for _ in range(3)]


def test_a_remembered_session_does_not_prolong_its_token(site, moment):
    client = signed_in(site)

    moment.clock.advance(seconds=3600)
    site.follow()

    assert 401 == client.get()


def test_a_strict_rule_asks_each_time(open_site, server):
    site = open_site(access={"rules": [{"path": "/payments", "consistency": "strict"}]})
    client = signed_in(site, "/payments")
    before = scripts_run(server)

    assert {200} == {client.get("/payments") for _ in range(5)}
    assert 5 == scripts_run(server) - before
    forget(server, "ses")
    assert 401 == client.get("/payments")


@pytest.mark.parametrize("consistency", ["none", "bounded"])
def test_a_rule_without_a_question_looks_at_the_memory_all_the_same(open_site, server, moment, consistency):
    """An allowlist that is not looked at allows everybody."""
    site = open_site(access={"rules": [{"path": "/news", "consistency": consistency}]})
    client = signed_in(site, "/news")
    before = scripts_run(server)
    assert {200} == {client.get("/news") for _ in range(5)}
    assert before == scripts_run(server)

    forget(server, "ses")
    moment.clock.advance(seconds=STALE_SECONDS)

    assert 401 == client.get("/news")


def test_an_outage_lets_no_session_pass_that_is_not_remembered(open_site, moment):
    """Whatever ``on_outage`` says: without the store nothing is known to be allowed."""
    site = open_site(on_outage="serve")
    client = signed_in(site)
    site.stores._threads.end()
    site.stores._loops.end()
    assert 200 == client.get()

    moment.clock.advance(seconds=STALE_SECONDS)

    assert 503 == client.get()
