"""Integrate with Flask: an extension for the application factory."""

from collections.abc import Callable
from typing import Any, Final

from safeconduct import guard
from safeconduct._core.decision import Passed
from safeconduct._core.directory import Account
from safeconduct._core.sessions.verbs import Tokens
from safeconduct._core.wrapped_app import described
from safeconduct._core.wrong_arguments import wants
from safeconduct._http.environ import read_environ
from safeconduct._integrations.extras import missing_extra
from safeconduct._integrations.flask_login import as_login_user, connect_flask_login
from safeconduct._integrations.openapi import SecurityDescription
from safeconduct._integrations.unchecked_requirements import report_at_first_call
from safeconduct.auth import Auth
from safeconduct.errors import AuthError, ConfigurationError
from safeconduct.principal import Principal
from safeconduct.wsgi import AuthMiddleware

try:
    from flask import Flask, Response, current_app, has_app_context, has_request_context
    from flask import request as flask_request

    from safeconduct._integrations.flask_like import (
        add_fields,
        chosen_function,
        hand_out_identity,
        is_redirection,
        keep_fields,
        require_auth_argument,
        require_unprotected,
    )
except ImportError as missing:
    raise missing_extra("flask", missing) from None

_EXAMPLE: Final = "Safeconduct(Auth(Config.load())).init_app(app)"


class Safeconduct:
    """
    Let every request of a Flask application through the gate of *auth*, and answer the errors of ``requires`` in views.

    Works with ``Safeconduct(auth).init_app(app)`` and with ``Safeconduct(auth, app)``, for any number of applications.

    The application's own handlers for the error's class, its status or ``HTTPException`` make the answer, if there are
    any; its ``after_request`` functions see it.  ``g.principal`` is who is asking, and templates have
    ``current_identity``, ``csrf_token()`` and ``allows(method, path)``.  Outside of a request, in
    ``test_request_context`` and in commands, the caller is an ``Anonymous``.
    """

    @wants(_EXAMPLE)
    def __init__(self, auth: Auth, app: Flask | None = None) -> None:
        require_auth_argument(auth, Flask, "wsgi")
        self.auth = auth
        if app is not None:
            self.init_app(app)

    @wants(_EXAMPLE)
    def init_app(self, app: Flask) -> None:
        """
        Wrap *app*; its error handlers, context and test client stay as they are.

        Raises:
            ConfigurationError: If it is not a Flask application, or has this extension already.
        """
        _require_flask(app)
        require_unprotected(app)
        middleware = AuthMiddleware(app.wsgi_app, self.auth)
        report_at_first_call(middleware, app, self.auth.wsgi_gate())
        app.wsgi_app = middleware  # type: ignore[method-assign]  # the documented way to add a middleware
        app.extensions["safeconduct"] = self
        # Around these steps and not as an error handler: an extension such as Flask-RESTful answers every exception
        # that is not werkzeug's with 500, before handlers are looked up, and so may a blueprint's own handler.
        app.preprocess_request = _answering(app, middleware, app.preprocess_request)  # type: ignore[method-assign]
        app.dispatch_request = _answering(app, middleware, app.dispatch_request)  # type: ignore[method-assign]
        app.handle_exception = _handling(app, middleware, app.handle_exception)  # type: ignore[method-assign]
        hand_out_identity(app, _allows)

    def check_password(self, username: str, password: str) -> Account:
        """
        Return the account if the password that came with this request is right, as ``Auth.passwords.check`` does.

        Raises:
            CrossSiteRequest: If a page that is not ours sent the request; it counts as no try.
            BadCredentials: If the name or the password is wrong, or the account is disabled.
            TooManyAttempts: If a limit of the throttle is reached; nothing was compared.
            Unavailable: If the store or the directory cannot be asked, or too many checks are waiting.
        """
        return self.auth.passwords.check(username, password, request=flask_request.environ)

    def set_cookies(self, response: Response, tokens: Tokens) -> None:
        """
        Set the cookies of *tokens* on *response*, as ``Auth.cookies.set_on`` makes them for this request.

        Raises:
            CrossSiteRequest: If a page that is not ours sent the request.
            NotSupported: If a token is too long for a cookie.
            Unavailable: If the store cannot be asked.
            ConfigurationError: If there is a refresh token, and the sign-in had no *origin*.
        """
        add_fields(response.headers, self.auth.cookies.set_on(tokens, flask_request.environ))

    def clear_cookies(self, response: Response) -> None:
        """Let *response* delete our cookies; ``Auth.sessions`` ends the session."""
        add_fields(response.headers, self.auth.cookies.clear())

    def init_flask_login(self, app: Flask, load_user: Callable[[Principal], Any] = as_login_user) -> None:
        """
        Let Flask-Login's ``current_user`` be who is asking, and ``login_required`` answer as ``requires`` does.

        Sessions and "remember me" cookies of Flask-Login count no more.  A ``login_view`` or an
        ``unauthorized_handler`` of the application stays.

        Args:
            app: The application, after its ``LoginManager`` was installed.
            load_user: Finds the user of a principal, or None. Default: an object with the principal, ``principal``.

        Raises:
            ConfigurationError: If *app* has no ``LoginManager``, or it has a ``user_loader``, or gets one later.
        """
        connect_flask_login(app, load_user)

    def security_schemes(self) -> dict[str, Any]:
        """Return the security schemes of OpenAPI for the credentials that are accepted, by their names."""
        return SecurityDescription(self.auth, "", "wsgi").schemes()

    def apispec_plugin(self, app: Flask) -> Any:
        """Return a plugin of apispec that adds to each operation what it requires; Flask-Smorest takes it too."""
        # Imported here because apispec is not needed for anything else.
        from safeconduct._integrations.flask_openapi import SecurityPlugin  # noqa: PLC0415 - see above

        # A description is no part of a request, so the prefix is the one that the application is configured with.
        config: Any = app.config
        root: str = config["APPLICATION_ROOT"]
        return SecurityPlugin(SecurityDescription(self.auth, root, "wsgi"), app)


