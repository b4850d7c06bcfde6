"""The time range of a request for statistics, and the length of its points."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Query

from casare_rpa.domain.errors import ProtocolError
from casare_rpa.domain.instants import MICROSECONDS_PER_SECOND, Instant, after, from_datetime, rfc3339
from casare_rpa.infrastructure.orchestrator.api.dependencies import ServerClock
from casare_rpa.infrastructure.orchestrator.api.parameters import From, To
from casare_rpa.infrastructure.orchestrator.maintenance.retention import DAY_SECONDS, TALLY_DAYS

MINUTE_SECONDS = 60
MOST_MINUTES = 7 * 24 * 60
MOST_POINTS = 60
_MINUTE = MINUTE_SECONDS * MICROSECONDS_PER_SECOND
# Lengths of a point in minutes that divide a day, so that the points of a day begin at the same times every day.
_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 180, 240)

Minutes = Annotated[int | None, Query(ge=5, le=MOST_MINUTES)]


@dataclass(frozen=True, slots=True)
class Period:
    """Whole minutes from `since` and before `until`; `until` is `None` for a period up to now."""

    since: Instant
    until: Instant | None
    now: Instant

    @property
    def step_minutes(self) -> int:
        """The length of a point, so that about `MOST_POINTS` of them cover the period."""
        minutes = ((self.until or self.now) - self.since) // _MINUTE
        return next((step for step in _STEPS if minutes / step <= MOST_POINTS), _STEPS[-1])

    @property
    def point_starts(self) -> range:
        """The minutes since 1970 at which points begin, up to now; the first point can begin before the period."""
        step = self.step_minutes
        end = self.now + 1 if self.until is None else min(self.until, self.now + 1)
        first = self.since // _MINUTE
        return range(first - first % step, -(-end // _MINUTE), step)


def period_of(now: Instant, minutes: int, since: Instant | None, until: Instant | None) -> Period:
    """The last `minutes`, or the time from `since`. Its ends are moved to full minutes, so that it gets longer.

    A period that ends later than `now` is one up to now.

    Raises:
        ProtocolError: the end is not after the begin.
    """
    this_minute = now // _MINUTE
    first = this_minute - minutes + 1 if since is None else since // _MINUTE
    if until is not None and until <= first * _MINUTE:
        raise ProtocolError("a time after the begin of the range is expected", field="to")
    end = None if until is None or until > now else Instant(-(-until // _MINUTE) * _MINUTE)
    return Period(Instant(first * _MINUTE), end, now)


def _default(default_minutes: int, *, counted: bool) -> object:
    async def wanted(clock: ServerClock, minutes: Minutes = None, since: From = None, until: To = None) -> Period:
        now = clock.now()
        if minutes is not None and (since is not None or until is not None):
            raise ProtocolError("either minutes, or from and to are expected", field="minutes")
        if until is not None and since is None:
            raise ProtocolError("a range with `to` needs a time where it begins", field="from")
        begin, end = (None if one is None else from_datetime(one) for one in (since, until))
        kept_since = after(now, -TALLY_DAYS * DAY_SECONDS)
        if counted and begin is not None and begin < kept_since:
            sentence = f"counts are kept for {TALLY_DAYS} days: a time after {rfc3339(kept_since)} is expected"
            raise ProtocolError(sentence, field="from")
        return period_of(now, minutes or default_minutes, begin, end)

    return Depends(wanted)


LastHour = Annotated[Period, _default(60, counted=True)]
"""`minutes` (60 by default), or `from` and `to`, within the time for which counts are kept."""
LastDay = Annotated[Period, _default(24 * 60, counted=False)]
"""`minutes` (a day by default), or `from` and `to`."""
LastHourOfJobs = Annotated[Period, _default(60, counted=False)]
"""`minutes` (60 by default), or `from` and `to`, as far back as jobs are kept."""
