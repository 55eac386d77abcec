"""Adapt a directory to the world that asks it, and refuse one that cannot serve."""

import subprocess
import sys

import pytest

from memory_directory import AsyncMemoryDirectory, MemoryDirectory
from safeconduct.config import LoginConfig
from safeconduct.directories import AsyncCallableDirectory, CallableDirectory
from safeconduct.directories.adapters import DirectAdapter, adapt_directory
from safeconduct.directories.async_adapters import ThreadPoolAdapter
from safeconduct.errors import ConfigurationError


class Both(MemoryDirectory):
    """A directory with blocking and async methods."""

    async def acheck(self, username, password):
        return self.check(username, password)

    async def alookup(self, subject):
        return self.lookup(subject)


class WithoutLookup:
    def check(self, _username, _password):
        return None


class Static(WithoutLookup):
    static = True


class WithoutAsyncLookup(MemoryDirectory):
    async def acheck(self, _username, _password):
        return None


class WrongColour:
    async def check(self, _username, _password):
        return None


class NotCallable:
    check = "alice:wonder"


class OddlyStatic(MemoryDirectory):
    static = "yes"


@pytest.mark.parametrize(
    ("directory", "world", "expected"),
    [
        (MemoryDirectory(), "wsgi", DirectAdapter),
        (MemoryDirectory(), "asgi", ThreadPoolAdapter),
        (AsyncMemoryDirectory(), "asgi", DirectAdapter),
        (Both(), "wsgi", DirectAdapter),
        (Both(), "asgi", DirectAdapter),
    ],
    ids=lambda value: getattr(value, "__name__", None) or str(type(value).__name__),
)
def test_each_world_calls_the_methods_of_a_directory_that_fit(directory, world, expected):
    people = adapt_directory(directory, world, LoginConfig())

    assert expected is type(people)
    assert not people.is_static


@pytest.mark.parametrize(
    ("directory", "world"),
    [
        (CallableDirectory(lambda _username, _password: None), "wsgi"),
        (CallableDirectory(lambda _username, _password: None), "asgi"),
        (AsyncCallableDirectory(Both().acheck), "asgi"),
        (Static(), "wsgi"),
    ],
    ids=["wsgi", "asgi", "native", "no method"],
)
def test_a_static_directory_says_so_through_its_port(directory, world):
    assert adapt_directory(directory, world, LoginConfig()).is_static


@pytest.mark.parametrize(
    ("directory", "world", "message"),
    [
        (
            AsyncMemoryDirectory(),
            "wsgi",
            "must have the blocking check and lookup where a WSGI application .* got AsyncMemoryDirectory",
        ),
        (object(), "wsgi", "must have the blocking check and lookup .* got object"),
        (object(), "asgi", "must have check and lookup, or acheck and alookup, got object"),
        (WithoutLookup(), "wsgi", "must have lookup, or say static = True, got WithoutLookup"),
        (WithoutLookup(), "asgi", "must have lookup, or say static = True, got WithoutLookup"),
        (WithoutAsyncLookup(), "asgi", "must have alookup, or say static = True, got WithoutAsyncLookup"),
        (WrongColour(), "wsgi", "directory.check must be a plain function, got an async one: name it acheck"),
        (WrongColour(), "asgi", "directory.check must be a plain function, got an async one: name it acheck"),
        (NotCallable(), "wsgi", "directory.check must be a method, got str"),
        (OddlyStatic(), "wsgi", "directory.static must be True or False, got 'yes'"),
    ],
    ids=lambda value: None if isinstance(value, str) and " " in value else str(value).split(" ", maxsplit=1)[0][1:],
)
def test_a_directory_that_can_not_serve_is_refused_when_something_is_wrapped(directory, world, message):
    """The error is raised when the application is wrapped, not at the first sign-in."""
    with pytest.raises(ConfigurationError, match=message):
        adapt_directory(directory, world, LoginConfig())


def test_the_blocking_world_loads_neither_asyncio_nor_argon2():
    """Neither asyncio nor Argon2 is loaded by importing the package."""
    code = (
        "import sys, safeconduct.directories as d; from safeconduct.config import LoginConfig; "
        "from safeconduct.directories.adapters import adapt_directory; "
        "adapt_directory(d.CallableDirectory(lambda u, p: None), 'wsgi', LoginConfig()); "
        "print([name for name in ('asyncio', 'argon2', 'redis') if name in sys.modules])"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "[]\n" == done.stdout
