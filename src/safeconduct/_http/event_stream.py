"""Whether a response is a stream of events, which goes on until somebody ends it."""

from collections.abc import Iterable

from safeconduct._http.message import Field

_TYPE = "text/event-stream"
_TYPE_OCTETS = _TYPE.encode()
_NAME = b"content-type"


def is_event_stream(fields: Iterable[Field]) -> bool:
    """Say it of the fields of an ASGI response.  Every response is asked, so nothing is read that need not be."""
    for name, value in fields:
        # An application that does not write its names small is not to be missed.
        if len(name) == len(_NAME) and name.lower() == _NAME:
            return value[:17].lower() == _TYPE_OCTETS
    return False


def is_native_event_stream(fields: Iterable[tuple[str, str]]) -> bool:
    """Say it of the fields of a WSGI response."""
    for name, value in fields:
        if len(name) == len(_NAME) and name.lower() == "content-type":
            return value[:17].lower() == _TYPE
    return False
