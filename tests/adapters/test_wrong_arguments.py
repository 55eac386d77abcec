"""Report a wrong argument where it is passed, and not when a request comes."""

import functools
import re
from types import SimpleNamespace
from typing import Any

import pytest
from fastapi import FastAPI
from flask import Flask
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from werkzeug.local import LocalProxy

from auth_setups import configuration
from memory_directory import MemoryDirectory
from safeconduct import Auth, asgi, wsgi
from safeconduct.errors import ConfigurationError
from safeconduct.flask import Safeconduct
from safeconduct.stores import MemoryStore


def name_of(app):
    """Return the repr of *app* without its address: every worker must collect the same names."""
    return re.sub(r" at 0x[0-9a-f]+", "", repr(app))


def auth():
    """Return an ``Auth``."""
    return Auth(configuration(), directory=MemoryDirectory())


def wsgi_function(_environ, _start_response):
    """Answer as PEP 3333 has it."""


def wsgi_generator(_environ, _start_response):
    """Answer step by step."""
    yield b""


async def asgi_function(_scope, _receive, _send):
    """Answer as ASGI 3 has it."""


async def asgi_generator(_scope, _receive, _send):
    """Never run."""
    yield


def asgi_function_without_async(scope, receive, send):
    """Return what is awaited."""
    return asgi_function(scope, receive, send)


async def asgi_with_more(_scope, _receive, _send, _more):
    """Want an argument that is bound."""


def of_asgi_2(_scope):
    """Answer as ASGI 2 had it."""


def anything(*_arguments):
    """Take whatever comes."""


def two_or_three(_first, _second, _third=None):
    """Be of either world."""


class WsgiInstance:
    def __call__(self, _environ, _start_response):
        """Answer."""


class AsgiInstance:
    async def __call__(self, _scope, _receive, _send):
        """Answer."""


class WsgiClass:
    """The answer itself, as in PEP 3333."""

    def __init__(self, _environ, _start_response):
        """Begin."""

    def __iter__(self):
        """Iterate."""
        return iter(())


class Plain:
    """No application, though it may be called with any arguments."""

    def __init__(self, *_arguments):
        """Begin."""


class Meta(type):
    def __call__(cls, *_arguments):
        """Answer by the class."""


class ByMeta(metaclass=Meta):
    """An application whose instances are none."""


class ByNew:
    def __new__(cls, *_arguments):
        """Answer."""
        return iter(())


class Ghost:
    """What does not say how it is called."""

    __signature__ = "none"

    def __call__(self, *_arguments):
        """Answer."""


@functools.wraps(wsgi_function)
async def adapted(_scope, _receive, _send):
    """Be an adapter that was written as a decorator."""


ONLY_WSGI: list[Any] = [
    wsgi_function, wsgi_generator, WsgiInstance(), WsgiClass, Flask("x"), Flask("x").wsgi_app,
    functools.partial(lambda _bound, _environ, _start_response: None, 1), Flask("x").__call__,
]  # fmt: skip
ONLY_ASGI: list[Any] = [
    asgi_function, asgi_function_without_async, AsgiInstance(), AsgiInstance().__call__, HTTPEndpoint, Starlette(),
    FastAPI(), functools.partial(asgi_with_more, _more=1), functools.partial(asgi_function), adapted,
]  # fmt: skip
EITHER: list[Any] = [anything, two_or_three, LocalProxy(lambda: Flask("x")), Ghost(), ByMeta, ByNew]
NEITHER: list[Any] = [None, "app:app", 1, auth(), Plain, MemoryDirectory, asgi_generator, of_asgi_2, SimpleNamespace()]


@pytest.mark.parametrize("app", ONLY_WSGI, ids=name_of)
def test_d7_a_wsgi_application_is_refused_where_an_asgi_one_is_wanted(app):
    """The message shows the correct line."""
    assert app is auth().wsgi(app).app
    with pytest.raises(
        ConfigurationError,
        match=r"app: got .* looks like a WSGI application: auth\.wsgi\(app\); wanted ASGI: app\(scope,",
    ):
        auth().asgi(app)


@pytest.mark.parametrize("app", ONLY_ASGI, ids=name_of)
def test_d7_an_asgi_application_is_refused_where_a_wsgi_one_is_wanted(app):
    """The message shows the correct line."""
    assert app is auth().asgi(app).app
    with pytest.raises(
        ConfigurationError,
        match=r"app: got .* looks like an ASGI application: auth\.asgi\(app\); wanted WSGI: app\(environ,",
    ):
        auth().wsgi(app)


@pytest.mark.parametrize("app", EITHER, ids=lambda app: getattr(app, "__name__", type(app).__name__))
def test_an_application_that_may_be_of_either_world_is_taken_at_its_word(app):
    """Only applications that are certainly wrong are refused."""
    assert app is auth().asgi(app).app
    assert app is auth().wsgi(app).app


