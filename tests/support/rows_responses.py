"""Rows about responses: redirection to sign in, custom bodies, outages, our paths, errors of handlers."""

from request_row import (
    ANONYMOUS,
    BASIC,
    INVALID,
    REALM,
    Row,
    bearer,
    cookie,
    forbidden,
    invalid,
    missing,
    passed,
    step_up,
    unavailable,
)

_NAVIGATES = (("sec-fetch-mode", "navigate"),)
_HTML = (("accept", "text/html,application/xhtml+xml,*/*;q=0.8"),)

_PAGE = {"content-type": "text/html; charset=utf-8", "cache-control": "no-store", "x-frame-options": "DENY"}


def _sent(name, next_, **more):
    fields = {"location": f"/sign-in?next={next_}", "cache-control": "no-store", "content-length": "0"}
    return Row(name=name, **{"setup": "sign-in", "status": 303, "fields": fields} | more)


SIGN_IN = [
    _sent("navigation", "/me", headers=_NAVIGATES),
    _sent("navigation-head", "/me", method="HEAD", headers=_NAVIGATES),
    _sent("navigation-by-accept", "/me", headers=_HTML),
    _sent("navigation-with-query", "/me%3Fa%3Db%26c%3D%2526", target="/me?a=b&c=%26", headers=_NAVIGATES),
    _sent("navigation-utf8", "/caf%25C3%25A9/x", target="/caf%C3%A9/x", headers=_NAVIGATES),
    _sent("navigation-bad-cookie", "/me", headers=_NAVIGATES + cookie("expired")),
    missing("no-navigation", setup="sign-in"),
    missing("no-navigation-fetch", setup="sign-in", headers=(("sec-fetch-mode", "cors"), *_HTML), challenge=(REALM,)),
    missing("no-navigation-json", setup="sign-in", headers=(("accept", "application/json"),)),
    missing("no-navigation-post", setup="sign-in", method="POST", headers=_NAVIGATES, challenge=(REALM,)),
    missing("page", headers=_NAVIGATES, challenge=(REALM,), code=None, fields=_PAGE),
    missing("page-by-accept", headers=_HTML, code=None, fields=_PAGE),
    forbidden("page-may-not", target="/admin", headers=_NAVIGATES + cookie("alice"), code=None, fields=_PAGE),
    invalid("no-page-for-a-program", headers=_NAVIGATES + bearer("expired"), challenge=(INVALID,)),
    forbidden("navigation-may-not", setup="sign-in", target="/admin", headers=_NAVIGATES + bearer("alice")),
    passed("sign-in-is-public", setup="sign-in", target="/sign-in", who=ANONYMOUS),
]

WORDS = [
    Row(name="own-words", setup="words", status=401, challenge=(REALM, BASIC),
        fields={"content-type": "application/json", "cache-control": "no-store"},
        seen={"error": "missing_credential", "message": "This request needs a credential."}),
    missing("problem", fields={"content-type": "application/problem+json", "cache-control": "no-store"}),
    missing("no-basic-for-scripts", headers=(("sec-fetch-mode", "cors"),), challenge=(REALM,)),
    missing("no-basic-for-browsers", headers=(("sec-fetch-site", "same-origin"),), challenge=(REALM,)),
    missing("no-basic-where-none", setup="bearer", challenge=(REALM,)),
    invalid("no-basic-for-scripts-invalid", headers=(*bearer("expired"), ("sec-fetch-mode", "cors")),
            challenge=(INVALID,)),
    passed("nothing-added", headers=bearer("alice"), fields={"vary": None, "cache-control": None}),
]  # fmt: skip

