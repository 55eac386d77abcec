"""A slash at the end of a path: frameworks read it as they like, and no rule is passed by one more or less."""

import asyncio

import pytest
from a2wsgi import WSGIMiddleware
from flask import Flask
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from calling import Asked, call_asgi, call_wsgi, environ_of, scope_of
from frameworks import Served, plain_asgi
from minting import tokens
from people import Folk
from safeconduct import Auth
from stages import configuration, now

ALICE = (("authorization", f"Bearer {tokens()['alice']}".encode()),)


def flask_generous(served):
    """Return a Flask application that answers with and without the slash."""
    application = Flask("slashes")
    application.url_map.strict_slashes = False
    application.add_url_rule("/admin/", view_func=lambda: served.answer("/admin/"))
    application.add_url_rule("/plain", "plain", view_func=lambda: served.answer("/plain"))
    return application


def as_litestar_reads(served):
    """Stand in for Litestar, which takes slashes off both ends."""

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
def test_a3_a_slash_is_no_way_around_a_rule(world, make, target, rule):
    """Whichever of the two is written, and whichever is asked for."""
    served = Served()
    config = configuration(access={"public": [], "rules": [{"path": rule, "roles": ["admin"]}]}, sources=["bearer"])
    application = getattr(Auth(config, directory=Folk(), clock=now), world)(make(served))
    asked = Asked("GET", target, (("host", b"app.example"), *ALICE), "https")

    if world == "wsgi":
        seen = call_wsgi(application, environ_of(asked))
    else:
        seen = asyncio.run(call_asgi(application, scope_of(asked)))

    assert 403 == seen.status
    assert b"insufficient_scope" in seen.values("www-authenticate")[0].encode()
    assert [] == served