@pytest.mark.parametrize("app", NEITHER, ids=name_of)
def test_d7_what_is_no_application_is_refused_in_both_worlds(app):
    """An ``Auth`` and an application in the wrong order are refused too."""
    with pytest.raises(ConfigurationError, match=r"app: got .*; wanted ASGI"):
        auth().asgi(app)
    with pytest.raises(ConfigurationError, match=r"app: got .*; wanted WSGI"):
        auth().wsgi(app)


def test_d7_our_own_middleware_is_recognised_too():
    """A middleware of one interface around one of the other is refused."""
    with pytest.raises(ConfigurationError, match=r"auth\.wsgi\(app\)"):
        auth().asgi(auth().wsgi(wsgi_function))
    with pytest.raises(ConfigurationError, match=r"auth\.asgi\(app\)"):
        auth().wsgi(auth().asgi(asgi_function))


GATES: list[Any] = [configuration(), Auth, None, "auth", {}, MemoryDirectory(), wsgi_function]


@pytest.mark.parametrize("given", GATES, ids=lambda given: type(given).__name__)
def test_d7_a_middleware_wants_an_auth(given):
    """A configuration is refused."""
    for made in (
        lambda: asgi.AuthMiddleware(asgi_function, auth=given),
        lambda: wsgi.AuthMiddleware(wsgi_function, auth=given),
        lambda: Safeconduct(given),
        lambda: Safeconduct(given, Flask("x")),
    ):
        with pytest.raises(ConfigurationError, match=r"^auth: got .*, wanted an Auth"):
            made()


def test_d7_an_extension_around_an_application_protects_nothing_and_is_refused():
    """``Safeconduct(app)``, as other extensions are called, would leave every route open."""
    with pytest.raises(ConfigurationError, match="auth: got a value of type Flask, wanted an Auth"):
        Safeconduct(Flask("x"))
    for app in (FastAPI(), wsgi_function, Flask):
        with pytest.raises(ConfigurationError, match=r"app: got .*Safeconduct\(auth, app\)"):
            Safeconduct(auth(), app)
        with pytest.raises(ConfigurationError, match=r"app: got .*Safeconduct\(auth, app\)"):
            Safeconduct(auth()).init_app(app)


async def later(*_arguments):
    """Never run."""


class Later:
    async def __call__(self, *_arguments):
        """Never run."""


WRONG: list[Any] = [
    ({"config": MemoryDirectory}, "config: got the class MemoryDirectory, wanted a Config"),
    ({"config": MemoryDirectory()}, "config: got a value of type MemoryDirectory, wanted a Config"),
    ({"config": {"secret": "hunter2"}}, r"config: got a value of type dict, wanted a Config: Config\.from_mapping"),
    ({"config": "safeconduct.toml"}, r"wanted a Config, such as Config\.load\(\)"),
    ({"config": None}, "config: got None"),
    ({"directory": MemoryDirectory}, "directory: got the class MemoryDirectory, wanted an object with check"),
    ({"directory": "users.json"}, "directory: got a value of type str"),
    ({"directory": later}, "directory: got the function later"),
    ({"store": "redis://localhost"}, "store: got a value of type str"),
    ({"store": MemoryStore}, "store: got the class MemoryStore"),
    ({"clock": 1_800_000_000}, "clock: got a value of type int, wanted a function"),
    ({"clock": later}, "clock: got the function later, wanted a plain function"),
    ({"listeners": print}, "listeners: got the function print, wanted a list"),
    ({"listeners": [1]}, "listeners: got a value of type int, wanted a function"),
    ({"listeners": [later]}, "listeners: got the function later, wanted a plain function"),
    ({"listeners": [MemoryDirectory]}, "listeners: got the class MemoryDirectory, wanted a function or an instance"),
    ({"listeners": [wsgi_generator]}, "listeners: got the function wsgi_generator, wanted a plain function, not a gen"),
    ({"listeners": [asgi_generator]}, "listeners: got the function asgi_generator, wanted a plain function, not a gen"),
    ({"listeners": {"audit": print}}, "listeners: got a value of type str, wanted a function"),
    ({"clock": WsgiInstance}, "clock: got the class WsgiInstance"),
    ({"clients": MemoryDirectory}, "clients: got the class MemoryDirectory"),
    ({"problem_body": dict}, "problem_body: got the class dict"),
    ({"listeners": [Later()]}, "listeners: got a value of type Later, wanted a plain function"),
    ({"add_claims": {"a": 1}}, "add_claims: got a value of type dict"),
    ({"add_claims": later}, "add_claims: got the function later"),
    ({"problem_body": later}, "problem_body: got the function later"),
]


@pytest.mark.parametrize(("given", "message"), WRONG, ids=[next(iter(given)) for given, _ in WRONG])
def test_d7_every_argument_of_an_auth_is_looked_at_when_it_is_made(given, message):
    """The error names what was given and what is wanted, without the value's contents."""
    arguments = {"config": configuration()} | given

    with pytest.raises(ConfigurationError, match=message) as caught:
        Auth(arguments.pop("config"), **arguments)

    assert "hunter2" not in str(caught.value)
