"""Lose no answer and mix up none when connections are killed, reset, left half-open, cancelled or too few."""

import asyncio
import random
import threading

import pytest

from app_client import asgi_scope, call_asgi
from login_site import LoginClient
from outage import Outage
from proxied_site import BOUNDED, SERVING, STRICT, sockets_to, until
from safeconduct.stores.redis import feed
from safeconduct.stores.redis.health import OPEN_SECONDS

POOL_SIZE = 2
CALLS = 1000


def bearer(login):
    return (("authorization", f"Bearer {login.access}"),)


def test_a9_killed_connections_cost_no_answer(site, server, other):
    """Each request finds its connection closed, and asks once more on a new one."""
    outage = Outage(site, other, can_revoke=False)

    for _ in range(10):
        server.say("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        site.let_view_age()
        assert [200, 401] == [site.ask(outage.valid), site.ask(outage.ended)]

    outage.check_over()


@pytest.mark.parametrize("octets", [1, 40])
def test_a9_a_store_that_resets_every_reply_is_not_believed(site, proxy, other, octets):
    """Part of a reply is no answer."""
    outage = Outage(site, other)

    def begin():
        proxy.resets_after = octets
        proxy.cut()

    outage.survive(begin, proxy.heal)


@pytest.mark.parametrize("octets", [0, 1, 40])
@pytest.mark.parametrize("mode", [STRICT], ids=str)
def test_a9_one_reply_that_is_reset_costs_no_answer(site, proxy, other, octets):
    outage = Outage(site, other)

    for login, status in ((outage.valid, 200), (outage.ended, 401)):
        proxy.resets_after, proxy.resets_once = octets, True
        assert status == site.ask(login)
        assert proxy.resets_after is None


@pytest.mark.parametrize("octets", [0, 1, 40])
@pytest.mark.parametrize("mode", [STRICT], ids=str)
def test_a9_a_rotation_whose_reply_is_reset_leaves_one_family(site, proxy, octets):
    """The script runs twice with one request id, and the second token is the one that counts."""
    client = LoginClient(site)
    assert 200 == client.get_tokens(remember=True)

    for _ in range(3):
        proxy.resets_after, proxy.resets_once = octets, True
        assert 200 == client.refresh()
        assert proxy.resets_after is None

    assert 200 == client.use()
    [session] = site.auth.sessions.list("alice")
    assert session.level == "explicit"


def check_one_deadline(site, outage):
    """One request waits in vain; the next ones are answered by the store again."""
    with site.hurried():
        outage.check_begun()
        outage.other.end(outage.ended_meanwhile)
        site.let_view_age()
        # With "strict" the deadline was spent above.
        assert (401 if site.mode == STRICT else 503) == site.ask(outage.ended)

    assert 401 == site.ask(outage.ended_meanwhile)
    outage.check_over()


def test_a9_half_open_connections_cost_one_deadline(site, proxy, other, monkeypatch):
    """The host disappeared and came back; a request that waited in vain drops what is dead."""
    monkeypatch.setattr(feed, "REPLY_SECONDS", 0.2)
    outage = Outage(site, other)
    proxy.strand()

    check_one_deadline(site, outage)
    assert sockets_to(proxy.port) <= 2


def test_a9_a_connection_that_closes_slowly_costs_one_deadline(site, server, proxy, other, monkeypatch):
    """The server closed it, and the client has not been told yet."""
    monkeypatch.setattr(feed, "REPLY_SECONDS", 0.2)
    outage = Outage(site, other)
    proxy.closes_slowly = True
    server.say("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")

    check_one_deadline(site, outage)
    proxy.heal()


def is_about(login, path, response):
    """Say whether a response was made for *login*, and for nobody else."""
    if path == "/me":
        return login.subject == response.report["who"]
    return login.session.encode() in response.body


@pytest.mark.parametrize("mode", [STRICT, SERVING], ids=str)
def test_a10_cancelled_requests_cross_no_replies(site, world, proxy, other, note):
    """A thousand requests of twenty users, a third of them cancelled with their replies under way."""
    if world == "wsgi":
        pytest.skip("a WSGI request is a thread, which cannot be cancelled")
    valid = [other.sign_in(f"valid{number}") for number in range(10)]
    ended = [other.sign_in(f"ended{number}") for number in range(10)]
    for login in ended:
        other.end(login)
    chance, cancelled = random.Random(10), []  # noqa: S311 - a seeded sample

    async def ask(login, path):
        request = site._request("GET", path, bearer(login))
        return await call_asgi(site.application, asgi_scope(request))

    async def round_of_requests():
        site.let_view_age()
        proxy.gate.clear()
        asked = [(login, path) for login in valid + ended for path in ("/me", "/auth/sessions")]
        tasks = [asyncio.create_task(ask(*each)) for each in asked]
        for _ in range(chance.randrange(8)):
            await asyncio.sleep(0)
        for task in chance.sample(tasks, len(tasks) // 3):
            task.cancel()
        proxy.gate.set()
        return zip(asked, await asyncio.gather(*tasks, return_exceptions=True), strict=True)

    for _ in range(CALLS // 40):
        for (login, path), response in site._runner.run(round_of_requests()):
            if isinstance(response, asyncio.CancelledError):
                cancelled.append(login)
            else:
                assert (401 if login in ended else 200) == response.status
                assert login in ended or is_about(login, path, response)

    note(f"{len(cancelled)} of {CALLS} cancelled, 0 crossed")
    assert 200 == site.ask(valid[0])
    assert sockets_to(proxy.port) <= 4 + 1


def test_a12_requests_wait_a_while_for_a_connection(open_site, world, proxy, other, note):
    """Hundreds at once open no more connections than are allowed, and are refused when they waited in vain."""
    site = open_site(proxy.url, store={"pool_size": POOL_SIZE})
    login = other.sign_in()
    assert 200 == site.ask(login)
    site.wait_for_view()
    requests = [("GET", "/me", bearer(login))] * (500 if world == "asgi" else 100)
    open_at_once = []

    def let_go():
        open_at_once.append(sockets_to(proxy.port))
        proxy.gate.set()

    proxy.gate.clear()
    site.let_view_age()
    with site.hurried():
        responses = site.request_all(requests, meanwhile=let_go)
    statuses = {response.status for response in responses}
    served = sum(response.status == 200 for response in responses)

    note(f"{served} of {len(responses)} served")
    assert (statuses == {200}) if site.mode == SERVING else ({503} <= statuses <= {200, 503})
    assert open_at_once[0] <= POOL_SIZE + 1
    site.ticks.advance(seconds=OPEN_SECONDS)
    site.recover(login)
    assert sockets_to(proxy.port) <= POOL_SIZE + 1


@pytest.mark.parametrize("mode", [BOUNDED, SERVING], ids=str)
def test_a20_a_feed_that_is_cut_again_and_again_loses_nothing(open_site, proxy, other, note):
    """Fifty cuts with a revocation in each gap; the view is believed again only when it contains it."""
    site, strict = open_site(proxy.url), open_site(proxy.url, mode=STRICT)
    valid, logins = other.sign_in("valid"), [other.sign_in(f"user{number}") for number in range(50)]
    for login in [valid, *logins]:
        assert [200, 200] == [site.ask(login), strict.ask(login)]
    site.wait_for_view()

    for login in logins:
        proxy.refuse()
        site.let_view_age()
        other.end(login)
        proxy.heal()
        assert 401 == strict.ask(login)
        # Nothing is sent once the view is believed again.
        until(lambda: 0 == site.sent_by(lambda: site.ask(valid)))
        assert 401 == site.ask(login)

    note("50 of 50 refused")
    assert [401] * 50 == [site.ask(login) for login in logins]


def test_a21_flushed_scripts_are_sent_again_under_load(site, server, other):
    """No request notices that the server forgets its scripts all the while."""
    outage, is_over = Outage(site, other), threading.Event()

    def flush():
        while not is_over.is_set():
            server.say("SCRIPT", "FLUSH")

    flushing = threading.Thread(target=flush)
    flushing.start()
    answers = set()
    for _ in range(20):
        site.let_view_age()
        requests = [("GET", "/me", bearer(login)) for login in (outage.valid, outage.ended)] * 3
        statuses = [response.status for response in site.request_all(requests)]
        answers.add((*statuses,))
    other.end(outage.ended_meanwhile)
    until(lambda: site.ask(outage.ended_meanwhile) == 401)
    is_over.set()
    flushing.join()

    assert {(200, 401) * 3} == answers
    outage.check_over()
