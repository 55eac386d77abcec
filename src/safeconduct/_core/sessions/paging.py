"""Go through the sessions of one owner in pages, the one that lasts longest first."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self

from safeconduct.errors import InvalidRequest

PAGE_SIZE: Final = 100
"""How many sessions a page has at most."""

_CURSOR: Final = re.compile(r"([0-9]{1,15})\.([A-Za-z0-9_-]{24})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page ended: at a session, which may be over by now."""

    over_ms: int
    session_id: str

    @classmethod
    def from_text(cls, text: str) -> Self:
        """
        Read what ``to_text`` wrote.

        Raises:
            InvalidRequest: If it is something else.
        """
        found = _CURSOR.fullmatch(text)
        if found is None:
            raise InvalidRequest("the cursor is none of ours")
        return cls(int(found[1]), found[2])

    def to_text(self) -> str:
        """Write it down."""
        return f"{self.over_ms}.{self.session_id}"


def page_of(ends: Iterable[tuple[str, int]], after: Cursor | None) -> tuple[list[str], Cursor | None]:
    """
    Choose the sessions of one page.

    Args:
        ends: The id of each session, and when it is over.
        after: Where the page before ended; None for the first.

    Returns:
        The ids, and where the page ends; None if it is the last.
    """
    places = sorted((-over_ms, session_id) for session_id, over_ms in ends)
    if after is not None:
        start = (-after.over_ms, after.session_id)
        places = [place for place in places if place > start]
    chosen = places[:PAGE_SIZE]
    is_last = len(places) <= PAGE_SIZE
    return [session_id for _, session_id in chosen], None if is_last else Cursor(-chosen[-1][0], chosen[-1][1])