def _require_flask(app: object) -> None:
    if not isinstance(app, Flask):
        raise ConfigurationError(f"app: got {described(app)}, wanted a Flask application: Safeconduct(auth, app)")


def _answering(app: Flask, middleware: AuthMiddleware, step: Callable[..., Any]) -> Callable[..., Any]:
    """Return *step* of a request, which then returns the response to an ``AuthError`` instead of raising it."""

    def run(*arguments: Any) -> Any:
        try:
            return step(*arguments)
        except AuthError as error:
            return _response_to(error, app, middleware)

    return run


def _handling(app: Flask, middleware: AuthMiddleware, handle: Callable[..., Any]) -> Callable[..., Any]:
    """Answer an ``AuthError`` that comes after these steps, from ``after_request``: *handle* would make it 500."""

    def handle_or_answer(error: Exception, *arguments: Any) -> Any:
        return _response_to(error, app, middleware) if isinstance(error, AuthError) else handle(error, *arguments)

    return handle_or_answer


def _response_to(error: AuthError, app: Flask, middleware: AuthMiddleware) -> Response:
    template = getattr(flask_request.url_rule, "rule", None)
    reply = middleware.answer(error, read_environ(flask_request.environ).matched_by(template))
    response = app.response_class(reply.body, reply.status, reply.text_fields)
    own = None if is_redirection(reply) else chosen_function(app, error, response, flask_request.blueprints)
    if own is not None:
        response = app.make_response(app.ensure_sync(own.function)(own.error))
        keep_fields(response.headers, reply)
    return response


def _allows(method: str, path: str) -> bool:
    """Ask the access rules about a path as ``url_for`` makes it, which includes where the application is mounted."""
    return guard.allows(method, path, root_path=flask_request.script_root if has_request_context() else "")


def _passed_in_context() -> Passed | None:  # pyright: ignore[reportUnusedFunction]  # called by `safeconduct.guard`
    """Return what passed the gate before a thread began; an anonymous caller in tests and commands."""
    if not has_app_context():
        return None
    extension = current_app.extensions.get("safeconduct")
    if not isinstance(extension, Safeconduct):
        return None
    gate = extension.auth.wsgi_gate()
    return gate.outer_passed(flask_request.environ if has_request_context() else {}) or gate.anonymous
