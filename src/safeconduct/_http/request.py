"""Define the HTTP messages of the core: a ``Request`` and a ``Reply``."""

from collections.abc import Callable, Iterable, MutableMapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import Any

Field = tuple[bytes, bytes]
"""One header field: name and value as they were on the wire; names are compared without case."""

FieldReader = Callable[[bytes], list[bytes]]
"""Returns every value of the field with this lower-case name, in the order on the wire."""

Route = tuple[str, str, str, bytes | None]
"""Method, path, mount prefix and raw path of a request, before they are parsed."""

Mount = tuple[object, str]
"""The owner of a middleware, which identifies its ``Auth``, and the mount prefix of that middleware."""

PageFields = tuple[bytes | None, bytes | None, bytes | None, bytes | None]
"""``Origin``, ``Sec-Fetch-Site``, ``Referer`` and ``X-CSRF-Token``, which show what page sent a request."""


def _prefix(root_path: str) -> str:
    """
    Return *root_path* with a slash before it and none after it.

    A path is appended to it: after ``/`` the URL would name another host, and so it could without a slash before it.
    """
    if not root_path:
        return ""
    whole = root_path if root_path.startswith("/") else f"/{root_path}"
    # A prefix that ends with two slashes stays as it is, and is refused later.
    return whole if whole.endswith("//") else whole.removesuffix("/")


class Request:
    """
    One request, as an adapter read it.

    Not a frozen dataclass: one is made for every request, and a frozen one costs four times as much.  Header fields are
    read through *values*, since one of them decides most requests.
    """

    __slots__ = (
        "client_host",
        "is_secure",
        "is_websocket",
        "merges_spellings",
        "method",
        "mounts",
        "path",
        "query",
        "raw_path",
        "root_path",
        "route",
        "template",
        "values",
    )

    #: The template of the route, where a framework has found one; for the log.
    template: str | None

    def __init__(  # noqa: PLR0913 - the parts of an HTTP request
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
        query: bytes = b"",
        merges_spellings: bool = False,
        mounts: Sequence[Mount] = (),
    ) -> None:
        """
        Store the parts of the request.

        Args:
            route: Method and path as the server gave them; the key under which their requirement is remembered.
            method: As it came, in upper or lower case; ``GET`` for a WebSocket handshake.
            path: The decoded path relative to the application, without *root_path*.
            root_path: The decoded mount prefix (``root_path`` or ``SCRIPT_NAME``), may be empty.  It is kept as
                ``_prefix`` returns it.
            raw_path: The path before decoding, where the server gives it.
            values: Reads the header fields; ``read_fields`` makes one from a list.
            is_secure: Whether it came over TLS, according to the server.
            is_websocket: Whether it is a WebSocket handshake.
            client_host: The peer's address as text, where the server knows it.
            query: The query as it came, without the question mark.
            merges_spellings: Whether the server joins ``X_Name`` with ``X-Name`` by a comma without a blank.
            mounts: Those of our middlewares around this request, the outermost first.
        """
        self.route = route
        self.method = method
        self.path, self.root_path, self.raw_path = path, _prefix(root_path), raw_path
        self.values = values
        self.is_secure = is_secure
        self.is_websocket = is_websocket
        self.client_host = client_host
        self.query = query
        self.merges_spellings = merges_spellings
        self.mounts, self.template = mounts, None

    def endpoints_root(self, owner: object) -> str:
        """Return the prefix below which *owner* serves its endpoints: that of its outermost middleware."""
        return next((_prefix(root_path) for each, root_path in self.mounts if each is owner), self.root_path)

    def matched_by(self, template: str | None) -> "Request":
        """Return the same request with the *template* of its route, relative to ``root_path``."""
        matched = copy(self)
        matched.template = template
        return matched

    def without_field(self, name: bytes) -> "Request":
        """Return the same request without the header fields called *name*, in lower case."""
        values, less = self.values, copy(self)

        def other_values(asked: bytes) -> list[bytes]:
            return [] if asked == name else values(asked)

        less.values = other_values
        return less

    def with_field(self, name: bytes, value: bytes) -> "Request":
        """Return the same request with one more header field, *name* in lower case."""
        values, more = self.values, copy(self)

        def more_values(asked: bytes) -> list[bytes]:
            return [*values(asked), value] if asked == name else values(asked)

        more.values = more_values
        return more


def read_fields(fields: Sequence[Field]) -> FieldReader:
    """Return a function that reads the values of one field from a list of fields."""

    # "Header names should be lowercased, but it is not required" — ASGI; an application below may lower them itself.
    def values(name: bytes) -> list[bytes]:
        size = len(name)
        return [value for key, value in fields if len(key) == size and key.lower() == name]

    return values


def listed(fields: Iterable[Field]) -> Sequence[Field]:
    """
    Return *fields* as a list or a tuple, which can be read more than once.

    ASGI allows any iterable of pairs, which may be an iterator that only the first reader could use.
    """
    return fields if isinstance(fields, (list, tuple)) else [(name, value) for name, value in fields]


RawRequest = MutableMapping[str, Any]
"""A request as the server gave it: the scope of ASGI, the environ of WSGI."""


@dataclass(frozen=True, slots=True)
class RequestReader:
    """
    Read parts of a request as the server gave it.

    Attributes:
        page_of: Returns the fields that show which page sent it; None if one of them comes twice.
        is_secure: Says whether it came over TLS, according to the server.
        whole: Returns all of it.
    """

    page_of: Callable[[Any], PageFields | None]
    is_secure: Callable[[Any], bool]
    whole: Callable[[Any], Request]


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole response: status, header fields with lower-case names, body."""

    status: int
    fields: tuple[Field, ...] = ()
    body: bytes = field(default=b"", repr=False)

    @property
    def text_fields(self) -> list[tuple[str, str]]:
        """The header fields as text, as frameworks take them."""
        return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in self.fields]

    @property
    def fields_for_any_body(self) -> list[tuple[str, str]]:
        """The fields that a body by an exception handler of the application needs too, such as the challenges."""
        # Not the policy of our pages either, which load nothing: the application's page may have a style sheet.
        return [(name, value) for name, value in self.text_fields if not name.startswith("content-")]

    @property
    def joined_fields(self) -> dict[str, str]:
        """The ``fields_for_any_body`` by their names, several challenges as one field (RFC 9110 §5.3)."""
        joined: dict[str, str] = {}
        for name, value in self.fields_for_any_body:
            joined[name] = f"{joined[name]}, {value}" if name in joined else value
        return joined
