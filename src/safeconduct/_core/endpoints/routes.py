"""List the endpoints of a session's life, serve the issuer's public keys, and describe them all as OpenAPI."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from safeconduct._core.endpoints.login import LoginEndpoint
from safeconduct._core.endpoints.logout import LogoutEndpoint
from safeconduct._core.endpoints.refresh import RefreshEndpoint
from safeconduct._core.endpoints.routing import JWKS_PATH, Endpoint, EndpointCall, EndpointRoute, cached_reply
from safeconduct._core.endpoints.session import SessionEndpoint
from safeconduct._http.problems import MEDIA_TYPES, ProblemStyle
from safeconduct._http.request import Reply

JWKS_MAX_AGE_SECONDS: Final = 300
"""How long others may cache the key set; a new key is published for longer than this before it signs."""


def session_routes(
    prefix: str,
    *,
    login: LoginEndpoint | None,
    refresh: RefreshEndpoint,
    logout: LogoutEndpoint,
    session: SessionEndpoint,
) -> Iterator[EndpointRoute]:
    """Yield the endpoints of a session's life, below *prefix*; *login* is None where no one has a password."""
    if login is not None:
        yield EndpointRoute("POST", f"{prefix}/login", "Sign in with a password", login.login)
    yield EndpointRoute("POST", f"{prefix}/refresh", "Exchange a refresh token for new tokens", refresh.refresh)
    yield EndpointRoute("POST", f"{prefix}/renew", "Renew an access token past half of its lifetime", refresh.renew)
    if login is not None:
        yield EndpointRoute("POST", f"{prefix}/step-up", "Prove the password again", login.step_up)
    yield EndpointRoute("POST", f"{prefix}/logout", "End this session", logout.logout)
    yield EndpointRoute(
        "POST", f"{prefix}/logout-everywhere", "End all the caller's sessions", logout.logout_everywhere
    )
    yield EndpointRoute("GET", f"{prefix}/session", "Show who the caller is and what they may do now", session.session)
    yield EndpointRoute("GET", f"{prefix}/sessions", "List the caller's sessions", session.sessions)
    yield EndpointRoute("DELETE", f"{prefix}/sessions/{{id}}", "End one of the caller's sessions", session.end)


def accept_route(prefix: str, accept: Endpoint) -> EndpointRoute:
    """Return the endpoint that receives browsers that other servers hand over."""
    return EndpointRoute("POST", f"{prefix}/accept", "Receive a browser that another server hands over", accept)


def jwks_route(published: Callable[[], Mapping[str, Any]]) -> EndpointRoute:
    """Return the endpoint that shows the public keys, as *published* returns them now."""

    async def serve(_call: EndpointCall) -> Reply:
        return cached_reply(b"application/jwk-set+json", published(), max_age_seconds=JWKS_MAX_AGE_SECONDS)

    return EndpointRoute("GET", JWKS_PATH, "The public keys of this issuer (RFC 7517)", serve)


def openapi_route(routes: Iterable[EndpointRoute], prefix: str, style: ProblemStyle) -> EndpointRoute:
    """Return the endpoint that describes *routes*, whose refusals have a body in the form *style*, and itself."""

    async def serve(_call: EndpointCall) -> Reply:
        return reply

    route = EndpointRoute("GET", f"{prefix}/openapi.json", "This description", serve)
    reply = cached_reply(b"application/json", _document([*routes, route], style), max_age_seconds=300)
    return route


_TEXT: Final[Mapping[str, Any]] = {"type": "string"}
_FLAG: Final[Mapping[str, Any]] = {"type": "boolean"}
_SECONDS: Final[Mapping[str, Any]] = {"type": ["integer", "null"], "description": "seconds since the epoch"}

