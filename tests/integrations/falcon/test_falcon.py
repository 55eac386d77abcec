"""The Falcon integration: the identity in the context, answers to errors, and wrong arguments."""

import asyncio
import importlib
import sys

import falcon
import falcon.asgi
import pytest

from app_client import SentRequest, asgi_scope, call_asgi, call_wsgi, play, socket_scope, wsgi_environ
from auth_setups import auth_for, configuration, now
from falcon_table import asgi_app, wsgi_app
from safeconduct import Auth, requires
from safeconduct.errors import ConfigurationError
from safeconduct.falcon import identity, install
from table_tokens import tokens


def bearer(name):
    return (("host", b"app.example"), ("authorization", f"Bearer {tokens()[name]}".encode()))


def sent(target="/me", name="alice"):
    return SentRequest("GET", target, bearer(name), "https")


class Responder:
    """Ask for a role after setting a header that belongs to the response alone."""

    @requires(roles=["admin"])
    def on_get(self, req, resp):
        resp.text = req.context.identity.subject

    def on_post(self, _req, resp):
        resp.cache_control = ["max-age=60"]
        resp.text = "half of a page"
        requires(roles=["admin"])(lambda: None)()


class AsgiResponder:
    """Ask for a role."""

    @requires(roles=["admin"])
    async def on_get(self, req, resp):
        resp.text = req.context.identity.subject

    @requires(roles=["admin"])
    async def on_websocket(self, req, ws):
        await ws.accept()
        await ws.send_text(req.context.identity.subject)
        await ws.close()


class LateRefusal:
    """Accept a WebSocket, and ask for a role then."""

    async def on_websocket(self, _req, ws):
        await ws.accept()
        requires(roles=["admin"])(lambda: None)()


class AddField:
    """Mark every response, as CORS middleware does."""

    def process_response(self, _req, resp, _resource, _req_succeeded):
        resp.set_header("x-stamp", "yes")

    async def process_response_async(self, _req, resp, _resource, _req_succeeded):
        resp.set_header("x-stamp", "yes")


@pytest.fixture
def wsgi():
    app = falcon.App(middleware=[AddField()])
    install(app, auth_for("main"))
    app.add_route("/me", Responder())
    return auth_for("main").wsgi(app)


@pytest.fixture
def asgi():
    app = falcon.asgi.App(middleware=[AddField()])
    install(app, auth_for("main"))
    app.add_route("/me", AsgiResponder())
    app.add_route("/late", LateRefusal())
    return auth_for("main").asgi(app)


def test_middleware_of_the_application_sees_the_refusal(wsgi, asgi):
    """A response that left without CORS fields could not be read by the page that asked."""
    seen = [call_wsgi(wsgi, wsgi_environ(sent())), asyncio.run(call_asgi(asgi, asgi_scope(sent())))]

    assert [(403, ("yes",))] * 2 == [(one.status, one.values("x-stamp")) for one in seen]


def test_a_refusal_keeps_nothing_of_the_response_that_was_begun(wsgi):
    request = SentRequest("POST", "/me", bearer("alice"), "https")

    seen = call_wsgi(wsgi, wsgi_environ(request))

    assert (403, ("no-store",)) == (seen.status, seen.values("cache-control"))
    assert b"half" not in seen.body


def test_the_identity_is_in_the_context(wsgi, asgi):
    request = sent(name="admin")

    assert b"root" == call_wsgi(wsgi, wsgi_environ(request)).body
    assert b"root" == asyncio.run(call_asgi(asgi, asgi_scope(request))).body


@pytest.mark.parametrize("denial", [True, False])
def test_a_refused_websocket(asgi, denial):
    """The server sends the whole denial if it can, and closes before the handshake otherwise."""
    sent_back = asyncio.run(play(asgi, socket_scope(sent(), denial=denial)))

    expected = ("websocket.http.response.start", 403) if denial else ("websocket.close", None)
    assert expected == (sent_back[0]["type"], sent_back[0].get("status"))


def test_a_websocket(asgi):
    sent_back = asyncio.run(play(asgi, socket_scope(sent(name="admin"))))

    assert ["root"] == [message["text"] for message in sent_back if message["type"] == "websocket.send"]


