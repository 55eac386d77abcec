"""Keep a WebSocket open only while its credential is valid."""

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
def echo():
    return EchoApp()


@pytest.fixture
def site(echo):
    made = monitored_site(echo)
    yield made
    made.close()


@pytest.fixture
def client(site):
    client = LoginClient(site)
    assert 200 == client.sign_in()
    return client


def test_a_socket_ends_with_its_token(site, echo):
    """The code is 4401; the application sees the end, and later messages are dropped."""
    connection = open_socket(site, bearer(mint()))

    site.clock.advance(seconds=AFTER_EXPIRY_SECONDS)

    assert 4401 == connection.code()
    assert [] == connection.end()
    assert [4401] == echo.codes
    assert 1 == len(echo.errors)


def test_a_socket_goes_on_for_the_leeway(site):
    """The end of the other connection shows that this one was checked."""
    connection = open_socket(site, bearer(mint()))
    other = open_socket(site, bearer(mint("bob", exp=NOW + LIFETIME_SECONDS - 1)))

    site.clock.advance(seconds=AFTER_EXPIRY_SECONDS - 1)

    assert 4401 == other.code()
    assert "still here" == connection.ask("still here")


ENDINGS = {
    "token": lambda verbs: verbs.revoke_token("jti-alice"),
    "subject": lambda verbs: verbs.revoke_subject("alice"),
    "client": lambda verbs: verbs.revoke_client("app"),
    "key": lambda verbs: verbs.revoke_key("own"),
    "everything": lambda verbs: verbs.revoke_everything(),
}


@pytest.mark.parametrize("kind", ENDINGS)
def test_a_socket_ends_with_what_it_rests_on(kind, site, echo):
    connection = open_socket(site, bearer(mint()))

    ENDINGS[kind](site.auth.sessions)

    assert 4401 == connection.code()
    assert [] == connection.end()
    assert [4401] == echo.codes


def test_a_socket_ends_with_its_session(site, client):
    connection = open_socket(site, *cookie_headers(client))

    assert 204 == client.request("POST", "/auth/logout")

    assert 4401 == connection.code()


def test_others_go_on(site):
    connection = open_socket(site, bearer(mint("bob")))
    ended = open_socket(site, bearer(mint()))

    site.auth.sessions.revoke_subject("alice")

    assert 4401 == ended.code()
    assert "hello" == connection.ask("hello")


def test_a_closed_auth_closes(site):
    connection = open_socket(site, bearer(mint()))

    site.auth.close()

    assert 1013 == connection.code()


def test_a_socket_that_asks_nobody_ends_with_its_token():
    """With ``consistency = "none"`` expiry is checked and revocation is not."""
    site = monitored_site(access={"rules": [{"path": "/live", "consistency": "none"}]})
    connection, other = open_socket(site, bearer(mint())), open_socket(site, bearer(mint()), target="/else")

    site.auth.sessions.revoke_subject("alice")

    assert 4401 == other.code()
    assert "hello" == connection.ask("hello")
    site.clock.advance(seconds=AFTER_EXPIRY_SECONDS)
    assert 4401 == connection.code()
    site.close()


def test_an_anonymous_websocket_does_not_end():
    site = monitored_site(access={"public": ["/open"]})
    connection, other = open_socket(site, target="/open"), open_socket(site, bearer(mint()))

    site.clock.advance(seconds=AFTER_EXPIRY_SECONDS)

    assert 4401 == other.code()
    assert "hello" == connection.ask("hello")
    connection.leave()
    assert "one more" == connection.end()[0]["text"]
    site.close()


def test_a_person_s_socket_to_what_is_open_ends():
    """The application was given an identity, which has expired."""
    site = monitored_site(access={"public": ["/open"]})
    connection = open_socket(site, bearer(mint()), target="/open")

    site.clock.advance(seconds=AFTER_EXPIRY_SECONDS)

    assert 4401 == connection.code()
    site.close()


def test_a_socket_that_is_not_accepted_yet_is_refused(site):
    """The refusal is a whole response, where the server can send one."""
    seen = []

    async def waiting(_scope, receive, _send):
        seen.append((await receive())["type"])
        seen.append(await receive())

    connection = OpenSocket(site, bearer(mint()), application=site.auth.asgi(waiting))
    site.clock.advance(seconds=AFTER_EXPIRY_SECONDS)

    start = connection.next()
    assert ("websocket.http.response.start", 401) == (start["type"], start["status"])
    assert "websocket.http.response.body" == connection.next()["type"]
    connection.leave()
    assert [] == connection.end()
    assert ["websocket.connect", {"type": "websocket.disconnect", "code": 4401, "reason": ""}] == seen


def test_a_socket_that_closes_itself_is_left_alone(site):
    """There is no second close, and no task is left."""

    async def brief(_scope, receive, send):
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close", "code": 4000})
        await receive()

    connection, other = (
        open_socket(site, bearer(mint()), application=site.auth.asgi(brief)),
        open_socket(site, bearer(mint())),
    )
    assert 4000 == connection.next()["code"]

    site.clock.advance(seconds=AFTER_EXPIRY_SECONDS)

    assert 4401 == other.code()
    connection.leave()
    assert [] == connection.end()


def test_an_error_of_the_application_is_passed_on(site):
    """The error goes to the server."""

    async def broken(_scope, receive, send):
        await receive()
        await send({"type": "websocket.accept"})
        raise ZeroDivisionError

    connection = open_socket(site, bearer(mint()), application=site.auth.asgi(broken))

    assert [] == connection.end()
    assert isinstance(connection.task.exception(), ZeroDivisionError)


def tasks_of(site):
    """Return how many tasks run on the site's loop, without the one that counts."""

    async def count():
        return len(asyncio.all_tasks()) - 1

    return site._runner.run(count())


def test_nothing_runs_without_a_socket(site):
    """One task monitors all connections and ends with the last one."""
    assert 0 == tasks_of(site)
    one, two = open_socket(site, bearer(mint())), open_socket(site, bearer(mint("bob")))
    assert 3 == tasks_of(site)

    for connection in (one, two):
        connection.leave()
        connection.end()

    assert 0 == tasks_of(site)


def test_nothing_runs_after_a_shutdown(site):
    """A server cancels connections that do not end by themselves."""
    connection = open_socket(site, bearer(mint()))

    connection.stop()

    assert 0 == tasks_of(site)
    assert connection.task.cancelled()


def test_one_question_for_one_credential(site):
    """One query covers all WebSockets with the same credential."""
    both = [open_socket(site, bearer(mint())) for _ in range(2)]

    site.auth.sessions.revoke_subject("alice")

    assert [4401, 4401] == [connection.code() for connection in both]


def test_an_application_that_looks_late_learns_the_code(site):
    """The application was busy when the connection was cut."""
    seen, busy = [], asyncio.Event()

    async def working(_scope, receive, send):
        await receive()
        await send({"type": "websocket.accept"})
        await busy.wait()
        seen.append((await receive())["code"])

    connection = open_socket(site, bearer(mint()), application=site.auth.asgi(working))
    site.auth.sessions.revoke_subject("alice")

    assert 4401 == connection.code()
    busy.set()
    assert [] == connection.end()
    assert [4401] == seen


def test_a_missing_right_after_a_close_is_ignored(site):
    """A WebSocket is closed once."""

    async def sloppy(scope, receive, send):
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close", "code": 4000})
        scope["safeconduct.extend"].__self__.cut(Unavailable("too late"))
        requires(roles=["owner"])(lambda: None)()

    connection = open_socket(site, bearer(mint()), application=site.auth.asgi(sloppy))

    assert [4000] == [message["code"] for message in connection.end()]
