"""Finds jobs whose progress another instance stored. The numbers of changes do not show it, as it has none."""

import asyncio
from collections.abc import Callable, Sequence

from casare_rpa.domain.job import Job
from casare_rpa.infrastructure.orchestrator.ports.jobs import JobReader

MAX_HINTED = 1_000
"""Jobs named by hints that are read; others are found by the next comparison."""
READ_AT_ONCE = 50


class OtherProgress:
    """Hints name the jobs. A comparison with the store finds jobs whose hint was lost."""

    def __init__(self, store: JobReader) -> None:
        self._store = store
        self._hinted: dict[str, None] = {}
        self._revisions: dict[str, int] | None = None
        """The revisions of running jobs at the last comparison; `None` without one."""

    def note(self, job_ids: Sequence[str]) -> None:
        """Another instance stored progress of these jobs."""
        if len(self._hinted) < MAX_HINTED:
            self._hinted.update((job_id, None) for job_id in job_ids)

    async def read_hinted(self) -> list[Job]:
        """The jobs that hints have named since the last call."""
        hinted, self._hinted = list(self._hinted), {}
        return await self._read(hinted) if hinted else []

    async def read_changed(self, known: Callable[[str], int]) -> list[Job]:
        """The running jobs that have changed since the last call, beyond their known revision.

        None at the first call.
        """
        before = self._revisions
        found = {job.job_id: job.revision for job in await self._store.running_jobs()}
        self._revisions = found
        if before is None:
            return []
        changed = [job_id for job_id, revision in found.items() if before.get(job_id) != revision]
        return await self._read([job_id for job_id in changed if known(job_id) < found[job_id]])

    def forget(self) -> None:
        """Drop the ids and revisions, because there is no viewer."""
        self._hinted.clear()
        self._revisions = None

    async def _read(self, job_ids: Sequence[str]) -> list[Job]:
        jobs: list[Job] = []
        for first in range(0, len(job_ids), READ_AT_ONCE):
            some = job_ids[first : first + READ_AT_ONCE]
            jobs += [job for job in await asyncio.gather(*map(self._store.job, some)) if job is not None]
        return jobs