def test_a_websocket_that_is_refused_late(asgi):
    """The close code is 4403: the requirement is not met."""
    sent_back = asyncio.run(play(asgi, socket_scope(sent("/late"))))

    assert ["websocket.accept", "websocket.close"] == [message["type"] for message in sent_back]
    assert 4403 == sent_back[-1]["code"]


class Parameters:
    """Answer with the parameters of the path."""

    def on_get(self, _req, resp, **parameters):
        resp.media = parameters


class AsgiParameters:
    """The same, and by a WebSocket."""

    async def on_get(self, _req, resp, **parameters):
        resp.media = parameters

    async def on_websocket(self, _req, ws, **_parameters):
        await ws.accept()


def with_parameters(app, responder):
    for template in ("/users/{user}", "/mail/{user}/box", "/files/{rest:path}"):
        app.add_route(template, responder)
    # The default is open: what no rule closes is seen by everybody.
    rules = [{"path": path, "roles": ["admin"]} for path in ("/users/{user}", "/mail/{user}/box")]
    access = {"default": "anonymous", "public": [], "rules": rules}
    auth = Auth(configuration(access=access, sources=["bearer"]), clock=now)
    install(app, auth)
    return auth


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("/users/7", 403),
        ("/users/", 404),
        ("/mail/7/box", 403),
        ("/mail//box", 400),
        ("/files/", 200),
        ("/files/a", 200),
    ],
)
def test_no_rule_is_passed_by_an_empty_parameter(target, status):
    """Falcon finds ``/users/{user}`` for ``/users/``, for which a rule of ``/users/{user}`` does not ask."""
    app, other = falcon.App(), falcon.asgi.App()
    application = with_parameters(app, Parameters()).wsgi(app)
    awaited = with_parameters(other, AsgiParameters()).asgi(other)

    assert status == call_wsgi(application, wsgi_environ(sent(target))).status
    assert status == asyncio.run(call_asgi(awaited, asgi_scope(sent(target)))).status


def test_no_rule_is_passed_by_an_empty_parameter_of_a_websocket():
    app = falcon.asgi.App()
    application = with_parameters(app, AsgiParameters()).asgi(app)

    messages = [asyncio.run(play(application, socket_scope(sent(target))))[0] for target in ("/users/", "/files/")]

    assert ["websocket.close", "websocket.accept"] == [message["type"] for message in messages]


def test_without_the_line_around_it_no_request_is_served():
    """A forgotten line is an error at once, not an application that is open."""
    app, other = wsgi_app(), asgi_app()
    install(app, auth_for("main"))
    install(other, auth_for("main"))

    assert 500 == call_wsgi(app, wsgi_environ(sent("/health"))).status
    assert 500 == asyncio.run(call_asgi(other, asgi_scope(sent("/health")))).status


def test_the_identity_of_a_request():
    """``identity`` is for middleware that runs before ours."""
    request = falcon.Request({**wsgi_environ(sent()), "safeconduct.identity": "somebody"})

    assert "somebody" == identity(request)
    with pytest.raises(LookupError, match=r"auth\.wsgi\(app\)"):
        identity(falcon.Request(wsgi_environ(sent())))


@pytest.mark.parametrize("wrong", [falcon.App, None, "app", object()], ids=["class", "none", "text", "object"])
def test_only_falcon_is_installed_into(wrong):
    with pytest.raises(ConfigurationError, match=r"wanted a falcon\.App"):
        install(wrong, auth_for("main"))


@pytest.mark.parametrize("make", [falcon.App, falcon.asgi.App])
def test_only_an_auth_is_installed(make):
    for wrong in (Auth, configuration(), None):
        with pytest.raises(ConfigurationError, match="wanted an Auth"):
            install(make(), wrong)


def test_a_missing_falcon_is_named_with_the_command_that_helps(monkeypatch):
    monkeypatch.delitem(sys.modules, "safeconduct.falcon")
    for name in [name for name in sys.modules if name.partition(".")[0] == "falcon"]:
        monkeypatch.setitem(sys.modules, name, None)

    with pytest.raises(ImportError, match=r"pip install 'safeconduct\[falcon\]'"):
        importlib.import_module("safeconduct.falcon")
