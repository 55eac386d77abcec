"""
Send a script to a server within a deadline, in either world.

The deadline covers everything: the wait for a connection, connecting, one retry and the reply; and all commands of one
request share it.  A command that failed is sent once more on a fresh connection if time is left, because the server may
have closed a connection that was idle; so every script must tolerate being run twice.
"""

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from safeconduct._core.budget import Budget, current_budget
from safeconduct.errors import Unavailable
from safeconduct.stores.redis.addresses import Address
from safeconduct.stores.redis.batches import Batches, Singly
from safeconduct.stores.redis.calls import Call, CallResult, WaitBroken, command_of, waited
from safeconduct.stores.redis.connection import (
    REFUSED_INTRODUCTION,
    RUN_COMMANDS,
    Command,
    Connection,
    ConnectionBroken,
    PackedCommands,
    PlainReplies,
    Reply,
    ServerError,
    ShardCommands,
    login_commands,
    read_run,
)
from safeconduct.stores.redis.health import IS_REPLICA, REPLICA_ERRORS, CircuitBreaker, ServerHealth
from safeconduct.stores.redis.pool import ConnectionPool, Slots
from safeconduct.stores.redis.refusals import RefusalReporter, advice

Done = TypeVar("Done")


class StoreClient:
    """
    Call scripts on one server, over the connections of one event loop or of all threads.

    Args:
        address: Where the server is.
        load_driver: Imports redis-py for this world, which is slow, and returns what makes a connection.
        slots: Bounds how many connections are in use.
        deadline_seconds: How long all commands of one request may take together.
        breaker: Knows whether the server answers; shared between the worlds.
        health: Knows whether the server may be trusted; shared too.
        refusals: Reports what the server refuses; shared too.
        reads_together: Whether what several tasks read at once is sent in one go; for an event loop.
    """

    def __init__(
        self,
        address: Address,
        *,
        load_driver: Callable[[], Callable[[Address], Connection]],
        slots: Slots,
        deadline_seconds: float,
        breaker: CircuitBreaker,
        health: ServerHealth,
        refusals: RefusalReporter,
        reads_together: bool = False,
    ) -> None:
        self._address = address
        self._load_driver = load_driver
        self._is_driver_loaded = False
        self._slots = slots
        self._deadline_seconds = deadline_seconds
        self._breaker = breaker
        self._health = health
        self._refusals = refusals
        self._pool = ConnectionPool(lambda: load_driver()(address))
        self._singly = Singly(self._read_all)
        self._together = Batches(self._read_all) if reads_together else self._singly

    async def call(self, call: Call) -> CallResult:
        """
        Run a script.

        Raises:
            Unavailable: If there is no reply within the deadline, or it is an error, or the server is unfit.
        """
        budget = current_budget()
        seconds = self._seconds_of(budget)
        self.prepare()
        # Real time, whichever clock the application was given: this bounds waits for a real server.
        began_at = time.monotonic()
        disk_seconds = 0.0
        try:
            result = await self.attempt(call, began_at + seconds)
            disk_seconds = result.disk_seconds
        finally:
            budget.spent_seconds += time.monotonic() - began_at - disk_seconds
        if isinstance(result.reply, ServerError):
            raise self.refused(result.reply)
        return result

    async def attempt(self, call: Call, ends_at: float) -> CallResult:
        """
        Run a script until *ends_at*, by the monotonic clock, after ``prepare``; the reply may be a refusal.

        Raises:
            Unavailable: If there is no reply by then, or the server is unfit.
        """
        result = await self._within(lambda connection: self._run(connection, call, ends_at), ends_at)
        self._health.refuse_unfit()
        return result

    async def read(self, shard: ShardCommands, commands: PackedCommands) -> PlainReplies | None:
        """
        Send plain commands of a request and return the replies, refusals too; None where the server must be judged.

        Raises:
            Unavailable: If there are no replies within the deadline.
        """
        if self._health.is_due:
            return None
        budget = current_budget()
        spent, seconds = budget.spent_seconds, self._seconds_of(budget)
        self.prepare()
        began_at = time.monotonic()
        try:
            # A batch has the deadline of requests that have not asked before.
            answer = await (self._singly if spent else self._together).ask(shard, commands, began_at + seconds)
        finally:
            budget.spent_seconds = spent + time.monotonic() - began_at
        self._health.refuse_unfit()
        return answer

    async def send(self, commands: Sequence[Command], *, seconds: float) -> list[Reply]:
        """Send plain commands outside of any request; return the replies, errors too, or raise ``Unavailable``."""
        self.prepare()
        ends_at, taken = time.monotonic() + seconds, self._pool.take()
        try:
            if taken.is_new:
                await self._introduce(taken.connection, ends_at)
            replies = await self._send(taken.connection, commands, ends_at)
        except ConnectionBroken as broken:
            self._pool.drop_broken(taken)
            self._breaker.failed(advice(broken.reason))
            raise self._broken(broken) from broken
        self._pool.give_back(taken)
        self._breaker.succeeded()
        self._health.refuse_unfit()
        return replies

    def refused(self, error: ServerError) -> Unavailable:
        """Report a refused command, and return the error for it."""
        return self._refusals.report_refusal(error)

    def _broken(self, broken: ConnectionBroken) -> Unavailable:
        self._refusals.report_broken(broken.reason)
        return self._health.replica_error() or Unavailable(f"the store does not answer: {broken.reason}")

    def close(self) -> None:
        """Drop the connections, those in use when they are given back."""
        self._pool.close()

    def abandon(self) -> None:
        """Drop every connection, because their event loop is closed."""
        self._pool.abandon()

    def _seconds_of(self, budget: Budget) -> float:
        seconds = self._deadline_seconds - budget.spent_seconds
        if seconds <= 0:
            raise Unavailable("the other commands of this request took all of the store's deadline")
        return seconds

    def prepare(self) -> None:
        """
        Import the driver, unless the circuit is open.

        Raises:
            Unavailable: If the circuit is open and this is not the request that probes it.
        """
        if self._breaker.is_open and not self._breaker.admits_probe():
            raise self._health.replica_error() or Unavailable("the store does not answer")
        if not self._is_driver_loaded:
            # Before the clock starts: the first request of a process must not fail because of an import.
            self._load_driver()
            self._is_driver_loaded = True

    async def _read_all(self, asked: Sequence[PackedCommands], ends_at: float) -> tuple[list[Reply], bytes]:
        async def read(connection: Connection) -> tuple[list[Reply], bytes]:
            return await connection.exchange(asked, _seconds_left(ends_at)), connection.run.name

        return await self._within(read, ends_at)

    async def _within(self, work: Callable[[Connection], Awaitable[Done]], ends_at: float) -> Done:
        """Do *work* over a connection, and once more over a fresh one if the first breaks."""
        # At most half of the time is spent on waiting for a slot, so that a request that gets one has time to use it.
        # With less left, most would give up half-way and drop the connection that the next request needs.
        if not await self._slots.acquire((ends_at - time.monotonic()) / 2):
            raise Unavailable("every connection to the store is in use")
        is_late = ends_at - time.monotonic() < self._deadline_seconds / 2
        answers = self._breaker.answers
        try:
            try:
                done = await self._once(work, ends_at)
            except ConnectionBroken as broken:
                if broken.is_final or time.monotonic() >= ends_at:
                    raise
                done = await self._once(work, ends_at)
        except ConnectionBroken as broken:
            # A request that waited for a slot gave the server too little time to be judged by it, and a server that
            # has answered another request meanwhile is slow, not gone.
            if not (broken.is_final and (is_late or self._breaker.answers != answers)) and not broken.is_known:
                self._breaker.failed(advice(broken.reason))
            raise self._broken(broken) from broken
        finally:
            self._slots.release()
        self._breaker.succeeded()
        return done

    async def _once(self, work: Callable[[Connection], Awaitable[Done]], ends_at: float) -> Done:
        taken = self._pool.take()
        try:
            if taken.is_new:
                await self._introduce(taken.connection, ends_at)
            done = await work(taken.connection)
        except WaitBroken as broken:
            # The script has run, and a wait that broke does not undo it.
            self._pool.drop(taken)
            result: Done = broken.result
            return result
        except ConnectionBroken as broken:
            broken.is_known = self._pool.drop_broken(taken)
            raise
        # A task that is cancelled here leaves a reply under way, which no other request may read.
        except BaseException:
            self._pool.drop(taken)
            raise
        self._pool.give_back(taken)
        return done

    async def _run(self, connection: Connection, call: Call, ends_at: float) -> CallResult:
        result = CallResult(await self._exchange(connection, call, ends_at))
        if isinstance(result.reply, ServerError):
            self._require_primary(result.reply)
            return result
        if not (call.replicas or call.waits_for_disk):
            return result
        return await waited(connection, call, result, ends_at - time.monotonic())

    async def _introduce(self, connection: Connection, ends_at: float) -> None:
        await connection.open(_seconds_left(ends_at))
        commands = login_commands(self._address)
        health = self._health.commands()
        replies = await connection.exchange([*commands, *health, *RUN_COMMANDS], _seconds_left(ends_at))
        if any(isinstance(reply, ServerError) for reply in replies[: len(commands)]):
            raise ConnectionBroken(REFUSED_INTRODUCTION, is_final=True)
        connection.run = read_run(replies[-len(RUN_COMMANDS) :])
        await self._judge(connection, replies[len(commands) : len(commands) + len(health)], ends_at)

    async def _exchange(self, connection: Connection, call: Call, ends_at: float) -> Reply:
        command = command_of("EVALSHA", call.script.sha, call, connection)
        asking: list[Command] = [("ASKING",)] if call.is_asking else []
        [*_, reply] = await self._send(connection, [*asking, command], ends_at)
        if isinstance(reply, ServerError) and reply.is_missing_script:
            command = command_of("EVAL", call.script.text, call, connection)
            [*_, reply] = await connection.exchange([*asking, command], _seconds_left(ends_at))
        match reply:
            # A script on a shard says so where its connection named a run of the server that is over: a proxy between
            # us and the servers led the connection to another one.
            case [[_, _, _, _, 1], *_] if call.known is not None:
                connection.run = read_run(await connection.exchange(RUN_COMMANDS, _seconds_left(ends_at)))
                command = command_of("EVAL", call.script.text, call, connection, is_confirmed=True)
                [*_, reply] = await connection.exchange([*asking, command], _seconds_left(ends_at))
            case _:
                pass
        return reply

    def _require_primary(self, reply: Reply) -> None:
        if isinstance(reply, ServerError) and reply.kind in REPLICA_ERRORS:
            self._health.doubt()
            # Another connection may lead to the primary: a name or the sentinels say where it is now.
            raise ConnectionBroken(reply.kind)

    async def _send(self, connection: Connection, commands: Sequence[Command], ends_at: float) -> list[Reply]:
        health = self._health.commands() if self._health.is_due else []
        replies = await connection.exchange([*health, *commands], _seconds_left(ends_at))
        if health:
            await self._judge(connection, replies[: len(health)], ends_at)
        return replies[len(health) :]

    async def _judge(self, connection: Connection, replies: list[Reply], ends_at: float) -> None:
        if not self._health.judge(replies):
            self._health.judge(await connection.exchange(self._health.commands(), _seconds_left(ends_at)))
        if self._health.is_replica:
            raise ConnectionBroken(IS_REPLICA)


def _seconds_left(ends_at: float) -> float:
    seconds = ends_at - time.monotonic()
    if seconds <= 0:
        raise ConnectionBroken("no time is left", is_final=True)
    return seconds
