"""A socket that goes on while its credential counts, and no longer."""

import asyncio

import pytest

from login_site import LoginClient
from open_connections import (
    AFTER_EXPIRY_SECONDS,
    EchoApp,
    OpenSocket,
    bearer,
    cookie_headers,
    monitored_site,
    open_socket,
)
from safeconduct import requires
from safeconduct.errors import Unavailable
from table_tokens import LIFETIME_SECONDS, NOW, mint


@pytest.fixture
def talk():
    return EchoApp()


@pytest.fixture
def site(talk):
    made = monitored_site(talk)
    yield made
    made.close()


@pytest.fixture
def client(site):
    client = LoginClient(site)
    assert 200 == client.sign_in()
    return client


def test_a_socket_ends_with_its_token(site, talk):
    """4401; the application sees the end, and nothing that it sends afterwards goes anywhere."""
    held = open_socket(site, bearer(mint()))

    site.clock.advance(seconds=AFTER_EXPIRY_SECONDS)

    assert 4401 == held.code()
    assert [] == held.end()
    assert [4401] == talk.codes
    assert 1 == len(talk.errors)


def test_a_socket_goes_on_for_the_leeway(site):
    """The other one tells that it was looked at."""
    held = open_socket(site, bearer(mint()))
    other = open_socket(site, bearer(mint("bob", exp=NOW + LIFETIME_SECONDS - 1)))

    site.clock.advance(seconds=AFTER_EXPIRY_SECONDS - 1)

    assert 4401 == other.code()
    assert "still here" == held.ask("still here")


ENDINGS = {
    "token": lambda verbs: verbs.revoke_token("jti-alice"),
    "subject": lambda verbs: verbs.revoke_subject("alice"),
    "client": lambda verbs: verbs.revoke_client("app"),
    "key": lambda verbs: verbs.revoke_key("own"),
    "everything": lambda verbs: verbs.revoke_everything(),
}


@pytest.mark.parametrize("kind", ENDINGS)
def test_a_socket_ends_with_what_it_rests_on(kind, site, talk):
    held = open_socket(site, bearer(mint()))

    ENDINGS[kind](site.auth.sessions)

    assert 4401 == held.code()
    assert [] == held.end()
    assert [4401] == talk.codes


def test_a_socket_ends_with_its_session(site, client):
    held = open_socket(site, *cookie_headers(client))

    assert 204 == client.ask("POST", "/auth/logout")

    assert 4401 == held.code()


def test_others_go_on(site):
    held = open_socket(site, bearer(mint("bob")))
    ended = open_socket(site, bearer(mint()))

    site.auth.sessions.revoke_subject("alice")

    assert 4401 == ended.code()
    assert "hello" == held.ask("hello")


def test_a_closed_auth_closes(site):
    held = open_socket(site, bearer(mint()))

    site.auth.close()

    assert 1013 == held.code()


def test_a_socket_that_asks_nobody_ends_with_its_token():
    """``consistency = "none"`` by a rule: revocation is not asked, time is."""
    site = monitored_site(access={"rules": [{"path": "/live", "consistency": "none"}]})
    held, other = open_socket(site, bearer(mint())), open_socket(site, bearer(mint()), target="/else")

    site.auth.sessions.revoke_subject("alice")

    assert 4401 == other.code()
    assert "hello" == held.ask("hello")
    site.clock.advance(seconds=AFTER_EXPIRY_SECONDS)
    assert 4401 == held.code()
    site.close()


def test_nobody_s_socket_never_ends():
    site = monitored_site(access={"public": ["/open"]})
    held, other = open_socket(site, target="/open"), open_socket(site, bearer(mint()))

    site.clock.advance(seconds=AFTER_EXPIRY_SECONDS)

    assert 4401 == other.code()
    assert "hello" == held.ask("hello")
    held.leave()
    assert "one more" == held.end()[0]["text"]
    site.close()


