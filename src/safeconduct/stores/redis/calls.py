"""Define what is sent to a server, the run of a script and the waits after it, and what comes back."""

import time
from dataclasses import dataclass, replace
from typing import Any, Final

from safeconduct.stores.redis.connection import Command, Connection, ConnectionBroken, Reply, ServerError
from safeconduct.stores.scripts import Script

#: Kept back of the deadline while waiting for replicas: a server ends a wait up to a tenth of a second late.
_REPLY_MS: Final = 120
#: How long a revocation waits for the disk, and for the reply to that wait.
_DISK_MS: Final = 1500
_DISK_SECONDS: Final = 2.0


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


class WaitBroken(Exception):
    """The connection broke after the script had run, while replicas or the disk were waited for."""

    def __init__(self, result: CallResult) -> None:
        super().__init__()
        self.result: Any = result


async def waited(connection: Connection, call: Call, result: CallResult, seconds: float) -> CallResult:
    """
    Wait for replicas within *seconds*, and for the disk, as *call* says, and add what they confirm to *result*.

    Raises:
        WaitBroken: If the connection breaks.
    """
    try:
        if call.replicas:
            result = replace(result, replicas=await _replicas(connection, call.replicas, seconds))
        if call.waits_for_disk and connection.run.has_aof:
            began_at = time.monotonic()
            is_durable = await _is_on_disk(connection)
            result = replace(result, is_durable=is_durable, disk_seconds=time.monotonic() - began_at)
    except ConnectionBroken as broken:
        raise WaitBroken(result) from broken
    return result


async def _replicas(connection: Connection, wanted: int, seconds: float) -> int:
    # Not sent along with the script: for one that the server did not have, it would wait for nothing.
    [count] = await connection.exchange([("WAIT", wanted, max(int(seconds * 1000) - _REPLY_MS, 1))], seconds)
    return count if isinstance(count, int) else 0


async def _is_on_disk(connection: Connection) -> bool:
    # A server that replies in time does not say whether its reply waited for the disk; its configuration does.
    [reply] = await connection.exchange([("WAITAOF", 1, 0, _DISK_MS)], _DISK_SECONDS)
    if not connection.run.is_durable or (isinstance(reply, list) and reply[:1] == [0]):
        return False
    # Before 7.2 there is no such command, which is no refusal.
    return not (isinstance(reply, ServerError) and reply.kind == "NoPermissionError")
