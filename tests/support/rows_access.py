"""Rows about access rules: closed, public, added up, the more specific one, methods, slashes, ambiguous paths."""

from request_row import ANONYMOUS, bad_request, bearer, forbidden, invalid, missing, passed, step_up
from table_tokens import ACR

EXPLICIT = f"{ACR}explicit {ACR}multifactor"

CLOSED = [
    missing("closed-by-default"),
    missing("closed-unknown-path", target="/nowhere"),
    missing("closed-root", target="/"),
    passed("root", target="/", headers=bearer("alice")),
    passed("closed-with-token", headers=bearer("alice")),
    passed("query-is-no-path", target="/me?next=/health", headers=bearer("alice")),
    missing("query-names-public", target="/me?next=/health"),
    passed("public", target="/health", who=ANONYMOUS, seen={"reason": "none"}),
    passed("public-recognises", target="/health", headers=bearer("alice")),
    missing("public-slash-is-another", target="/health/"),
    missing("public-below", target="/health/x"),
    missing("public-prefix", target="/healthy"),
    missing("public-case", target="/HEALTH"),
    passed("public-slash-named", target="/signed/", who=ANONYMOUS),
    missing("public-slash-left-out", target="/signed"),
    passed("public-utf8", target="/caf%C3%A9", who=ANONYMOUS),
    passed("public-rest", target="/files/a/b", who=ANONYMOUS),
    passed("public-rest-bare", target="/files", who=ANONYMOUS),
    passed("public-rest-slash", target="/files/", who=ANONYMOUS),
    missing("public-rest-prefix", target="/filesystem"),
    passed("open-default", setup="open", who=ANONYMOUS),
    missing("open-default-rule-closes", setup="open", target="/read"),
    missing("open-default-rule-closes-slash", setup="open", target="/read/"),
    forbidden("open-default-rule-asks", "read", setup="open", target="/read", headers=bearer("alice")),
    missing("open-default-rule-by-method", setup="open", target="/items/7", method="DELETE"),
    passed("open-default-other-method", setup="open", target="/items/7", method="PUT", who=ANONYMOUS),
]

METHODS = [
    passed("method-public", target="/news", who=ANONYMOUS),
    passed("method-get-includes-head", target="/news", method="HEAD", who=ANONYMOUS),
    missing("method-other", target="/news", method="POST"),
    missing("method-lower-case-public", target="/news", method="get"),
    missing("method-unknown", method="FOO"),
    missing("method-trace", target="/news", method="TRACE", needs=frozenset({"trace"})),
    missing("method-options", method="OPTIONS"),
    missing("method-head", method="HEAD", code=None),
    passed("method-post-public", target="/hook", method="POST", who=ANONYMOUS),
    missing("method-get-of-post", target="/hook"),
    forbidden("method-rule", target="/items/7", method="DELETE", headers=bearer("reader")),
    forbidden("method-rule-lower-case", target="/items/7", method="delete", headers=bearer("reader")),
    passed("method-rule-met", target="/items/7", method="DELETE", who="root", headers=bearer("admin")),
    forbidden("method-rule-head", "read", target="/items/7", method="HEAD", headers=bearer("alice"), code=None),
    forbidden("method-rule-get", "read", target="/items/7", headers=bearer("alice")),
    passed("method-rule-none", target="/items/7", method="PUT", headers=bearer("alice")),
    passed("method-beats-none", target="/pages/x", who=ANONYMOUS),
    missing("method-beats-none-closed", target="/pages/x", method="POST"),
    forbidden("method-beats-none-role", target="/pages/x", method="POST", headers=bearer("alice")),
]

SPECIFIC = [
    missing("specific-rule-in-public", target="/files/private/x"),
    missing("specific-rule-bare", target="/files/private"),
    missing("specific-rule-slash", target="/files/private/"),
    forbidden("specific-rule-role", target="/files/private/x", headers=bearer("alice")),
    passed("specific-rule-met", target="/files/private/x", who="root", headers=bearer("admin")),
    passed("specific-literal-beats-name", target="/a/b/c", who=ANONYMOUS),
    forbidden("specific-name", target="/a/x/c", headers=bearer("alice")),
    missing("specific-public-slash", target="/a/b/c/"),
    passed("specific-literal-beats-rest", target="/dir/open", who=ANONYMOUS),
    forbidden("specific-rest-adds", "read", target="/dir/open/x", headers=bearer("admin")),
    forbidden("specific-rest-adds-role", target="/dir/open/x", headers=bearer("reader")),
]

