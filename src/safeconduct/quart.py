"""Integrate with Quart: an extension for the application factory."""

from collections.abc import Awaitable, Callable
from typing import Any, Final, cast

from safeconduct import guard
from safeconduct._core.decision import Passed
from safeconduct._core.directory import Account
from safeconduct._core.sessions.verbs import Tokens
from safeconduct._core.wrapped_app import described
from safeconduct._core.wrong_arguments import wants
from safeconduct._http.scope import read_scope
from safeconduct._integrations.extras import missing_extra
from safeconduct._integrations.unchecked_requirements import report_at_first_call
from safeconduct.asgi import App, AuthMiddleware, Receive, Scope, Send
from safeconduct.auth import Auth
from safeconduct.errors import AuthError, ConfigurationError

try:
    from quart import Quart, Response, current_app, has_app_context, has_request_context, has_websocket_context
    from quart import request as quart_request
    from quart import websocket as quart_websocket

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
    raise missing_extra("quart", missing) from None

_EXAMPLE: Final = "Safeconduct(Auth(Config.load())).init_app(app)"


class Safeconduct:
    """
    Let every request and WebSocket of a Quart application through the gate of *auth*, and answer the errors of views.

    Works with ``Safeconduct(auth).init_app(app)`` and with ``Safeconduct(auth, app)``, for any number of applications.

    The application's own handlers for the error's class, its status or ``HTTPException`` make the answer, if there are
    any; its ``after_request`` functions see it.  A WebSocket is denied, or closed with a code if it was accepted.
    ``g.principal`` is who is asking, and templates have ``current_identity``, ``csrf_token()`` and
    ``allows(method, path)``.  Outside of a request, in ``test_request_context`` and in commands, the caller is an
    ``Anonymous``.
    """

    @wants(_EXAMPLE)
    def __init__(self, auth: Auth, app: Quart | None = None) -> None:
        require_auth_argument(auth, Quart, "asgi")
        self.auth = auth
        if app is not None:
            self.init_app(app)

    @wants(_EXAMPLE)
    def init_app(self, app: Quart) -> None:
        """
        Wrap *app*; its error handlers, context and test client stay as they are.

        Raises:
            ConfigurationError: If it is not a Quart application, or has this extension already.
        """
        _require_quart(app)
        require_unprotected(app)
        wrapped: Any = app
        middleware = AuthMiddleware(_with_caught_errors(wrapped.asgi_app), self.auth)
        report_at_first_call(middleware, app, self.auth.asgi_gate())
        wrapped.asgi_app = middleware
        app.extensions["safeconduct"] = self
        # Around these steps and not as an error handler: before handlers are looked up, a blueprint's own handler for
        # every exception may make a fault of a refusal.
        wrapped.preprocess_request = _answering(app, self.auth, app.preprocess_request)
        wrapped.dispatch_request = _answering(app, self.auth, app.dispatch_request)
        wrapped.handle_exception = _handling(app, self.auth, app.handle_exception)
        wrapped.preprocess_websocket = _with_escaping_errors(app.preprocess_websocket)
        wrapped.dispatch_websocket = _with_escaping_errors(app.dispatch_websocket)
        wrapped.test_client_class = _with_connect_message(app.test_client_class)
        hand_out_identity(app, _allows)

    async def check_password(self, username: str, password: str) -> Account:
        """
        Return the account if the password that came with this request is right, as ``Auth.passwords.check`` does.

        Raises:
            CrossSiteRequest: If a page that is not ours sent the request; it counts as no try.
            BadCredentials: If the name or the password is wrong, or the account is disabled.
            TooManyAttempts: If a limit of the throttle is reached; nothing was compared.
            Unavailable: If the store or the directory cannot be asked, or too many checks are waiting.
        """
        return await self.auth.async_passwords.check(username, password, request=quart_request.scope)

    async def set_cookies(self, response: Response, tokens: Tokens) -> None:
        """
        Set the cookies of *tokens* on *response*, as ``Auth.cookies.set_on`` makes them for this request.

        Raises:
            CrossSiteRequest: If a page that is not ours sent the request.
            NotSupported: If a token is too long for a cookie.
            Unavailable: If the store cannot be asked.
            ConfigurationError: If there is a refresh token, and the sign-in had no *origin*.
        """
        add_fields(response.headers, await self.auth.async_cookies.set_on(tokens, quart_request.scope))

    def clear_cookies(self, response: Response) -> None:
        """Let *response* delete our cookies; ``Auth.async_sessions`` ends the session."""
        add_fields(response.headers, self.auth.async_cookies.clear())


