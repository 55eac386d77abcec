"""Pass on the messages of a watched WebSocket, until it is closed or cut."""

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
        gate: Decides whether the socket may stay open.
        watch: The credential that the socket depends on.
        receive: Receives a message from the server.
        send: Sends a message to the server.
        deny: Refuses or closes the socket.
        outer: Extends the socket for an outer middleware of the same ``Auth``; None where there is none.
    """

    __slots__ = ("_receive", "_was_disconnected", "connection")

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
        self.connection = WatchedConnection(gate, watch, send, is_last=_is_last, end=deny, outer=outer)
        self._receive = receive
        self._was_disconnected = False

    async def receive(self) -> Message:
        """
        Return what the client sends; after a cut, that the socket is closed, with its code.

        What the client sends until it has seen the close frame does not reach the application.
        """
        refusal = self.connection.refusal
        if refusal is None or self._was_disconnected:
            message = await self._receive()
            refusal = self.connection.refusal
            if refusal is None:
                if message["type"] == "websocket.disconnect":
                    self.connection.leave()
                return message
        self._was_disconnected = True
        return {"type": "websocket.disconnect", "code": close_code(refusal), "reason": ""}


def _is_last(message: Message) -> bool:
    return message["type"] in _LAST
