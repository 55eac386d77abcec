"""Keep the identity while a response of Django streams, and end the responses that are watched."""

from collections.abc import AsyncIterator, Iterator
from typing import Any, Final

from django.http import FileResponse

from safeconduct._core.connection_checks import Watch
from safeconduct._core.decision import Passed
from safeconduct._core.gate import Gate
from safeconduct._core.run_sync import run_sync
from safeconduct._http.response_headers import is_native_event_stream
from safeconduct.django.http import RequestState
from safeconduct.errors import AuthError
from safeconduct.guard import PASSED

_NEVER: Final = float("-inf")


class StreamWatch:
    """
    Check before each chunk whether a response may go on.

    Args:
        gate: Decides about it.
        watch: What the response depends on.
        is_stream: Whether it is a stream of events, which may end early; any other response breaks off.
    """

    def __init__(self, gate: Gate, watch: Watch, *, is_stream: bool) -> None:
        self._gate = gate
        self._watch = watch
        self._is_stream = is_stream
        self._asked_at = _NEVER

    async def refusal(self) -> AuthError | None:
        """Return why the response ends before its next chunk; None if it may go on."""
        checks, watch = self._gate.connection_checks, self._watch
        now = checks.clock()
        is_doubtful = bool(checks.newly_doubtful((watch,)))
        if is_doubtful or not 0 <= now - self._asked_at < checks.staleness_seconds:
            self._asked_at = now
            error = (await checks.refusals((watch,))).get(watch)
            if error is not None:
                return error
        return await checks.check_expiry(watch) if checks.is_expired(watch) else None

    async def may_go_on(self) -> bool:
        """
        Say whether the next chunk may be sent.

        Raises:
            AuthError: If it may not, and what was sent must not be taken for a whole response.
        """
        error = await self.refusal()
        if error is None:
            return True
        # Only for the event that it announces.
        self._gate.answer(error, self._watch.request)
        if self._is_stream:
            return False
        raise error


def watch_of(state: RequestState, response: Any) -> StreamWatch | None:
    """Return what watches *response*, None if nothing has to."""
    gate, request = state.gate, state.request
    is_stream = is_native_event_stream(response.items())
    if not is_stream and not (gate.has_long_lived and gate.watches(request)):
        return None
    watch = gate.watch(state.passed, request)
    return None if watch is None else StreamWatch(gate, watch, is_stream=is_stream)


def keep_identity(response: Any, passed: Passed, watch: StreamWatch | None) -> None:
    """Let each step of a streamed body see the identity, and be checked by *watch*."""
    if not response.streaming or (watch is None and isinstance(response, FileResponse)):
        # A server sends a file itself.
        return
    steps: Any = response.streaming_content
    response.streaming_content = _awaited(steps, passed, watch) if response.is_async else _steps(steps, passed, watch)


def _steps(steps: Iterator[bytes], passed: Passed, watch: StreamWatch | None) -> Iterator[bytes]:
    while True:
        before = PASSED.set(passed)
        try:
            chunk = next(steps, None)
        finally:
            PASSED.reset(before)
        if chunk is None or (watch is not None and not run_sync(watch.may_go_on())):
            return
        yield chunk


async def _awaited(steps: AsyncIterator[bytes], passed: Passed, watch: StreamWatch | None) -> AsyncIterator[bytes]:
    while True:
        before = PASSED.set(passed)
        try:
            chunk = await anext(steps, None)
        finally:
            PASSED.reset(before)
        if chunk is None or (watch is not None and not await watch.may_go_on()):
            return
        yield chunk
