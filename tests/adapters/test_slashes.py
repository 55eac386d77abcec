"""Apply a rule to a path with or without a slash at its end, however the framework reads it."""

import asyncio

import pytest
from a2wsgi import WSGIMiddleware
from flask import Flask
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from app_client import SentRequest, asgi_scope, call_asgi, call_wsgi, wsgi_environ
from auth_setups import configuration, now
from frameworks import ServedMethods, plain_asgi
from memory_directory import MemoryDirectory
from safeconduct import Auth
from table_tokens import tokens

ALICE = (("authorization", f"Bearer {tokens()['alice']}".encode()),)


def flask_generous(served):
    """Return a Flask application that answers both with and without the slash."""
    application = Flask("slashes")
    application.url_map.strict_slashes = False
    application.add_url_rule("/admin/", view_func=lambda: served.answer("/admin/"))
    application.add_url_rule("/plain", "plain", view_func=lambda: served.answer("/plain"))
    return application


def as_litestar_reads(served):
    """Read a path as Litestar does: remove slashes from both ends."""

    async def application(scope, receive, send):
        await plain_asgi(served)({**scope, "method": "/" + scope["path"].strip("/")}, receive, send)

    return application


def starlette_redirects(served):
    async def view(_):
        return PlainTextResponse(served.answer("/admin/"))

    return Starlette(routes=[Route("/admin/", view)])


WORLDS = {
    "flask": ("wsgi", flask_generous),
    "flask by a2wsgi": ("asgi", lambda served: WSGIMiddleware(flask_generous(served))),
    "as litestar": ("asgi", as_litestar_reads),
    "starlette": ("asgi", starlette_redirects),
}


@pytest.mark.parametrize("rule", ["/admin", "/admin/"])
@pytest.mark.parametrize("target", ["/admin", "/admin/"])
@pytest.mark.parametrize(("world", "make"), WORLDS.values(), ids=WORLDS)
def test_a3_a_slash_does_not_bypass_a_rule(world, make, target, rule):
    """This holds for both spellings of the rule and both spellings of the request."""
    served = ServedMethods()
    config = configuration(access={"public": [], "rules": [{"path": rule, "roles": ["admin"]}]}, sources=["bearer"])
    application = getattr(Auth(config, directory=MemoryDirectory(), clock=now), world)(make(served))
    asked = SentRequest("GET", target, (("host", b"app.example"), *ALICE), "https")

    if world == "wsgi":
        seen = call_wsgi(application, wsgi_environ(asked))
    else:
        seen = asyncio.run(call_asgi(application, asgi_scope(asked)))

    assert 403 == seen.status
    assert b"insufficient_scope" in seen.values("www-authenticate")[0].encode()
    assert [] == served
