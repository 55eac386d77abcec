"""
Watch an ASGI response: from its beginning under a ``long_lived`` rule, else if it begins as a stream of events.

How a response ends that is cut:

====================  ==================================================================================================
the response          what the client sees
====================  ==================================================================================================
has not begun         the refusal, as for any request
is a stream of        the end of the stream: the client drops an event that is not whole, connects again and is answered
events                anew (HTML §9.2.6)
is anything else      a connection that breaks, so that half a response is not taken for a whole one
====================  ==================================================================================================
"""

import inspect
from collections.abc import Awaitable, Callable
from typing import Any, Final

from safeconduct._connections.watched_connection import Extend, Message, Scope, Send, WatchedConnection
from safeconduct._core.connection_checks import Watch
from safeconduct._core.decision import Passed
from safeconduct._core.gate import Gate
from safeconduct._http.request import listed
from safeconduct._http.response_headers import PRIVATE, is_event_stream, private
from safeconduct.errors import AuthError, NotSupported
from safeconduct.principal import Principal

#: The sixth octet of ``text/event-stream``, in lower case; nearly no other type has it there.
_SIXTH: Final = ord("e")
_LOWER_CASE: Final = 0x20
_SHORTEST: Final = len("text/event-stream")

Refuse = Callable[[AuthError], Awaitable[None]]
WatchStream = Callable[[Passed, Scope, Send], WatchedConnection | None]


class WatchedResponse:
    """
    Pass a response on, until it is whole or cut.

    Args:
        gate: Decides whether the response may go on.
        watch: The credential that the response depends on.
        send: Sends a message to the server.
        outer: Extends the response for an outer middleware of the same ``Auth``; None where there is none.
        refuse: Refuses the request if the response has not begun; None where it has.
    """

    __slots__ = ("_gate", "_is_begun", "_is_stream", "_refuse", "_send", "connection")

    def __init__(
        self, gate: Gate, watch: Watch, send: Send, *, outer: Extend | None = None, refuse: Refuse | None = None
    ) -> None:
        self._gate = gate
        self._send = send
        self._refuse = refuse
        self._is_begun = False
        self._is_stream = False
        self.connection = WatchedConnection(gate, watch, send, is_last=self._is_last, end=self._end, outer=outer)

    def _is_last(self, message: Message) -> bool:
        # Called with each message that has been sent.
        if message["type"] == "http.response.start":
            self._is_begun, self._is_stream = True, is_event_stream(message.get("headers", ()))
        return message["type"] == "http.response.body" and not message.get("more_body", False)

    async def _end(self, error: AuthError) -> None:
        if not self._is_begun and self._refuse is not None:
            await self._refuse(error)
            return
        # Only for the event that it announces: the client can get no other answer any more.
        self._gate.answer(error, self.connection.watch.request)
        if self._is_stream:
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})


class SseDetector:
    """
    Pass a response on, marked as private if a cookie let the request in; watch it if it begins as a stream of events.

    One is made for nearly every request, so it does as little as possible: one look at the header fields.

    Args:
        watch: Begins to watch.
        passed: What let the request through.
        scope: The request as it came.
        send: Sends a message to the server.
    """

    __slots__ = ("_passed", "_scope", "_send", "_watch", "connection")

    def __init__(self, watch: WatchStream, passed: Passed, scope: Scope, send: Send) -> None:
        self._watch = watch
        self._passed = passed
        self._scope = scope
        self._send = send
        #: None while the response is not watched.
        self.connection: WatchedConnection | None = None

    def send(self, message: Message) -> Awaitable[None]:
        """Pass *message* on.  A plain function, because a coroutine's frame would cost more than all that it does."""
        if self.connection is not None:
            return self.connection.send(message)
        if message["type"] == "http.response.start":
            fields = message.get("headers", ())
            if fields.__class__ is not list:
                fields = listed(fields)
                message = {**message, "headers": fields}
            for field in fields:
                value = field[1]
                if len(value) >= _SHORTEST and value[5] | _LOWER_CASE == _SIXTH and is_event_stream((field,)):
                    self.connection = self._watch(self._passed, self._scope, self._send)
                    if self.connection is not None:
                        return self.connection.send(message)
            if self._passed.is_by_cookie:
                message = {**message, "headers": private(fields, *PRIVATE)}
        return self._send(message)

    async def extend(self, token: str) -> Principal:
        """
        Let the stream of events depend on *token* from now on; see ``WatchedConnection.extend``.

        Raises:
            NotSupported: If the response is not a stream of events, or has not begun.
            AuthError: If the token does not count here, or the stream is over.
        """
        if self.connection is None:
            raise NotSupported("neither a stream of events that has begun nor a response under long_lived")
        return await self.connection.extend(token)


def mark_awaitable(function: Callable[..., Any]) -> None:
    """
    Mark *function* as one whose result is to be awaited, as ``async def`` does.

    asgiref warns of others.  Until Python 3.12 the mark is asyncio's, so it must not be set by an import.
    """
    mark = getattr(inspect, "markcoroutinefunction", None)
    if mark is not None:  # pragma: no cover - which one runs depends on the version
        mark(function)
    else:  # pragma: no cover - as above
        from asyncio import coroutines  # noqa: PLC0415 - see above

        vars(function)["_is_coroutine"] = vars(coroutines)["_is_coroutine"]
