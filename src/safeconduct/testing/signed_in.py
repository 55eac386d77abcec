"""A caller who is signed in, without a password and without a session."""

from collections.abc import Collection, Iterator
from typing import Any

from safeconduct import asgi, wsgi
from safeconduct._tokens.issuer import Grant
from safeconduct.auth import Auth, operator_access
from safeconduct.errors import ConfigurationError
from safeconduct.principal import LEVELS, Level


def auth_of(app: object) -> Auth:
    """
    Return the ``Auth`` whose gate is the outermost around *app*; an ``Auth`` is its own.

    Args:
        app: A wrapped ASGI or WSGI application, a Flask application with our extension, a Starlette or FastAPI
            application with our middleware, or the ``Auth`` itself.

    Raises:
        ConfigurationError: If no gate of ours is found.
    """
    for layer in _layers(app):
        found = layer.auth if isinstance(layer, asgi.AuthMiddleware | wsgi.AuthMiddleware) else layer
        if isinstance(found, Auth):
            return found
    raise ConfigurationError(f"app must be an Auth or an application with a gate of one, got {type(app).__name__}")


def _layers(app: Any) -> Iterator[object]:
    seen: set[int] = set()
    while app is not None and id(app) not in seen:
        seen.add(id(app))
        yield app
        # Starlette makes its middleware at the first request; until then it is a list.
        yield from (_given(each) for each in getattr(app, "user_middleware", ()) if each.cls is asgi.AuthMiddleware)
        app = getattr(app, "wsgi_app", None) or getattr(app, "app", None)


def _given(middleware: Any) -> object:
    return middleware.kwargs["auth"] if "auth" in middleware.kwargs else middleware.args[0]


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

    The token is issued now, by the clock of its ``Auth``, and after every cut-off that would meet it.  No session
    stands behind it: for what becomes of a login, sign in by ``auth.sessions.sign_in``.

    Args:
        app: The application, with our line around it or our face in it, or the ``Auth`` itself: whose issuer signs.
        subject: Whom the token names; no directory is asked.
        level: How surely the user was recognised.
        roles: What he is.
        scopes: What he may do.
        seconds_ago: How long ago he proved who he is.  A ``remembered`` one who did so 0 seconds ago would be
            ``explicit``: his token says no time, and a rule with ``max_age_seconds`` does not let him pass.

    Returns:
        ``{"Authorization": "Bearer …"}``, for the ``headers`` of any test client.

    Raises:
        ConfigurationError: If *app* has no gate of ours, that has no keys or no issuer, or an argument cannot be.
        Unavailable: If the store cannot be asked.
    """
    if level not in LEVELS[1:]:
        raise ConfigurationError(f"level must be one of {LEVELS[1:]}, got {level!r}")
    if not subject:
        raise ConfigurationError(f"subject must be a name, got {subject!r}")
    if seconds_ago < 0:
        raise ConfigurationError(f"seconds_ago must be 0 or more, got {seconds_ago}")
    auth = auth_of(app)
    # The parts that serve are the ones that issue: nothing here knows of keys or formats.
    access = operator_access(auth)
    iat_ms = access.issue_time_ms(subject=subject)
    says_no_time = level == "remembered" and not seconds_ago
    grant = Grant(
        subject=subject,
        level=level,
        roles=roles,
        scopes=scopes,
        lifetime_seconds=auth.config.tokens.access_lifetime_seconds,
        auth_time=None if says_no_time else iat_ms // 1000 - seconds_ago,
    )
    return {"Authorization": f"Bearer {access.issue(grant, iat_ms=iat_ms)}"}
