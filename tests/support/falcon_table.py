"""The application of ``app_reports`` in Falcon, and its drivers of the request table."""

import falcon
import falcon.asgi

from app_reports import asgi_fields, needs_fresh_proof, needs_read_scope, subject_line, wsgi_fields
from in_process_drivers import ASGI_OFFERS, GUARDS, JOINED_CHALLENGES, WSGI_OFFERS, Asgi, Wsgi
from safeconduct import principal
from safeconduct.falcon import install


def _report(req, resp):
    resp.set_headers(wsgi_fields(req.env))


def wsgi_app():
    """Return the application as a ``falcon.App``."""
    app = falcon.App()

    class Guarded:
        @needs_read_scope
        def on_get_read(self, req, resp):
            _report(req, resp)

        on_head_read = on_get_read

        @needs_fresh_proof
        def on_get_danger(self, req, resp):
            _report(req, resp)

        def on_get_principal(self, req, resp):
            assert req.context.identity is principal()
            _report(req, resp)

        def on_get_streamed(self, req, resp):
            _report(req, resp)
            resp.stream = (subject_line() for _ in range(2))

    for path, suffix in _ROUTES.items():
        app.add_route(path, Guarded(), suffix=suffix)
    app.add_sink(_report, prefix="/")
    return app


_ROUTES = {
    "/guarded/async": "read",
    "/guarded/sync": "read",
    "/guarded/danger": "danger",
    "/guarded/principal": "principal",
    "/streamed": "streamed",
}


def asgi_app():
    """Return the application as a ``falcon.asgi.App``."""
    app = falcon.asgi.App()

    class Guarded:
        @needs_read_scope
        async def on_get_read(self, req, resp):
            resp.set_headers(asgi_fields(req.scope))

        on_head_read = on_get_read

        @needs_fresh_proof
        async def on_get_danger(self, req, resp):
            resp.set_headers(asgi_fields(req.scope))

        async def on_get_principal(self, req, resp):
            assert req.context.identity is principal()
            resp.set_headers(asgi_fields(req.scope))

        async def on_get_streamed(self, req, resp):
            resp.set_headers(asgi_fields(req.scope))
            resp.stream = _lines()

    async def _lines():
        for _ in range(2):
            yield subject_line()

    async def report(req, resp):
        resp.set_headers(asgi_fields(req.scope))

    for path, suffix in _ROUTES.items():
        app.add_route(path, Guarded(), suffix=suffix)
    app.add_sink(report, prefix="/")
    return app


def _installed(app, auth):
    install(app, auth)
    return app


def drivers():
    """Create the drivers of the request table for Falcon."""
    return [
        Wsgi("falcon", lambda auth: auth.wsgi(_installed(wsgi_app(), auth)), WSGI_OFFERS | GUARDS | JOINED_CHALLENGES),
        Asgi("falcon asgi", lambda auth: auth.asgi(_installed(asgi_app(), auth)),
             ASGI_OFFERS | GUARDS | JOINED_CHALLENGES),
    ]  # fmt: skip
