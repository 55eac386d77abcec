"""A class in the place of an instance, or a decorator in that of a guard: an error at once that says what to write."""

import bottle
import falcon
import falcon.testing
import pytest
from fastapi import Depends, FastAPI
from flask import Flask
from flask.views import MethodView
from litestar import Litestar, Router, WebSocket, asgi, get, websocket
from litestar.types import Receive, Scope, Send
from pyramid.config import Configurator
from quart import Quart
from starlette.applications import Starlette
from starlette.testclient import TestClient
from werkzeug.test import Client

import django_site  # noqa: F401 - importing it configures Django
import safeconduct.bottle
import safeconduct.falcon
import safeconduct.fastapi
import safeconduct.flask
import safeconduct.litestar
import safeconduct.pyramid
import safeconduct.quart
import safeconduct.starlette
from auth_setups import SITE, auth_for
from safeconduct import ConfigurationError, requires
from safeconduct._core.wrong_arguments import wants
from safeconduct.asgi import AuthMiddleware as AsgiMiddleware
from safeconduct.django.ninja import SafeconductAuth
from safeconduct.django.rest_framework import HasScope
from safeconduct.fastapi import CurrentIdentity, CurrentPrincipal, Require
from safeconduct.litestar import SafeconductPlugin, requires_guard
from safeconduct.wsgi import AuthMiddleware as WsgiMiddleware
from table_tokens import tokens

PARENTHESES = r'wanted @requires\(\) or @requires\(scopes=\["read"\]\)'
DECORATOR = r"wanted @requires\(…\) above a function"
EXTENSION = r"wanted Safeconduct\(Auth\(Config\.load\(\)\)\)\.init_app\(app\)"
PLUGIN = r"wanted plugins=\[SafeconductPlugin\(Auth\(Config\.load\(\)\)\)\]"
AUTH = r"wanted install\((app|config), Auth\(Config\.load\(\)\)\)"


def view(*_arguments):
    """Return nothing."""


def class_based():
    class Papers(MethodView):
        decorators = (requires,)

        def get(self):
            return "x"

    return Papers.as_view("papers")


@pytest.mark.parametrize(
    ("mistake", "wanted"),
    [
        (lambda: requires(view), PARENTHESES),
        (lambda: requires("authenticated"), PARENTHESES),
        (lambda: requires(["read"]), PARENTHESES),
        (lambda: requires(scope=["read"]), PARENTHESES),
        (class_based, PARENTHESES),
        (requires(), DECORATOR),
        (lambda: requires()(view, view), DECORATOR),
        (lambda: Require(["read"]), r'wanted Require\(scopes=\["read"\]\)'),
        (lambda: SafeconductAuth(["read"]), r"wanted auth=SafeconductAuth\(\)"),
        (lambda: HasScope("read"), r'wanted HasScope\.of\("read"\)'),
        (safeconduct.flask.Safeconduct, EXTENSION),
        (safeconduct.quart.Safeconduct, EXTENSION),
        (lambda: safeconduct.flask.Safeconduct.init_app(Flask("x")), EXTENSION),
        (lambda: safeconduct.quart.Safeconduct.init_app(Quart("x")), EXTENSION),
        (lambda: safeconduct.starlette.install(Starlette()), AUTH),
        (lambda: safeconduct.fastapi.install(FastAPI()), AUTH),
        (lambda: safeconduct.falcon.install(falcon.App()), AUTH),
        (lambda: safeconduct.pyramid.install(Configurator()), AUTH),
        (lambda: safeconduct.bottle.install(bottle.Bottle()), AUTH),
        (lambda: litestar_site(plugins=[SafeconductPlugin]), PLUGIN),
        (SafeconductPlugin, PLUGIN),
        (lambda: requires_guard(["read"]), r"wanted guards=\[requires_guard\(\)\]"),
        (lambda: litestar_site(middleware=[AsgiMiddleware]), r"wanted auth\.asgi\(app\)"),
        (lambda: AsgiMiddleware({}, view, view), r"wanted auth\.asgi\(app\)"),
        (lambda: WsgiMiddleware(view), r"wanted auth\.wsgi\(app\)"),
    ],
)
def test_a_wrong_call_says_what_to_write(mistake, wanted):
    """Those who catch what Python raises for such a call catch it too."""
    with pytest.raises(ConfigurationError, match=wanted) as caught:
        mistake()

    assert isinstance(caught.value, TypeError)


@get("/me", sync_to_thread=False)
def me() -> str:
    """Answer."""
    return "x"


