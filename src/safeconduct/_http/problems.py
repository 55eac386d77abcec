"""
Answers: what a refused caller gets (RFC 9457), and where a person is sent to sign in.

A body is constant for each code: nothing of a token, a path or an exception is in it, and everything that can be
wrong with a credential has the same one (ASVS 16.5.1).  ``type`` is ``urn:safeconduct:problem:`` and the code, which
stays the same for ever and leads nowhere; ``about:blank`` would fix the title to the status' own phrase (RFC 9457
§4.2.1).
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from safeconduct._http.challenges import challenges_for
from safeconduct._http.request import Field, Reply
from safeconduct.errors import AuthError, MethodNotAllowed, StepUpRequired, TooManyAttempts, Unavailable
from safeconduct.principal import Level

PROBLEM_TYPE: Final = "urn:safeconduct:problem:"
"""What stands before the code in ``type``."""

NO_STORE: Final[Field] = (b"cache-control", b"no-store")
"""No answer of ours may be kept (RFC 6750 §5.3)."""

# A browser drops TAB, CR and LF from a URL and reads "\" as "/": each could turn a path into another site's address.
_LOCAL_PATH = re.compile(r"/(?![/\\])[^\x00-\x1f\x7f\\\ud800-\udfff]*")
_URL_CHARACTERS: Final = "!#$%&'()*+,/:;=?@[]~"


def answer(
    error: AuthError,
    *,
    realm: str,
    basic_offered: bool,
    acr_values: Mapping[Level, str],
    body: Mapping[str, Any] | None = None,
) -> Reply:
    """
    Turn an error into the whole answer.

    Args:
        error: What is answered.
        realm: The realm of every challenge.
        basic_offered: Whether ``Basic`` may be among the challenges.
        acr_values: The name of each own level, for a step-up.
        body: What to say instead of the problem, as ``application/json``; what JSON cannot say is not said.
    """
    replaced = None if body is None else _json_or_none(body)
    content, media_type = (
        (_problem(type(error)), b"application/problem+json") if replaced is None else (replaced, b"application/json")
    )
    fields = [
        (b"content-type", media_type),
        (b"content-length", b"%d" % len(content)),
        NO_STORE,
        *_own_fields(error),
    ]
    challenges = challenges_for(error, realm=realm, basic_offered=basic_offered, acr_values=acr_values)
    fields += [(b"www-authenticate", challenge) for challenge in challenges]
    return Reply(error.status, tuple(fields), content)


def redirect(sign_in_url: str, *, path: str | None = None) -> Reply:
    """
    Send a person to *sign_in_url*, to come back to *path* afterwards.

    Args:
        sign_in_url: As it is configured.
        path: The decoded path that was asked for, with the mount prefix.  Left out of the answer unless it begins with
            exactly one ``/`` and has neither a backslash nor a control character: it never leads to another site.
    """
    location = quote(sign_in_url, safe=_URL_CHARACTERS, errors="replace")
    if path is not None and _LOCAL_PATH.fullmatch(path):
        target, hash_sign, fragment = location.partition("#")
        target += ("&" if "?" in target else "?") + "next=" + quote(path, safe="/")
        location = target + hash_sign + fragment
    return Reply(303, ((b"location", location.encode("ascii")), (b"content-length", b"0"), NO_STORE))


def _problem(kind: type[AuthError]) -> bytes:
    members = {
        "type": PROBLEM_TYPE + kind.code,
        "title": kind.title,
        "status": kind.status,
        "detail": kind.detail,
        "code": kind.code,
    }
    if kind.error is not None:
        members |= {"error": kind.error, "error_description": kind.detail}
    return _json(members)


def _json(members: Mapping[str, Any]) -> bytes:
    return json.dumps(dict(members), separators=(",", ":"), allow_nan=False).encode("ascii")


def _json_or_none(members: Mapping[str, Any]) -> bytes | None:
    try:
        return _json(members)
    except (TypeError, ValueError, RecursionError):
        # The words of the refusal are the user's to choose; the refusal itself must not depend on them.
        return None


def _own_fields(error: AuthError) -> list[Field]:
    match error:
        case TooManyAttempts() | Unavailable():
            return [(b"retry-after", b"%d" % max(1, error.retry_after_seconds))]
        case MethodNotAllowed(allowed=allowed):
            return [(b"allow", ", ".join(allowed).encode("ascii", "replace"))]
        case _:
            return []


#: Our own, by the HTTP status (RFC 6455 §7.4.2); "try again later" for what may pass, "policy violation" for the rest.
_CODES = {401: 4401, 403: 4403, 429: 1013, 503: 1013}
_POLICY_VIOLATION = 1008


def close_code(error: AuthError) -> int:
    """Return 4401 where the credential no longer counts, 4403 where it is not enough, 1013 where nobody can say."""
    if isinstance(error, StepUpRequired):
        # The credential is good; what is asked of it is more.
        return 4403
    return _CODES.get(error.status, _POLICY_VIOLATION)
