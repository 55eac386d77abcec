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

Look at how a response begins, which tells whether it is a stream of events.

Made for nearly every request, so that it does as little as can be done: one look at the fields of the response.
"""

import inspect
from collections.abc import Awaitable, Callable
from typing import Any, Final

from safeconduct._connections.watched_connection import Extend, Message, Scope, Send, WatchedConnection
from safeconduct._core.connection_checks import Watch
from safeconduct._core.decision import Passed
from safeconduct._core.gate import Gate
from safeconduct._http.request import listed
from safeconduct._http.response_headers import is_event_stream
from safeconduct.errors import AuthError, NotSupported
from safeconduct.principal import Principal

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
        self.line = WatchedConnection(gate, watch, send, is_last=self._is_last, end=self._end, outer=outer)

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


#: Small or capital, the sixth octet of the type; nearly no other type has it.
_E: Final = ord("e")
_SMALL: Final = 0x20
_SHORTEST: Final = len("text/event-stream")

WatchStream = Callable[[Passed, Scope, Send], WatchedConnection | None]


class SseDetector:
    """
    Pass a response on, and have it watched where it begins as a stream of events.

    Args:
        watch: Begins to watch.
        passed: What the request rests on.
        scope: The request as it came.
        send: The server's, or what stands in front of it.
    """

    __slots__ = ("_passed", "_scope", "_send", "_watch", "line")

    def __init__(self, watch: WatchStream, passed: Passed, scope: Scope, send: Send) -> None:
        self._watch = watch
        self._passed = passed
        self._scope = scope
        self._send = send
        #: None while it is a response like any other.
        self.line: WatchedConnection | None = None

    def send(self, message: Message) -> Awaitable[None]:
        """Pass *message* on.  A plain function, because a frame of a coroutine would cost more than all it does."""
        if self.line is not None:
            return self.line.send(message)
        if message["type"] == "http.response.start":
            fields = message.get("headers", ())
            if fields.__class__ is not list:
                fields = listed(fields)
                message = {**message, "headers": fields}
            for field in fields:
                value = field[1]
                if len(value) >= _SHORTEST and value[5] | _SMALL == _E and is_event_stream((field,)):
                    self.line = self._watch(self._passed, self._scope, self._send)
                    return self._send(message) if self.line is None else self.line.send(message)
        return self._send(message)

    async def extend(self, token: str) -> Principal:
        """
        Let the stream of events rest on *token* from now on; see ``WatchedConnection.extend``.

        Raises:
            NotSupported: If nothing is watched: the response is none, or has not begun.
            AuthError: If the token does not count here, or the stream is over.
        """
        if self.line is None:
            raise NotSupported("neither a stream of events that has begun nor a response under long_lived")
        return await self.line.extend(token)


def mark_awaitable(function: Callable[..., Any]) -> None:
    """
    Mark *function* as one whose result is to be awaited, as ``async def`` does.

    asgiref warns of others.  Until Python 3.12 the mark is asyncio's, so that this is not done by an import.
    """
    mark = getattr(inspect, "markcoroutinefunction", None)
    if mark is not None:  # pragma: no cover - which one runs depends on the version
        mark(function)
    else:  # pragma: no cover - as above
        from asyncio import coroutines  # noqa: PLC0415 - see above

        vars(function)["_is_coroutine"] = vars(coroutines)["_is_coroutine"]