ADDED = [
    forbidden("admin-as-alice", target="/admin", headers=bearer("alice")),
    forbidden("admin-slash", target="/admin/", headers=bearer("alice")),
    forbidden("admin-below", target="/admin/a/b", headers=bearer("alice")),
    passed("administrator-is-another", target="/administrator", headers=bearer("alice")),
    missing("admin-nobody", target="/admin"),
    passed("admin-as-admin", target="/admin/x", who="root", headers=bearer("admin")),
    forbidden("added-up-scope", "audit", target="/admin/audit", headers=bearer("admin")),
    forbidden("added-up-slash", "audit", target="/admin/audit/", headers=bearer("admin")),
    passed("added-up-met", target="/admin/audit", who="ann", headers=bearer("auditor")),
    forbidden("scope-missing", "read", target="/read", headers=bearer("alice")),
    passed("scope-met", target="/read", who="rita", headers=bearer("reader")),
    passed("scope-more", target="/read", who="walt", headers=bearer("writer")),
    forbidden("scopes-named-all", "read", "write", target="/write", headers=bearer("reader")),
    passed("scopes-met", target="/write", who="walt", headers=bearer("writer")),
    passed("role-either", target="/either", who="root", headers=bearer("admin")),
    forbidden("role-not-named", target="/either", headers=bearer("reader")),
    forbidden("role-sets-both", target="/both/x", headers=bearer("admin")),
    passed("role-sets-met", target="/both/x", who="ann", headers=bearer("auditor")),
    step_up("level-too-low", acr=EXPLICIT, target="/explicit", headers=bearer("alice")),
    passed("level-met", target="/explicit", headers=bearer("explicit")),
    passed("level-higher", target="/explicit", headers=bearer("multifactor")),
    step_up("level-highest", acr=f"{ACR}multifactor", target="/multifactor", headers=bearer("explicit")),
    step_up("age-unknown", max_age="300", target="/fresh", headers=bearer("alice")),
    step_up("age-too-old", max_age="300", target="/fresh", headers=bearer("stale")),
    passed("age-met", target="/fresh", headers=bearer("explicit")),
    step_up("level-and-age", acr=EXPLICIT, max_age="300", target="/danger", headers=bearer("stale")),
    passed("level-and-age-met", target="/danger", headers=bearer("explicit")),
    forbidden("client-cannot-step-up", target="/explicit", headers=bearer("client")),
    forbidden("client-cannot-be-fresh", target="/fresh", headers=bearer("client")),
    passed("client-passes", who="worker", headers=bearer("client")),
]

_ASKED = (("origin", "https://spa.example"), ("access-control-request-method", "POST"))
_BY_NAME = {"setup": "preflights", "method": "OPTIONS"}
PREFLIGHTS = [
    missing("preflight", method="OPTIONS", headers=_ASKED),
    missing("preflight-of-a-rule", target="/admin", method="OPTIONS", headers=_ASKED),
    missing("preflight-another-method", method="GET", headers=_ASKED),
    passed("preflight-with-token", method="OPTIONS", headers=_ASKED + bearer("alice")),
    forbidden("preflight-with-token-asks", target="/admin", method="OPTIONS", headers=_ASKED + bearer("alice")),
    passed("preflight-by-name", headers=_ASKED, who=ANONYMOUS, **_BY_NAME),
    passed("preflight-by-name-of-a-rule", target="/admin", headers=_ASKED, who=ANONYMOUS, **_BY_NAME),
    missing("preflight-no-origin", headers=_ASKED[1:], **_BY_NAME),
    missing("preflight-no-method", headers=_ASKED[:1], **_BY_NAME),
    missing("preflight-by-name-another-method", setup="preflights", headers=_ASKED),
    missing("preflight-lower-case", setup="preflights", method="options", headers=_ASKED),
    passed("preflight-by-name-with-token", headers=_ASKED + bearer("alice"), **_BY_NAME),
    invalid("preflight-by-name-bad-token", headers=(*_ASKED, ("authorization", "Bearer a.b.c")), **_BY_NAME),
    forbidden("preflight-by-name-asks", target="/admin", headers=_ASKED + bearer("alice"), **_BY_NAME),
]

_AMBIGUOUS = {
    "dot-segments": "/health/../me",
    "dot-segment": "/health/.",
    "only-dots": "/..",
    "empty-segment": "//health",
    "empty-segment-inside": "/files//private/x",
    "encoded-slash": "/files%2Fprivate",
    "encoded-slash-lower": "/files%2fprivate",
    "encoded-backslash": "/files%5Cprivate",
    "encoded-dots": "/files/%2e%2e/me",
    "twice-encoded": "/%2561dmin",
    "nul": "/health%00",
    "newline": "/health%0a",
    "escape": "/health%1b",
    "delete": "/health%7f",
    "no-utf8": "/health%ff",
    "fragment": "/health#/admin",
}

PATHS = [
    *(bad_request(f"path-{name}", target=target) for name, target in _AMBIGUOUS.items()),
    *(
        bad_request(f"path-{name}-with-token", target=target, headers=bearer("alice"))
        for name, target in _AMBIGUOUS.items()
    ),
    passed("path-encoded-slash-no-rule", target="/@scope%2fname", headers=bearer("alice")),
    missing("path-encoded-slash-no-rule-nobody", target="/@scope%2fname"),
    passed("path-encoded-slash-public", target="/files/a%2Fb", who=ANONYMOUS),
    passed("path-encoded-letter", target="/%68ealth", who=ANONYMOUS),
    missing("path-matrix-parameter", target="/health;/me"),
    missing("path-encoded-query", target="/me%3F/health"),
    missing("path-foreign-header", headers=(("x-original-url", "/health"), ("x-rewrite-url", "/health"))),
    missing("path-forwarded-prefix", headers=(("x-forwarded-prefix", "/health"), ("x-forwarded-uri", "/health"))),
    missing("path-subrequest-header", headers=(("x-middleware-subrequest", "/health"),)),
    missing("path-method-override", target="/hook", headers=(("x-http-method-override", "POST"),)),
]

ROWS = CLOSED + METHODS + SPECIFIC + ADDED + PREFLIGHTS + PATHS
