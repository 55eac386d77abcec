"""Keep what a cookie asked for out of shared caches."""

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, AnyStr, Final

from safeconduct._http.request import Field

_NAME_BYTES: Final = len("cache-control")


def private(
    fields: Iterable[tuple[AnyStr, AnyStr]], cache: tuple[AnyStr, AnyStr], vary: tuple[AnyStr, AnyStr]
) -> list[tuple[AnyStr, AnyStr]]:
    """Return *fields* so that no shared cache keeps a response that a cookie asked for (RFC 9111 §3)."""
    marked = list(fields)
    for name, _ in marked:
        if len(name) == _NAME_BYTES and name.lower() == cache[0]:
            break
    else:
        marked.append(cache)
    # Another middleware of ours may have said it already.
    if vary not in marked:
        marked.append(vary)
    return marked


def start_privately(start_response: Callable[..., Callable[[bytes], object]]) -> Callable[..., Any]:
    """Return a WSGI *start_response* that marks the response that goes through it."""

    def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], object]:
        marked = private(headers, ("cache-control", "private"), ("vary", "Cookie"))
        return start_response(status, marked, exc_info) if exc_info else start_response(status, marked)

    return start


def as_private(send: Callable[[MutableMapping[str, Any]], Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """Return an ASGI *send* that marks the response that goes through it."""

    # A plain function, because a frame of a coroutine would cost more than all it does.
    def send_privately(message: MutableMapping[str, Any]) -> Awaitable[None]:
        if message["type"] == "http.response.start":
            marked = private(message.get("headers", ()), (b"cache-control", b"private"), (b"vary", b"Cookie"))
            message = {**message, "headers": marked}
        return send(message)

    return send_privately


_TYPE = "text/event-stream"
_TYPE_OCTETS = _TYPE.encode()
_SIXTH = frozenset("eE")
_SIXTH_OCTETS = frozenset((b"e", b"E"))


def is_event_stream(fields: Iterable[Field]) -> bool:
    """Say it of the fields of an ASGI response.  Every response is asked, so nothing is read that need not be."""
    for name, value in fields:
        # The sixth letter tells nearly every other type apart.  Names and types are of either case.
        if value[5:6] in _SIXTH_OCTETS and value[:17].lower() == _TYPE_OCTETS and name.lower() == b"content-type":
            return True
    return False


def is_native_event_stream(fields: Iterable[tuple[str, str]]) -> bool:
    """Say it of the fields of a WSGI response."""
    for name, value in fields:
        if value[5:6] in _SIXTH and value[:17].lower() == _TYPE and name.lower() == "content-type":
            return True
    return False
