"""
Rows of the request table: a request, its configuration, and the response that must come.

Every row is sent through every driver.  ``{name}`` in the value of a header is a token of ``table_tokens``.
"""

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field

from safeconduct.errors import (
    InsufficientRights,
    InvalidRequest,
    InvalidToken,
    MissingCredential,
    StepUpRequired,
    Unavailable,
)

REALM = 'Bearer realm="https://api.example"'
BASIC = 'Basic realm="https://api.example", charset="UTF-8"'


def described(kind, **parameters):
    """Return the challenge of an error with its code and its sentence."""
    more = "".join(f', {name}="{value}"' for name, value in parameters.items())
    return f'{REALM}, error="{kind.error}", error_description="{kind.detail}"{more}'


INVALID = described(InvalidToken)
ANONYMOUS = "anonymous"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One request and its expected response; *who* is None if the application must not be called."""

    name: str
    setup: str = "main"
    method: str = "GET"
    #: As written on the request line.
    target: str = "/me"
    headers: tuple[tuple[str, str], ...] = ()
    scheme: str = "https"
    body: bytes = field(default=b"", repr=False)
    #: How the body is sent, as in ``SentRequest``.
    framing: str = "length"
    status: int = 200
    who: str | None = None
    code: str | None = None
    challenge: tuple[str, ...] = ()
    #: Further fields of the response; None for one that must be absent.
    fields: Mapping[str, str | None] = field(default_factory=dict)
    #: What the application must have seen.
    seen: Mapping[str, object] = field(default_factory=dict)
    #: What a driver must offer for the row to make sense: ``asgi``, ``wsgi``, ``guards`` (a framework integration),
    #: ``breaks`` (a body can break off and the response be read).
    needs: frozenset[str] = frozenset()


def bearer(name):
    """Return the headers that carry the token *name*."""
    return (("authorization", f"Bearer {{{name}}}"),)


def cookie(name):
    """Return the headers that carry the token *name* in a cookie."""
    return (("cookie", f"__Host-safeconduct={{{name}}}"),)


def basic(username, password):
    """Return the headers that carry a user name and a password."""
    return (("authorization", "Basic " + b64encode(f"{username}:{password}".encode()).decode()),)


def passed(name, who="alice", **more):
    """Return a row whose request is passed to the application."""
    return Row(name=name, who=who, **more)


def missing(name, **more):
    """Return a row without a required credential."""
    usual = {"status": 401, "code": MissingCredential.code, "challenge": (REALM, BASIC)}
    return Row(name=name, **usual | more)


def invalid(name, **more):
    """Return a row whose credential is refused."""
    usual = {"status": 401, "code": InvalidToken.code, "challenge": (INVALID, BASIC)}
    return Row(name=name, **usual | more)


def bad_request(name, **more):
    """Return a row with an ambiguous request."""
    return Row(
        name=name, **{"status": 400, "code": InvalidRequest.code, "challenge": (described(InvalidRequest),)} | more
    )


def forbidden(name, *scopes, **more):
    """Return a row whose caller lacks a right."""
    named = {"scope": " ".join(scopes)} if scopes else {}
    challenge = (described(InsufficientRights, **named),)
    return Row(name=name, **{"status": 403, "code": InsufficientRights.code, "challenge": challenge} | more)


def step_up(name, *, acr=None, max_age=None, **more):
    """Return a row whose caller must step up."""
    named = ({"acr_values": acr} if acr else {}) | ({"max_age": max_age} if max_age else {})
    challenge = (described(StepUpRequired, **named),)
    return Row(name=name, **{"status": 401, "code": StepUpRequired.code, "challenge": challenge} | more)


def unavailable(name, **more):
    """Return a row that cannot be decided: 503, without a statement about the credential."""
    fields = {"retry-after": "1", "cache-control": "no-store"}
    return Row(name=name, **{"status": 503, "code": Unavailable.code, "fields": fields} | more)
