"""Integrate with Channels: the row of the user in ``scope["user"]``, below ``get_auth().asgi(…)``."""

from collections.abc import Awaitable, Callable
from typing import Any

from channels.db import database_sync_to_async  # type: ignore[import-untyped]  # without annotations

from safeconduct._core.decision import Passed
from safeconduct.django.project import get_auth
from safeconduct.django.users import user_of
from safeconduct.errors import ConfigurationError

Scope = dict[str, Any]


class UserMiddleware:
    """
    Replace ``scope["user"]``, the identity, by its row, as the ``AuthMiddleware`` of Channels does for Django's users.

    An identity without a row is an ``AnonymousUser``; ``scope["safeconduct"]`` stays what it is.  Around the
    ``ProtocolTypeRouter`` stands ``get_auth().asgi(…)``, which lets nobody in without a credential, and closes a socket
    when its credential ends.
    """

    def __init__(self, inner: Callable[[Any, Any, Any], Awaitable[None]]) -> None:
        self._inner = inner

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        """
        Serve one connection.

        Raises:
            ConfigurationError: If nothing has judged it.
        """
        passed = scope.get("auth")
        if not isinstance(passed, Passed):
            raise ConfigurationError("asgi.py: got a router alone, wanted get_auth().asgi(ProtocolTypeRouter(…))")
        user = await database_sync_to_async(user_of)(passed, get_auth().config.trust)
        await self._inner({**scope, "user": user}, receive, send)
