"""
Watch a WSGI response, which nothing can stop from outside: check before each chunk whether it may go on.

A chunk that was made after the credential ended is not sent.  A stream of events ends there; any other response breaks,
so that half of it is not taken for the whole.
"""

from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, Final

from safeconduct._core.connection_checks import Watch
from safeconduct._core.decision import Passed
from safeconduct._core.gate import Gate
from safeconduct._core.run_sync import run_sync
from safeconduct._http.environ import read_as_it_came
from safeconduct._http.request import Reply, Request, Route
from safeconduct._http.response_headers import NATIVE_PRIVATE, is_native_event_stream, private
from safeconduct.errors import AuthError

ExcInfo = tuple[type[BaseException], BaseException, TracebackType]
StartResponse = Callable[..., Callable[[bytes], object]]

_NEVER: Final = float("-inf")


class WatchedBody:
    """
    Note whether a response is one to watch, and check whether it may go on.  Mark it as private if a cookie let it in.

    One is made for nearly every request, so everything that is not needed at once waits until it is.

    Args:
        gate: Decides whether the response may go on.
        passed: What let the request through.
        environ: The request as it is by now.
        route: Method and path, as the server gave them.
        start_response: Begins the response.
    """

    __slots__ = ("_asked_at", "_environ", "_gate", "_is_stream", "_passed", "_route", "_start_response",
                 "_watch", "has_begun", "is_watched")  # fmt: skip

    def __init__(
        self,
        gate: Gate,
        passed: Passed,
        environ: dict[str, Any],
        route: Route,
        start_response: StartResponse,
    ) -> None:
        #: Whether the response is checked before each chunk: because of a rule, or because it is a stream of events.
        self.is_watched = False
        #: Whether the application has called ``start_response``.
        self.has_begun = False
        self._gate = gate
        self._passed = passed
        self._environ = environ
        self._route = route
        self._start_response = start_response
        self._is_stream = False
        self._watch: Watch | None = None
        self._asked_at = _NEVER

    def start(
        self, status: str, headers: Iterable[tuple[str, str]], exc_info: ExcInfo | None = None
    ) -> Callable[[bytes], object]:
        """Begin the response (PEP 3333)."""
        self.has_begun = True
        if not isinstance(headers, (list, tuple)):
            # PEP 3333 wants a list; servers are content with an iterator, and would find nothing left in it.
            headers = list(headers)
        if is_native_event_stream(headers):
            self.is_watched = self._is_stream = True
        if self._passed.is_by_cookie:
            headers = private(headers, *NATIVE_PRIVATE)
        # Some servers take only two arguments where nothing went wrong.
        return self._start_response(status, headers, exc_info) if exc_info else self._start_response(status, headers)

    @property
    def request(self) -> Request:
        """The request as it came: a dispatcher below may have changed the path in the environ meanwhile."""
        return read_as_it_came(self._environ, self._route)

    def answer(self, error: AuthError) -> Reply:
        """Return the reply to a request that ends with *error*."""
        return self._gate.answer(error, self.request)

    def refusal(self) -> AuthError | None:
        """Return why a watched response ends before its next chunk; None if it may go on."""
        watch = self._watch or self._gate.watch(self._passed, self.request)
        if watch is None:
            # The response to an ``Anonymous`` never ends early.
            self.is_watched = False
            return None
        self._watch = watch
        try:
            return self._refusal_by_store(watch) or self._refusal_by_expiry(watch)
        except RuntimeError as fault:
            # A port suspended, which no port behind WSGI may do.
            return self._gate.fault(fault).error

    def may_go_on(self) -> bool:
        """
        Say whether a watched response that has begun may send its next chunk, or ends before it.

        Raises:
            AuthError: If it ends and must not be taken for a whole response.
        """
        refusal = self.refusal()
        if refusal is None:
            return True
        # Only for the event that it announces: the client can get no other answer any more.
        self.answer(refusal)
        if self._is_stream:
            return False
        raise refusal

    def _refusal_by_store(self, watch: Watch) -> AuthError | None:
        checks = self._gate.connection_checks
        now = checks.clock()
        is_doubtful = bool(checks.newly_doubtful((watch,)))
        if not is_doubtful and 0 <= now - self._asked_at < checks.staleness_seconds:
            return None
        self._asked_at = now
        return run_sync(checks.refusals((watch,))).get(watch)

    def _refusal_by_expiry(self, watch: Watch) -> AuthError | None:
        checks = self._gate.connection_checks
        return run_sync(checks.check_expiry(watch)) if checks.is_expired(watch) else None
