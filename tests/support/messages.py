"""Requests for tests of what decides on them, without an adapter."""

from collections.abc import Sequence
from typing import Any

from safeconduct._http.request import Field, Request, read_fields

_USUAL: dict[str, Any] = {
    "path": "/",
    "root_path": "",
    "raw_path": None,
    "is_secure": True,
    "is_websocket": False,
    "client_host": "192.0.2.1",
}


def request_with(*fields: Field, method: str = "GET", **named: Any) -> Request:
    """Return a request with these header fields, and the usual value of everything that *named* does not tell."""
    lower: Sequence[Field] = [(name.lower(), value) for name, value in fields]
    told = {**_USUAL, **named}
    route = (method, told["path"], told["root_path"], told["raw_path"])
    return Request(route, method, values=read_fields(lower), **told)
