"""Use plain functions as a directory."""

import asyncio

import pytest

from safeconduct._core.directory import Account
from safeconduct.directories import AsyncCallableDirectory, CallableDirectory
from safeconduct.errors import ConfigurationError

ALICE = Account("alice")


def check(username, password):
    return ALICE if (username, password) == ("alice", "wonder") else None


def lookup(subject):
    return ALICE if subject == "alice" else None


async def acheck(username, password):
    return check(username, password)


async def alookup(subject):
    return lookup(subject)


def test_functions_are_a_directory():
    directory = CallableDirectory(check, lookup)

    assert ALICE is directory.check("alice", "wonder")
    assert directory.check("alice", "no") is None
    assert ALICE is directory.lookup("alice")
    assert not directory.static


def test_awaitable_functions_are_an_awaitable_directory():
    directory = AsyncCallableDirectory(acheck, alookup)

    assert ALICE is asyncio.run(directory.acheck("alice", "wonder"))
    assert ALICE is asyncio.run(directory.alookup("alice"))
    assert not directory.static


def test_without_a_look_up_a_directory_says_that_it_is_static():
    blocking, awaitable = CallableDirectory(check), AsyncCallableDirectory(acheck)

    assert blocking.static
    assert awaitable.static
    with pytest.raises(LookupError):
        blocking.lookup("alice")
    with pytest.raises(LookupError):
        asyncio.run(awaitable.alookup("alice"))


@pytest.mark.parametrize("make", [CallableDirectory, AsyncCallableDirectory])
@pytest.mark.parametrize(
    ("functions", "message"),
    [
        ((None,), "check must be a function, got None"),
        ((dict,), "check must be a function, got the class dict"),
        ((print, {}), "lookup must be a function, got a value of type dict"),
        ((print, dict), "lookup must be a function, got the class dict"),
    ],
)
def test_what_is_no_function_is_refused_at_once(make, functions, message):
    """A class would be called, and its instance would be neither an account nor None."""
    with pytest.raises(ConfigurationError, match=message):
        make(*functions)


@pytest.mark.parametrize(
    ("functions", "message"),
    [((acheck, None), "check must be a plain function"), ((check, alookup), "lookup must be a plain function")],
    ids=["check", "lookup"],
)
def test_an_async_function_gets_an_error_that_says_where_it_belongs(functions, message):
    """The error is raised when the directory is created, not at the first sign-in."""
    with pytest.raises(ConfigurationError, match=f"{message}, got an async one: use AsyncCallableDirectory"):
        CallableDirectory(*functions)
