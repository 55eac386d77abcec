"""Rows about our endpoints: how a body is read, what is refused, and that the application is not called."""

import json

from request_row import BASIC, REALM, Row, bearer, cookie, described, missing, passed
from safeconduct._http.request_body import MAX_BODY_BYTES
from safeconduct.errors import (
    CrossSiteRequest,
    InvalidGrant,
    InvalidRequest,
    InvalidToken,
    MethodNotAllowed,
    MissingCredential,
    PayloadTooLarge,
    UnsupportedMediaType,
)

_LOGIN = "/auth/login"
_JSON = (("content-type", "application/json"),)
_FORM = (("content-type", "application/x-www-form-urlencoded"),)
_PAIR = {"username": "alice", "password": "correct horse"}
_ALICE = json.dumps(_PAIR).encode()
_ALICE_IN_A_FORM = b"username=alice&password=correct+horse"
_NOT_KEPT = {"cache-control": "no-store"}
_TOKENS = {"content-type": "application/json", "set-cookie": None, **_NOT_KEPT}
_BREAKS = frozenset({"breaks"})


def _answered(name, **more):
    """Return a row that an endpoint answers."""
    return Row(name=f"life-{name}", setup="life", **more)


def _login(name, **more):
    """Return a row that signs in, or tries to."""
    return _answered(f"login-{name}", **{"method": "POST", "target": _LOGIN, "headers": _JSON, "body": _ALICE} | more)


def _signs_in(name, **more):
    """Return a row whose caller gets tokens."""
    return _login(name, fields=_TOKENS, seen={"token_type": "Bearer", "expires_in": 900, "level": "explicit"}, **more)


def _refused(error, **more):
    return {"status": error.status, "code": error.code, "fields": {"set-cookie": None, **_NOT_KEPT}, **more}


def _post(name, target, **more):
    return _answered(name, method="POST", target=target, **more)


_BAD = _refused(InvalidRequest, challenge=(described(InvalidRequest),))
_WRONG = _refused(InvalidToken, challenge=(REALM, BASIC))
_NO_GRANT = _refused(InvalidGrant, challenge=(described(InvalidGrant), BASIC))

LOGIN = [
    _signs_in("json"),
    _signs_in("chunked", framing="chunked"),
    _signs_in("octets", framing="octets"),
    _signs_in("form", headers=_FORM, body=_ALICE_IN_A_FORM),
    _signs_in("form-chunked", headers=_FORM, body=_ALICE_IN_A_FORM, framing="chunked"),
    _signs_in("with-bad-token", headers=_JSON + bearer("expired")),
    _signs_in("with-bad-cookie", headers=_JSON + cookie("expired")),
    _signs_in("longest", body=_ALICE.ljust(MAX_BODY_BYTES)),
    _login("wrong-password", body=b'{"username": "alice", "password": "wrong"}', **_WRONG),
    _login("unknown-user", body=b'{"username": "nobody", "password": "wrong"}', **_WRONG),
    _login("no-json", body=b"[", **_BAD),
    _login("no-password", body=b'{"username": "alice"}', **_BAD),
    _login("twice", body=b'{"username": "alice", "username": "bob", "password": "p"}', **_BAD),
    _login("nothing", headers=(), body=b"", **_BAD),
    _login("broken", framing="broken", needs=_BREAKS, **_BAD),
    _login("plain-text", headers=(("content-type", "text/plain"),), **_refused(UnsupportedMediaType)),
    _login("no-type", headers=(), **_refused(UnsupportedMediaType)),
    _login("too-long", body=_ALICE.ljust(MAX_BODY_BYTES + 1), **_refused(PayloadTooLarge)),
    _login("too-long-in-octets", body=_ALICE.ljust(MAX_BODY_BYTES + 1), framing="octets", needs=_BREAKS,
           **_refused(PayloadTooLarge)),
    _login("foreign-page", body=json.dumps(_PAIR | {"cookies": True}).encode(),
           headers=(*_JSON, ("origin", "https://evil.example")), **_refused(CrossSiteRequest)),
]  # fmt: skip

METHODS = [
    _answered(f"method-{method.lower()}-{target[1:].replace('/', '-')}", method=method, target=target,
              **_refused(MethodNotAllowed) | {"fields": {"allow": allow}})
    for method, target, allow in (
        ("GET", _LOGIN, "POST"),
        ("HEAD", _LOGIN, "POST"),
        ("PUT", _LOGIN, "POST"),
        ("OPTIONS", _LOGIN, "POST"),
        ("POST", "/auth/session", "GET, HEAD"),
        ("GET", "/auth/sessions/abc", "DELETE"),
    )
]  # fmt: skip

_LINKS = [
    {"rel": "login", "method": "POST", "href": _LOGIN},
    {"rel": "sign-in", "method": "GET", "href": "/auth/sign-in"},
]
OTHERS = [
    _answered("session-anonymous", target="/auth/session", fields=_TOKENS,
              seen={"is_authenticated": False, "links": _LINKS}),
    _answered("session-head", method="HEAD", target="/auth/session", fields=_TOKENS),
    _answered("session-with-query", target="/auth/session?a=b", seen={"is_authenticated": False}),
    _answered("sessions-anonymous", target="/auth/sessions", challenge=(REALM, BASIC), **_refused(MissingCredential)),
    _post("refresh-without-token", "/auth/refresh", **_NO_GRANT),
    _post("refresh-nonsense", "/auth/refresh", headers=_JSON, body=b'{"refresh_token": "x"}', framing="chunked",
          **_NO_GRANT),
    _post("renew-anonymous", "/auth/renew", challenge=(REALM, BASIC), **_refused(MissingCredential)),
    _post("step-up-anonymous", "/auth/step-up", headers=_JSON, body=b'{"password": "p"}', challenge=(REALM, BASIC),
          **_refused(MissingCredential)),
    _post("logout-anonymous", "/auth/logout", status=204, fields=_NOT_KEPT),
    _post("logout-without-length", "/auth/logout", framing="none", status=204, fields=_NOT_KEPT),
    _post("logout-everywhere-anonymous", "/auth/logout-everywhere", challenge=(REALM, BASIC),
          **_refused(MissingCredential)),
    _answered("openapi", target="/auth/openapi.json", fields={"content-type": "application/json"},
              seen={"openapi": "3.1.0"}),
    _answered("jwks", target="/.well-known/jwks.json", fields={"content-type": "application/jwk-set+json"}),
    missing("life-below-the-prefix", setup="life", target="/auth/else"),
    missing("life-the-prefix-itself", setup="life", target="/auth", method="POST", challenge=(REALM, BASIC)),
    missing("life-slash-at-the-end", setup="life", target="/auth/login/", method="POST"),
    passed("life-below-the-prefix-with-token", setup="life", target="/auth/else", headers=bearer("alice")),
]  # fmt: skip

ROWS = LOGIN + METHODS + OTHERS
