"""
A response behind WSGI: nothing can stop it from outside, so one that is watched is looked at before each chunk.

A chunk that was made after the end is not sent.  A stream of events ends there; anything else breaks, so that half a
response is not taken for a whole one.
"""

from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, Final

from safeconduct._core.connection_checks import Watch
from safeconduct._core.decision import Passed
from safeconduct._core.gate import Gate
from safeconduct._core.run_sync import run_sync
from safeconduct._http.request import Reply, Request, Route
from safeconduct._http.response_headers import is_native_event_stream
from safeconduct.errors import AuthError

ExcInfo = tuple[type[BaseException], BaseException, TracebackType]
StartResponse = Callable[..., Callable[[bytes], object]]

#: Before any clock.
_NEVER: Final = float("-inf")


class WatchedBody:
    """
    Note whether a response is one to watch, and look whether it may go on.

    Made for nearly every request: everything that is not asked at once waits until it is wanted.

    Args:
        gate: Whose watching decides.
        passed: What the request rests on.
        read: Reads the request as it came, out of the two that follow.
        environ: The request as it is by now.
        route: What the server said of method and path.
        start_response: The server's, or what stands in front of it.
    """

    __slots__ = ("_asked_at", "_environ", "_gate", "_is_stream", "_passed", "_read", "_route", "_start_response",
                 "_watch", "is_watched")  # fmt: skip

    def __init__(
        self,
        gate: Gate,
        passed: Passed,
        read: Callable[[dict[str, Any], Route], Request],
        environ: dict[str, Any],
        route: Route,
        start_response: StartResponse,
    ) -> None:
        #: Whether it is looked at before each chunk: because of a rule, or of what it is.
        self.is_watched = False
        self._gate = gate
        self._passed = passed
        self._read = read
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
        if not isinstance(headers, (list, tuple)):
            # PEP 3333 wants a list; servers are content with an iterator, and would find nothing left in it.
            headers = list(headers)
        if is_native_event_stream(headers):
            self.is_watched = self._is_stream = True
        # Some servers take two arguments only, where nothing went wrong.
        return self._start_response(status, headers, exc_info) if exc_info else self._start_response(status, headers)

    @property
    def request(self) -> Request:
        """What was asked, as it came: a dispatcher below may have moved the path meanwhile."""
        return self._read(self._environ, self._route)

    def answer(self, error: AuthError) -> Reply:
        """Return what answers *error*."""
        return self._gate.answer(error, self.request)

    def refusal(self) -> AuthError | None:
        """Return why a watched response ends before its next chunk; None where it may go on."""
        watch = self._watch or self._gate.watch(self._passed, self.request)
        if watch is None:
            # Nobody's never ends.
            self.is_watched = False
            return None
        self._watch = watch
        return self._refusal(watch)

    def may_go_on(self) -> bool:
        """
        Say whether the next chunk of a watched response that has begun may be sent, or it ends before it.

        Raises:
            AuthError: If it ends and must not be taken for whole.
        """
        refusal = self.refusal()
        if refusal is None:
            return True
        # For what it tells the listeners; there is nobody left to answer.
        self.answer(refusal)
        if self._is_stream:
            return False
        raise refusal

    def _refusal(self, watch: Watch) -> AuthError | None:
        watching = self._gate.watching
        try:
            refusal = self._end_by_store(watch)
            if refusal is None and watching.is_late(watch):
                refusal = run_sync(watching.lateness(watch))
        except RuntimeError as fault:
            # A port suspended, which none made for this world does.
            return self._gate.fault(fault).error
        return refusal

    def _end_by_store(self, watch: Watch) -> AuthError | None:
        watching = self._gate.watching
        now = watching.clock()
        if 0 <= now - self._asked_at < watching.staleness_seconds:
            return None
        self._asked_at = now
        return run_sync(watching.refusals((watch,))).get(watch)
