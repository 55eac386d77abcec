"""Make the gate and the application read the same path below a mount prefix."""

import asyncio
import sys

import pytest
from a2wsgi import ASGIMiddleware, WSGIMiddleware
from asgiref.wsgi import WsgiToAsgi
from django.conf import settings
from django.test import override_settings
from django.utils.functional import empty
from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from flask import Flask
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from app_client import SentRequest, asgi_scope, call_asgi, call_wsgi, play, socket_scope, wsgi_environ
from auth_setups import configuration, now
from frameworks import ServedMethods, django_asgi, django_wsgi, plain_asgi, plain_wsgi
from memory_directory import MemoryDirectory
from safeconduct import Auth, ConfigurationError
from safeconduct.asgi import AuthMiddleware
from table_tokens import tokens

RULES = [{"path": "/admin/{rest...}", "roles": ["admin"]}]
ALICE = (("authorization", f"Bearer {tokens()['alice']}".encode()),)


def auth():
    config = configuration(access={"public": ["/public/{rest...}"], "rules": RULES}, sources=["bearer"])
    return Auth(config, directory=MemoryDirectory(), clock=now)


def get_request(target):
    return SentRequest("GET", target, (("host", b"app.example"), *ALICE), "https")


def ask_asgi(application, target, root_path):
    return asyncio.run(call_asgi(application, asgi_scope(get_request(target), root_path=root_path)))


def as_litestar_strips(served):
    """Read a path as Litestar does: cut it where the prefix first occurs, and collapse slashes."""

    async def application(scope, receive, send):
        rest = scope["path"].split(scope["root_path"], maxsplit=1)[-1]
        path = "/" + "/".join(part for part in rest.split("/") if part)
        await plain_asgi(served)({**scope, "method": path}, receive, send)

    return application


def flask_everywhere(served):
    application = Flask("paths")
    application.add_url_rule("/<path:path>", view_func=lambda path: served.answer(f"/{path}"))
    return application


def starlette_everywhere(served):
    async def view(request: Request):
        return PlainTextResponse(served.answer("/" + request.path_params["path"]))

    return Starlette(routes=[Route("/{path:path}", view)])


APPLICATIONS = {
    "as litestar": as_litestar_strips,
    "starlette": starlette_everywhere,
    "flask by a2wsgi": lambda served: WSGIMiddleware(flask_everywhere(served)),
    "flask by asgiref": lambda served: WsgiToAsgi(flask_everywhere(served)),
}


@pytest.mark.parametrize("target", ["/public/api/admin", "/apiadmin", "/public/apiadmin", "/x/api"])
@pytest.mark.parametrize("make", APPLICATIONS.values(), ids=APPLICATIONS)
def test_a2_a_root_path_elsewhere_in_the_path_is_refused(make, target):
    """Applications disagree on how to read such a path, so none is called."""
    served = ServedMethods()

    seen = ask_asgi(auth().asgi(make(served)), target, "/api")

    assert (400, "application/problem+json") == (seen.status, *seen.values("content-type"))
    assert b'"code":"invalid_request"' in seen.body.replace(b" ", b"")
    assert [] == served


@pytest.mark.parametrize("make", APPLICATIONS.values(), ids=APPLICATIONS)
def test_a2_below_a_root_path_rules_meet_the_rest(make):
    """The prefix is removed where the path begins with it, here and in each application, and only once."""
    served = ServedMethods()
    application = auth().asgi(make(served))

    closed = [ask_asgi(application, target, "/api").status for target in ("/api/admin", "/api/admin/x", "/admin")]
    passed = [ask_asgi(application, target, "/api").status for target in ("/api/x/api/y", "/api/apiary")]

    assert [403, 403, 403] == closed
    assert [200, 200] == passed
    assert ["/x/api/y", "/apiary"] == served


def test_a2_a_handshake_below_a_root_path_is_refused_alike():
    served = ServedMethods()
    scope = socket_scope(SentRequest("GET", "/public/api/admin", (), "https")) | {"root_path": "/api"}

    sent = asyncio.run(play(auth().asgi(plain_asgi(served)), scope))

    assert ("websocket.http.response.start", 400) == (sent[0]["type"], sent[0]["status"])
    assert [] == served


def test_a2_mounts_in_mounts_of_one_name():
    """An inner middleware reads the path below all mounts."""
    served = ServedMethods()
    mounted = Mount("/a", app=auth().asgi(starlette_everywhere(served)))
    application = Starlette(routes=[Mount("/a", routes=[mounted])])

    statuses = [ask_asgi(application, f"/a/a/{target}", "").status for target in ("admin", "a/x", "apple/a")]

    assert [403, 200, 200] == statuses
    assert ["/a/x", "/apple/a"] == served


def ask_wsgi(application, target, **more):
    return call_wsgi(application, wsgi_environ(get_request(target), **more))


def test_a2_behind_wsgi_the_path_comes_without_the_prefix():
    """``PATH_INFO`` is relative already and is not searched for ``SCRIPT_NAME`` again."""
    served = ServedMethods()
    application = auth().wsgi(flask_everywhere(served))
    below = {"SCRIPT_NAME": "/api"}

    statuses = [
        ask_wsgi(application, target, PATH_INFO=target, RAW_URI=f"/api{target}", **below).status
        for target in ("/admin", "/api/admin", "/apiadmin")
    ]

    assert [403, 200, 200] == statuses
    assert ["/api/admin", "/apiadmin"] == served


