"""Instants: integer microseconds since the Unix epoch, UTC; the one form of time inside the program.

Integers compare, add and store without conversions; text appears only at the edges.
"""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NewType

Instant = NewType("Instant", int)

MICROSECONDS_PER_SECOND = 1_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_EARLIEST = (datetime.min.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND
_LATEST = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND


def after(instant: Instant, seconds: float) -> Instant:
    """The instant `seconds` later (earlier when negative)."""
    return Instant(instant + round(seconds * MICROSECONDS_PER_SECOND))


def seconds_between(earlier: Instant, later: Instant) -> float:
    """Seconds from `earlier` to `later`; negative when they are the other way round."""
    return (later - earlier) / MICROSECONDS_PER_SECOND


def from_datetime(moment: datetime) -> Instant:
    """The instant of a datetime; a naive one means UTC.

    The first and the last day of the calendar can lie outside of the years 1 to 9999 once their offset is taken off;
    they become the nearest instant inside, because no text could show them.
    Source: docs/reference/websocket-contract.md, Timestamps.
    """
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return Instant(min(max((aware - _EPOCH) // _MICROSECOND, _EARLIEST), _LATEST))


def rfc3339(instant: Instant) -> str:
    """RFC 3339 text in UTC with milliseconds and `Z`, as every message carries it.

    >>> rfc3339(Instant(1766413800123456))
    '2025-12-22T14:30:00.123Z'
    """
    second, rest = divmod(instant, MICROSECONDS_PER_SECOND)
    return f"{_text_of_second(second)}.{rest // 1000:03}Z"


@lru_cache(maxsize=1024)
def _text_of_second(second: int) -> str:
    """A thousand messages are of one second."""
    return (_EPOCH + timedelta(seconds=second)).isoformat().removesuffix("+00:00")
