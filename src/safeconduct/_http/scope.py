"""An ASGI scope: the request that it describes, and what the application may find of it."""

from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any, Final

from safeconduct._http.paths import relative_path
from safeconduct._http.request import Field, Request, Route, listed, read_fields
from safeconduct.errors import InvalidRequest

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

_COOKIE_BYTES: Final = len(b"cookie")


def route_of(scope: Scope) -> Route:
    """Return what the server said of method and path; a handshake is a GET."""
    return scope.get("method", "GET"), scope["path"], scope.get("root_path", ""), scope.get("raw_path")


def read_scope(scope: Scope) -> Request:
    """Return the request that *scope* describes, which can be read more than once."""
    root_path = scope.get("root_path", "")
    path = scope["path"]
    client = scope.get("client")
    is_websocket = scope["type"] == "websocket"
    return Request(
        route_of(scope),
        "GET" if is_websocket else scope["method"],
        relative_path(path, root_path) if root_path else path,
        root_path,
        scope.get("raw_path"),
        read_fields(scope["headers"]),
        is_secure=scope.get("scheme") in {"https", "wss"},
        is_websocket=is_websocket,
        client_host=client[0] if client and hasattr(client, "__getitem__") else None,
    )


def cookie_line(fields: Sequence[Field]) -> bytes | None:
    """Return every ``Cookie`` field as one (RFC 9113 §8.2.3), None where there is none."""
    values = [value for name, value in fields if len(name) == _COOKIE_BYTES and name.lower() == b"cookie"]
    return b"; ".join(values) if values else None


def readable_again(scope: Scope) -> Scope:
    """
    Return *scope* so that the application reads what we have read: itself, or a copy with lists for iterators.

    ``headers``, ``client`` and ``server`` are iterables (ASGI), and Falcon's test client hands on iterators.
    """
    own: dict[str, Any] = {}
    headers = scope["headers"]
    if not isinstance(headers, (list, tuple)):
        own["headers"] = listed(headers)
    for name in ("client", "server"):
        address = scope.get(name)
        if address is not None and not isinstance(address, (list, tuple)):
            own[name] = tuple(address)
    return {**scope, **own} if own else scope


def without_subprotocol_token(scope: Scope) -> Scope:
    """Return what *scope* says of subprotocols when the token among them is taken out."""
    # What is left is the word "bearer", which the application may choose and we choose for it otherwise.
    fields = [(name, value) for name, value in scope["headers"] if name.lower() != b"sec-websocket-protocol"]
    return {"subprotocols": ["bearer"], "headers": [*fields, (b"sec-websocket-protocol", b"bearer")]}


def body_of(receive: Receive) -> Callable[[int], Awaitable[bytes]]:
    """Return what reads the body that *receive* brings."""

    async def read(limit_bytes: int) -> bytes:
        body = bytearray()
        more = True
        while more and len(body) <= limit_bytes:
            message = await receive()
            if message["type"] != "http.request":
                raise InvalidRequest("the body broke off")
            body += message.get("body", b"")
            more = message.get("more_body", False)
        return bytes(body)

    return read
