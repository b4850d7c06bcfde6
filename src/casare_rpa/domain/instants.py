"""Instants: integer microseconds since the Unix epoch, UTC. All code represents times in this form.

Integers are compared, added and stored without conversion. Text is used only in messages and HTTP.
"""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import NewType

Instant = NewType("Instant", int)

MICROSECONDS_PER_SECOND = 1_000_000
_SECONDS_PER_DAY = 86_400
FOREVER = Instant(2**62)
"""Later than every other instant."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_EARLIEST = (datetime.min.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND
_LATEST = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // _MICROSECOND


def after(instant: Instant, seconds: float) -> Instant:
    """The instant `seconds` later (earlier when negative)."""
    return Instant(instant + round(seconds * MICROSECONDS_PER_SECOND))


def seconds_between(earlier: Instant, later: Instant) -> float:
    """Seconds from `earlier` to `later`; negative if `later` is before `earlier`."""
    return (later - earlier) / MICROSECONDS_PER_SECOND


def from_datetime(moment: datetime) -> Instant:
    """The instant of a datetime; without an offset, it is UTC.

    A time on the first or last day of the calendar can be outside of the years 1 to 9999 in UTC. It becomes the
    nearest instant inside, because RFC 3339 cannot express others.
    Source: docs/reference/websocket-contract.md, Timestamps.
    """
    since = (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)) - _EPOCH
    # As `since // _MICROSECOND`, in a quarter of the time: every log line has a time.
    instant = (since.days * _SECONDS_PER_DAY + since.seconds) * MICROSECONDS_PER_SECOND + since.microseconds
    return Instant(instant if _EARLIEST <= instant <= _LATEST else min(max(instant, _EARLIEST), _LATEST))


def rfc3339(instant: Instant) -> str:
    """RFC 3339 text in UTC with milliseconds and `Z`, as in every message.

    >>> rfc3339(Instant(1766413800123456))
    '2025-12-22T14:30:00.123Z'
    """
    second, rest = divmod(instant, MICROSECONDS_PER_SECOND)
    return f"{_text_of_second(second)}.{rest // 1000:03}Z"


@lru_cache(maxsize=1024)
def _text_of_second(second: int) -> str:
    """The text up to the second. Cached, because a thousand messages can have the same second."""
    return (_EPOCH + timedelta(seconds=second)).isoformat().removesuffix("+00:00")