@pytest.mark.parametrize("stands", ["inside", "outside"])
def test_a2_a_dispatcher_cuts_whole_segments(stands):
    """Werkzeug's dispatcher: a mount reads the same path as a gate inside it, or outside it below the mount."""
    served = ServedMethods()
    inner = flask_everywhere(served)
    mounts = {"/admin": auth().wsgi(inner) if stands == "inside" else inner}
    dispatcher = DispatcherMiddleware(plain_wsgi(served), mounts)
    application = dispatcher if stands == "inside" else auth().wsgi(dispatcher)

    statuses = [ask_wsgi(application, target).status for target in ("/admin/admin/x", "/admin/x", "/administrator")]

    assert ([403, 200, 200] if stands == "inside" else [403, 403, 200]) == statuses
    assert (["/x", "GET"] if stands == "inside" else ["GET"]) == served


def test_a2_an_asgi_application_behind_wsgi_reads_the_rest():
    """a2wsgi joins prefix and path again, and the application removes the same part."""
    served = ServedMethods()
    application = auth().wsgi(ASGIMiddleware(starlette_everywhere(served)))
    below = {"SCRIPT_NAME": "/api", "REMOTE_PORT": "1", "RAW_URI": "/api/x/api/admin"}

    seen = ask_wsgi(application, "/x/api/admin", **below)
    refused = ask_wsgi(application, "/admin", **below)

    assert (200, 403) == (seen.status, refused.status)
    assert ["/x/api/admin"] == served


def fastapi_below(root_path):
    """Return an application with its own root path, whose deprecated parameter warns."""
    application = FastAPI(openapi_url=None)
    application.root_path = root_path
    return application


def wrapped_by_cors(application):
    return CORSMiddleware(application, allow_origins=["https://spa.example"])


class ByProtocol:
    """Route by protocol, as Channels does."""

    def __init__(self, application):
        self.application_mapping = {"http": application}

    async def __call__(self, scope, receive, send):
        await self.application_mapping[scope["type"]](scope, receive, send)


@pytest.mark.parametrize("wrap", [lambda app: app, wrapped_by_cors, ByProtocol], ids=["bare", "cors", "protocols"])
def test_a2_an_application_with_a_root_path_of_its_own_is_not_wrapped(wrap):
    """The message says what to do instead."""
    with pytest.raises(ConfigurationError, match=r"'/api'.*add_middleware.*--root-path"):
        auth().asgi(wrap(fastapi_below("/api")))


@pytest.mark.parametrize("root_path", ["", "/"])
def test_a2_no_root_path_is_none(root_path):
    assert auth().asgi(fastapi_below(root_path))


def test_a2_a_folder_is_no_root_path():
    """Quart and Flask use an attribute of that name for the folder of their files."""
    folder = Flask("folder", root_path="/srv").root_path

    class LikeQuart:
        root_path, import_name = folder, "folder"

        async def __call__(self, scope, receive, send): ...

    assert "/srv" == folder
    assert auth().asgi(LikeQuart())


def test_a2_a_middleware_within_reads_the_applications_own_root_path():
    """This is what the message advises."""
    served = ServedMethods()
    application = fastapi_below("/api")
    application.add_api_route("/admin/x", lambda: served.answer("/admin/x"))
    application.add_api_route("/y", lambda: served.answer("/y"))
    application.add_middleware(AuthMiddleware, auth=auth())

    targets = ("/api/admin/x", "/admin/x", "/apiadmin/x", "/api/y")
    statuses = [ask_asgi(application, target, "").status for target in targets]

    assert [403, 403, 400, 200] == statuses
    assert ["/y"] == served


@pytest.mark.parametrize(("world", "make"), [("asgi", django_asgi), ("wsgi", django_wsgi)])
def test_a2_django_with_a_forced_script_name_is_not_wrapped(world, make):
    """Django removes the prefix by itself; without that setting it is wrapped."""
    application = make(ServedMethods())
    wrap = getattr(auth(), world)

    with (
        override_settings(FORCE_SCRIPT_NAME="/api"),
        pytest.raises(ConfigurationError, match=r"FORCE_SCRIPT_NAME.*'/api'.*SCRIPT_NAME"),
    ):
        wrap(application)

    assert wrap(application)


def test_a2_what_is_none_of_django_is_wrapped(monkeypatch):
    """This holds whatever Django's settings say, and where Django is not imported."""
    with override_settings(FORCE_SCRIPT_NAME="/api"):
        assert auth().wsgi(plain_wsgi(ServedMethods()))
        assert auth().asgi(plain_asgi(ServedMethods()))
    monkeypatch.delitem(sys.modules, "django.core.handlers.base")
    assert auth().wsgi(plain_wsgi(ServedMethods()))


def test_a2_django_without_settings_forces_nothing(monkeypatch):
    """Another module has imported Django, but the application is not a Django application."""
    monkeypatch.setattr(settings, "_wrapped", empty)
    assert not settings.configured

    assert auth().wsgi(plain_wsgi(ServedMethods()))
    assert auth().asgi(plain_asgi(ServedMethods()))
