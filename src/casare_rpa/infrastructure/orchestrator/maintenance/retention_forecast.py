"""What the next rounds of retention delete, without deleting it."""

from dataclasses import dataclass

from casare_rpa.domain.instants import Instant, after
from casare_rpa.domain.retained import RetainedKind
from casare_rpa.infrastructure.orchestrator.maintenance.retention import DAY_SECONDS, limits_of
from casare_rpa.infrastructure.orchestrator.ports.sizes import SizeStore
from casare_rpa.infrastructure.orchestrator.settings import Settings


@dataclass(frozen=True, slots=True)
class RetainedRows:
    """Rows of one kind: `stored`, those past the age `limit_days`, and those over the number `limit_rows`."""

    kind: RetainedKind
    stored: int
    limit_days: int
    expired: int
    limit_rows: int
    surplus: int

    @property
    def freed(self) -> int:
        """Rows that will be deleted. The oldest are deleted first, so the larger of both numbers counts."""
        return max(self.expired, self.surplus)


@dataclass(frozen=True, slots=True)
class LogBytes:
    """Bytes of log lines with those of their rows. `surplus` is over the limit of one robot or of all."""

    stored: int
    limit: int
    surplus: int


async def retained_rows(store: SizeStore, settings: Settings, now: Instant) -> list[RetainedRows]:
    """What retention will delete of each kind. Log lines of deleted jobs are not counted."""
    found = []
    for kind, limit in limits_of(settings).items():
        stored = await store.count_kept(kind)
        expired = await store.count_older(kind, after(now, -limit.days * DAY_SECONDS))
        found.append(RetainedRows(kind, stored, limit.days, expired, limit.number, max(0, stored - limit.number)))
    return found


async def log_bytes(store: SizeStore, settings: Settings) -> LogBytes:
    volumes = (await store.log_volumes()).values()
    kept = sum(min(size, settings.retention_robot_log_bytes) for size in volumes)
    stored = sum(volumes)
    return LogBytes(stored, settings.retention_log_bytes, stored - min(kept, settings.retention_log_bytes))
