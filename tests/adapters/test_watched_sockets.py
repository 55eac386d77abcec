"""A socket that goes on while its credential counts, and no longer."""

import asyncio

import pytest

from held import LATER, HeldSocket, Talk, bearer, carried, opened, watched_place
from minting import LIFETIME_SECONDS, NOW, mint
from safeconduct import requires
from safeconduct.errors import Unavailable
from visiting import Visitor


@pytest.fixture
def talk():
    return Talk()


@pytest.fixture
def place(talk):
    made = watched_place(talk)
    yield made
    made.close()


@pytest.fixture
def visitor(place):
    visitor = Visitor(place)
    assert 200 == visitor.sign_in()
    return visitor


def test_a_socket_ends_with_its_token(place, talk):
    """4401; the application sees the end, and nothing that it sends afterwards goes anywhere."""
    held = opened(place, bearer(mint()))

    place.clock.advance(seconds=LATER)

    assert 4401 == held.code()
    assert [] == held.end()
    assert [4401] == talk.codes
    assert 1 == len(talk.errors)


def test_a_socket_goes_on_for_the_leeway(place):
    """The other one tells that it was looked at."""
    held = opened(place, bearer(mint()))
    other = opened(place, bearer(mint("bob", exp=NOW + LIFETIME_SECONDS - 1)))

    place.clock.advance(seconds=LATER - 1)

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
def test_a_socket_ends_with_what_it_rests_on(kind, place, talk):
    held = opened(place, bearer(mint()))

    ENDINGS[kind](place.auth.sessions)

    assert 4401 == held.code()
    assert [] == held.end()
    assert [4401] == talk.codes


def test_a_socket_ends_with_its_session(place, visitor):
    held = opened(place, *carried(visitor))

    assert 204 == visitor.ask("POST", "/auth/logout")

    assert 4401 == held.code()


def test_others_go_on(place):
    held = opened(place, bearer(mint("bob")))
    ended = opened(place, bearer(mint()))

    place.auth.sessions.revoke_subject("alice")

    assert 4401 == ended.code()
    assert "hello" == held.ask("hello")


def test_a_closed_auth_closes(place):
    held = opened(place, bearer(mint()))

    place.auth.close()

    assert 1013 == held.code()


def test_a_socket_that_asks_nobody_ends_with_its_token():
    """``consistency = "none"`` by a rule: revocation is not asked, time is."""
    place = watched_place(access={"rules": [{"path": "/live", "consistency": "none"}]})
    held, other = opened(place, bearer(mint())), opened(place, bearer(mint()), target="/else")

    place.auth.sessions.revoke_subject("alice")

    assert 4401 == other.code()
    assert "hello" == held.ask("hello")
    place.clock.advance(seconds=LATER)
    assert 4401 == held.code()
    place.close()


def test_nobody_s_socket_never_ends():
    place = watched_place(access={"public": ["/open"]})
    held, other = opened(place, target="/open"), opened(place, bearer(mint()))

    place.clock.advance(seconds=LATER)

    assert 4401 == other.code()
    assert "hello" == held.ask("hello")
    held.leave()
    assert "one more" == held.end()[0]["text"]
    place.close()


def test_a_person_s_socket_to_what_is_open_ends():
    """The application was told a name, and the name is over."""
    place = watched_place(access={"public": ["/open"]})
    held = opened(place, bearer(mint()), target="/open")

    place.clock.advance(seconds=LATER)

    assert 4401 == held.code()
    place.close()


def test_a_socket_that_is_not_accepted_yet_is_refused(place):
    """By a whole answer, where the server can send one."""
    seen = []

    async def waiting(_scope, receive, _send):
        seen.append((await receive())["type"])
        seen.append(await receive())

    held = HeldSocket(place, bearer(mint()), application=place.auth.asgi(waiting))
    place.clock.advance(seconds=LATER)

    start = held.next()
    assert ("websocket.http.response.start", 401) == (start["type"], start["status"])
    assert "websocket.http.response.body" == held.next()["type"]
    held.leave()
    assert [] == held.end()
    assert ["websocket.connect", {"type": "websocket.disconnect", "code": 4401, "reason": ""}] == seen


def test_a_socket_that_closes_itself_is_left_alone(place):
    """No second close, and nothing is left that runs."""

    async def brief(_scope, receive, send):
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close", "code": 4000})
        await receive()

    held, other = opened(place, bearer(mint()), application=place.auth.asgi(brief)), opened(place, bearer(mint()))
    assert 4000 == held.next()["code"]

    place.clock.advance(seconds=LATER)

    assert 4401 == other.code()
    held.leave()
    assert [] == held.end()


def test_an_application_s_own_fault_is_its_own(place):
    """It reaches the server."""

    async def broken(_scope, receive, send):
        await receive()
        await send({"type": "websocket.accept"})
        raise ZeroDivisionError

    held = opened(place, bearer(mint()), application=place.auth.asgi(broken))

    assert [] == held.end()
    assert isinstance(held.task.exception(), ZeroDivisionError)


def tasks_of(place):
    """Return how many tasks run on the place's loop beside the one that counts them."""

    async def count():
        return len(asyncio.all_tasks()) - 1

    return place._runner.run(count())


def test_nothing_runs_without_a_socket(place):
    """One task looks after all of them, and ends with the last."""
    assert 0 == tasks_of(place)
    one, two = opened(place, bearer(mint())), opened(place, bearer(mint("bob")))
    assert 3 == tasks_of(place)

    for held in (one, two):
        held.leave()
        held.end()

    assert 0 == tasks_of(place)


def test_nothing_runs_after_a_shutdown(place):
    """A server cancels what does not end by itself."""
    held = opened(place, bearer(mint()))

    held.stop()

    assert 0 == tasks_of(place)
    assert held.task.cancelled()


def test_one_question_for_one_credential(place):
    """However many sockets rest on it."""
    both = [opened(place, bearer(mint())) for _ in range(2)]

    place.auth.sessions.revoke_subject("alice")

    assert [4401, 4401] == [held.code() for held in both]


def test_an_application_that_looks_late_learns_the_code(place):
    """It was doing something else when the socket was cut."""
    seen, busy = [], asyncio.Event()

    async def working(_scope, receive, send):
        await receive()
        await send({"type": "websocket.accept"})
        await busy.wait()
        seen.append((await receive())["code"])

    held = opened(place, bearer(mint()), application=place.auth.asgi(working))
    place.auth.sessions.revoke_subject("alice")

    assert 4401 == held.code()
    busy.set()
    assert [] == held.end()
    assert [4401] == seen


def test_what_an_application_lacks_after_it_closed_is_nobody_s(place):
    """A socket is closed once."""

    async def sloppy(scope, receive, send):
        await receive()
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.close", "code": 4000})
        scope["safeconduct.extend"].__self__.cut(Unavailable("too late"))
        requires(roles=["owner"])(lambda: None)()

    held = opened(place, bearer(mint()), application=place.auth.asgi(sloppy))

    assert [4000] == [message["code"] for message in held.end()]
