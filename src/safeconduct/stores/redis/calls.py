"""Define what is sent to a server, the run of a script and the waits after it, and what comes back."""

from dataclasses import dataclass

from safeconduct.stores.redis.connection import Command, Connection, Reply
from safeconduct.stores.scripts import Script


@dataclass(frozen=True, slots=True)
class Call:
    """A script to run, and what to wait for afterwards."""

    script: Script
    keys: tuple[bytes, ...]
    arguments: tuple[bytes | str | int, ...]
    replicas: int = 0
    #: A script on a shard takes these last, and then what the connection knows of the server; None for other scripts.
    known: tuple[bytes | str | int, ...] | None = None
    #: Whether to wait, outside the deadline, until the change is on disk.
    waits_for_disk: bool = False
    #: Whether a cluster's node is only taking over the slot, so that it must be told that it was named by another one.
    is_asking: bool = False


@dataclass(frozen=True, slots=True)
class CallResult:
    """A script's reply, how many replicas have the change, and whether it is on disk."""

    reply: Reply
    replicas: int = 0
    is_durable: bool = False
    #: How long the disk was waited for, which does not count towards the deadline.
    disk_seconds: float = 0.0


def command_of(verb: str, script: str, call: Call, connection: Connection, *, is_confirmed: bool = False) -> Command:
    """Return the command that runs the script of *call*; *verb* says whether *script* is its text or its digest."""
    command = (verb, script, len(call.keys), *call.keys, *call.arguments)
    if call.known is None:
        return command
    run = connection.run
    return (*command, *call.known, run.name, run.began_ms, "1" if run.has_aof else "0", "1" if is_confirmed else "0")
