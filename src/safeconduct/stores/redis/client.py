"""
Send a command to a server within a deadline, in either world.

The deadline covers all of it: the wait for a connection, connecting, one retry, the reply; and all commands of one
request share it.  A command that failed is sent once more on a fresh connection if time is left, because a connection
that lay idle may have been closed from the other side; so every script must bear being run twice.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from safeconduct._core.budget import current_budget
from safeconduct.errors import Unavailable
from safeconduct.stores.redis import server_run
from safeconduct.stores.redis.connection import (
    Address,
    Command,
    Connection,
    ConnectionBroken,
    Reply,
    ServerError,
    Slots,
)
from safeconduct.stores.redis.health import CircuitBreaker, ServerHealth
from safeconduct.stores.redis.pool import ConnectionPool
from safeconduct.stores.redis.refusals import REFUSED_INTRODUCTION, RefusalReporter, advice
from safeconduct.stores.redis.reply import is_of_old_run
from safeconduct.stores.scripts import Script

#: Kept back of the deadline when replicas are waited for: a server ends a wait up to a tenth of a second late.
_REPLY_MS = 120
#: For how long a revocation waits for the disk, and for the answer to that.
_DISK_MS = 1500
_DISK_SECONDS = 2.0


class _ReplicasUnknown(Exception):
    pass


@dataclass(frozen=True, slots=True)
class Call:
    """
    A script, its keys and arguments, and for how many replicas to wait afterwards.

    A script on a shard is told what the caller knows of the data (*known*), and what the connection knows of the
    server.
    """

    script: Script
    keys: tuple[bytes, ...]
    arguments: tuple[bytes | str | int, ...]
    replicas: int = 0
    known: tuple[bytes | str | int, ...] | None = None
    #: Whether to wait, outside the deadline, until the change is on disk.
    is_lasting: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """A script's reply, how many replicas have it, and whether it is on disk."""

    reply: Reply
    replicas: int = 0
    is_durable: bool = False
    #: How long the disk was waited for, which is no part of the deadline.
    disk_seconds: float = 0.0


