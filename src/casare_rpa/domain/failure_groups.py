"""Groups of failures with a common cause, and what users wrote about them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

from casare_rpa.domain.instants import MICROSECONDS_PER_SECOND, Instant, after
from casare_rpa.domain.job import Job

DAY_SECONDS = 24 * 3600
MOST_BARS = 28
# Lengths of a bar that divide a day, so that bars begin at the same times every day. A longer bar is some whole days.
_BAR_SECONDS = (300, 3600, 6 * 3600, DAY_SECONDS)


class GroupKey(msgspec.Struct, frozen=True, gc=False):
    """The identity of a group. Failures of two tenants are never in one group."""

    tenant_id: str
    fingerprint: str


class Mute(msgspec.Struct, frozen=True, gc=False):
    """A group is left out of the open failures until an instant, or until it is unmuted (`None`)."""

    at: Instant
    by: str
    until: Instant | None = None


class GroupNote(msgspec.Struct, frozen=True, gc=False):
    """What users wrote about a group. `muted` is `None` unless the group is muted now."""

    note: str = ""
    owner: str = ""
    muted: Mute | None = None


@dataclass(frozen=True, slots=True)
class FailureSpan:
    """Failures that ended from `since` and before `until`. `now` decides which groups are muted and new."""

    since: Instant
    until: Instant
    now: Instant

    @property
    def bar_seconds(self) -> int:
        """The length of a bar of the trend, so that at most `MOST_BARS` of them and one cover the span."""
        seconds = (min(self.until, self.now) - self.since) / MICROSECONDS_PER_SECOND
        return next((bar for bar in _BAR_SECONDS if seconds / bar <= MOST_BARS), _whole_days(seconds / MOST_BARS))

    @property
    def bars(self) -> range:
        """The numbers of the bars: instants divided by the length of a bar."""
        length = self.bar_seconds * MICROSECONDS_PER_SECOND
        return range(self.since // length, -(-min(self.until, self.now + 1) // length))


def _whole_days(seconds: float) -> int:
    """The seconds, rounded up to days."""
    return math.ceil(seconds / DAY_SECONDS) * DAY_SECONDS


@dataclass(frozen=True, slots=True)
class FailureGroup:
    """Failures with the same fingerprint in one tenant.

    `count`, `trend` and `robots` are about the requested span; `trend` has the failures of each of its bars, oldest
    first. `first_at` is the end of the oldest stored failure, also before the span. `last` is the newest failure.
    """

    key: GroupKey
    count: int
    first_at: Instant
    last_at: Instant
    last: Job
    trend: list[int]
    robots: Mapping[str, int]
    note: GroupNote = field(default_factory=GroupNote)

    def is_new(self, now: Instant) -> bool:
        """Whether its first failure was in the last 24 hours."""
        return self.first_at > after(now, -DAY_SECONDS)


@dataclass(frozen=True, slots=True)
class FailureGrouping:
    """The largest groups among the `scanned` newest failures. `capped`: older failures were not read.

    `muted_groups` and `muted_failures` count muted groups and their failures, also when `groups` leaves them out.
    """

    groups: list[FailureGroup]
    scanned: int
    capped: bool
    muted_groups: int = 0
    muted_failures: int = 0
