"""
Read all revocations of a shard, page by page.

A page goes on from the last score of the one before it.  Scores only grow, and only what has ended is forgotten, so
that nothing is missed; some entries are met twice.
"""

from collections.abc import Iterator, Sequence
from typing import Final, Protocol

from safeconduct.stores import scripts
from safeconduct.stores.redis.connection import Command, Reply, ServerError
from safeconduct.stores.redis.shard_calls import malformed_reply
from safeconduct.stores.view.packed_table import RECORD_BYTES

#: A page keeps the server for less than a millisecond.
PAGE_ENTRIES: Final = 2_000
#: How long a server may take for what it does not wait for.
REPLY_SECONDS: Final = 2.0
_SCORE_DIGITS: Final = 13


class Send(Protocol):
    """Sends commands; raises ``Unavailable`` for a refused one, unless that is a script that the server lacks."""

    def __call__(self, commands: Sequence[Command], seconds: float, *, is_script: bool = False) -> list[Reply]:
        """Return a reply to each of *commands* within *seconds*."""
        ...


def read_pages(send: Send, key: bytes, letters: str) -> Iterator[bytes]:
    """
    Read all of a sorted set whose kinds have one of *letters*, all if there are none.

    Args:
        send: Sends commands to the server.
        key: The sorted set, ``rev`` or ``cut`` of a shard.
        letters: The letters of the kinds.

    Raises:
        Unavailable: If the server does not answer.
    """
    lowest, limit, read = b"-inf", PAGE_ENTRIES, b""
    while True:
        page = _page(send, key, lowest, limit, letters)
        match page:
            case [int(count), bytes(last), bytes(records)]:
                yield records.removeprefix(read)
            case _:
                raise malformed_reply()
        if count < limit:
            return
        # Many of one score fill a page without an end.
        limit = limit * 2 if last == lowest else PAGE_ENTRIES
        lowest, read = last, _of_last_score(records)


def _page(send: Send, key: bytes, *arguments: bytes | str | int) -> Reply:
    script = scripts.VIEW_PAGE
    [reply] = send([("EVALSHA", script.sha, 1, key, *arguments)], REPLY_SECONDS, is_script=True)
    if isinstance(reply, ServerError):  # NOSCRIPT: the only error that is not raised
        [reply] = send([("EVAL", script.text, 1, key, *arguments)], REPLY_SECONDS)
    return reply


def _of_last_score(records: bytes) -> bytes:
    """Return the end of a page that the next page begins with, unless something of it was forgotten meanwhile."""
    score, begin = records[-_SCORE_DIGITS:], len(records)
    while begin and records[begin - _SCORE_DIGITS : begin] == score:
        begin -= RECORD_BYTES
    return records[begin:]
