"""Keep what a cookie asked for out of shared caches."""

from safeconduct._http.message import Field


def private(fields: list[Field]) -> list[Field]:
    """Return *fields* so that no shared cache keeps a response that a cookie asked for (RFC 9111 §3)."""
    if all(name.lower() != b"cache-control" for name, _ in fields):
        fields.append((b"cache-control", b"private"))
    # Another middleware of ours may have said it already.
    if (b"vary", b"Cookie") not in fields:
        fields.append((b"vary", b"Cookie"))
    return fields