class StoreClient:
    """
    The way to one server: a bounded number of connections, of one loop or of all threads.

    Args:
        address: Where the server is.
        load_driver: Imports what connections of this world need, which takes longer than a command may.
        open_link: Makes a connection of this world.
        slots: Bounds how many are in use.
        deadline_seconds: How long all commands of one request may take together.
        breaker: Knows whether the server answers; shared between the worlds.
        fitness: Knows whether it may be believed; shared too.
        complaints: Tells what the server refuses; shared too.
    """

    def __init__(
        self,
        address: Address,
        *,
        load_driver: Callable[[], None],
        open_link: Callable[[Address], Connection],
        slots: Slots,
        deadline_seconds: float,
        breaker: CircuitBreaker,
        fitness: ServerHealth,
        complaints: RefusalReporter,
    ) -> None:
        self._address = address
        self._load_driver = load_driver
        self._slots = slots
        self._deadline_seconds = deadline_seconds
        self._breaker = breaker
        self._fitness = fitness
        self._complaints = complaints
        self._pool = ConnectionPool(lambda: open_link(address))

    async def call(self, call: Call) -> Outcome:
        """
        Run a script.

        Raises:
            Unavailable: If there is no reply within the deadline, or it is an error, or the server is unfit.
        """
        budget = current_budget()
        seconds = self._deadline_seconds - budget.spent_seconds
        if seconds <= 0:
            raise Unavailable("the request's other questions to the store took all of its time")
        self._breaker.admit()
        # Before the clock starts: the first request of a process must not fail for an import.
        self._load_driver()
        # Real time, whatever clock the application was given: this bounds waits for a real server.
        began_at = time.monotonic()
        disk_seconds = 0.0
        try:
            outcome = await self._call_within(call, began_at + seconds)
            disk_seconds = outcome.disk_seconds
        finally:
            budget.spent_seconds += time.monotonic() - began_at - disk_seconds
        self._fitness.refuse_unfit()
        if isinstance(outcome.reply, ServerError):
            if outcome.reply.kind == "ReadOnlyError":
                self._fitness.doubt()
            self._complaints.hear_refusal(outcome.reply.kind)
            raise Unavailable(f"the store refuses: {outcome.reply.kind}")
        return outcome

    def close(self) -> None:
        """Drop the connections that are not in use now, and the others when they are given back."""
        self._pool.close()

    def abandon(self) -> None:
        """Drop every connection, because nobody runs any more who could use one: their loop is closed."""
        self._pool.abandon()

    async def _call_within(self, call: Call, ends_at: float) -> Outcome:
        # Half of the time at most goes by waiting in line: whoever gets a connection has time to use it.  With less
        # left, most would give up half-way, and throw the connection away that the next one needs.
        if not await self._slots.take((ends_at - time.monotonic()) / 2):
            raise Unavailable("every connection to the store is in use")
        is_late = ends_at - time.monotonic() < self._deadline_seconds / 2
        answers = self._breaker.answers
        try:
            outcome = await self._call_twice(call, ends_at)
        except ConnectionBroken as broken:
            # Whom others kept waiting gave the server too little time to be judged by it, and a server that has
            # answered somebody else meanwhile is slow, not gone.
            if not (broken.is_final and (is_late or self._breaker.answers != answers)) and not broken.is_known:
                self._breaker.failed(advice(broken.reason))
            self._complaints.hear_broken(broken.reason)
            raise Unavailable(f"the store does not answer: {broken.reason}") from broken
        finally:
            self._slots.give()
        self._breaker.succeeded()
        return outcome

    async def _call_twice(self, call: Call, ends_at: float) -> Outcome:
        try:
            return await self._call_once(call, ends_at)
        except ConnectionBroken as broken:
            if broken.is_final or time.monotonic() >= ends_at:
                raise
            return await self._call_once(call, ends_at)

    async def _call_once(self, call: Call, ends_at: float) -> Outcome:
        taken = self._pool.take()
        link = taken.link
        outcome = Outcome(None)
        try:
            if taken.is_new:
                await self._introduce(link, ends_at)
            outcome = await self._converse(link, call, ends_at)
            if call.replicas and not isinstance(outcome.reply, ServerError):
                outcome = replace(outcome, replicas=await _replicas(link, call.replicas, ends_at))
            if call.is_lasting and link.run.has_aof and not isinstance(outcome.reply, ServerError):
                began_at = time.monotonic()
                is_durable = await _is_on_disk(link)
                outcome = replace(outcome, is_durable=is_durable, disk_seconds=time.monotonic() - began_at)
        except _ReplicasUnknown:
            # The script has run; that it is told nothing of replicas does not undo it.
            self._pool.drop(taken)
            return outcome
        except ConnectionBroken as broken:
            broken.is_known = self._pool.drop_broken(taken)
            raise
        # A task that is cancelled here leaves a reply on its way; nobody else may read it.
        except BaseException:
            self._pool.drop(taken)
            raise
        self._pool.give_back(taken)
        return outcome

    async def _introduce(self, link: Connection, ends_at: float) -> None:
        await link.open(_left(ends_at))
        commands: list[Command] = []
        if self._address.password is not None:
            names = () if self._address.username is None else (self._address.username,)
            commands.append(("AUTH", *names, self._address.password))
        if self._address.database:
            commands.append(("SELECT", self._address.database))
        questions = self._fitness.questions()
        replies = await link.exchange([*commands, *questions, *server_run.QUESTIONS], _left(ends_at))
        if any(isinstance(reply, ServerError) for reply in replies[: len(commands)]):
            raise ConnectionBroken(REFUSED_INTRODUCTION, is_final=True)
        link.run = server_run.read_run(replies[-len(server_run.QUESTIONS) :])
        if not self._fitness.hear(replies[len(commands) :]):
            self._fitness.hear(await link.exchange(self._fitness.questions(), _left(ends_at)))

    async def _converse(self, link: Connection, call: Call, ends_at: float) -> Outcome:
        questions = self._fitness.questions() if self._fitness.is_due else []
        commands = [*questions, _command("EVALSHA", call.script.sha, call, link)]
        replies = await link.exchange(commands, _left(ends_at))
        if questions and not self._fitness.hear(replies[: len(questions)]):
            self._fitness.hear(await link.exchange(self._fitness.questions(), _left(ends_at)))
        reply = replies[-1]
        if isinstance(reply, ServerError) and reply.is_missing_script:
            [reply] = await link.exchange([_command("EVAL", call.script.text, call, link)], _left(ends_at))
        if call.known is not None and is_of_old_run(reply):
            # Something between us and the servers led this connection to another one.
            link.run = server_run.read_run(await link.exchange(server_run.QUESTIONS, _left(ends_at)))
            command = _command("EVAL", call.script.text, call, link, is_confirmed=True)
            [reply] = await link.exchange([command], _left(ends_at))
        return Outcome(reply)


async def _replicas(link: Connection, wanted: int, ends_at: float) -> int:
    # Not sent along with the script: for one that the server did not have, it would wait for nothing.
    try:
        wait_ms = max(int(_left(ends_at) * 1000) - _REPLY_MS, 1)
        [count] = await link.exchange([("WAIT", wanted, wait_ms)], _left(ends_at))
    except ConnectionBroken as broken:
        raise _ReplicasUnknown from broken
    return count if isinstance(count, int) else 0


def _left(ends_at: float) -> float:
    seconds = ends_at - time.monotonic()
    if seconds <= 0:
        raise ConnectionBroken("no time is left", is_final=True)
    return seconds


async def _is_on_disk(link: Connection) -> bool:
    # One server in time tells whether its answer waits for the disk: the configuration does.
    try:
        [reply] = await link.exchange([("WAITAOF", 1, 0, _DISK_MS)], _DISK_SECONDS)
    except ConnectionBroken as broken:
        raise _ReplicasUnknown from broken
    return link.run.is_durable and not (isinstance(reply, list) and reply[:1] == [0])


def _command(verb: str, script: str, call: Call, link: Connection, *, is_confirmed: bool = False) -> Command:
    known = () if call.known is None else (*call.known, *link.run.words(is_confirmed=is_confirmed))
    return (verb, script, len(call.keys), *call.keys, *call.arguments, *known)


class ConnectionSource(Protocol):
    """Finds the wire that the running code may use."""

    def wire(self) -> StoreClient:
        """Return it; raises ``Unavailable`` if there shall be none."""
        ...

    async def close(self) -> None:
        """Drop its connections."""
        ...
