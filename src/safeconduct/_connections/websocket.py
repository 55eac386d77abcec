"""A watched WebSocket."""

from collections.abc import Awaitable, Callable

from safeconduct._connections.watched_connection import Extend, Message, Receive, Send, WatchedConnection
from safeconduct._core.connection_checks import Watch
from safeconduct._core.gate import Gate
from safeconduct._http.problems import close_code
from safeconduct.errors import AuthError

_LAST = frozenset({"websocket.close", "websocket.http.response.start"})


class WatchedSocket:
    """
    Pass a socket's messages on in both directions, until it is closed or cut.

    Args:
        gate: Whose watching decides.
        watch: What the socket rests on.
        receive: The server's.
        send: The server's, or what stands in front of it.
        deny: Refuses or closes the socket.
        outer: What extends the socket for a middleware around this one.
    """

    __slots__ = ("_is_told", "_receive", "line")

    def __init__(
        self,
        gate: Gate,
        watch: Watch,
        receive: Receive,
        send: Send,
        *,
        deny: Callable[[AuthError], Awaitable[None]],
        outer: Extend | None,
    ) -> None:
        self.line = WatchedConnection(gate, watch, send, is_last=_is_last, end=deny, outer=outer)
        self._receive = receive
        self._is_told = False

    async def receive(self) -> Message:
        """
        Return what the client sends; after a cut that the socket is closed, with its code.

        What a client sends until it has seen the close frame reaches nobody.
        """
        refusal = self.line.refusal
        if refusal is None or self._is_told:
            message = await self._receive()
            refusal = self.line.refusal
            if refusal is None:
                if message["type"] == "websocket.disconnect":
                    self.line.leave()
                return message
        self._is_told = True
        return {"type": "websocket.disconnect", "code": close_code(refusal), "reason": ""}


def _is_last(message: Message) -> bool:
    return message["type"] in _LAST
