"""Read the request that an application hands to one of our functions, in the form in which its framework has it."""

from collections.abc import MutableMapping
from typing import Any, Final, TypeGuard

from safeconduct._http.cookies import COOKIES_AS_THEY_CAME
from safeconduct._http.environ import read_environ
from safeconduct._http.request import FieldReader, Request
from safeconduct._http.scope import read_scope, readable_again

GivenRequest = MutableMapping[str, Any] | object
"""An ASGI scope, a WSGI environ, or a request of a framework, which carries one of them."""

#: Where the requests of frameworks carry it: Starlette, Litestar, Quart, Django behind ASGI; Flask, Pyramid, Bottle,
#: Django behind WSGI; Falcon.
_CARRIERS: Final = ("scope", "environ", "env", "META")


def read_given(given: GivenRequest) -> Request:
    """
    Return *given* as a request, with the cookies that were hidden from the application.

    Raises:
        TypeError: If it is no request.
    """
    carried = [given, *(getattr(given, name, None) for name in _CARRIERS)]
    for table in carried:
        if _is_table(table):
            if "REQUEST_METHOD" in table:
                return _with_cookies(read_environ(dict(table)), table, table.get("asgi.scope"))
            if "headers" in table and "path" in table:
                return _with_cookies(read_scope(readable_again(table)), table)
    kind = type(given).__name__
    raise TypeError(f"request: got {kind}, wanted an ASGI scope, a WSGI environ, or a request that carries one")


def _is_table(value: object) -> TypeGuard[MutableMapping[str, Any]]:
    return isinstance(value, MutableMapping)


def _with_cookies(request: Request, *tables: object) -> Request:
    for table in tables:
        kept = table.get(COOKIES_AS_THEY_CAME) if _is_table(table) else None
        if kept is not None:
            request.values = _with_line(request.values, kept())
            break
    return request


def _with_line(values: FieldReader, line: bytes) -> FieldReader:
    return lambda name: [line] if name == b"cookie" else values(name)
