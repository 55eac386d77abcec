"""Whether a response is a stream of events, which goes on until somebody ends it."""

from collections.abc import Iterable

from safeconduct._http.message import Field

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
