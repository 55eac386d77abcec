"""The body of a WSGI request, read from ``wsgi.input`` no further than is wanted."""

from collections.abc import Awaitable, Callable
from typing import Any

from safeconduct.errors import InvalidRequest


def body_of(environ: dict[str, Any]) -> Callable[[int], Awaitable[bytes]]:
    """Return what reads the body that *environ* announces."""

    async def read(limit_bytes: int) -> bytes:
        length = environ.get("CONTENT_LENGTH") or ""
        stream = environ["wsgi.input"]
        if not length:
            # Without a length there is a body only where the server says that it ends the stream itself.
            return _taken(stream, limit_bytes + 1) if environ.get("wsgi.input_terminated") else b""
        if not (length.isascii() and length.isdigit()):
            raise InvalidRequest("the length of the body is no number")
        wanted = min(int(length[:10]), limit_bytes + 1)
        body = _taken(stream, wanted)
        if len(body) < wanted:
            raise InvalidRequest("the body broke off")
        return body

    return read


def _taken(stream: Any, count: int) -> bytes:
    chunks: list[bytes] = []
    left = count
    try:
        while left > 0 and (chunk := stream.read(left)):
            chunks.append(chunk)
            left -= len(chunk)
    # Servers raise errors of their own, of no common kind, where the other side is gone.
    except Exception as error:
        raise InvalidRequest("the body broke off") from error
    return b"".join(chunks)
