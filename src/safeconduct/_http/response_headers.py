"""Mark a response as private, and recognize a stream of server-sent events."""

from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, AnyStr, Final

from safeconduct._http.request import Field

PRIVATE: Final = (b"cache-control", b"private"), (b"vary", b"Cookie")
"""The two fields that ``private`` adds to an ASGI response."""
NATIVE_PRIVATE: Final = ("cache-control", "private"), ("vary", "Cookie")
"""The same for a WSGI response."""

_NAME_BYTES: Final = len("cache-control")


def private(
    fields: Iterable[tuple[AnyStr, AnyStr]], cache: tuple[AnyStr, AnyStr], vary: tuple[AnyStr, AnyStr]
) -> list[tuple[AnyStr, AnyStr]]:
    """Return *fields* so that no shared cache keeps the response to a request by cookie (RFC 9111 §3)."""
    marked = list(fields)
    for name, _ in marked:
        if len(name) == _NAME_BYTES and name.lower() == cache[0]:
            break
    else:
        marked.append(cache)
    # Another middleware of ours may have added it already.
    if vary not in marked:
        marked.append(vary)
    return marked


def as_private(send: Callable[[MutableMapping[str, Any]], Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """Return an ASGI *send* that marks the response as private."""

    # A plain function: the frame of a coroutine would cost more than the work.
    def send_privately(message: MutableMapping[str, Any]) -> Awaitable[None]:
        if message["type"] == "http.response.start":
            message = {**message, "headers": private(message.get("headers", ()), *PRIVATE)}
        return send(message)

    return send_privately


_TYPE = "text/event-stream"
_TYPE_OCTETS = _TYPE.encode()
_SIXTH = frozenset("eE")
_SIXTH_OCTETS = frozenset((b"e", b"E"))


def is_event_stream(fields: Iterable[Field]) -> bool:
    """Return whether the fields of an ASGI response announce server-sent events."""
    for name, value in fields:
        # Every response is checked: the sixth letter rules out nearly all other types.  Case does not matter.
        if value[5:6] in _SIXTH_OCTETS and value[:17].lower() == _TYPE_OCTETS and name.lower() == b"content-type":
            return True
    return False


def is_native_event_stream(fields: Iterable[tuple[str, str]]) -> bool:
    """Return whether the fields of a WSGI response announce server-sent events."""
    for name, value in fields:
        if value[5:6] in _SIXTH and value[:17].lower() == _TYPE and name.lower() == "content-type":
            return True
    return False
