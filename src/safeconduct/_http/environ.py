"""Read a request from a WSGI environ."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from safeconduct._http.nesting import mounts_in
from safeconduct._http.paths import decode_path_info, decode_script_name
from safeconduct._http.request import PageFields, Request, RequestReader, Route
from safeconduct.errors import InvalidRequest

Environ = dict[str, Any]

#: ``Content-Type`` has a name of its own in an environ (PEP 3333).
_KEYS = {b"authorization": "HTTP_AUTHORIZATION", b"cookie": "HTTP_COOKIE", b"content-type": "CONTENT_TYPE"}
#: Servers that drop a field with an underscore in its name.  Some others join it with the field that has a hyphen
#: there: hypercorn, which does not name itself, wsgiref, and bridges that call a WSGI application from ASGI.
_DROPS_UNDERSCORES = ("gunicorn/", "waitress", "Werkzeug/", "gevent/", "Cheroot/", "Apache/")


def route_of(environ: Environ) -> Route:
    """Return method and path as the server gave them."""
    get = environ.get
    # Not in PEP 3333: gunicorn and werkzeug have RAW_URI, eventlet RAW_PATH_INFO, most others REQUEST_URI.
    target: str | None = get("RAW_URI") or get("REQUEST_URI") or get("RAW_PATH_INFO")
    raw_path = None if target is None else _raw_path(target)
    return environ["REQUEST_METHOD"], get("PATH_INFO", ""), get("SCRIPT_NAME", ""), raw_path


def is_secure(environ: Environ) -> bool:
    """Return whether the request came over TLS, according to the server."""
    return bool(environ["wsgi.url_scheme"] == "https")


def read_environ(environ: Environ) -> Request:
    """
    Return the request that *environ* describes.

    Raises:
        InvalidRequest: If the path is not UTF-8.
    """

    def values(name: bytes) -> list[bytes]:
        key = _KEYS.get(name) or _key(name)
        value = environ.get(key)
        if value is None or (value == "" and key == "CONTENT_TYPE"):
            return []
        return [value.encode("latin-1")]

    route = method, path_info, script_name, raw_path = route_of(environ)
    return Request(
        route,
        method,
        decode_path_info(path_info),
        decode_script_name(script_name),
        raw_path,
        values,
        is_secure=is_secure(environ),
        is_websocket=False,
        client_host=environ.get("REMOTE_ADDR"),
        query=environ.get("QUERY_STRING", "").encode("latin-1"),
        merges_spellings=not environ.get("SERVER_SOFTWARE", "").startswith(_DROPS_UNDERSCORES),
        mounts=mounts_in(environ),
    )


def page_of(environ: Environ) -> PageFields:
    """Return the fields that show which page sent a request."""
    get = environ.get
    origin, site, referer = get("HTTP_ORIGIN"), get("HTTP_SEC_FETCH_SITE"), get("HTTP_REFERER")
    token = get("HTTP_X_CSRF_TOKEN")
    return (
        None if origin is None else origin.encode("latin-1"),
        None if site is None else site.encode("latin-1"),
        None if referer is None else referer.encode("latin-1"),
        None if token is None else token.encode("latin-1"),
    )


def read_as_it_came(environ: Environ, route: Route) -> Request:
    """Return the request with its original *route*, since a dispatcher below us may have changed the path."""
    return read_environ({**environ, "PATH_INFO": route[1], "SCRIPT_NAME": route[2]})


def _key(name: bytes) -> str:
    return "HTTP_" + name.decode("ascii").upper().replace("-", "_")


def _raw_path(target: str) -> bytes:
    # It may be in absolute form.  A fragment is kept, also one after the query, so that it is refused.
    return (target if "#" in target else target.partition("?")[0]).encode("latin-1", "replace")


def body_of(environ: dict[str, Any]) -> Callable[[int], Awaitable[bytes]]:
    """Return a function that reads the body of *environ*, up to a limit."""

    async def read(limit_bytes: int) -> bytes:
        length = environ.get("CONTENT_LENGTH") or ""
        stream = environ["wsgi.input"]
        if not length:
            # Without a length there is a body only where the server says that it ends the stream itself.
            return _read(stream, limit_bytes + 1) if environ.get("wsgi.input_terminated") else b""
        if not (length.isascii() and length.isdigit()):
            raise InvalidRequest("Content-Length is not a number")
        wanted = min(int(length[:10]), limit_bytes + 1)
        body = _read(stream, wanted)
        if len(body) < wanted:
            raise InvalidRequest("the body ended too early")
        return body

    return read


def _read(stream: Any, count: int) -> bytes:
    chunks: list[bytes] = []
    missing = count
    try:
        while missing > 0 and (chunk := stream.read(missing)):
            chunks.append(chunk)
            missing -= len(chunk)
    # Where the client has gone, servers raise errors of their own, without a common base class.
    except Exception as error:
        raise InvalidRequest("the body ended too early") from error
    return b"".join(chunks)


READER: Final = RequestReader(page_of, is_secure, read_environ)
"""Reads the requests of WSGI for the fast path."""
