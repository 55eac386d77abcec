"""Integrate with Flask: an extension for the application factory."""

from flask import Flask, Response
from flask import request as flask_request

from safeconduct._core.wrapped_app import described, require_auth
from safeconduct._http.environ import read_environ
from safeconduct.auth import Auth
from safeconduct.errors import AuthError, ConfigurationError
from safeconduct.wsgi import AuthMiddleware


class Safeconduct:
    """
    Let every request of a Flask application through the gate of *auth*, and answer the errors of ``requires`` in views.

    Works with ``Safeconduct(auth).init_app(app)`` and with ``Safeconduct(auth, app)``.
    """

    def __init__(self, auth: Auth, app: Flask | None = None) -> None:
        require_auth(auth, "wsgi")
        self.auth = auth
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """
        Wrap *app*; its error handlers, context and test client stay as they are.

        Raises:
            ConfigurationError: If it is not a Flask application.
        """
        _require_flask(app)
        middleware = AuthMiddleware(app.wsgi_app, self.auth)
        app.wsgi_app = middleware  # type: ignore[method-assign]  # the documented way to add a middleware
        app.extensions["safeconduct"] = self

        def answer(error: AuthError) -> Response:
            reply = middleware.answer(error, read_environ(flask_request.environ))
            return Response(reply.body, reply.status, reply.text_fields)

        app.register_error_handler(AuthError, answer)


def _require_flask(app: object) -> None:
    if not isinstance(app, Flask):
        raise ConfigurationError(f"app: got {described(app)}, wanted a Flask application: Safeconduct(auth, app)")
