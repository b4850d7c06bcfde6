"""The part of a store on stored jobs, log lines, figures and retention. Portable."""

from casare_rpa.domain.audit import NewAudit
from casare_rpa.domain.failure_groups import FailureGroup, FailureGrouping, FailureSpan, GroupKey, Mute
from casare_rpa.domain.instants import Instant
from casare_rpa.domain.job import Job
from casare_rpa.domain.job_records import JobFilter, JobHistoryEntry, JobOrder, WaitingJob
from casare_rpa.domain.logs import LinesAfter, LogFilter, StoredLine
from casare_rpa.domain.presets import Preset, PresetKey
from casare_rpa.domain.retained import RetainedKind
from casare_rpa.domain.statistics import Counts, Ended, JobCount, QueueSample, RobotRun
from casare_rpa.domain.steps import StepPage
from casare_rpa.infrastructure.orchestrator.storage.cold import (
    failure_note_rows,
    failure_rows,
    job_filters,
    job_rows,
    log_rows,
    preset_rows,
    queue_rows,
    retention_rows,
    run_rows,
    statistics_rows,
    step_rows,
)
from casare_rpa.infrastructure.orchestrator.storage.tables.fleet_tables import FleetTables


class JobTables(FleetTables):
    """Implements the reads of `ports.jobs`, `ports.logs` and `ports.statistics`, and retention."""

    async def due(self, at: Instant, limit: int, instance: str = "") -> list[tuple[str, str]]:
        return await self._reads.read(lambda c: job_rows.due(c, at, limit, instance))

    async def extend_leases(self, until: Instant, instance: str | None = None) -> int:
        return await self._writes.write(lambda c: job_rows.extend_leases(c, until, instance))

    async def held_jobs(self, robot_id: str) -> list[Job]:
        return await self._reads.look_up(lambda c: job_rows.held_by(c, robot_id))

    async def job(self, job_id: str) -> Job | None:
        return await self._reads.look_up(lambda c: job_rows.find(c, job_id))

    async def jobs(
        self,
        wanted: JobFilter,
        limit: int,
        after: tuple[Instant, str] | None,
        order: JobOrder = JobOrder.NEWEST,
    ) -> list[Job]:
        return await self._reads.search(lambda c, _: job_filters.listed(c, wanted, limit, after, order))

    async def count_jobs(self, wanted: JobFilter, most: int | None = None) -> JobCount:
        counted = most or self._limits.counted_jobs
        return await self._reads.search(lambda c, _: job_filters.count(c, wanted, counted))

    async def last_jobs(self, tenant_id: str | None, limit: int) -> list[Job]:
        return await self._reads.search(lambda c, _: statistics_rows.last_of_workflows(c, tenant_id, limit))

    async def open_jobs(self, tenant_id: str | None, limit: int, after_id: str | None) -> list[Job]:
        return await self._reads.read(lambda c: job_rows.open_jobs(c, tenant_id, limit, after_id))

    async def position(self, job: Job) -> int:
        return await self._reads.read(lambda c: queue_rows.position(c, job))

    async def waiting(self, lines: int, each: int, tenant_id: str | None = None) -> list[WaitingJob]:
        return await self._reads.read(lambda c: queue_rows.waiting(c, lines, each, tenant_id))

    async def job_history(self, job_id: str, limit: int, after_id: int = 0) -> list[JobHistoryEntry]:
        return await self._reads.read(lambda c: job_rows.history(c, job_id, limit, after_id))

    async def job_logs(self, job_id: str, limit: int, after_id: int) -> list[StoredLine]:
        return await self._reads.read(lambda c: log_rows.of_job(c, job_id, limit, after_id))

    async def recent_logs(self, wanted: LogFilter, limit: int, after_id: int) -> list[int]:
        return await self._reads.search(lambda c, _: log_rows.recent(c, wanted, limit, after_id))

    async def lines_after(self, after_id: int, limit: int) -> LinesAfter:
        return await self._reads.read(lambda c: log_rows.lines_after(c, after_id, limit))

    async def counts(self, tenant_id: str | None, at: Instant) -> Counts:
        return await self._reads.read(lambda c: job_rows.counts(c, tenant_id, at))

    async def ended(
        self, tenant_id: str | None, since: Instant, until: Instant | None = None, step_minutes: int = 1
    ) -> list[Ended]:
        return await self._reads.search(lambda c, _: statistics_rows.ended(c, tenant_id, since, until, step_minutes))

    async def last_failure(self, fingerprint: str, tenant_id: str | None) -> Job | None:
        wanted = JobFilter(tenant_id=tenant_id, fingerprint=fingerprint)
        found = await self._reads.search(lambda c, _: job_filters.listed(c, wanted, 1, None))
        return found[0] if found else None

    async def failures(
        self, tenant_id: str | None, span: FailureSpan, limit: int, *, muted: bool | None = None
    ) -> FailureGrouping:
        jobs = self._limits.statistics_jobs
        return await self._reads.search(
            lambda c, _: failure_rows.failures(c, tenant_id, span, limit, jobs, muted=muted)
        )

    async def failure_group(self, key: GroupKey, span: FailureSpan) -> FailureGroup | None:
        jobs = self._limits.statistics_jobs
        return await self._reads.search(lambda c, _: failure_rows.group(c, key, span, jobs))

    async def write_failure_note(
        self, key: GroupKey, note: str | None, owner: str | None, at: Instant, *, audit: NewAudit
    ) -> bool:
        return await self._audited(lambda c: failure_note_rows.write(c, key, note, owner, at), audit)

    async def mute_failures(self, key: GroupKey, muted: Mute, *, audit: NewAudit) -> bool:
        return await self._audited(lambda c: failure_note_rows.mute(c, key, muted), audit)

    async def unmute_failures(self, key: GroupKey, at: Instant, *, audit: NewAudit) -> bool:
        return await self._audited(lambda c: failure_note_rows.unmute(c, key, at), audit)

    async def delete_failure_notes(self, before: Instant) -> None:
        await self._writes.write(lambda c: failure_note_rows.delete_unused(c, before))

    async def presets(self, tenant_id: str, workflow_id: str) -> list[Preset]:
        return await self._reads.read(lambda c: preset_rows.listed(c, tenant_id, workflow_id))

    async def save_preset(self, preset: Preset, *, audit: NewAudit) -> bool:
        return await self._audited(lambda c: preset_rows.save(c, preset), audit)

    async def delete_preset(self, key: PresetKey, *, audit: NewAudit) -> bool:
        return await self._audited(lambda c: preset_rows.delete(c, key), audit)

    async def oldest_pending(self, tenant_id: str | None) -> Job | None:
        jobs = self._limits.statistics_jobs
        return await self._reads.search(lambda c, _: statistics_rows.oldest_pending(c, tenant_id, jobs))

    async def troubled(self, tenant_id: str | None, since: Instant, limit: int) -> list[Job]:
        return await self._reads.search(lambda c, _: statistics_rows.troubled(c, tenant_id, since, limit))

    async def runs(self, tenant_id: str | None, since: Instant, until: Instant, limit: int) -> list[RobotRun]:
        return await self._reads.search(lambda c, _: run_rows.runs(c, tenant_id, since, until, limit))

    async def sample_queues(self, at: Instant) -> None:
        # Read apart from the write, because it takes long, and all other writes would wait for it.
        jobs = self._limits.statistics_jobs
        new = await self._reads.search(lambda c, _: statistics_rows.sample(c, at, jobs))
        await self._writes.write(lambda c: statistics_rows.save(c, new))

    async def queue_samples(
        self, since: Instant, until: Instant | None = None, step_minutes: int = 1
    ) -> list[QueueSample]:
        return await self._reads.search(lambda c, _: statistics_rows.samples(c, since, until, step_minutes))

    async def steps(self, job_id: str, attempt: int, after_revision: int) -> StepPage:
        return await self._reads.read(lambda c: step_rows.of_attempt(c, job_id, attempt, after_revision))

    async def count_kept(self, kept: RetainedKind) -> int:
        return await self._reads.read(lambda c: retention_rows.count(c, kept))

    async def count_older(self, kept: RetainedKind, before: Instant) -> int:
        return await self._reads.read(lambda c: retention_rows.count_older(c, kept, before))

    async def log_volumes(self) -> dict[str, int]:
        return await self._reads.read(retention_rows.log_volumes)

    async def delete_tallies(self, before: Instant) -> None:
        await self._writes.write(lambda c: retention_rows.delete_tallies(c, before))
