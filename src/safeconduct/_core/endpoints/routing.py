"""
Our own paths: exact pairs of path and method, everything else below the prefix is the application's.

They are outside the access rules, and each reads only the credential that it names: a stale cookie never blocks a
sign-in.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qsl

from safeconduct._http.request import Reply, Request
from safeconduct._http.request_body import MAX_BODY_BYTES, Members, read_body
from safeconduct.errors import InvalidRequest, MethodNotAllowed

Body = Callable[[int], Awaitable[bytes]]
"""Reads the body of a request: all of it, or more octets than the number that it is given."""

_LAST: Final = "/{id}"


@dataclass(frozen=True, slots=True)
class Call:
    """A request for one of our own paths."""

    request: Request
    body: Body = field(repr=False)
    #: What stands in the place of ``{id}``.
    item: str = ""
    #: As it came, behind the question mark.
    query: bytes = field(default=b"", repr=False)

    def asked(self, name: str) -> str | None:
        """
        Return what the query says under *name*, None where it says nothing.

        Raises:
            InvalidRequest: If it says it twice, or is no query.
        """
        try:
            pairs = parse_qsl(self.query.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=100)
        except ValueError:
            raise InvalidRequest("the query is malformed") from None
        values = [value for key, value in pairs if key == name]
        if len(values) > 1:
            raise InvalidRequest(f"the query says {name} twice")
        return values[0] if values else None

    async def members(self) -> Members:
        """
        Read what the body says.

        Raises:
            PayloadTooLarge: If it is longer than an own endpoint reads.
            UnsupportedMediaType: If it is of a type that is not read here.
            InvalidRequest: If it is not what its type says.
        """
        types = self.request.values(b"content-type")
        if len(types) > 1:
            raise InvalidRequest("the body has two types")
        return read_body(types[0] if types else None, await self.body(MAX_BODY_BYTES))


Endpoint = Callable[[Call], Awaitable[Reply]]
"""Answers a call; raises an ``AuthError`` where it cannot."""


@dataclass(frozen=True, slots=True)
class Row:
    """One endpoint: its method, its path, which may end in ``/{id}``, and what it is for."""

    method: str
    path: str
    summary: str
    endpoint: Endpoint = field(repr=False)


class Endpoints:
    """
    Find and serve endpoints.

    Args:
        rows: Every one of them.
    """

    def __init__(self, rows: Iterable[Row]) -> None:
        self.rows = tuple(rows)
        self._by_path: dict[str, dict[str, Endpoint]] = {}
        for row in self.rows:
            self._by_path.setdefault(row.path, {})[row.method] = row.endpoint
        self._items = tuple(path.removesuffix("{id}") for path in self._by_path if path.endswith(_LAST))

    def owns(self, path: str) -> bool:
        """Say whether a request for *path* is answered here, whatever its method."""
        return path in self._by_path or (bool(self._items) and self._item(path) is not None)

    async def serve(self, request: Request, body: Body, query: bytes = b"") -> Reply:
        """
        Answer *request*, whose path is one of ours.

        Raises:
            MethodNotAllowed: If the path has another method only.
            AuthError: What else the endpoint refuses.
        """
        methods, item = self._by_path.get(request.path), ""
        if methods is None:
            start, item = self._item(request.path) or ("", "")
            methods = self._by_path[start + "{id}"]
        endpoint = methods.get("GET" if request.method == "HEAD" else request.method)
        if endpoint is None:
            raise MethodNotAllowed(_allowed(methods))
        return await endpoint(Call(request, body, item, query))

    def _item(self, path: str) -> tuple[str, str] | None:
        for start in self._items:
            rest = path[len(start) :]
            if rest and path.startswith(start) and "/" not in rest:
                return start, rest
        return None


def _allowed(methods: Mapping[str, Endpoint]) -> tuple[str, ...]:
    return tuple(sorted([*methods, *(["HEAD"] if "GET" in methods else [])]))
