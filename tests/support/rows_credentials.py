"""Rows about credentials: which are read, which take precedence, and how invalid ones are refused."""

from request_row import (
    ANONYMOUS,
    BASIC,
    REALM,
    bad_request,
    basic,
    bearer,
    cookie,
    forbidden,
    invalid,
    missing,
    passed,
    step_up,
)

BAD_TOKENS = (
    "expired", "early", "revoked", "audience", "issuer", "typ", "bound", "unknown-key", "signature", "no-exp",
    "usurper",
)  # fmt: skip

_MALFORMED = {
    "no-token": "Bearer ",
    "only-scheme": "Bearer",
    "tab": "Bearer\t{alice}",
    "comma": "Bearer {alice},x",
    "two-in-one": "Bearer {alice}, Bearer {alice}",
    "quoted": 'Bearer "{alice}"',
    "parameter": 'Bearer token="{alice}"',
    "empty": "",
    "no-base64": "Basic !!!",
    "no-colon": "Basic YWxpY2U=",
    "latin1": "Basic dXPpcjpw",
    "control": "Basic YWxpY2U6AA==",
    "garbage": "Bearer x.y.z",
    "reference-of-nobody": "Bearer " + "A" * 88,
    "dots": "Bearer ......",
    "no-ascii": "Bearer \u00e9",
    "spaces-inside": "Bearer {alice} x",
}

TOKENS = [
    *(invalid(f"token-{name}", headers=bearer(name)) for name in BAD_TOKENS),
    *(invalid(f"token-{name}-public", target="/health", headers=bearer(name)) for name in BAD_TOKENS),
    *(
        passed(f"token-{name}-tolerated", setup="tolerant", target="/health", headers=bearer(name), who=ANONYMOUS,
               seen={"reason": "invalid_token"})
        for name in BAD_TOKENS
    ),
    *(invalid(f"field-{name}", headers=(("authorization", value),)) for name, value in _MALFORMED.items()),
    passed("token-within-leeway", who="late", headers=bearer("last-second")),
    passed("token-long", who="a" * 2000, headers=bearer("long")),
    passed("scheme-lower-case", headers=(("authorization", "bearer {alice}"),)),
    passed("scheme-upper-case", headers=(("authorization", "BEARER {alice}"),)),
    passed("scheme-two-spaces", headers=(("authorization", "Bearer  {alice}"),)),
    missing("scheme-unknown", headers=(("authorization", "Token {alice}"),)),
    missing("scheme-digest", headers=(("authorization", 'Digest username="a"'),)),
    missing("scheme-dpop", headers=(("authorization", "DPoP {alice}"),)),
    missing("scheme-unknown-public", target="/health", headers=(("authorization", "Token x"),)),
    passed("scheme-unknown-tolerated", setup="tolerant", target="/health", headers=(("authorization", "Token x"),),
           who=ANONYMOUS, seen={"reason": "none"}),
    missing("not-the-field-proxy", headers=(("proxy-authorization", "Bearer {alice}"),)),
    missing("not-the-field-x", headers=(("x-authorization", "Bearer {alice}"),)),
    missing("not-the-field-query", target="/me?access_token={alice}"),
    bad_request("twice-equal", headers=bearer("alice") * 2, needs=frozenset({"asgi"})),
    bad_request("twice-different", headers=bearer("alice") + bearer("admin"), needs=frozenset({"asgi"})),
    bad_request("twice-basic", headers=bearer("alice") + basic("alice", "correct horse"), needs=frozenset({"asgi"})),
    bad_request("twice-empty", headers=(*bearer("alice"), ("authorization", "")), needs=frozenset({"asgi"})),
    bad_request("twice-public", target="/health", headers=bearer("alice") * 2, needs=frozenset({"asgi"})),
    invalid("twice-joined", headers=bearer("alice") * 2, needs=frozenset({"joins"})),
    invalid("twice-joined-basic", headers=bearer("alice") + basic("a", "b"), needs=frozenset({"joins"})),
    invalid("twice-joined-public", target="/health", headers=bearer("alice") * 2, needs=frozenset({"joins"})),
    passed("cold-token", setup="forgetful", headers=bearer("alice")),
    invalid("cold-token-refused", setup="forgetful", headers=bearer("signature")),
    passed("no-store-token", setup="no-store", headers=bearer("alice")),
    passed("no-store-cannot-revoke", setup="no-store", headers=bearer("revoked")),
]  # fmt: skip

_PRIVATE = {"vary": "Cookie", "cache-control": "private"}
_PLAIN = {"vary": None, "cache-control": None}
_TWO = (("cookie", "__Host-safeconduct={alice}; __Host-safeconduct={alice}"),)
_OWN_SITE = (("origin", "https://app.example"), ("sec-fetch-site", "same-origin"))


def _crossing(name, **more):
    return forbidden(name, **{"code": "cross_site_request", "challenge": ()} | more)


