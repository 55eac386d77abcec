"""
A response behind ASGI, which may turn out to be a stream of events when it begins.

How a response ends that is cut:

========================  ==============================================================================================
it is                     what the client sees
========================  ==============================================================================================
not begun                 the refusal, as for any request
a stream of events        its end: an event that is not whole is dropped by the client, which connects again and is
                          answered anew (HTML §9.2.6)
anything else             a connection that breaks, so that half a response is not taken for a whole one
========================  ==============================================================================================
"""

from collections.abc import Awaitable, Callable

from safeconduct._core.gate import Gate
from safeconduct._core.watch import Watch
from safeconduct._http.event_stream import is_event_stream
from safeconduct._watching.line import Extend, Line, Message, Send
from safeconduct.errors import AuthError

Answer = Callable[[AuthError], Awaitable[None]]


class WatchedResponse:
    """
    Pass a response on, until it is whole or cut.

    Args:
        gate: Whose watching decides.
        watch: What the response rests on.
        send: The server's, or what stands in front of it.
        outer: What extends the response for a middleware around this one.
        answer: Refuses the request where the response has not begun; None where it has.
    """

    __slots__ = ("_answer", "_gate", "_is_begun", "_is_stream", "_send", "line")

    def __init__(
        self, gate: Gate, watch: Watch, send: Send, *, outer: Extend | None = None, answer: Answer | None = None
    ) -> None:
        self._gate = gate
        self._send = send
        self._answer = answer
        self._is_begun = False
        self._is_stream = False
        self.line = Line(gate, watch, send, is_last=self._is_last, end=self._end, outer=outer)

    def _is_last(self, message: Message) -> bool:
        # Asked of each message that has been sent.
        if message["type"] == "http.response.start":
            self._is_begun, self._is_stream = True, is_event_stream(message.get("headers", ()))
        return message["type"] == "http.response.body" and not message.get("more_body", False)

    async def _end(self, error: AuthError) -> None:
        if not self._is_begun and self._answer is not None:
            await self._answer(error)
            return
        # For what it tells the listeners; there is nobody left to answer.
        self._gate.answer(error, self.line.watch.request)
        if self._is_stream:
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})