def litestar_site(*operations, **how):
    """Make an application of Litestar behind the gate."""
    how.setdefault("plugins", [SafeconductPlugin(auth_for("main"))])
    return Litestar([me, *operations], **how)


@pytest.mark.parametrize("guard", [requires, requires(scopes=["read"]), requires_guard])
@pytest.mark.parametrize("layer", ["application", "router", "handler", "websocket", "asgi", "hook"])
def test_what_makes_a_guard_is_none(guard, layer):
    """Litestar would call it in each request, and answer 500; it is found when the application is made."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        """Serve."""

    async def chat(socket: WebSocket) -> None:
        """Serve."""

    def show() -> None:
        """Serve."""

    made = {
        "application": lambda: litestar_site(guards=[guard]),
        "router": lambda: litestar_site(Router("/below", route_handlers=[me], guards=[guard])),
        "handler": lambda: litestar_site(get("/one", guards=[guard], sync_to_thread=False)(show)),
        "websocket": lambda: litestar_site(websocket("/chat", guards=[guard])(chat)),
        "asgi": lambda: litestar_site(asgi("/raw", guards=[guard], copy_scope=True)(serve)),
        "hook": lambda: litestar_site(before_request=guard),
    }

    with pytest.raises(ConfigurationError, match=r"as a guard or hook, wanted guards=\[requires_guard\(…\)\]"):
        made[layer]()


def test_a_type_error_of_the_function_itself_stays_as_it_is():
    @wants("nothing")
    def add(number):
        return number + "1"

    with pytest.raises(TypeError, match="unsupported operand") as caught:
        add(1)

    assert not isinstance(caught.value, ConfigurationError)


@pytest.mark.parametrize("kind", [classmethod, property])
def test_a_descriptor_is_decorated_inside(kind):
    with pytest.raises(ConfigurationError, match=f"got a {kind.__name__}: put it below @{kind.__name__}"):
        requires()(kind(view))


def route(dependencies):
    FastAPI().get("/me", dependencies=dependencies)(view)


@pytest.mark.parametrize("dependency", [requires, lambda: Depends(requires(scopes=["read"]))])
def test_the_decorator_is_no_dependency_of_fastapi(dependency):
    """It would read the function to decorate from the query."""
    with pytest.raises((ConfigurationError, TypeError), match=r"wanted Depends\(Require\(…\)\)"):
        route([dependency()])


@pytest.mark.parametrize(("given", "name"), [(CurrentPrincipal, "CurrentPrincipal"), (CurrentIdentity, "CurrentIden")])
@pytest.mark.parametrize("is_nested", [False, True])
def test_a_type_is_no_dependency_of_fastapi(given, name, is_nested):
    """FastAPI would read the arguments of the type from the query; it is found when the application starts."""

    def user(found=Depends(given)):  # noqa: B008 - what is tested
        return found

    app = FastAPI()
    safeconduct.fastapi.install(app, auth_for("main"))
    app.get("/me", dependencies=[Depends(user if is_nested else given)])(lambda: "x")

    with pytest.raises(ConfigurationError, match=rf"/me: got Depends\({name}.*wanted a parameter"), TestClient(app):
        pass


def test_a_security_policy_of_pyramid_is_an_instance():
    config = Configurator()
    safeconduct.pyramid.install(config, auth_for("main"))
    config.set_security_policy(safeconduct.pyramid.SecurityPolicy)

    with pytest.raises(ConfigurationError, match=r"got the class SecurityPolicy, wanted SecurityPolicy\(\)"):
        config.make_wsgi_app()


def flask_site(called):
    app = Flask("x")
    app.before_request(requires())
    app.get("/me")(lambda: called.append(1) or "x")
    safeconduct.flask.Safeconduct(auth_for("main"), app)
    return app


def falcon_site(called):
    class Me:
        @falcon.before(requires())
        def on_get(self, _req, _resp):
            called.append(1)

    app, auth = falcon.App(), auth_for("main")
    safeconduct.falcon.install(app, auth)
    app.add_route("/me", Me())
    return auth.wsgi(app)


@pytest.mark.parametrize("make", [flask_site, falcon_site])
def test_a_hook_that_is_a_decorator_lets_nobody_in(make):
    """The frameworks call a hook with other arguments, and only in a request."""
    called = []

    answered = Client(make(called)).get("/me", SITE, headers={"authorization": f"Bearer {tokens()['alice']}"})

    assert 500 == answered.status_code
    assert [] == called
