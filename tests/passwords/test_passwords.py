"""Prove a password: the lock of its account, the throttle, the directory."""

import asyncio

import pytest

from memory_directory import AsyncMemoryDirectory, MemoryDirectory, run
from safeconduct._core.directory import Account, QueuePosition
from safeconduct._core.passwords import Passwords
from safeconduct._core.throttle import Throttle, ThrottleEvents
from safeconduct.config import LoginConfig
from safeconduct.directories import AsyncCallableDirectory, CallableDirectory
from safeconduct.directories.adapters import adapt_directory
from safeconduct.errors import BadCredentials, TooManyAttempts, Unavailable
from safeconduct.events import SignInFailed
from safeconduct.stores.memory.store import MemoryStore
from worlds import Clock

HOME = "192.0.2.1"


class PasswordStack:
    """Passwords with a directory and a throttle over memory."""

    def __init__(self, world, directory, **bounds):
        self.world = world
        self.clock = Clock()
        self.events = []
        self.login = LoginConfig(**bounds)
        self.people = adapt_directory(directory, world, self.login)
        store = MemoryStore(clock=self.clock, horizon_ms=1000, leeway_ms=0)
        local = MemoryStore(clock=self.clock, horizon_ms=1000, leeway_ms=0)
        throttle = Throttle(
            store, local, self.login, key=b"k" * 32, events=ThrottleEvents(self.events.append, self.clock)
        )
        self.passwords = Passwords(self.people, throttle, announce=self.events.append)

    def prove(self, username="alice", password="wonder", **options):
        return run(self.world, self.passwords.prove(username, password, network=HOME, scheme="basic", **options))


@pytest.fixture
def directory():
    return MemoryDirectory(alice="wonder")


@pytest.fixture(params=["wsgi", "asgi", "native"])
def stack(request, directory):
    if request.param == "native":
        native = AsyncMemoryDirectory(alice="wonder")
        native.__dict__ = directory.__dict__
        stack = PasswordStack("asgi", native)
    else:
        stack = PasswordStack(request.param, directory)
    yield stack
    stack.people.close()


def test_a_right_password_gives_the_account(stack):
    assert Account("alice", roles=["user"]) == stack.prove()
    assert [] == stack.events


def test_a_wrong_password_and_an_unknown_name_are_reported_alike(stack):
    """Both give the same error and reason; the event has only a digest of the account."""
    with pytest.raises(BadCredentials) as wrong:
        stack.prove(password="no")
    with pytest.raises(BadCredentials) as unknown:
        stack.prove("nobody")

    assert (401, "invalid_token") == (wrong.value.status, wrong.value.code)
    assert str(wrong.value) == str(unknown.value)
    assert [SignInFailed, SignInFailed] == [type(event) for event in stack.events]
    assert "alice" not in repr(stack.events)


def test_a_locked_account_is_not_compared_even_with_the_right_password(stack, directory):
    """After 5 failures the 6th attempt is 429, so no guess can be confirmed."""
    for _ in range(5):
        with pytest.raises(BadCredentials):
            stack.prove(password="no")

    with pytest.raises(TooManyAttempts) as caught:
        stack.prove()

    assert 900 == caught.value.retry_after_seconds
    assert 5 == directory.checks


def test_right_passwords_are_not_counted(stack):
    for _ in range(120):
        stack.prove()

    assert [] == stack.events


def test_a_disabled_account_is_refused_and_counted(stack, directory):
    """Otherwise the count would reveal that the password was right."""
    directory.accounts["alice"] = Account("alice", disabled=True)

    for _ in range(5):
        with pytest.raises(BadCredentials):
            stack.prove()

    with pytest.raises(TooManyAttempts):
        stack.prove()


@pytest.mark.parametrize("world", ["wsgi", "asgi"])
@pytest.mark.parametrize("now", [None, Account("alice", disabled=True)], ids=["gone", "disabled"])
def test_where_the_directory_is_asked_again_its_last_answer_counts(world, now):
    """The check may use a cache or a replica; a removed or disabled account is refused and counted."""
    stack = PasswordStack(world, CallableDirectory(lambda _username, _password: Account("alice"), lambda _subject: now))

    assert Account("alice") == stack.prove()
    for _ in range(5):
        with pytest.raises(BadCredentials):
            stack.prove(asks_again=True)
    with pytest.raises(TooManyAttempts):
        stack.prove(asks_again=True)


def test_asking_again_takes_rights_from_the_look_up_and_the_level_from_the_proof():
    """Roles and scopes are those of the look-up."""
    directory = CallableDirectory(
        lambda _username, _password: Account("alice", roles=["old"], level="multifactor"),
        lambda _subject: Account("alice", roles=["new"], scopes=["read"], display_name="Alice"),
    )

    account = PasswordStack("wsgi", directory).prove(asks_again=True)

    assert Account("alice", roles=["new"], scopes=["read"], display_name="Alice", level="multifactor") == account


