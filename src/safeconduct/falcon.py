"""Integrate with Falcon: the identity in ``req.context``, and the answer to an ``AuthError`` raised in a responder."""

from typing import Any, Literal

from safeconduct._integrations.extras import missing_extra

try:
    import falcon
    import falcon.asgi
except ImportError as missing:
    raise missing_extra("falcon", missing) from None

from safeconduct._core.wrapped_app import described, require_auth
from safeconduct._core.wrong_arguments import wants
from safeconduct._http.environ import read_environ
from safeconduct._http.request import Reply
from safeconduct._http.scope import read_scope
from safeconduct.auth import Auth
from safeconduct.errors import AuthError, ConfigurationError
from safeconduct.principal import Identity


@wants("install(app, Auth(Config.load()))")
def install(app: Any, auth: Auth) -> None:
    """
    Answer an ``AuthError`` that a responder raises, and put the identity into ``req.context.identity``.

    *app* still needs the middleware around it: ``application = auth.wsgi(app)``, or ``auth.asgi(app)``.  Without it
    every request is an error.

    Args:
        app: A ``falcon.App`` or a ``falcon.asgi.App``.
        auth: The ``Auth`` that wraps it.

    Raises:
        ConfigurationError: If one of them is anything else.
    """
    world = _world_of(app)
    require_auth(auth, world)
    if world == "asgi":
        answer_async = auth.asgi_gate().answer

        async def respond_async(req: Any, resp: Any, error: AuthError, _params: Any) -> None:
            if resp is None:
                # A WebSocket: the middleware around the application denies the handshake, or closes with a code.
                raise error
            _fill(resp, answer_async(error, read_scope(req.scope).matched_by(req.uri_template)))

        app.add_error_handler(AuthError, respond_async)
    else:
        answer = auth.wsgi_gate().answer

        def respond(req: Any, resp: Any, error: AuthError, _params: Any) -> None:
            _fill(resp, answer(error, read_environ(req.env).matched_by(req.uri_template)))

        app.add_error_handler(AuthError, respond)
    app.add_middleware(_IdentityInContext())
    app.add_middleware(_NoEmptyParameters())


def identity(req: Any) -> Identity:
    """
    Return who sent the request *req*.

    Raises:
        LookupError: If the middleware is missing.
    """
    is_asgi = isinstance(req, falcon.asgi.Request)
    found: Identity | None = req.scope.get("safeconduct") if is_asgi else req.env.get("safeconduct.identity")
    if found is None:
        raise LookupError("this request did not come through safeconduct: wrap the application, auth.wsgi(app)")
    return found


def _world_of(app: object) -> Literal["asgi", "wsgi"]:
    if isinstance(app, falcon.asgi.App):
        return "asgi"
    if isinstance(app, falcon.App):
        return "wsgi"
    raise ConfigurationError(f"app: got {described(app)}, wanted a falcon.App: install(app, auth)")


class _IdentityInContext:
    """Put the identity where Falcon's responders look for what belongs to a request."""

    def process_request(self, req: Any, _resp: Any) -> None:
        req.context.identity = identity(req)

    async def process_request_async(self, req: Any, _resp: Any) -> None:
        req.context.identity = identity(req)

    async def process_request_ws(self, req: Any, _ws: Any) -> None:
        req.context.identity = identity(req)


class _NoEmptyParameters:
    """
    Answer 404 for a path with an empty parameter, since no access rule for the route matches it.

    Unless ``strip_url_path_trailing_slash`` is set, Falcon takes ``/users/`` for ``/users/{id}`` with an empty id.
    """

    def process_resource(self, req: Any, _resp: Any, _resource: Any, params: dict[str, Any]) -> None:
        # A parameter with a converter, such as {rest:path}, may be empty: its converter says so.
        if any(value == "" and f"{{{name}}}" in req.uri_template for name, value in params.items()):
            raise falcon.HTTPRouteNotFound

    async def process_resource_async(self, req: Any, resp: Any, resource: Any, params: dict[str, Any]) -> None:
        self.process_resource(req, resp, resource, params)

    process_resource_ws = process_resource_async


def _fill(resp: Any, reply: Reply) -> None:
    resp.status = falcon.code_to_http_status(reply.status)
    resp.data = reply.body
    for name in dict(reply.text_fields):
        # A header that the responder had set already, such as Cache-Control, does not belong to this response.
        resp.delete_header(name)
    for name, value in reply.text_fields:
        # Falcon joins several challenges into one field, as RFC 9110 §5.3 allows.
        resp.append_header(name, value)
