"""
Route requests to our own endpoints by exact path and method; every other path is the application's.

Our paths are ours with every method, so that a wrong one is 405.  Endpoints without a prefix share their paths with the
application: there the exact pairs of path and method are ours alone.

Our endpoints are outside the access rules, and each reads only the credential that it names: a stale cookie never
blocks a sign-in.
"""

import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl

from safeconduct._http.request import Reply, Request
from safeconduct._http.request_body import MAX_BODY_BYTES, BodyParameters, read_body
from safeconduct.errors import InvalidRequest, MethodNotAllowed

Body = Callable[[int], Awaitable[bytes]]
"""Reads the body of a request: all of it, or more bytes than the limit that it is given."""

JWKS_PATH: Final = "/.well-known/jwks.json"
"""The path of the public keys."""

_PATH_PARAMETER: Final = "{id}"
_WELL_KNOWN: Final = "/.well-known/"


@dataclass(frozen=True, slots=True)
class EndpointCall:
    """A request for one of our endpoints."""

    request: Request
    body: Body = field(repr=False)
    #: The value of ``{id}`` in the path.
    item: str = ""
    #: The query string, without the question mark.
    query: bytes = field(default=b"", repr=False)
    #: The parameters in the body, where they were read before.
    known: BodyParameters | None = field(default=None, repr=False)

    def query_parameter(self, name: str) -> str | None:
        """
        Return the query parameter *name*, or None where it is absent.

        Raises:
            InvalidRequest: If it is there twice, or the query is malformed.
        """
        try:
            pairs = parse_qsl(self.query.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=100)
        except ValueError:
            raise InvalidRequest("the query is malformed") from None
        values = [value for key, value in pairs if key == name]
        if len(values) > 1:
            raise InvalidRequest(f"the query has {name} twice")
        return values[0] if values else None

    async def parameters(self) -> BodyParameters:
        """
        Read the parameters in the body.

        Raises:
            PayloadTooLarge: If the body is longer than *MAX_BODY_BYTES*.
            UnsupportedMediaType: If it is neither JSON nor a form.
            InvalidRequest: If it is not what its type says.
        """
        if self.known is not None:
            return self.known
        types = self.request.values(b"content-type")
        if len(types) > 1:
            raise InvalidRequest("there is more than one Content-Type field")
        return read_body(types[0] if types else None, await self.body(MAX_BODY_BYTES))


Endpoint = Callable[[EndpointCall], Awaitable[Reply]]
"""Answers a call; raises an ``AuthError`` where it cannot."""


@dataclass(frozen=True, slots=True)
class EndpointRoute:
    """One endpoint: its method, its path, which may end in ``/{id}``, and a summary for the OpenAPI description."""

    method: str
    path: str
    summary: str
    endpoint: Endpoint = field(repr=False)
    #: The whole OpenAPI operation, where ``routes`` does not know it by its name.
    operation: Mapping[str, Any] | None = field(default=None, repr=False)
    #: Whether it leads a person on who sent a form of a page.
    answers_forms: bool = False


def cached_reply(media_type: bytes, content: Mapping[str, Any], *, max_age_seconds: int) -> Reply:
    """Return a document that caches may keep for so long."""
    body = json.dumps(content, separators=(",", ":")).encode()
    return Reply(
        200,
        (
            (b"content-type", media_type),
            (b"content-length", b"%d" % len(body)),
            (b"cache-control", b"public, max-age=%d" % max_age_seconds),
        ),
        body,
    )


class Endpoints:
    """
    Find and call our endpoints.

    Args:
        routes: One for each endpoint.
        shares_paths: Whether other methods of our paths are the application's, except for well-known ones.
    """

    def __init__(self, routes: Iterable[EndpointRoute], *, shares_paths: bool = False) -> None:
        self.routes = tuple(routes)
        self._shares_paths = shares_paths
        self._by_path: dict[str, dict[str, Endpoint]] = {}
        for route in self.routes:
            self._by_path.setdefault(route.path, {})[route.method] = route.endpoint
        self._prefixes = tuple(
            path.removesuffix(_PATH_PARAMETER) for path in self._by_path if path.endswith(f"/{_PATH_PARAMETER}")
        )

    def owns(self, method: str, path: str) -> bool:
        """Return whether a request is for one of ours."""
        methods = self._find(path)[0]
        return bool(methods) and (
            not self._shares_paths or _served_as(method) in methods or path.startswith(_WELL_KNOWN)
        )

    async def serve(self, request: Request, body: Body, query: bytes = b"") -> Reply:
        """
        Answer *request*, which is for one of ours.

        Raises:
            MethodNotAllowed: If the path does not have this method.
            AuthError: If the endpoint refuses the request.
        """
        methods, item = self._find(request.path)
        endpoint = methods.get(_served_as(request.method))
        if endpoint is None:
            raise MethodNotAllowed(tuple(sorted([*methods, *(["HEAD"] if "GET" in methods else [])])))
        return await endpoint(EndpointCall(request, body, item, query))

    def _find(self, path: str) -> tuple[Mapping[str, Endpoint], str]:
        """Return the endpoints at *path* by their methods, none where it is not ours, and the value of ``{id}``."""
        found = self._by_path.get(path)
        if found is not None:
            return found, ""
        for prefix in self._prefixes:
            item = path[len(prefix) :]
            if item and path.startswith(prefix) and "/" not in item:
                return self._by_path[prefix + _PATH_PARAMETER], item
        return {}, ""


def _served_as(method: str) -> str:
    return "GET" if method == "HEAD" else method
