"""
Write error responses (RFC 9457), redirections, and close codes of WebSockets.

The body is constant for each code: it has nothing of a token, a path or an exception, and everything that can be wrong
with a credential has the same body (ASVS 16.5.1).  ``type`` is ``urn:safeconduct:problem:`` and the code, which never
changes and cannot be dereferenced; ``about:blank`` would fix the title to the phrase of the status (RFC 9457 §4.2.1).
``error_message`` is another form of the body, for clients that know it: ``{"error": "Unauthorized", "message": "…"}``.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final, Literal
from urllib.parse import quote

from safeconduct._http.challenges import challenges_for
from safeconduct._http.request import Field, Reply
from safeconduct.errors import AuthError, MethodNotAllowed, StepUpRequired, TooManyAttempts, Unavailable
from safeconduct.principal import Level

ProblemStyle = Literal["problem", "error_message"]
"""The form of a body: a problem of RFC 9457, or an object with ``error`` and ``message``."""

ProblemBody = Callable[[AuthError], Mapping[str, Any]]
"""Makes the body of an error response in the application's own form; a plain function that does not block."""

ProblemPage = Callable[[AuthError], str]
"""Makes the HTML page of a refusal in the application's own form; a plain function that does not block."""

MEDIA_TYPES: Final[Mapping[ProblemStyle, str]] = {
    "problem": "application/problem+json",
    "error_message": "application/json",
}
"""The type of the body in each form."""

PROBLEM_TYPE: Final = "urn:safeconduct:problem:"
"""The prefix of ``type``, before the code."""

NO_STORE: Final[Field] = (b"cache-control", b"no-store")
"""No cache may keep a response of ours (RFC 6750 §5.3)."""

NO_PARAMETERS: Final[Mapping[str, str]] = MappingProxyType({})
_PATH_CHARACTERS: Final = "!$&'()*+,/:;=@[]~"


def answer(
    error: AuthError,
    *,
    realm: str,
    basic_offered: bool,
    acr_values: Mapping[Level, str],
    style: ProblemStyle = "problem",
    body: Mapping[str, Any] | None = None,
) -> Reply:
    """
    Return the response to an error.

    Args:
        error: The error.
        realm: The realm of every challenge.
        basic_offered: Whether ``Basic`` may be among the challenges.
        acr_values: The name of each of our levels, for a step-up.
        style: The form of the body.
        body: The JSON object to send instead; ignored where it cannot be written as JSON.
    """
    custom = None if body is None else _json_or_none(body)
    content = _CONTENT[style](type(error)) if custom is None else custom
    media_type = MEDIA_TYPES[style] if custom is None else "application/json"
    fields = [
        (b"content-type", media_type.encode()),
        (b"content-length", b"%d" % len(content)),
        NO_STORE,
        *_fields_of(error),
    ]
    challenges = challenges_for(error, realm=realm, basic_offered=basic_offered, acr_values=acr_values)
    fields += [(b"www-authenticate", challenge) for challenge in challenges]
    return Reply(error.status, tuple(fields), content)


def page_url(path: str, *, target: str | None, more: Mapping[str, str] = NO_PARAMETERS) -> str:
    """
    Return the URL of a page that leads on to *target*.

    Args:
        path: The decoded path of the page, with the mount prefix.
        target: The place to return to, as ``target_of`` gives it; left out where it is None.
        more: Further parameters of the query.
    """
    parameters = {**more, **({} if target is None else {"next": target})}
    query = "&".join(f"{name}={quote(value, safe='/')}" for name, value in parameters.items())
    return quote(path, safe=_PATH_CHARACTERS, errors="replace") + (f"?{query}" if query else "")


def see_other(location: str, fields: Iterable[Field] = ()) -> Reply:
    """Return the redirection to *location*, which is ASCII, with more *fields*."""
    return Reply(303, ((b"location", location.encode("ascii")), (b"content-length", b"0"), NO_STORE, *fields))


def _problem(kind: type[AuthError]) -> bytes:
    problem = {
        "type": PROBLEM_TYPE + kind.code,
        "title": kind.title,
        "status": kind.status,
        "detail": kind.detail,
        "code": kind.code,
    }
    if kind.error is not None:
        problem |= {"error": kind.error, "error_description": kind.detail}
    return _json(problem)


def _error_message(kind: type[AuthError]) -> bytes:
    return _json({"error": _PHRASES[kind.status], "message": kind.detail})


_CONTENT: Final = {"problem": _problem, "error_message": _error_message}
#: The phrases of RFC 9110 §15 and RFC 6585; those that Python knows depend on its version.
_PHRASES: Final = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    409: "Conflict",
    413: "Content Too Large",
    415: "Unsupported Media Type",
    429: "Too Many Requests",
    501: "Not Implemented",
    503: "Service Unavailable",
}


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(dict(value), separators=(",", ":"), allow_nan=False).encode("ascii")


def _json_or_none(value: Mapping[str, Any]) -> bytes | None:
    try:
        return _json(value)
    except (TypeError, ValueError, RecursionError):
        # The application chooses the text of the refusal; the refusal itself must not depend on it.
        return None


def _fields_of(error: AuthError) -> list[Field]:
    match error:
        case TooManyAttempts() | Unavailable():
            return [(b"retry-after", b"%d" % max(1, error.retry_after_seconds))]
        case MethodNotAllowed(allowed=allowed):
            return [(b"allow", ", ".join(allowed).encode("ascii", "replace"))]
        case _:
            return []


#: Close codes by HTTP status: private ones (RFC 6455 §7.4.2), and "try again later" for what may pass.
_CLOSE_CODES = {401: 4401, 403: 4403, 429: 1013, 503: 1013}
_POLICY_VIOLATION = 1008


def close_code(error: AuthError) -> int:
    """Return 4401 for an invalid credential, 4403 for one that is not enough, 1013 for a passing failure, else 1008."""
    if isinstance(error, StepUpRequired):
        # The credential is valid, but its level is too low.
        return 4403
    return _CLOSE_CODES.get(error.status, _POLICY_VIOLATION)
