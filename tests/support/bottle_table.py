"""The application of ``app_reports`` in Bottle, and its driver of the request table."""

import bottle

from app_reports import needs_fresh_proof, needs_read_scope, subject_line, wsgi_fields
from in_process_drivers import GUARDS, WSGI_OFFERS, Wsgi
from safeconduct import principal
from safeconduct.bottle import install


def _report(**_):
    response = bottle.HTTPResponse()
    for name, value in wsgi_fields(bottle.request.environ).items():
        response.set_header(name, value)
    return response


def bottle_app():
    """Return the application as a ``Bottle``."""
    app = bottle.Bottle()
    read, danger = needs_read_scope(_report), needs_fresh_proof(_report)

    def require_principal():
        assert principal() is bottle.request.environ["safeconduct.identity"]
        return _report()

    def stream():
        for name, value in wsgi_fields(bottle.request.environ).items():
            bottle.response.set_header(name, value)
        return (subject_line() for _ in range(2))

    views = {"async": read, "sync": read, "danger": danger, "principal": require_principal}
    for name, view in views.items():
        app.route(f"/guarded/{name}", "GET", view)
    app.route("/streamed", "GET", stream)
    app.route("/", "ANY", _report)
    app.route("/<path:path>", "ANY", _report)
    return app


def _installed(auth):
    app = bottle_app()
    install(app, auth)
    return auth.wsgi(app)


def drivers():
    """Create the driver of the request table for Bottle."""
    return [Wsgi("bottle", _installed, WSGI_OFFERS | GUARDS)]
