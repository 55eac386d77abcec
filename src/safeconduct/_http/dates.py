"""
The one form of a date in a header field: ``Sun, 06 Nov 1994 08:49:37 GMT`` (IMF-fixdate, RFC 9110 §5.6.7).

Written here because ``strftime`` takes the names of the locale, and ``email.utils`` loads sockets.
"""

import re
from datetime import UTC, datetime
from typing import Final

_DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_FORM = re.compile(
    r"[A-Z][a-z]{2}, (?P<day>[0-9]{2}) (?P<month>[A-Z][a-z]{2}) (?P<year>[0-9]{4}) "
    r"(?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2}) GMT"
)

LAST_INSTANT: Final = 253_402_300_799
"""The last second of the year 9999: a later one has no such form."""


def to_http_date(instant: int) -> str:
    """Write *instant*, in seconds since the epoch and at most *LAST_INSTANT*."""
    at = datetime.fromtimestamp(instant, UTC)
    return f"{_DAYS[at.weekday()]}, {at.day:02} {_MONTHS[at.month - 1]} {at.year:04} {at:%H:%M:%S} GMT"


def from_http_date(text: str) -> int | None:
    """Read what ``to_http_date`` writes, in seconds since the epoch; None for anything else."""
    match = _FORM.fullmatch(text)
    if match is None or match["month"] not in _MONTHS:
        return None
    year, day, hour, minute, second = (int(match[name]) for name in ("year", "day", "hour", "minute", "second"))
    try:
        instant = int(
            datetime(year, _MONTHS.index(match["month"]) + 1, day, hour, minute, second, tzinfo=UTC).timestamp()
        )
    except ValueError:
        return None
    # Whatever weekday it says must be that of the day.
    return instant if instant >= 0 and to_http_date(instant) == text else None