def _require_quart(app: object) -> None:
    if not isinstance(app, Quart):
        raise ConfigurationError(f"app: got {described(app)}, wanted a Quart application: Safeconduct(auth, app)")


def _with_connect_message(client: Any) -> Any:
    """Return a class of test clients whose WebSockets send ``websocket.connect`` first, as the gate expects it."""
    connection = client.websocket_connection_class

    def begin(self: Any, *arguments: Any, **named: Any) -> None:
        connection.__init__(self, *arguments, **named)
        self._send_queue.put_nowait({"type": "websocket.connect"})

    connecting = type("TestWebsocketConnection", (connection,), {"__init__": begin})
    return type("QuartClient", (client,), {"websocket_connection_class": connecting})


class _EscapingError(BaseException):
    """Carry an ``AuthError`` of a WebSocket past Quart, which would answer every ``Exception`` by itself."""

    def __init__(self, error: AuthError) -> None:
        super().__init__()
        self.error = error


def _with_caught_errors(app: App) -> App:
    """Return *app*, which raises the ``AuthError`` that an ``_EscapingError`` carried out of it."""

    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await app(scope, receive, send)
        except (_EscapingError, BaseExceptionGroup) as raised:
            error = _escaped(raised)
            if error is None:
                raise
            # The middleware around this knows whether the WebSocket was accepted.
            raise error from None

    return call


def _escaped(raised: BaseException) -> AuthError | None:
    """Return the error that *raised* carries; since version 0.23 Quart runs a connection in a task group."""
    if isinstance(raised, BaseExceptionGroup):
        inner = cast("BaseExceptionGroup[BaseException]", raised).exceptions
        return next((error for error in map(_escaped, inner) if error is not None), None)
    return raised.error if isinstance(raised, _EscapingError) else None


def _with_escaping_errors(step: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """Return *step* of a WebSocket, which lets an ``AuthError`` escape to the middleware."""

    async def run(*arguments: Any) -> Any:
        try:
            return await step(*arguments)
        except AuthError as error:
            raise _EscapingError(error) from None

    return run


def _answering(app: Quart, auth: Auth, step: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """Return *step* of a request, which then returns the response to an ``AuthError`` instead of raising it."""

    async def run(*arguments: Any) -> Any:
        try:
            return await step(*arguments)
        except AuthError as error:
            return await _response_to(error, app, auth)

    return run


def _handling(app: Quart, auth: Auth, handle: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    """Answer an ``AuthError`` that comes after these steps, from ``after_request``: *handle* would make it 500."""

    async def handle_or_answer(*arguments: Any) -> Any:
        # Since version 0.23 the context comes first.
        error = arguments[-1]
        if isinstance(error, AuthError):
            return await _response_to(error, app, auth)
        return await handle(*arguments)

    return handle_or_answer


async def _response_to(error: AuthError, app: Quart, auth: Auth) -> Response:
    scope: Any = quart_request.scope
    template = getattr(quart_request.url_rule, "rule", None)
    reply = auth.asgi_gate().answer(error, read_scope(scope).matched_by(template))
    response_class: Any = app.response_class
    # Quart sends the body of a response to HEAD too.
    response = response_class(b"" if quart_request.method == "HEAD" else reply.body, reply.status)
    response.headers.clear()
    response.headers.extend(reply.text_fields)
    chosen = None if is_redirection(reply) else chosen_function(app, error, response, quart_request.blueprints)
    if chosen is not None:
        response = await app.make_response(await app.ensure_async(chosen.function)(chosen.error))
        keep_fields(response.headers, reply)
    return response  # type: ignore[no-any-return]  # of the application's own class


def _allows(method: str, path: str) -> bool:
    """Ask the access rules about a path as ``url_for`` makes it, which includes where the application is mounted."""
    return guard.allows(method, path, root_path=quart_request.root_path if has_request_context() else "")


def _passed_in_context() -> Passed | None:  # pyright: ignore[reportUnusedFunction]  # called by `safeconduct.guard`
    """Return what passed the gate before a thread began; an anonymous caller in tests and commands."""
    if not has_app_context():
        return None
    extension = current_app.extensions.get("safeconduct")
    if not isinstance(extension, Safeconduct):
        return None
    gate = extension.auth.asgi_gate()
    scope: Any = {}
    if has_request_context():
        scope = quart_request.scope
    elif has_websocket_context():
        scope = quart_websocket.scope
    return gate.outer_passed(scope) or gate.anonymous
