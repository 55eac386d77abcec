"""Serve a demo on a socket that is bound already, and say so once it really serves."""

import socket
from collections.abc import Callable
from typing import Any

import uvicorn
import waitress.server  # type: ignore[import-untyped]  # waitress has none
import waitress.wasyncore  # type: ignore[import-untyped]  # as above

from safeconduct.auth import Auth

Announce = Callable[[], None]


class _Uvicorn(uvicorn.Server):
    """A server that says when it serves."""

    def __init__(self, config: uvicorn.Config, announce: Announce) -> None:
        super().__init__(config)
        self._announce = announce

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to serve."""
        await super().startup(sockets)
        if self.started:
            self._announce()


def serve_starlette(auth: Auth, plug: socket.socket, announce: Announce) -> None:
    """Serve the Starlette demo until a signal comes."""
    from safeconduct.cli.demo.starlette_app import create_app  # noqa: PLC0415 - only the chosen framework is loaded

    config = uvicorn.Config(create_app(auth), log_level="warning", access_log=False)
    _Uvicorn(config, announce).run(sockets=[plug])


def serve_flask(auth: Auth, plug: socket.socket, announce: Announce) -> None:
    """Serve the Flask demo until a signal comes."""
    from safeconduct.cli.demo.flask_app import create_app  # noqa: PLC0415 - as above

    # Left open on its end: the server, its wake-up pipe, and every connection that is kept alive.
    channels: Any = {}
    try:
        server = waitress.server.create_server(create_app(auth), map=channels, sockets=[plug])
        announce()
        server.run()
    finally:
        waitress.wasyncore.close_all(channels)
