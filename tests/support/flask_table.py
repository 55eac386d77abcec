"""The application of ``app_reports`` in Flask, and its drivers of the request table."""

from flask import Flask, Response, stream_with_context
from flask import request as flask_request
from werkzeug.middleware.dispatcher import DispatcherMiddleware

from app_reports import METHODS, needs_fresh_proof, needs_read_scope, subject_line, wsgi_fields
from in_process_drivers import GUARDS, WSGI_OFFERS, Wsgi
from safeconduct import principal
from safeconduct.flask import Safeconduct


def flask_application():
    """Return the application in Flask."""
    application = Flask("application")

    @needs_read_scope
    async def read_awaited():
        return answer()

    @needs_read_scope
    def read():
        return answer()

    @needs_fresh_proof
    def danger():
        return answer()

    def require_principal():
        principal()
        return answer()

    def stream():
        return Response(
            stream_with_context(subject_line() for _ in range(2)), headers=wsgi_fields(flask_request.environ)
        )

    def answer(**_):
        return Response(headers=wsgi_fields(flask_request.environ))

    views = {"async": read_awaited, "sync": read, "danger": danger, "principal": require_principal}
    for name, view in views.items():
        application.add_url_rule(f"/guarded/{name}", name, view)
    application.add_url_rule("/streamed", "stream", stream)
    everything = {"view_func": answer, "methods": METHODS, "provide_automatic_options": False}
    application.add_url_rule("/", "root", **everything)
    application.add_url_rule("/<path:path>", "path", **everything)
    return application


def by_extension(auth):
    """Return the application with the extension of *auth*."""
    application = flask_application()
    Safeconduct(auth).init_app(application)
    return application


def by_line(auth):
    """Return the application with the bare middleware of *auth*."""
    application = flask_application()
    application.wsgi_app = auth.wsgi(application.wsgi_app)
    return application


def drivers():
    """Create the drivers of the request table for Flask."""
    return [
        Wsgi("flask", by_extension, WSGI_OFFERS | GUARDS),
        Wsgi("bare flask", by_line, WSGI_OFFERS),
        Wsgi("flask below a dispatcher", lambda auth: DispatcherMiddleware(by_extension(auth)), WSGI_OFFERS | GUARDS),
    ]
