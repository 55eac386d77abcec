"""Rows about the identity that the application sees, which no caller can forge."""

from request_row import ANONYMOUS, bearer, cookie, forbidden, invalid, missing, passed

_SPOOFED = (
    ("remote-user", "admin"),
    ("remote_user", "admin"),
    ("x-remote-user", "admin"),
    ("auth-type", "Basic"),
    ("x-forwarded-user", "admin"),
    ("safeconduct", "admin"),
    ("safeconduct.proof", "admin"),
)
_WSGI = frozenset({"wsgi"})
_ASGI = frozenset({"asgi-only"})

ROWS = [
    passed("who", headers=bearer("alice"), seen={"name": "alice", "scheme": "bearer", "same": True}),
    passed("who-by-cookie", headers=cookie("alice"), seen={"name": "alice", "scheme": "cookie", "same": True}),
    passed("anonymous", target="/health", who=ANONYMOUS, seen={"name": None, "scheme": None, "same": True}),
    passed("auth-type", headers=bearer("alice"), seen={"auth_type": "bearer"}, needs=_WSGI),
    passed("auth-type-anonymous", target="/health", who=ANONYMOUS, seen={"auth_type": None}, needs=_WSGI),
    passed("scopes", headers=bearer("writer"), who="walt", seen={"scopes": ["authenticated", "read", "write"]},
           needs=_ASGI),
    passed("scopes-anonymous", target="/health", who=ANONYMOUS, seen={"scopes": []}, needs=_ASGI),
    passed("utf8-subject", headers=bearer("utf8"), who="ren\u00e9e/\u044e", seen={"name": "ren\u00e9e/\u044e"}),
    passed("foreign", headers=bearer("idp"), seen={"name": None, "issuer": "https://idp.example"}),
    forbidden("foreign-roles-do-not-count", target="/admin", headers=bearer("idp")),
    passed("foreign-scopes-count", target="/read", headers=bearer("idp")),
    passed("foreign-template", headers=bearer("partner"), seen={"name": "partner:alice"}),
    passed("foreign-role-mapped", target="/admin", headers=bearer("partner")),
    passed("foreign-level-mapped", target="/explicit", headers=bearer("partner")),
    passed("foreign-scope-listed", target="/read", headers=bearer("partner")),
    forbidden("foreign-scope-not-listed", "read", "write", target="/write", headers=bearer("partner")),
    invalid("foreign-key-own-issuer", headers=bearer("usurper")),
    missing("spoofed", headers=_SPOOFED),
    passed("spoofed-anonymous", target="/health", headers=_SPOOFED, who=ANONYMOUS, seen={"name": None}),
    passed("spoofed-beside-token", headers=_SPOOFED + bearer("alice"), seen={"name": "alice"}),
    passed("spoofed-foreign", headers=_SPOOFED + bearer("idp"), seen={"name": None}),
    passed("server-said", setup="open", target="/said", who=ANONYMOUS, seen={"name": None, "auth_type": None},
           needs=frozenset({"says"})),
    passed("server-said-beside-foreign", target="/said", headers=bearer("idp"), seen={"name": None},
           needs=frozenset({"says"})),
]  # fmt: skip
