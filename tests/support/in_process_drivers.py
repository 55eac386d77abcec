"""
Call an application in this process, as a driver of the request table.

Nothing here imports a framework, so that the tests of one run where only that one is installed.
"""

import asyncio
from typing import Protocol

from app_client import ReceivedResponse, SentRequest, asgi_messages, asgi_scope, call_asgi, call_wsgi, wsgi_environ
from auth_setups import auth_for

ASGI_OFFERS = frozenset({"asgi", "asgi-only", "trace", "breaks"})
WSGI_OFFERS = frozenset({"wsgi", "joins", "trace", "says", "breaks"})
NESTED_OFFERS = frozenset({"asgi", "trace", "breaks"})
GUARDS = frozenset({"guards"})
#: The framework writes several challenges into one field, as RFC 9110 §5.3 allows.
JOINED_CHALLENGES = frozenset({"joined-challenges"})


class Driver(Protocol):
    """One way to serve the application: a framework in production mode, or a real server."""

    name: str
    #: Of ``asgi``, ``asgi-only``, ``wsgi``, ``joins``, ``trace``, ``says``, ``breaks``, ``guards``: which rows make
    #: sense; and ``joined-challenges``.
    offers: frozenset[str]
    #: Rows that a server changes before they arrive: status, seen identity, and the reason.
    deviations: dict[str, tuple[int, str | None, str]]

    def ask(self, name: str, request: SentRequest) -> ReceivedResponse:
        """Send a request to the application of the setup *name*."""
        ...

    def close(self) -> None:
        """Release everything."""
        ...


class Asgi:
    """An ASGI application called in this process."""

    def __init__(self, name, wrap, offers, deviations=None):
        self.name = name
        self.offers = offers
        self.deviations = deviations or {}
        self._wrap = wrap
        self._made = {}
        self._runner = asyncio.Runner()

    def application(self, name):
        """Return the wrapped application of one setup."""
        if name not in self._made:
            self._made[name] = self._wrap(auth_for(name))
        return self._made[name]

    def ask(self, name, request):
        """Send a request on this driver's own loop."""
        call = call_asgi(self.application(name), asgi_scope(request), messages=asgi_messages(request))
        return self._runner.run(call)

    def close(self):
        """End the loop."""
        self._runner.close()


class Wsgi(Asgi):
    """A WSGI application called in this process."""

    def ask(self, name, request):
        """Send a request in this thread."""
        return call_wsgi(self.application(name), wsgi_environ(request))
