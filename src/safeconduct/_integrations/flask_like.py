"""Answer errors and hand out the identity in Flask and in Quart, whose applications have the same parts."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from werkzeug.exceptions import HTTPException, default_exceptions
from werkzeug.local import LocalProxy

from safeconduct._core.wrapped_app import World, described, require_auth
from safeconduct._http.request import Reply
from safeconduct.errors import AuthError, ConfigurationError
from safeconduct.guard import csrf_token, current


class Chosen(NamedTuple):
    """An error handler of the application, and the exception that it takes."""

    function: Callable[[Any], Any]
    error: Exception


def require_auth_argument(auth: object, framework: type, world: World) -> None:
    """
    Check that the first argument of an extension is an ``Auth``.

    Raises:
        ConfigurationError: If it is anything else; for an application, the message shows the line to write.
    """
    if isinstance(auth, framework):
        raise ConfigurationError(
            f"auth: got {described(auth)}, wanted an Auth: Safeconduct(Auth(Config.load())).init_app(app)"
        )
    require_auth(auth, world)


def require_unprotected(app: Any) -> None:
    """
    Check that no extension of ours was installed in *app* before.

    Raises:
        ConfigurationError: If one was.
    """
    if "safeconduct" in app.extensions:
        raise ConfigurationError("app: got an application that has this extension, wanted one without it")


def chosen_function(app: Any, error: AuthError, response: Any, blueprints: Sequence[str]) -> Chosen | None:
    """
    Return the handler that the application has for *error*, or else for its status as for any ``abort(status)``.

    One for the status gets an ``HTTPException`` whose response is *response* and whose cause is *error*.  One for
    every ``Exception`` is none: it would make a fault of a refusal.
    """
    shown = default_exceptions.get(error.status, HTTPException)(description=error.detail, response=response)
    shown.__cause__ = error
    candidates: tuple[tuple[Exception, type, int | None], ...] = (
        (error, AuthError, None),
        (shown, HTTPException, error.status),
        (shown, HTTPException, None),
    )
    scopes = (*blueprints, None)
    for exception, widest, code in candidates:
        for scope in scopes:
            handlers = app.error_handler_spec.get(scope, {}).get(code, {})
            for kind in type(exception).__mro__:
                if kind in handlers and issubclass(kind, widest):
                    return Chosen(handlers[kind], exception)
    return None


def is_redirection(reply: Reply) -> bool:
    """Say whether a person is sent to sign in, as the configuration has it; no handler replaces that."""
    return reply.status < 400  # noqa: PLR2004 - where errors begin


def keep_fields(headers: Any, reply: Reply) -> None:
    """Add the challenges, and what else *reply* has for any body, to the response that a handler made."""
    missing = [(name, value) for name, value in reply.fields_for_any_body if name not in headers]
    for name, value in missing:
        headers.add(name, value)


def add_fields(headers: Any, fields: Iterable[tuple[str, str]]) -> None:
    """Add *fields* to a response: our cookies beside those of the application, anything else in its place."""
    for name, value in fields:
        if name == "set-cookie":
            headers.add(name, value)
        else:
            headers[name] = value


def hand_out_identity(app: Any, allows: Callable[[str, str], bool]) -> None:
    """Add ``g.principal``, and what templates ask for."""
    # A property, so that a request pays nothing for it, and that it is never the caller of another one.
    app.app_ctx_globals_class = type(
        "Globals",
        (app.app_ctx_globals_class,),
        {"principal": property(lambda _: current(), doc="Who is asking: a ``Principal`` or an ``Anonymous``.")},
    )
    names = {"current_identity": LocalProxy(current), "csrf_token": csrf_token, "allows": allows}
    for name, value in names.items():
        # What the application has under this name stays.
        app.jinja_env.globals.setdefault(name, value)
