"""A response under a rule with ``long_lived``: its application is stopped when it is cut."""

import asyncio
from collections.abc import Awaitable, Callable

from safeconduct._watching.line import Line, Receive, Scope, Send

App = Callable[[Scope, Receive, Send], Awaitable[None]]


async def serve_long_lived(line: Line, app: App, scope: Scope, receive: Receive) -> None:
    """Call *app* until it returns or *line* is cut; then it is cancelled, so that the server sees where it broke."""
    loop = asyncio.get_running_loop()
    try:
        # No time is set: it is the cut that makes it run out.
        async with asyncio.timeout(None) as limit:
            line.stop = lambda: limit.reschedule(loop.time())
            try:
                await app(scope, receive, line.send)
            finally:
                line.stop = None
    except TimeoutError:
        if line.refusal is None:
            raise
