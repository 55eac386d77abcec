"""Integrate with Bottle: the answer to an ``AuthError`` raised in a view."""

import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Any, Final

from safeconduct._integrations.extras import missing_extra
from safeconduct._integrations.unchecked_requirements import UncheckedReport

try:
    import bottle  # type: ignore[import-untyped]  # it has no types
except ImportError as missing:
    raise missing_extra("bottle", missing) from None

from safeconduct._core.wrapped_app import described, require_auth
from safeconduct._core.wrong_arguments import wants
from safeconduct._http.environ import read_environ
from safeconduct.auth import Auth
from safeconduct.errors import AuthError, ConfigurationError

View = Callable[..., Any]


@wants("install(app, Auth(Config.load()))")
def install(app: Any, auth: Auth) -> None:
    """
    Answer an ``AuthError`` that a view of *app* raises.

    *app* still needs the middleware around it: ``application = auth.wsgi(app)``.  Without it every view is an error.
    An application that is mounted into *app* has plugins of its own, and needs a call of its own.

    Args:
        app: A ``Bottle``.
        auth: The ``Auth`` that wraps it.

    Raises:
        ConfigurationError: If one of them is anything else.
    """
    require_auth(auth, "wsgi")
    _require_bottle(app)
    app.install(_ErrorPlugin(auth))


def _require_bottle(app: object) -> None:
    if not isinstance(app, bottle.Bottle):
        raise ConfigurationError(f"app: got {described(app)}, wanted a Bottle: install(app, auth)")


class _ErrorPlugin:
    """Turn an ``AuthError`` of a view into a response, before Bottle takes it for a fault."""

    name: Final = "safeconduct"
    api: Final = 2

    def __init__(self, auth: Auth) -> None:
        self._answer = auth.wsgi_gate().answer
        self._report_unchecked = UncheckedReport(auth.wsgi_gate())

    def apply(self, view: View, route: Any) -> View:
        app = route.app
        # Bottle calls this before the first request for a route, when every route is there.
        self._report_unchecked(app)

        @functools.wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            environ = bottle.request.environ
            if "safeconduct.identity" not in environ:
                raise LookupError("this request did not come through safeconduct: wrap the application, auth.wsgi(app)")
            try:
                body = view(*args, **kwargs)
            except AuthError as error:
                return self._response(error, environ, app)
            return self._first_answered(body, environ, app) if inspect.isgenerator(body) else body

        return guarded

    def _first_answered(self, body: Iterator[Any], environ: dict[str, Any], app: Any) -> Iterator[Any]:
        """Yield from the generator of a view; answer an ``AuthError`` before its first chunk."""
        is_begun = False
        try:
            for chunk in body:
                is_begun = is_begun or bool(chunk)
                yield chunk
        except AuthError as error:
            if is_begun:
                raise
            yield self._response(error, environ, app)

    def _response(self, error: AuthError, environ: dict[str, Any], app: Any) -> Any:
        # Bottle changes PATH_INFO into text that is no environ's, and leaves what the server gave beside it.
        read = read_environ({**environ, "PATH_INFO": environ["bottle.raw_path"]})
        reply = self._answer(error, read.matched_by(environ["bottle.route"].rule))
        if reply.status not in app.error_handler:
            body: Any = reply.body
            return bottle.HTTPResponse(body, reply.status, reply.text_fields)
        # The application has a handler of its own, which makes the body.
        return bottle.HTTPError(reply.status, exception=error, headers=reply.fields_for_any_body)
