"""
Put the clients of an application behind the port through which the core asks for them.

=========  =======================  ====================================================================================
world      methods of the clients   how they are asked
=========  =======================  ====================================================================================
``wsgi``   ``find``, or both        in the request's thread
``wsgi``   ``afind`` alone          not at all: ``ConfigurationError``
``asgi``   ``afind``, or both       in a task, with a deadline
``asgi``   ``find`` alone           in a few threads, with a deadline
=========  =======================  ====================================================================================

Requests that name the same client at the same time ask once.
"""

import threading
from inspect import iscoroutinefunction
from typing import Any, Literal

from safeconduct._core.client_registry import ClientSource
from safeconduct._core.clients import AsyncClients, Clients
from safeconduct.config.clients import Client
from safeconduct.directories.client_answers import DEADLINE_SECONDS, checked_client, new_limits, translate_errors
from safeconduct.directories.locks import ConcurrencyLimit, renew_in_children
from safeconduct.errors import ConfigurationError, Unavailable


class _Flight:
    """One question that several threads wait for."""

    __slots__ = ("answer", "error", "is_over")

    def __init__(self) -> None:
        self.is_over = threading.Event()
        self.answer: Client | None = None
        self.error: BaseException | None = None


class BlockingClients:
    """
    Ask blocking clients in the thread of the request; other threads with the same question wait for its answer.

    Args:
        clients: The clients.
    """

    def __init__(self, clients: Clients) -> None:
        self._clients = clients
        self._limits = new_limits()
        self.drop_inherited()
        renew_in_children(self)

    async def find(self, client_id: str, *, is_known: bool) -> Client | None:
        """Return the client of that name, or None."""
        with self._lock:
            flight = self._flights.get(client_id)
            is_first = flight is None
            if flight is None:
                self._limits[is_known].acquire()
                flight = self._flights[client_id] = _Flight()
        if is_first:
            self._ask(client_id, flight, self._limits[is_known])
        elif not flight.is_over.wait(DEADLINE_SECONDS):
            raise Unavailable("the clients did not answer in time")
        if flight.error is not None:
            raise Unavailable("the clients failed") from flight.error
        return flight.answer

    def drop_inherited(self) -> None:
        """Forget the questions of the parent process."""
        self._lock = threading.Lock()
        self._flights: dict[str, _Flight] = {}

    def _ask(self, client_id: str, flight: _Flight, limit: ConcurrencyLimit) -> None:
        try:
            with translate_errors():
                flight.answer = self._clients.find(client_id)
            flight.answer = checked_client(flight.answer, client_id)
        except Unavailable as error:
            flight.error = error
        except BaseException as error:
            flight.error = error
            raise
        finally:
            limit.release()
            with self._lock:
                self._flights.pop(client_id, None)
            flight.is_over.set()


def adapt_clients(clients: Clients | AsyncClients, world: Literal["asgi", "wsgi"], *, threads: int) -> ClientSource:
    """
    Put *clients* behind the port for *world*.

    Args:
        clients: The clients of the application.
        world: Which of its methods is called.
        threads: How many threads ask where a blocking method must not stop an event loop.

    Raises:
        ConfigurationError: If there is no method for *world*, or one is async under the blocking name.
    """
    blocking, awaitable = _method(clients, "find"), _method(clients, "afind")
    if world == "wsgi" and blocking is not None:
        return BlockingClients(clients)  # type: ignore[arg-type] # checked above
    if world == "asgi" and awaitable is not None:
        from safeconduct.directories import async_clients  # noqa: PLC0415 - it imports asyncio

        return async_clients.AwaitedClients(async_clients.awaited(awaitable))
    if world == "asgi" and blocking is not None:
        from safeconduct.directories import async_clients  # noqa: PLC0415 - as above

        return async_clients.AwaitedClients(async_clients.in_threads(blocking, threads=threads))
    wanted = "the blocking find where a WSGI application is wrapped" if world == "wsgi" else "find or afind"
    raise ConfigurationError(f"clients must have {wanted}, got {type(clients).__name__}")


def _method(clients: object, name: str) -> Any:
    method = getattr(clients, name, None)
    if method is None:
        return None
    if not callable(method):
        raise ConfigurationError(f"clients.{name} must be a method, got {type(method).__name__}")
    if name == "find" and iscoroutinefunction(method):
        raise ConfigurationError("clients.find must be a plain function, got an async one: name it afind")
    return method
