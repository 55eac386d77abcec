"""
One connection to a server, in either world.

The two worlds differ in this port alone: what is sent, in what order, and what is made of the replies is the same code.
"""

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from safeconduct.stores.address import Address
from safeconduct.stores.run import Run

Command = tuple[bytes | str | int, ...]
#: What a server says: text, a number, a list, nothing, or a ``Refusal`` in its command's place.
Reply = Any


@dataclass(frozen=True, slots=True)
class Refusal:
    """A server's error; *kind* is its class in redis-py, or its first word: the rest may quote arguments."""

    kind: str

    @classmethod
    def of(cls, error: Exception) -> "Refusal":
        """Read the kind out of an error of redis-py, which strips the word from those that it has a class for."""
        name = type(error).__name__
        return cls(str(error).partition(" ")[0] if name == "ResponseError" else name)

    @property
    def is_missing_script(self) -> bool:
        """Whether the server does not have the script."""
        return self.kind == "NoScriptError"


class LinkBroken(Exception):
    """
    The connection failed, and it is unknown whether the server heard.

    Args:
        reason: Why, without anything that was sent.
        is_final: Whether trying again is of no use.
    """

    def __init__(self, reason: str, *, is_final: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.is_final = is_final
        #: Whether another connection broke for the same cause, and was counted.
        self.is_known = False

    @classmethod
    def of(cls, error: Exception) -> "LinkBroken":
        """Say what *error* of a driver means, without its text, which may quote what was sent."""
        return cls(_reason(error), is_final=isinstance(error, TimeoutError) or type(error).__name__ == "TimeoutError")


class Link(Protocol):
    """A connection.  After ``LinkBroken``, or anything else that it raises, it is of no use and must be dropped."""

    #: The run of the server at its other end, as ``Wire`` learned it.
    run: Run

    async def open(self, seconds: float) -> None:
        """Connect within *seconds*."""
        ...

    async def exchange(self, commands: Sequence[Command], seconds: float) -> list[Reply]:
        """Send *commands* at once and return a reply to each within *seconds*; a server's refusal is a reply."""
        ...

    def drop(self) -> None:
        """Close without waiting; also after its event loop was closed, from whichever thread finds that out."""
        ...


class Slots(Protocol):
    """How many may hold a connection at once."""

    async def take(self, seconds: float) -> bool:
        """Wait for a slot, at most *seconds*, and say whether there is one."""
        ...

    def give(self) -> None:
        """Give a slot back."""
        ...


def connection_arguments(address: Address) -> dict[str, Any]:
    """Say what redis-py is told of *address*; user and database go with the first commands."""
    arguments: dict[str, Any] = {"protocol": 2, **_without_introduction()}
    if address.path is not None:
        return {**arguments, "path": address.path}
    arguments |= {"host": address.host, "port": address.port}
    if not address.is_tls:
        return arguments
    # "ssl_check_hostname" is off by default before redis-py 6: a certificate of any name would do.
    return {**arguments, **dict(address.tls_files), "ssl_cert_reqs": "required", "ssl_check_hostname": True}


def _reason(error: Exception) -> str:
    cause: BaseException | None = error
    while cause is not None:
        # What ssl says of a certificate names the server, and nothing that was sent.
        if (verdict := getattr(cause, "verify_message", None)) is not None:
            return f"its certificate is not accepted: {verdict}"
        cause = cause.__cause__ or cause.__context__
    return type(error).__name__


def _without_introduction() -> dict[str, None]:
    # redis-py would spend a round trip on telling its name, and deprecates one way of saying no in favour of the other.
    if importlib.util.find_spec("redis.driver_info") is not None:
        return {"driver_info": None}
    return {"lib_name": None, "lib_version": None}