def test_a_person_s_socket_to_what_is_open_ends():
    """The application was told a name, and the name is over."""
    site = monitored_site(access={"public": ["/open"]})
    held = open_socket(site, bearer(mint()), target="/open")

    site.clock.advance(seconds=AFTER_EXPIRY_SECONDS)

    assert 4401 == held.code()
    site.close()


def test_a_socket_that_is_not_accepted_yet_is_refused(site):
    """By a whole answer, where the server can send one."""
    seen = []

    async def waiting(_scope, receive, _send):
        seen.append((await receive())["type"])
        seen.append(await receive())

    held = OpenSocket(site, bearer(mint()), application=site.auth.asgi(waiting))
    site.clock.advance(seconds=AFTER_EXPIRY_SECONDS)

    start = held.next()
    assert ("websocket.http.response.start", 401) == (start["type"], start["status"])
    assert "websocket.http.response.body" == held.next()["type"]
    held.leave()
    assert [] == held.end()
    assert ["websocket.connect", {"type": "websocket.disconnect", "code": 4401, "reason": ""}] == seen


def test_a_socket_that_closes_itself_is_left_alone(site):
    """No second close, and nothing is left that runs."""

    async def brief(_scope, receive, send):
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close", "code": 4000})
        await receive()

    held, other = (
        open_socket(site, bearer(mint()), application=site.auth.asgi(brief)),
        open_socket(site, bearer(mint())),
    )
    assert 4000 == held.next()["code"]

    site.clock.advance(seconds=AFTER_EXPIRY_SECONDS)

    assert 4401 == other.code()
    held.leave()
    assert [] == held.end()


def test_an_application_s_own_fault_is_its_own(site):
    """It reaches the server."""

    async def broken(_scope, receive, send):
        await receive()
        await send({"type": "websocket.accept"})
        raise ZeroDivisionError

    held = open_socket(site, bearer(mint()), application=site.auth.asgi(broken))

    assert [] == held.end()
    assert isinstance(held.task.exception(), ZeroDivisionError)


def tasks_of(site):
    """Return how many tasks run on the place's loop beside the one that counts them."""

    async def count():
        return len(asyncio.all_tasks()) - 1

    return site._runner.run(count())


def test_nothing_runs_without_a_socket(site):
    """One task looks after all of them, and ends with the last."""
    assert 0 == tasks_of(site)
    one, two = open_socket(site, bearer(mint())), open_socket(site, bearer(mint("bob")))
    assert 3 == tasks_of(site)

    for held in (one, two):
        held.leave()
        held.end()

    assert 0 == tasks_of(site)


def test_nothing_runs_after_a_shutdown(site):
    """A server cancels what does not end by itself."""
    held = open_socket(site, bearer(mint()))

    held.stop()

    assert 0 == tasks_of(site)
    assert held.task.cancelled()


def test_one_question_for_one_credential(site):
    """However many sockets rest on it."""
    both = [open_socket(site, bearer(mint())) for _ in range(2)]

    site.auth.sessions.revoke_subject("alice")

    assert [4401, 4401] == [held.code() for held in both]


def test_an_application_that_looks_late_learns_the_code(site):
    """It was doing something else when the socket was cut."""
    seen, busy = [], asyncio.Event()

    async def working(_scope, receive, send):
        await receive()
        await send({"type": "websocket.accept"})
        await busy.wait()
        seen.append((await receive())["code"])

    held = open_socket(site, bearer(mint()), application=site.auth.asgi(working))
    site.auth.sessions.revoke_subject("alice")

    assert 4401 == held.code()
    busy.set()
    assert [] == held.end()
    assert [4401] == seen


def test_what_an_application_lacks_after_it_closed_is_nobody_s(site):
    """A socket is closed once."""

    async def sloppy(scope, receive, send):
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close", "code": 4000})
        scope["safeconduct.extend"].__self__.cut(Unavailable("too late"))
        requires(roles=["owner"])(lambda: None)()

    held = open_socket(site, bearer(mint()), application=site.auth.asgi(sloppy))

    assert [4000] == [message["code"] for message in held.end()]