#: What a form of a page says besides: where to go on, and what a script sends as a header field.
_OF_FORMS: Final[Mapping[str, Any]] = {"next": _TEXT, "csrf_token": _TEXT}
_BODIES: Final[Mapping[str, Mapping[str, Any]]] = {
    "login": {
        "type": "object",
        "required": ["password"],
        "oneOf": [{"required": ["username"]}, {"required": ["email"]}],
        "properties": dict.fromkeys(("username", "email", "password"), _TEXT)
        | dict.fromkeys(("remember", "cookies"), _FLAG),
    },
    "refresh": {"type": "object", "properties": {"refresh_token": _TEXT, "extend": _FLAG, "password": _TEXT}},
    "step-up": {
        "type": "object",
        "required": ["password"],
        "properties": {"password": _TEXT, "refresh_token": _TEXT, "remember": _FLAG},
    },
    "logout": {"type": "object", "properties": {"refresh_token": _TEXT}},
    "accept": {"type": "object", "required": ["token"], "properties": {"token": _TEXT, "confirmation": _TEXT}},
}
_QUERIES: Final[Mapping[str, tuple[str, ...]]] = {
    "sessions": ("cursor",),
    "sign-in": ("next", "error"),
    "continue": ("next", "from"),
}
_TOKENS: Final[Mapping[str, Any]] = {
    "type": "object",
    "required": ["expires_in", "renew_after", "level", "session_id"],
    "properties": {
        "access_token": _TEXT,
        "token": {"type": "string", "description": "access_token again, after a sign-in"},
        "token_type": {"const": "Bearer"},
        "refresh_token": _TEXT,
        "expires_in": {"type": "integer", "description": "seconds"},
        "renew_after": _SECONDS,
        "extend_after": _SECONDS,
        "extend_before": _SECONDS,
        "level": {"enum": ["remembered", "explicit", "multifactor"]},
        "session_id": _TEXT,
        "csrf_token": {"type": ["string", "null"]},
    },
}
_MEDIA_TYPES: Final = ("application/json", "application/x-www-form-urlencoded")
_GIVES_TOKENS: Final = frozenset({"login", "refresh", "renew", "step-up"})
_IS_OPEN: Final = frozenset(
    {"login", "refresh", "logout", "session", "accept", "sign-in", "continue", "openapi.json", "jwks.json"}
)
#: The error statuses of each endpoint, besides those that every endpoint has.
_ERROR_STATUSES: Final[Mapping[str, tuple[int, ...]]] = {
    "login": (400, 401, 403, 413, 415, 429),
    "refresh": (400, 401, 403, 409, 413, 415, 429),
    "renew": (401, 403, 409),
    "step-up": (400, 401, 403, 413, 415, 429),
    "logout": (400, 403, 413, 415),
    "accept": (400, 401, 403, 413, 415),
    "logout-everywhere": (401, 403),
    "session": (401,),
    "sign-in": (400,),
    "continue": (400, 401),
    "sessions": (400, 401, 403),
    "{id}": (401, 403, 404),
}


PROBLEMS: Final[Mapping[ProblemStyle, Mapping[str, Any]]] = {
    "problem": {
        "type": "object",
        "required": ["type", "title", "status", "detail", "code"],
        "properties": dict.fromkeys(("type", "title", "detail", "code"), _TEXT) | {"status": {"type": "integer"}},
    },
    "error_message": {
        "type": "object",
        "required": ["error", "message"],
        "properties": dict.fromkeys(("error", "message"), _TEXT),
    },
}
"""The schema of an error's body in each form."""


def _document(routes: Iterable[EndpointRoute], style: ProblemStyle) -> Mapping[str, Any]:
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = route.operation or _operation(route, style)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Sign-in", "version": "1"},
        "paths": paths,
        "components": {
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
                # A service's own name and secret (RFC 6749 §2.3.1).
                "client": {"type": "http", "scheme": "basic"},
            },
            "schemas": {"Tokens": _TOKENS, "Problem": PROBLEMS[style]},
        },
    }


def _operation(route: EndpointRoute, style: ProblemStyle) -> Mapping[str, Any]:
    name = route.path.rpartition("/")[2]
    operation: dict[str, Any] = {
        "operationId": f"{route.method.lower()}_{name.strip('{}').replace('-', '_').replace('.', '_')}",
        "summary": route.summary,
        "responses": _responses(route, name, style),
    }
    if route.path.endswith("/{id}"):
        operation["parameters"] = [{"name": "id", "in": "path", "required": True, "schema": _TEXT}]
    if name in _QUERIES:
        operation["parameters"] = [{"name": each, "in": "query", "schema": _TEXT} for each in _QUERIES[name]]
    if name in _BODIES:
        media_types = _MEDIA_TYPES[1:] if name == "accept" else _MEDIA_TYPES
        content = {media_type: {"schema": _BODIES[name]} for media_type in media_types}
        if route.answers_forms:
            content[_MEDIA_TYPES[1]] = {
                "schema": {**_BODIES[name], "properties": _BODIES[name]["properties"] | _OF_FORMS}
            }
        operation["requestBody"] = {"required": "required" in _BODIES[name], "content": content}
    if name not in _IS_OPEN:
        operation["security"] = [{"bearer": []}]
    return operation


def _responses(route: EndpointRoute, name: str, style: ProblemStyle) -> Mapping[str, Any]:
    problem = {MEDIA_TYPES[style]: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    responses: dict[str, Any] = {
        str(status): {"description": "refused", "content": problem} for status in (*_ERROR_STATUSES.get(name, ()), 503)
    }
    if route.answers_forms:
        responses["303"] = {"description": "a form of a page: the browser goes on"}
    if name in _GIVES_TOKENS:
        schema = {"application/json": {"schema": {"$ref": "#/components/schemas/Tokens"}}}
        return {"200": {"description": "tokens", "content": schema}, **responses}
    if name in {"accept", "continue"}:
        # The page makes the request one of our own, or asks which person; the redirection has the cookies.
        return {
            "200": {"description": "a page that goes on", "content": {"text/html": {"schema": _TEXT}}},
            "303": {"description": "signed in" if name == "accept" else "on to the page"},
            **responses,
        }
    if name == "sign-in":
        return {"200": {"description": "the page", "content": {"text/html": {"schema": _TEXT}}}, **responses}
    is_empty = route.method != "GET"
    return {"204" if is_empty else "200": {"description": "done" if is_empty else "found"}, **responses}
