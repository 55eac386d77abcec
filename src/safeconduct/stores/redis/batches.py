"""
Send what several tasks of one event loop read at the same time in one go.

A batch has a task and a connection of its own.  A request that is cancelled leaves the batch as it is: its replies are
read to the end all the same, and each is given to the requests that asked, by its place in the batch.

While two batches are under way, further questions wait for one of them to end, because ten questions together cost
hardly more than one.  They wait for a few milliseconds at most, so that a slow server gets more batches at once.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from contextvars import Context
from typing import Final

from safeconduct.errors import Unavailable
from safeconduct.stores.redis.connection import PackedCommands, Reply
from safeconduct.stores.redis.packed import PlainReplies, ShardCommands

#: Parsing the replies to so many keeps the event loop for about a millisecond.
MOST_TOGETHER: Final = 64
UNDER_WAY: Final = 2
PATIENCE_SECONDS: Final = 0.005

_Waiting = dict[PackedCommands, list["asyncio.Future[PlainReplies]"]]


class Batch:
    """Questions that are asked together: by shard, and once for all requests that ask the same."""

    __slots__ = ("by_shard", "count", "ends_at")

    def __init__(self, ends_at: float) -> None:
        #: The deadline of the request that came first.
        self.ends_at = ends_at
        self.by_shard: dict[ShardCommands, _Waiting] = {}
        self.count = 0

    def add(self, shard: ShardCommands, commands: PackedCommands, future: "asyncio.Future[PlainReplies]") -> None:
        """Send *commands* to *shard* too, and the replies to *future*."""
        self.by_shard.setdefault(shard, {}).setdefault(commands, []).append(future)
        self.count += 1

    @property
    def commands(self) -> list[PackedCommands]:
        """Everything to send, in its order."""
        return [each for shard, waiting in self.by_shard.items() for each in (shard.opening, *waiting, shard.closing)]

    @property
    def living(self) -> list["asyncio.Future[PlainReplies]"]:
        """The requests that still wait."""
        shards = self.by_shard.values()
        return [future for shard in shards for futures in shard.values() for future in futures if not future.done()]

    def answer(self, replies: list[Reply], run: bytes) -> None:
        """Give each request the replies to what it asked."""
        end = 0
        for shard in self.by_shard.values():
            opening, at = replies[end], end + 1
            end = at + sum(commands.count for commands in shard) + 1
            for commands, futures in shard.items():
                own = PlainReplies(opening, replies[at : at + commands.count], replies[end - 1], run)
                at += commands.count
                for future in futures:
                    if not future.done():
                        future.set_result(own)


Send = Callable[[Sequence[PackedCommands], float], Awaitable[tuple[list[Reply], bytes]]]


class Singly:
    """
    Ask for each request by itself.

    Args:
        send: As for ``Batches``.
    """

    def __init__(self, send: Send) -> None:
        self._send = send

    async def ask(self, shard: ShardCommands, commands: PackedCommands, ends_at: float) -> PlainReplies:
        """Send *commands* and return the replies; ``Unavailable`` if there are none by *ends_at*."""
        (opening, *replies, closing), run = await self._send((shard.opening, commands, shard.closing), ends_at)
        return PlainReplies(opening, replies, closing, run)


class Batches:
    """
    Collect the questions of the tasks of one event loop to one server.

    Args:
        send: Sends commands over one connection, and returns the replies to all of them and the run of the server, or
            raises ``Unavailable`` at the given instant.
    """

    def __init__(self, send: Send) -> None:
        self._send = send
        self._next: Batch | None = None
        #: Those under way; the loop refers to them weakly.
        self._tasks: set[asyncio.Task[None]] = set()

    async def ask(self, shard: ShardCommands, commands: PackedCommands, ends_at: float) -> PlainReplies:
        """
        Send *commands* with those of other tasks and return the replies.

        Raises:
            Unavailable: If there are none by *ends_at*; the tasks of one batch have the deadline of the first.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[PlainReplies] = loop.create_future()
        batch = self._next
        if batch is None:
            batch = self._next = Batch(ends_at)
            # In the context of none of the requests.
            if len(self._tasks) < UNDER_WAY:
                loop.call_soon(self._begin, batch, context=Context())
            else:
                loop.call_later(PATIENCE_SECONDS, self._begin, batch, context=Context())
        batch.add(shard, commands, future)
        if batch.count == MOST_TOGETHER:
            Context().run(self._begin, batch)
        return await future

    def _begin(self, batch: Batch | None) -> None:
        if batch is None or batch is not self._next:
            return
        self._next = None
        if not batch.living:
            # Where the event loop ends, no task may be begun.
            return
        task = asyncio.get_running_loop().create_task(self._run(batch))
        self._tasks.add(task)
        task.add_done_callback(self._end)

    def _end(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._begin(self._next)

    async def _run(self, batch: Batch) -> None:
        try:
            replies, run = await self._send(batch.commands, batch.ends_at)
            batch.answer(replies, run)
        except Unavailable as error:
            for future in batch.living:
                # Each request raises an error of its own, of the same kind.
                future.set_exception(type(error)(str(error)))
        except Exception as fault:  # noqa: BLE001 - raised by each request, whose gate reports it
            for future in batch.living:
                future.set_exception(fault)
        except BaseException:
            # The event loop ends, or has ended: then nothing can be told to the requests.
            with suppress(RuntimeError):
                for future in batch.living:
                    future.cancel()
            raise