OUTAGES = [
    *(unavailable(f"{setup}-closed", setup=setup, headers=bearer("alice")) for setup in ("outage", "faulty")),
    *(unavailable(f"{setup}-again", setup=setup, headers=bearer("alice")) for setup in ("outage", "faulty")),
    *(unavailable(f"{setup}-cookie", setup=setup, headers=cookie("alice")) for setup in ("outage", "faulty")),
    *(unavailable(f"{setup}-rule", setup=setup, target="/admin", headers=bearer("alice"))
      for setup in ("outage", "faulty")),
    passed("outage-public", setup="outage", target="/health", who=ANONYMOUS, headers=bearer("alice"),
           seen={"reason": "unavailable"}),
    passed("outage-public-anonymous", setup="outage", target="/health", who=ANONYMOUS, seen={"reason": "none"}),
    unavailable("faulty-public", setup="faulty", target="/health", headers=bearer("alice")),
    missing("outage-missing", setup="outage"),
    invalid("outage-invalid", setup="outage", headers=bearer("signature")),
    unavailable("suspending", setup="suspending", headers=bearer("alice"), needs=frozenset({"wsgi"})),
    unavailable("suspending-again", setup="suspending", headers=bearer("alice"), needs=frozenset({"wsgi"})),
    passed("suspending-asgi", setup="suspending", headers=bearer("alice"), needs=frozenset({"asgi-only"})),
    unavailable("ended", setup="ended", headers=bearer("alice")),
    unavailable("ended-public", setup="ended", target="/health"),
    unavailable("ended-anonymous", setup="ended"),
    unavailable("ended-own-path", setup="ended", target="/.well-known/jwks.json"),
]  # fmt: skip

_JWKS = "/.well-known/jwks.json"
_KEYS = {"content-type": "application/jwk-set+json", "cache-control": "public, max-age=300"}
OWN_PATHS = [
    Row(name="jwks", target=_JWKS, fields=_KEYS),
    Row(name="jwks-head", target=_JWKS, method="HEAD", fields=_KEYS),
    Row(name="jwks-with-bad-token", target=_JWKS, headers=bearer("expired"), fields=_KEYS),
    Row(name="jwks-with-token", target=_JWKS, headers=bearer("alice"), fields=_KEYS),
    Row(name="jwks-post", target=_JWKS, method="POST", status=405, code="method_not_allowed",
        fields={"allow": "GET, HEAD"}),
    missing("jwks-slash", target=_JWKS + "/"),
    missing("jwks-beside", target="/.well-known/other"),
    missing("auth-prefix-is-the-application's", target="/auth/login", method="POST"),
    passed("auth-prefix-with-token", target="/auth/login", method="POST", headers=bearer("alice")),
]  # fmt: skip

_GUARDS = frozenset({"guards"})
HANDLERS = [
    *(missing(f"guard-{kind}-nobody", setup="open", target=f"/guarded/{kind}", needs=_GUARDS)
      for kind in ("async", "sync")),
    *(forbidden(f"guard-{kind}-scope", "read", target=f"/guarded/{kind}", headers=bearer("alice"), needs=_GUARDS)
      for kind in ("async", "sync")),
    *(passed(f"guard-{kind}-met", target=f"/guarded/{kind}", who="rita", headers=bearer("reader"), needs=_GUARDS)
      for kind in ("async", "sync")),
    step_up("guard-danger", acr="urn:safeconduct:acr:explicit urn:safeconduct:acr:multifactor", max_age="300",
            target="/guarded/danger", headers=bearer("alice"), needs=_GUARDS),
    passed("guard-danger-met", target="/guarded/danger", headers=bearer("explicit"), needs=_GUARDS),
    *(unavailable(f"guard-{kind}-outage", setup="open-outage", target=f"/guarded/{kind}", headers=bearer("alice"),
                  needs=_GUARDS) for kind in ("async", "sync", "principal")),
    missing("guard-principal-nobody", setup="open", target="/guarded/principal", needs=_GUARDS),
    passed("guard-principal", target="/guarded/principal", headers=bearer("alice"), needs=_GUARDS),
    _sent("guard-navigation", "/guarded/principal", target="/guarded/principal",
          headers=(*_NAVIGATES, *cookie("expired")), needs=_GUARDS),
    forbidden("guard-head", "read", target="/guarded/sync", method="HEAD", headers=bearer("alice"), code=None,
              needs=_GUARDS),
    passed("guard-head-met", target="/guarded/sync", method="HEAD", who="rita", headers=bearer("reader"),
           needs=_GUARDS),
    passed("streamed", target="/streamed", headers=bearer("alice"), seen={"streamed": ["alice", "alice"]}),
    passed("streamed-anonymous", setup="open", target="/streamed", who=ANONYMOUS, seen={"streamed": [None, None]}),
    passed("streamed-by-cookie", target="/streamed", headers=cookie("alice"), seen={"streamed": ["alice", "alice"]},
           fields={"vary": "Cookie", "cache-control": "private"}),
]  # fmt: skip

ROWS = SIGN_IN + WORDS + OUTAGES + OWN_PATHS + HANDLERS
