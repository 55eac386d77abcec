"""The two messages that the core knows: a ``Request`` that came and a ``Reply`` that goes."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

Field = tuple[bytes, bytes]
"""One header field: name and value, both as they came on the wire; names are compared without case."""

FieldReader = Callable[[bytes], list[bytes]]
"""Returns every value of the field with this lower-case name, in the order in which they came."""

Route = tuple[str, str, str, bytes | str | None]
"""Method, path, mount prefix and raw path of a request, unread."""


class Request:
    """
    What an adapter read of one request, before anything was decided.

    Not a frozen dataclass: one is made for every request, and a frozen one costs four times as much.  Header fields are
    read through *values*, since most requests are decided by one of them.
    """

    __slots__ = (
        "client_host",
        "is_secure",
        "is_websocket",
        "merges_spellings",
        "method",
        "path",
        "raw_path",
        "root_path",
        "route",
        "values",
    )

    def __init__(  # noqa: PLR0913 - what an adapter knows of a request is this much
        self,
        route: Route,
        method: str,
        path: str,
        root_path: str,
        raw_path: bytes | None,
        values: FieldReader,
        *,
        is_secure: bool,
        is_websocket: bool,
        client_host: str | None,
        merges_spellings: bool = False,
    ) -> None:
        """
        Keep what came.

        Args:
            route: What the server said of method and path, as the adapter got it: what is found out about these is
                remembered under it.
            method: As it came, upper or lower case; ``GET`` for a WebSocket handshake.
            path: The decoded path relative to the application, without *root_path*.
            root_path: The decoded mount prefix (``root_path`` or ``SCRIPT_NAME``), may be empty.
            raw_path: The path before decoding, where the server gives it.
            values: Reads the header fields; ``read_fields`` makes one from a list.
            is_secure: Whether the server says that it came over TLS.
            is_websocket: Whether it is a WebSocket handshake.
            client_host: The peer's address as text, where the server knows it.
            merges_spellings: Whether the server joins ``X_Name`` with ``X-Name``, behind a comma without a blank.
        """
        self.route = route
        self.method = method
        self.path = path
        self.root_path = root_path
        self.raw_path = raw_path
        self.values = values
        self.is_secure = is_secure
        self.is_websocket = is_websocket
        self.client_host = client_host
        self.merges_spellings = merges_spellings


def read_fields(fields: Sequence[Field]) -> FieldReader:
    """Return the reader of a list of header fields."""

    # "Header names should be lowercased, but it is not required" — ASGI; an application below may lower them itself.
    def values(name: bytes) -> list[bytes]:
        size = len(name)
        return [value for key, value in fields if len(key) == size and key.lower() == name]

    return values


def listed(fields: Iterable[Field]) -> Sequence[Field]:
    """
    Return *fields* so that they can be read more than once: themselves where they are a list or a tuple.

    ASGI wants an iterable of pairs, and an iterator is one: whoever reads it first must hand a list on.
    """
    return fields if isinstance(fields, (list, tuple)) else [(name, value) for name, value in fields]


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer: status, header fields with lower-case names, body."""

    status: int
    fields: tuple[Field, ...] = ()
    body: bytes = field(default=b"", repr=False)
