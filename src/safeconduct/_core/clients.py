"""Define what the core knows of a client, and the port through which it asks who the clients are."""

from dataclasses import dataclass, field
from typing import Protocol

from safeconduct._tokens.client_tokens import ClientSigner
from safeconduct._tokens.key_table import KeySource
from safeconduct.config.clients import Client
from safeconduct.principal import CLIENT_SUBJECT


@dataclass(frozen=True, slots=True)
class RegisteredClient:
    """A client whose secret or keys were read."""

    entry: Client
    #: SHA-256 of its secret; None for a client with keys.
    secret_digest: bytes | None = field(default=None, repr=False)
    #: What verifies the tokens and assertions that it signs; None where only a digest of its secret is known.
    keys: KeySource | None = field(default=None, repr=False)
    #: What ``_tokens.client_tokens`` verifies these with; None where *keys* is.
    signer: ClientSigner | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Put together what verifies its tokens."""
        entry, keys = self.entry, self.keys
        signer = None
        if keys is not None:
            signer = ClientSigner(
                entry.client_id,
                keys,
                scopes=entry.scopes,
                roles=entry.roles,
                signs_tokens="self_signed" in entry.grants,
                has_secret=entry.secret is not None,
            )
        object.__setattr__(self, "signer", signer)

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

    def until(self, client: RegisteredClient) -> float:
        """Return when ``find`` may say something else of a client, in seconds since the epoch."""
        ...
