"""Integrate with Starlette and FastAPI: the identity of a request or a WebSocket, as a dependency or a call."""

from starlette.requests import HTTPConnection

from safeconduct.errors import MissingCredential
from safeconduct.principal import Identity, Principal


def identity(connection: HTTPConnection) -> Identity:
    """
    Return who is asking.

    Raises:
        LookupError: If the middleware is missing.
    """
    try:
        found: Identity = connection.scope["safeconduct"]
    except KeyError:
        raise LookupError("this connection did not come through safeconduct.asgi.AuthMiddleware") from None
    return found


def principal(connection: HTTPConnection) -> Principal:
    """
    Return the principal who is asking; in FastAPI: ``user: Annotated[Principal, Depends(principal)]``.

    Raises:
        MissingCredential: If the caller is an ``Anonymous``; if it is not caught, the answer is 401.
        LookupError: If the middleware is missing.
    """
    found = identity(connection)
    if not isinstance(found, Principal):
        raise MissingCredential
    return found
