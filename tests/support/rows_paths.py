"""Rows about paths that could be read in two ways, and about what a public path does not open."""

from table import ANYBODY, bad, bearer, missing, passed

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

ROWS = [
    *(bad(f"path-{name}", target=target) for name, target in _AMBIGUOUS.items()),
    *(bad(f"path-{name}-with-token", target=target, headers=bearer("alice")) for name, target in _AMBIGUOUS.items()),
    passed("path-encoded-slash-no-rule", target="/@scope%2fname", headers=bearer("alice")),
    missing("path-encoded-slash-no-rule-nobody", target="/@scope%2fname"),
    passed("path-encoded-slash-public", target="/files/a%2Fb", who=ANYBODY),
    passed("path-encoded-letter", target="/%68ealth", who=ANYBODY),
    missing("path-matrix-parameter", target="/health;/me"),
    missing("path-encoded-query", target="/me%3F/health"),
    missing("path-foreign-header", headers=(("x-original-url", "/health"), ("x-rewrite-url", "/health"))),
    missing("path-forwarded-prefix", headers=(("x-forwarded-prefix", "/health"), ("x-forwarded-uri", "/health"))),
    missing("path-subrequest-header", headers=(("x-middleware-subrequest", "/health"),)),
    missing("path-method-override", target="/hook", headers=(("x-http-method-override", "POST"),)),
]
