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

from safeconduct._core.decision import Passed
from safeconduct._core.gate import Gate
from safeconduct._core.watch import Watch
from safeconduct._http.event_stream import is_event_stream
from safeconduct._http.message import Request
from safeconduct._watching.line import Line, Message, Scope, Send, extend, outer_extend
from safeconduct.errors import AuthError, MissingCredential
from safeconduct.principal import Principal

Answer = Callable[[AuthError], Awaitable[None]]


class WatchedResponse:
    """
    Pass a response on, and watch it from the message on that makes it one to watch.

    Made for nearly every request: everything that is not asked at once waits until it is wanted.

    Args:
        gate: Whose watching decides.
        passed: What the request rests on.
        read: Reads the request out of its scope.
        scope: The request as it came.
        send: The server's, or what stands in front of it.
    """

    __slots__ = ("_answer", "_gate", "_is_begun", "_is_stream", "_passed", "_read", "_scope", "_send", "_watch", "line")

    def __init__(self, gate: Gate, passed: Passed, read: Callable[[Scope], Request], scope: Scope, send: Send) -> None:
        self._gate = gate
        self._passed = passed
        self._read = read
        self._scope = scope
        self._send = send
        self._answer: Answer | None = None
        self._watch: Watch | None = None
        self._is_begun = False
        self._is_stream = False
        #: None while it is a response like any other.
        self.line: Line | None = None

    async def send(self, message: Message) -> None:
        """Pass *message* on."""
        if message["type"] == "http.response.start" and is_event_stream(message.get("headers", ())):
            # Nobody's never ends.
            self._is_stream = self._passed.proof is not None
        if self._is_stream or self.line is not None:
            await (self.line or self.open()).send(message)
        else:
            await self._send(message)

    async def extend(self, token: str) -> Principal:
        """
        Let the response rest on *token* from now on.

        Raises:
            AuthError: If the token does not count here, or does not meet the requirement; or nobody was let through.
        """
        if self.line is not None:
            return await self.line.extend(token)
        return await extend(self._gate.watching, self._watched(), token, outer_extend(self._gate, self._scope))

    def open(self, answer: Answer | None = None) -> Line:
        """Watch from now on; *answer* refuses the request where the response has not begun."""
        self._answer = answer
        self.line = Line(
            self._gate,
            self._watched(),
            self._send,
            is_last=self._is_last,
            end=self._end,
            outer=outer_extend(self._gate, self._scope),
        )
        return self.line

    def _watched(self) -> Watch:
        if self._watch is None:
            self._watch = self._gate.watch(self._passed, self._read(self._scope))
        if self._watch is None:
            raise MissingCredential("nobody's response rests on nothing")
        return self._watch

    def _is_last(self, message: Message) -> bool:
        # Of each message that has been sent.
        self._is_begun = True
        return message["type"] == "http.response.body" and not message.get("more_body", False)

    async def _end(self, error: AuthError) -> None:
        if not self._is_begun and self._answer is not None:
            await self._answer(error)
            return
        # For what it tells the listeners; there is nobody left to answer.
        self._gate.answer(error, self._watched().request)
        if self._is_stream:
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})
