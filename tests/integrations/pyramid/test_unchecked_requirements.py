"""Pyramid reports the routes that it got without ``requires``, when the application is made."""

from app_client import SentRequest, call_wsgi, wsgi_environ
from pyramid_table import Configurator, Response, install
from safeconduct import requires
from unchecked_views import Heard, guard_in_vain


def order(_context, _request):
    return Response("served")


@requires(roles=["admin"])
def guarded(_context, _request):
    return Response("never served")


guard_in_vain(order)


def test_each_route_is_reported_once():
    heard = Heard()

    with Configurator() as config:
        install(config, heard.auth)
        for view in order, guarded:
            config.add_route(view.__name__, f"/{view.__name__}/{{number}}")
            config.add_view(view, route_name=view.__name__)
    app, made = heard.auth.wsgi(config.make_wsgi_app()), heard.unchecked

    answers = [
        call_wsgi(app, wsgi_environ(SentRequest("GET", path, (("host", b"app.example"),), "https")))
        for path in ("/order/7", "/guarded/7")
    ]

    assert [200, 401] == [answer.status for answer in answers]
    assert ([("order", "/order/{number}")], made) == (made, heard.unchecked)
