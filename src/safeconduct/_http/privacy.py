"""Keep what a cookie asked for out of shared caches."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from safeconduct._http.message import Field


def private(fields: list[Field]) -> list[Field]:
    """Return *fields* so that no shared cache keeps a response that a cookie asked for (RFC 9111 §3)."""
    if all(name.lower() != b"cache-control" for name, _ in fields):
        fields.append((b"cache-control", b"private"))
    # Another middleware of ours may have said it already.
    if (b"vary", b"Cookie") not in fields:
        fields.append((b"vary", b"Cookie"))
    return fields


def start_privately(start_response: Callable[..., Callable[[bytes], object]]) -> Callable[..., Any]:
    """Return a WSGI *start_response* that marks the response that goes through it."""

    def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], object]:
        fields = private([(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers])
        native = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in fields]
        return start_response(status, native, exc_info) if exc_info else start_response(status, native)

    return start


def as_private(send: Callable[[MutableMapping[str, Any]], Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """Return an ASGI *send* that marks the response that goes through it."""

    async def send_privately(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": private(list(message.get("headers", ())))}
        await send(message)

    return send_privately
