"""Describe a refused request for the log and for the listeners."""

import re
from collections.abc import Callable, Iterable
from typing import Final, TypedDict

from safeconduct._core.log_lines import printable
from safeconduct._http.forwarded import Proxies, client_of, network_of
from safeconduct._http.request import Request
from safeconduct.errors import AuthError, BadCredentials, InvalidToken, TooManyAttempts
from safeconduct.events import Event, RequestRefused, TokenRefused

_LONGEST_PATH: Final = 200
_LONGEST_METHOD: Final = 32
# The name and the limit are those that proxies and frameworks use; a value that is none of theirs is left out,
# and one with a comma, by which a WSGI server joins two.
_REQUEST_ID: Final = re.compile(rb"[!-+\--~]{1,128}")


class RequestDetails(TypedDict):
    """What every refusal says of its request."""

    method: str
    path: str
    route: str | None
    network: str
    request_id: str | None


class Refusals:
    """
    Announce refusals.

    Args:
        trusted: ``proxies.trusted`` of the configuration.
        announce: Sends an event to the listeners.
    """

    def __init__(self, trusted: Iterable[str], announce: Callable[[Event], None]) -> None:
        self.announce = announce
        self._proxies = Proxies.of(trusted)

    def report(self, error: AuthError, request: Request | None) -> None:
        """Announce that *request* was refused by *error*; None is one that could not be parsed at all."""
        self.announce(self._event(error, request))

    def _event(self, error: AuthError, request: Request | None) -> RequestRefused:
        details = self.details(request)
        if isinstance(error, (InvalidToken, TooManyAttempts)):
            scheme = "basic" if isinstance(error, (BadCredentials, TooManyAttempts)) else "token"
            return TokenRefused(
                status=error.status, error=type(error).__name__, reason=error.reason, scheme=scheme, **details
            )
        return RequestRefused(status=error.status, error=type(error).__name__, reason=error.reason, **details)

    def details(self, request: Request | None) -> RequestDetails:
        """Return what is said of *request*; each text is bounded, and printable."""
        if request is None:
            return {"method": "", "path": "", "route": None, "network": "", "request_id": None}
        return {
            "method": printable(request.method, at_most=_LONGEST_METHOD),
            "path": printable(request.root_path + request.path, at_most=_LONGEST_PATH),
            "route": None
            if request.template is None
            else printable(request.root_path + request.template, at_most=_LONGEST_PATH),
            "network": network_of(client_of(request, self._proxies).address),
            "request_id": _request_id(request),
        }


def _request_id(request: Request) -> str | None:
    values = request.values(b"x-request-id")
    if len(values) != 1 or _REQUEST_ID.fullmatch(values[0]) is None:
        return None
    return values[0].decode("ascii")
