"""The application of ``app_reports`` in Pyramid, and its driver of the request table."""

from pyramid.config import Configurator
from pyramid.httpexceptions import HTTPForbidden
from pyramid.response import Response
from pyramid.security import forget, remember

from app_reports import needs_fresh_proof, needs_read_scope, subject_line, wsgi_fields
from in_process_drivers import GUARDS, WSGI_OFFERS, Wsgi
from safeconduct import principal
from safeconduct.pyramid import install

__all__ = ["Configurator", "HTTPForbidden", "Response", "drivers", "forget", "install", "pyramid_app", "remember"]


def _report(_context, request):
    return Response(headerlist=list(wsgi_fields(request.environ).items()))


def _require_principal(context, request):
    assert principal() is request.identity
    return _report(context, request)


def _stream(_context, request):
    lines = (subject_line() for _ in range(2))
    return Response(headerlist=list(wsgi_fields(request.environ).items()), app_iter=lines)


_VIEWS = {
    "/guarded/async": needs_read_scope(_report),
    "/guarded/sync": needs_read_scope(_report),
    "/guarded/danger": needs_fresh_proof(_report),
    "/guarded/principal": _require_principal,
    "/streamed": _stream,
    "/{path:.*}": _report,
}


def pyramid_app(auth, *more):
    """Return the application in Pyramid, after each of *more* was called with its configurator."""
    with Configurator() as config:
        install(config, auth)
        for add in more:
            add(config)
        for pattern, view in _VIEWS.items():
            config.add_route(pattern, pattern)
            config.add_view(view, route_name=pattern)
        return config.make_wsgi_app()


def drivers():
    """Create the driver of the request table for Pyramid."""
    return [Wsgi("pyramid", lambda auth: auth.wsgi(pyramid_app(auth)), WSGI_OFFERS | GUARDS)]
