"""Define what the core knows of a client, and the port through which it asks who the clients are."""

from dataclasses import dataclass, field
from typing import Final, Protocol

from safeconduct._tokens.key_table import KeySource
from safeconduct.config.clients import Client

CLIENT_SUBJECT: Final = "client:"
"""The prefix of the subject of a client's tokens, so that no client is taken for a person (RFC 9700 §4.15)."""


@dataclass(frozen=True, slots=True)
class RegisteredClient:
    """A client whose secret or keys were read."""

    entry: Client
    #: SHA-256 of its secret; None for a client with keys.
    secret_digest: bytes | None = field(default=None, repr=False)
    #: What verifies the tokens and assertions that it signs; None where only a digest of its secret is known.
    keys: KeySource | None = field(default=None, repr=False)

    @property
    def subject(self) -> str:
        """Return the subject of its tokens."""
        return f"{CLIENT_SUBJECT}{self.entry.client_id}"


class Clients(Protocol):
    """Say who the clients are, with a blocking method; an application provides it."""

    def find(self, client_id: str) -> Client | None:
        """Return the client of that name as it is now, or None if there is none."""
        ...


class AsyncClients(Protocol):
    """Say who the clients are, with an awaitable method; one class may be a ``Clients`` as well."""

    async def afind(self, client_id: str) -> Client | None:
        """Return the client of that name as it is now, or None if there is none."""
        ...


class ClientPort(Protocol):
    """The clients as the core sees them: those of the configuration, then those of the application."""

    async def find(self, client_id: str) -> RegisteredClient | None:
        """
        Return the client of that name, or None if there is none.

        Raises:
            Unavailable: If the application's clients cannot be asked.
        """
        ...
