"""Make requests of a signed-in user, without a password and without a session."""

from collections.abc import Collection, Iterator
from typing import Any

from safeconduct import asgi, wsgi
from safeconduct._tokens.issuer import Grant
from safeconduct.auth import Auth, operator_access
from safeconduct.errors import ConfigurationError
from safeconduct.principal import LEVELS, Level


def auth_of(app: object) -> Auth:
    """
    Return the ``Auth`` of the outermost middleware of ours around *app*.

    Args:
        app: A wrapped ASGI or WSGI application, a Flask application with our extension, a Starlette or FastAPI
            application with our middleware, or the ``Auth`` itself.

    Raises:
        ConfigurationError: If no middleware of ours is found.
    """
    for layer in _layers(app):
        found = layer.auth if isinstance(layer, asgi.AuthMiddleware | wsgi.AuthMiddleware) else layer
        if isinstance(found, Auth):
            return found
    raise ConfigurationError(f"app must be an Auth, or an application with its middleware, got {type(app).__name__}")


def _layers(app: Any) -> Iterator[object]:
    seen: set[int] = set()
    while app is not None and id(app) not in seen:
        seen.add(id(app))
        yield app
        # Starlette builds its middleware at the first request; until then it is a list.
        yield from (_auth_of(each) for each in getattr(app, "user_middleware", ()) if each.cls is asgi.AuthMiddleware)
        app = getattr(app, "wsgi_app", None) or getattr(app, "app", None)


def _auth_of(middleware: Any) -> object:
    return middleware.kwargs["auth"] if "auth" in middleware.kwargs else middleware.args[0]


def _check_arguments(subject: str, level: Level, seconds_ago: int) -> None:
    if level not in LEVELS[1:]:
        raise ConfigurationError(f"level must be one of {LEVELS[1:]}, got {level!r}")
    if not subject:
        raise ConfigurationError(f"subject must not be empty, got {subject!r}")
    if seconds_ago < 0:
        raise ConfigurationError(f"seconds_ago must be 0 or more, got {seconds_ago}")


def signed_in(
    app: object,
    subject: str,
    *,
    level: Level = "explicit",
    roles: Collection[str] = (),
    scopes: Collection[str] = (),
    seconds_ago: int = 0,
) -> dict[str, str]:
    """
    Return the header of a request by *subject*, which *app* accepts until the token expires or is revoked.

    The token is issued now, by the clock of the ``Auth``, and after every cut-off that applies to it.  It has no
    session: to test sessions, sign in with ``auth.sessions.sign_in``.

    Args:
        app: The application with our middleware or extension, or the ``Auth`` itself; its issuer signs the token.
        subject: The subject of the token; no directory is asked.
        level: The level of the sign-in.
        roles: The roles of the user.
        scopes: The scopes of the token.
        seconds_ago: How long ago the user authenticated.  With ``remembered`` and 0 the token has no ``auth_time``, so
            a rule with ``max_age_seconds`` refuses it: a user who authenticated just now would be ``explicit``.

    Returns:
        ``{"Authorization": "Bearer …"}``, for the ``headers`` of any test client.

    Raises:
        ConfigurationError: If *app* has no middleware, its ``Auth`` cannot issue, or an argument is wrong.
        Unavailable: If the store cannot be asked.
    """
    _check_arguments(subject, level, seconds_ago)
    auth = auth_of(app)
    access = operator_access(auth)
    iat_ms = access.issue_time_ms(subject=subject)
    has_no_auth_time = level == "remembered" and not seconds_ago
    grant = Grant(
        subject=subject,
        level=level,
        roles=roles,
        scopes=scopes,
        lifetime_seconds=auth.config.tokens.access_lifetime_seconds,
        auth_time=None if has_no_auth_time else iat_ms // 1000 - seconds_ago,
    )
    return {"Authorization": f"Bearer {access.issue(grant, iat_ms=iat_ms)}"}