COOKIES = [
    passed("cookie", headers=cookie("alice"), fields=_PRIVATE, seen={"scheme": "cookie"}),
    passed("cookie-head", method="HEAD", headers=cookie("alice"), fields=_PRIVATE),
    passed("cookie-own-cache-control", target="/cached", headers=cookie("alice"),
           fields={"vary": "Accept, Cookie", "cache-control": "max-age=60"}),
    passed("cookie-public", target="/health", headers=cookie("alice"), fields=_PRIVATE),
    passed("cookie-among-others", headers=(("cookie", "a=1; __Host-safeconduct={alice}; b=2"),)),
    invalid("cookie-bad", headers=cookie("signature")),
    invalid("cookie-revoked", headers=cookie("revoked")),
    passed("cookie-bad-public", target="/health", headers=cookie("signature"), who=ANONYMOUS, fields=_PLAIN,
           seen={"reason": "invalid_token"}),
    invalid("cookie-empty", headers=(("cookie", "__Host-safeconduct="),)),
    bad_request("cookie-twice", headers=_TWO),
    passed("cookie-twice-public", target="/health", headers=_TWO, who=ANONYMOUS, seen={"reason": "invalid_request"}),
    passed("cookie-fields", headers=(("cookie", "a=1"), *cookie("alice")), needs=frozenset({"asgi"})),
    bad_request("cookie-twice-in-fields", headers=cookie("alice") * 2, needs=frozenset({"asgi"})),
    # Joined by a comma they are one cookie with another value: the request is refused, and is never another person's.
    missing("cookie-fields-joined", headers=(("cookie", "a=1"), *cookie("alice")), needs=frozenset({"joins"})),
    invalid("cookie-twice-in-fields-joined", headers=cookie("alice") + cookie("bob"), needs=frozenset({"joins"})),
    passed("cookie-beside-non-ascii", headers=(("cookie", "a=\u00e9; __Host-safeconduct={alice}"),)),
    missing("cookie-of-another-name", headers=(("cookie", "safeconduct={alice}"),)),
    missing("cookie-case", headers=(("cookie", "__host-safeconduct={alice}"),)),
    _crossing("cookie-post", method="POST", headers=cookie("alice")),
    passed("cookie-post-own-origin", method="POST", headers=cookie("alice") + _OWN_SITE, fields=_PRIVATE),
    _crossing("cookie-lower-case-get", method="get", headers=cookie("alice")),
    _crossing("cookie-trace", method="TRACE", headers=cookie("alice"), needs=frozenset({"trace"})),
    passed("cookie-get-cross-site", headers=(*cookie("alice"), ("sec-fetch-site", "cross-site"))),
    _crossing("cookie-unsafe-get", target="/unsafe", headers=(*cookie("alice"), ("sec-fetch-site", "cross-site"))),
    _crossing("cookie-unsafe-get-silent", target="/unsafe", headers=cookie("alice")),
    passed("cookie-unsafe-get-own", target="/unsafe", headers=cookie("alice") + _OWN_SITE),
    _crossing("cookie-unsafe-null", target="/unsafe", headers=(*cookie("alice"), ("origin", "null"))),
    passed("cookie-post-public", target="/hook", method="POST", headers=cookie("alice"), who=ANONYMOUS,
           seen={"reason": "invalid_request"}),
    missing("cookie-not-a-source", setup="bearer", headers=cookie("alice"), challenge=(REALM,)),
    passed("header-beats-cookie", headers=bearer("bob") + cookie("alice"), who="bob", fields=_PLAIN),
    invalid("header-never-falls-through", headers=bearer("signature") + cookie("alice")),
    missing("unknown-scheme-never-falls-through", headers=(("authorization", "Token x"), *cookie("alice"))),
    passed("header-post-beside-cookie", method="POST", headers=bearer("alice") + cookie("bob")),
    passed("options-with-cookie", method="OPTIONS", headers=cookie("alice")),
    passed("hidden-cookies", headers=(
        *bearer("alice"), ("cookie", "a=1; __Host-safeconduct-refresh=r; b=2; __Host-safeconduct-device=d")),
        seen={"cookie": "a=1; b=2"}),
    passed("hidden-cookies-all", headers=(*bearer("alice"), ("cookie", "__Host-safeconduct-refresh=r")),
           seen={"cookie": None}),
]  # fmt: skip

_WRONG = {"challenge": (REALM, BASIC)}
_RIGHT = basic("alice", "correct horse")

PASSWORDS = [
    passed("basic", headers=_RIGHT, fields=_PLAIN, seen={"scheme": "basic", "level": "remembered"}),
    passed("basic-again", headers=_RIGHT),
    passed("basic-utf8", headers=basic("ren\u00e9e", "p\u00e4ss"), who="ren\u00e9e", seen={"name": "ren\u00e9e"}),
    passed("basic-lower-case", headers=(("authorization", _RIGHT[0][1].replace("Basic", "basic")),)),
    invalid("basic-wrong", headers=basic("mallory", "guess"), **_WRONG),
    invalid("basic-wrong-public", target="/health", headers=basic("mallory", "guess"), **_WRONG),
    invalid("basic-prefix", headers=basic("alice", "correct hors"), **_WRONG),
    bad_request("basic-over-plain-http", headers=_RIGHT, scheme="http"),
    passed("basic-over-plain-http-by-name", setup="plain", headers=_RIGHT, scheme="http", seen={"level": "explicit"}),
    missing("basic-not-a-source", setup="bearer", headers=_RIGHT, challenge=(REALM,)),
    passed("basic-post", method="POST", headers=_RIGHT),
    _crossing("basic-post-cross-site", method="POST", headers=(*_RIGHT, ("origin", "https://evil.example"))),
    passed("basic-post-own-site", method="POST", headers=_RIGHT + _OWN_SITE),
    passed("basic-get-cross-site", headers=(*_RIGHT, ("origin", "https://evil.example"))),
    step_up("basic-has-no-auth-time", max_age="300", target="/fresh", headers=_RIGHT),
    passed("basic-plain-path", target="/x/y", headers=_RIGHT),
]  # fmt: skip

ROWS = TOKENS + COOKIES + PASSWORDS
