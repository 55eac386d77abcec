"""Define the commands around the questions to a shard, and pack commands that are sent many times only once."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from safeconduct.stores.redis.connection import Command, PackedCommands, Reply


class ShardCommands:
    """
    The commands before and after the questions to one shard, sent once for all of them.

    Args:
        key: One of the shard's keys.
        opening: The command before.
        closing: The command after.
    """

    __slots__ = ("closing", "key", "opening")

    def __init__(self, key: bytes, opening: Command, closing: Command) -> None:
        self.key = key
        self.opening = PackedCommands(opening)
        self.closing = PackedCommands(closing)


class PlainReplies(NamedTuple):
    """The replies to one question, and the run of the server that sent them."""

    opening: Reply
    replies: list[Reply]
    closing: Reply
    run: bytes


def packed(
    commands: Sequence[Command | PackedCommands], pack: Callable[[Sequence[Command]], Sequence[bytes]]
) -> tuple[bytes, int]:
    """Return what to send for *commands*, and how many replies will come; *pack* is redis-py's."""
    octets: list[bytes] = []
    count = 0
    for each in commands:
        if isinstance(each, PackedCommands):
            octets.append(each.packed_by(pack))
            count += each.count
        else:
            octets += pack([each])
            count += 1
    return b"".join(octets), count