@pytest.mark.parametrize("world", ["wsgi", "asgi"])
def test_a_static_directory_is_not_asked_again(world):
    stack = PasswordStack(world, CallableDirectory(lambda _username, _password: Account("alice")))

    assert Account("alice") == stack.prove(asks_again=True)


def test_a_directory_that_is_out_is_503_and_costs_no_try(stack, directory):
    """A failing directory is never 401 and locks nobody out."""
    directory.passwords = None

    for _ in range(10):
        with pytest.raises(Unavailable):
            stack.prove()
    directory.passwords = {"alice": "wonder"}

    assert "alice" == stack.prove().subject


@pytest.mark.parametrize(
    ("username", "password"),
    [("a" * 1025, "p"), ("alice", "p" * 1025), ("é" * 513, "p"), ("\ud800", "p"), ("alice", "\udfff")],
    ids=["long name", "long password", "long in bytes", "surrogate name", "surrogate password"],
)
def test_what_does_not_fit_costs_neither_a_try_nor_a_hash(stack, directory, username, password):
    """A megabyte is not hashed (CVE-2013-1443), and the error contains nothing of it."""
    for _ in range(10):
        with pytest.raises(BadCredentials) as caught:
            stack.prove(username, password)

    assert 0 == directory.checks
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize(
    ("username", "password"),
    [
        ("al\0ice", "wonder"),
        ("alice\r\nX-Admin: 1", "wonder"),
        ("alice\n", "wonder"),
        ("\x1b[31malice", "wonder"),
        ("alice\x7f", "wonder"),
        ("alice\x85", "wonder"),
        ("\ufeffalice", "wonder"),
        ("alice", "wonder\0ful"),
    ],
    ids=ascii,
)
def test_c7_control_characters_cost_neither_a_try_nor_a_hash(stack, directory, username, password):
    """As in Basic, no directory sees them; in a password only NUL is refused."""
    for _ in range(10):
        with pytest.raises(BadCredentials) as caught:
            stack.prove(username, password)

    assert 401 == caught.value.status
    assert 0 == directory.checks
    assert [] == stack.events


def test_c7_a_password_may_have_other_control_characters():
    """A password may contain a tab."""
    assert "alice" == PasswordStack("wsgi", MemoryDirectory(alice="won\tder")).prove(password="won\tder").subject


@pytest.mark.parametrize("world", ["wsgi", "asgi"])
def test_c1_a_check_that_was_never_started_uses_no_attempt_up(world):
    """A full queue does not count as a failed attempt."""
    stack = PasswordStack(world, MemoryDirectory(alice="wonder"), hashing_threads=1, hashing_queue=0)
    busy = QueuePosition("busy", HOME, 0)
    assert stack.people._queue.ask(busy, "slot", list)

    for _ in range(10):
        with pytest.raises(Unavailable):
            stack.prove()
    stack.people._queue.leave_slot(busy)

    assert "alice" == stack.prove().subject
    stack.people.close()


def test_c6_the_turn_comes_before_the_try():
    """Twelve right passwords at once are checked one after the other, so none meets the limit of five."""
    stack = PasswordStack("asgi", AsyncMemoryDirectory(alice="wonder"))

    async def twelve():
        return await asyncio.gather(
            *(stack.passwords.prove("alice", "wonder", network=HOME, scheme="login") for _ in range(12))
        )

    assert ["alice"] * 12 == [account.subject for account in asyncio.run(twelve())]
    assert [] == stack.events


def test_c6_spellings_of_one_account_take_turns_too():
    """A directory that compares names loosely is not asked twice at once for one user."""
    inside, most = [], []

    async def check(username, _password):
        inside.append(username)
        most.append(len(inside))
        await asyncio.sleep(0)
        inside.pop()

    stack = PasswordStack("asgi", AsyncCallableDirectory(check))

    async def guess():
        names = ["alice", "Alice", "\u00e1lice"]
        tries = (stack.passwords.prove(name, "no", network=HOME, scheme="login") for name in names)
        return await asyncio.gather(*tries, return_exceptions=True)

    assert [BadCredentials] * 3 == [type(error) for error in asyncio.run(guess())]
    assert [1, 1, 1] == most


def test_a_name_and_a_password_of_1024_bytes_are_compared_whole():
    """The password is not truncated: the last byte counts (CVE-2025-22228)."""
    name, password = "n" * 1024, "p" * 1024
    stack = PasswordStack("wsgi", MemoryDirectory(**{name: password}))

    assert name == stack.prove(name, password).subject
    with pytest.raises(BadCredentials):
        stack.prove(name, password[:-1] + "q")


def test_a_request_that_is_cancelled_has_used_its_try_up():
    """Disconnecting must not make guesses free."""
    stack = PasswordStack("asgi", AsyncMemoryDirectory(alice="wonder"))

    async def hang_up():
        task = asyncio.create_task(stack.passwords.prove("alice", "no", network=HOME, scheme="basic"))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    for _ in range(5):
        asyncio.run(hang_up())

    with pytest.raises(TooManyAttempts):
        stack.prove()
