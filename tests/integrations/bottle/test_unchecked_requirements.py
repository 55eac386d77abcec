"""Bottle reports the routes that it got without ``requires``, at the first request."""

import bottle

from app_client import SentRequest, call_wsgi, wsgi_environ
from safeconduct import requires
from safeconduct.bottle import install
from unchecked_views import Heard


def test_each_route_is_reported_once_at_the_first_request():
    heard, app = Heard(), bottle.Bottle()

    @app.get("/public")
    def public():
        return "public"

    @requires(roles=["admin"])
    @app.get("/orders/<number:int>")
    def order(number):
        return str(number)

    @app.get("/guarded")
    @requires(roles=["admin"])
    def guarded():
        return "never served"

    install(app, heard.auth)
    served, before = heard.auth.wsgi(app), heard.unchecked

    answers = [
        call_wsgi(served, wsgi_environ(SentRequest("GET", path, (("host", b"app.example"),), "https")))
        for path in ("/public", "/orders/7", "/guarded")
    ]

    assert [(200, b"public"), (200, b"7")] == [(answer.status, answer.body) for answer in answers[:2]]
    assert 401 == answers[2].status
    assert ([], [("order", "/orders/<number:int>")]) == (before, heard.unchecked)
