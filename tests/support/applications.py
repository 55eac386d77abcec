"""The application of ``app_reports`` in Flask; and, by their own modules, in Starlette and FastAPI."""

from flask import Flask, Response, stream_with_context
from flask import request as flask_request

from app_reports import METHODS, needs_fresh_proof, needs_read_scope, subject_line, wsgi_fields
from fastapi_table import fastapi_application
from safeconduct import principal
from starlette_table import starlette_application

__all__ = ["fastapi_application", "flask_application", "starlette_application"]


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
