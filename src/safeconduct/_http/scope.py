"""Read a request from an ASGI scope, and prepare the scope that the application gets."""

from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from typing import Any, Final

from safeconduct._http.cookies import COOKIES_AS_THEY_CAME, fields_without
from safeconduct._http.nesting import mounts_in
from safeconduct._http.paths import relative_path
from safeconduct._http.request import Field, PageFields, Request, RequestReader, Route, listed, read_fields
from safeconduct.errors import InvalidRequest

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

_AUTHORIZATION_BYTES: Final = len("authorization")
_COOKIE_BYTES: Final = len(b"cookie")
_ORIGIN_BYTES: Final = len("origin")
_TOKEN_BYTES: Final = len("x-csrf-token")
_SITE_BYTES: Final = len("sec-fetch-site")
_REFERER_BYTES: Final = len("referer")


def route_of(scope: Scope) -> Route:
    """Return method and path as the server gave them; a WebSocket handshake is a GET."""
    return scope.get("method", "GET"), scope["path"], scope.get("root_path", ""), scope.get("raw_path")


def is_secure(scope: Scope) -> bool:
    """Return whether the request came over TLS, according to the server."""
    return scope.get("scheme") in {"https", "wss"}


def read_scope(scope: Scope) -> Request:
    """Return the request that *scope* describes; its headers must be a list or a tuple."""
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
        is_secure=is_secure(scope),
        is_websocket=is_websocket,
        client_host=client[0] if client and hasattr(client, "__getitem__") else None,
        query=scope.get("query_string", b""),
        mounts=mounts_in(scope),
    )


def credential_fields(fields: Sequence[Field]) -> tuple[bytes | None, int, bytes | None, int]:
    """Return the last ``Authorization`` field and how many there are, and the same of ``Cookie``."""
    credential = line = None
    credentials = cookies = 0
    for name, value in fields:
        # The size first: it tells nearly every other name apart, and costs less than a comparison of bytes.
        size = len(name)
        if size == _AUTHORIZATION_BYTES:
            if name.lower() == b"authorization":
                credential = value
                credentials += 1
        elif size == _COOKIE_BYTES and name.lower() == b"cookie":
            line = value
            cookies += 1
    return credential, credentials, line, cookies


def authorization_fields(fields: Sequence[Field]) -> tuple[bytes | None, int, None, int]:
    """Return the same without looking for ``Cookie``."""
    credential = None
    credentials = 0
    for name, value in fields:
        if len(name) == _AUTHORIZATION_BYTES and name.lower() == b"authorization":
            credential = value
            credentials += 1
    return credential, credentials, None, 0


def joined_cookies(fields: Sequence[Field]) -> bytes:
    """Return the ``Cookie`` fields joined into one (RFC 9113 §8.2.3)."""
    return b"; ".join(value for name, value in fields if len(name) == _COOKIE_BYTES and name.lower() == b"cookie")


def page_of(scope: Scope) -> PageFields | None:
    """Return the fields that show which page sent a request; None if one of them comes twice."""
    origin = site = referer = token = None
    is_repeated = False
    # Their sizes differ, and nearly no other field has one of them.
    for name, value in scope["headers"]:
        size = len(name)
        if size == _ORIGIN_BYTES:
            if name.lower() == b"origin":
                is_repeated, origin = is_repeated or origin is not None, value
        elif size == _TOKEN_BYTES:
            if name.lower() == b"x-csrf-token":
                is_repeated, token = is_repeated or token is not None, value
        elif size == _SITE_BYTES:
            if name.lower() == b"sec-fetch-site":
                is_repeated, site = is_repeated or site is not None, value
        elif size == _REFERER_BYTES and name.lower() == b"referer":
            is_repeated, referer = is_repeated or referer is not None, value
    return None if is_repeated else (origin, site, referer, token)


def hide_cookies(scope: Scope, names: frozenset[bytes], line: bytes | None = None, rest: bytes | None = None) -> None:
    """
    Remove the cookies of these names from *scope*, which keeps the fields as they came in another place.

    Args:
        scope: The scope, which is changed.
        names: The names of the hidden cookies.
        line: The only ``Cookie`` field; None where there are several, or it has not been read.
        rest: *line* without these cookies; None where that is not known yet.
    """
    fields = scope["headers"]
    if line is None or rest is None:
        scope["headers"] = fields_without(fields, names)
        scope.setdefault(COOKIES_AS_THEY_CAME, joined_cookies(fields).__bytes__)
        return
    changed, at = [*fields], len(fields) - 1
    # Browsers send it among the last.
    while fields[at][1] is not line or fields[at][0].lower() != b"cookie":
        at -= 1
    changed[at] = (b"cookie", rest)
    scope["headers"] = changed
    if COOKIES_AS_THEY_CAME not in scope:
        scope[COOKIES_AS_THEY_CAME] = line.__bytes__


def readable_again(scope: Scope) -> Scope:
    """
    Return *scope*, or a copy of it with lists instead of iterators, which only the first reader could use.

    ASGI allows any iterable as ``headers``, ``client`` and ``server``, and Falcon's test client passes iterators.
    """
    copied: dict[str, Any] = {}
    headers = scope["headers"]
    if not isinstance(headers, (list, tuple)):
        copied["headers"] = listed(headers)
    for name in ("client", "server"):
        address = scope.get(name)
        if address is not None and not isinstance(address, (list, tuple)):
            copied[name] = tuple(address)
    return {**scope, **copied} if copied else scope


def without_subprotocol_token(scope: Scope) -> Scope:
    """Return the entries that replace those of *scope*, without the token among its subprotocols."""
    # The word "bearer" stays: the application may accept it, and where it accepts none, we do so for it.
    fields = [(name, value) for name, value in scope["headers"] if name.lower() != b"sec-websocket-protocol"]
    return {"subprotocols": ["bearer"], "headers": [*fields, (b"sec-websocket-protocol", b"bearer")]}


def body_of(receive: Receive) -> Callable[[int], Awaitable[bytes]]:
    """Return a function that reads the body from *receive*, up to a limit."""

    async def read(limit_bytes: int) -> bytes:
        body = bytearray()
        more = True
        while more and len(body) <= limit_bytes:
            message = await receive()
            if message["type"] != "http.request":
                raise InvalidRequest("the body ended too early")
            body += message.get("body", b"")
            more = message.get("more_body", False)
        return bytes(body)

    return read


READER: Final = RequestReader(page_of, is_secure, read_scope)
"""Reads the requests of ASGI for the fast path."""
