"""Deletes old ended jobs, log lines and audit entries, by age and by number, oldest first."""

import logging
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Protocol

from casare_rpa.domain.instants import FOREVER, Instant, after
from casare_rpa.domain.retained import RetainedKind
from casare_rpa.infrastructure.orchestrator.ports.clock import Clock
from casare_rpa.infrastructure.orchestrator.ports.logins import LoginStore
from casare_rpa.infrastructure.orchestrator.ports.maintenance import MaintenanceStore
from casare_rpa.infrastructure.orchestrator.settings import Settings

logger = logging.getLogger(__name__)

BATCH = 100
"""Rows per write: about 7 ms for jobs with their history. Small, because other writes wait for it."""
LARGE_LINES_BATCH = 100
"""Lines per write of a deletion by size. Each line can have 64 KiB."""
PAUSE_PER_WRITE = 4.0
"""The pause after a write, as a multiple of its time, so that deletes take a fifth of the time of the store at most."""
SHORTEST_PAUSE_SECONDS = 0.02
LONGEST_PAUSE_SECONDS = 1.0
"""A process that was stopped during a write does not rest for four times as long."""
AGED_ROWS_PER_ROUND = 100_000
DAY_SECONDS = 24 * 3600
TICKET_KEPT_SECONDS = 3600
"""Used tickets are remembered this long after they expired, for an instance whose clock is behind."""
TALLY_DAYS = 8
"""Counts of ends and samples of queues are kept a day longer than the longest range up to now, seven days."""


@dataclass(frozen=True, slots=True)
class Limit:
    """The limits of a kind: age in days, and number of rows."""

    days: int
    number: int


def limits_of(settings: Settings) -> dict[RetainedKind, Limit]:
    """The limits of each kind, in the order in which they are applied."""
    return {
        RetainedKind.JOBS: Limit(settings.retention_jobs_days, settings.retention_jobs),
        RetainedKind.LOGS: Limit(settings.retention_log_days, settings.retention_log_lines),
        RetainedKind.AUDIT: Limit(settings.retention_audit_days, settings.retention_audit_entries),
    }


class RetentionStore(MaintenanceStore, LoginStore, Protocol):
    """The store of everything that is deleted by age."""


class Retention:
    """Safe to run on several instances; deletes are idempotent."""

    def __init__(self, store: RetentionStore, clock: Clock, settings: Settings) -> None:
        self._store = store
        self._clock = clock
        self._limits = limits_of(settings)
        self._log_bytes = settings.retention_log_bytes
        self._robot_log_bytes = settings.retention_robot_log_bytes
        self.deleted = dict.fromkeys(RetainedKind, 0)
        """Deleted rows of each kind since start."""
        self.stored_log_bytes = 0
        """Size of the stored log lines after the last round."""

    async def delete_expired(self) -> None:
        """One round: delete rows over the age limit, then the oldest rows over the number limit."""
        now = self._clock.now()
        await self._store.delete_tallies(after(now, -TALLY_DAYS * DAY_SECONDS))
        await self._store.delete_logins(after(now, -DAY_SECONDS))
        await self._store.delete_spent(after(now, -TICKET_KEPT_SECONDS))
        await self._store.delete_failure_notes(after(now, -self._limits[RetainedKind.JOBS].days * DAY_SECONDS))
        for kept, limit in self._limits.items():
            await self._delete(kept, after(now, -limit.days * DAY_SECONDS), AGED_ROWS_PER_ROUND)
            surplus = await self._store.count_kept(kept) - limit.number
            if surplus > 0:
                await self._delete(kept, FOREVER, surplus)
        await self._delete_large_logs()

    async def _delete_large_logs(self) -> None:
        """Delete the oldest lines of each robot over its limit of bytes, then the oldest over the common limit."""
        for robot_id, size in (await self._store.log_volumes()).items():
            if size > self._robot_log_bytes:
                deleted = await self._delete_lines_of(robot_id)
                self.deleted[RetainedKind.LOGS] += deleted
                logger.warning(
                    "retention: %d old log lines of %s deleted; the robot stored %d bytes, the limit is %d",
                    deleted,
                    robot_id,
                    size,
                    self._robot_log_bytes,
                )
        while (stored := sum((await self._store.log_volumes()).values())) > self._log_bytes:
            deleted = self.deleted[RetainedKind.LOGS]
            await self._delete(RetainedKind.LOGS, FOREVER, LARGE_LINES_BATCH)
            if deleted == self.deleted[RetainedKind.LOGS]:
                break
        self.stored_log_bytes = stored

    async def _delete_lines_of(self, robot_id: str) -> int:
        deleted = 0
        while (await self._store.log_volumes()).get(robot_id, 0) > self._robot_log_bytes:
            number = await self._delete_some(self._store.delete_oldest_lines(robot_id, LARGE_LINES_BATCH))
            if not number:
                break
            deleted += number
        return deleted

    async def _delete(self, kept: RetainedKind, before: Instant, most: int) -> None:
        deleted = 0
        while deleted < most:
            number = await self._delete_some(self._store.delete_oldest(kept, before, min(BATCH, most - deleted)))
            if not number:
                break
            deleted += number
        self.deleted[kept] += deleted
        if deleted:
            logger.info("retention: %d old %s deleted", deleted, kept.value)

    async def _delete_some(self, write: Awaitable[int]) -> int:
        """Do one write, and pause in proportion to its time, which is longer while the store is busy."""
        began = self._clock.monotonic()
        number = await write
        if number:
            took = self._clock.monotonic() - began
            pause = max(SHORTEST_PAUSE_SECONDS, took * PAUSE_PER_WRITE)
            await self._clock.sleep(min(pause, LONGEST_PAUSE_SECONDS))
        return number
