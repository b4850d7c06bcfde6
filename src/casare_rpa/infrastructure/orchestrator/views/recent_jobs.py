"""The recently changed jobs, in the state that viewers got last."""

from collections.abc import Mapping

from casare_rpa.domain.job import Job


class RecentJobs:
    """The newest known state of each job that changed in the last one to two turns; older ones are dropped.

    There are two generations: a changed job is stored in the young one, and a turn drops the old one. Memory is thus
    limited by the rate of changes, not by the number of open jobs.
    """

    __slots__ = ("_old", "_old_snapshots", "_young", "_young_snapshots")

    def __init__(self) -> None:
        self._young: dict[str, Job] = {}
        self._old: dict[str, Job] = {}
        self._young_snapshots: dict[str, int] = {}
        self._old_snapshots: dict[str, int] = {}

    def get(self, job_id: str) -> Job | None:
        job = self._young.get(job_id)
        return job if job is not None else self._old.get(job_id)

    def advance(self, job: Job) -> Job | None:
        """Keep this state unless a newer one is known; returns the state that was known before."""
        last = self._young.get(job.job_id) or self._old.get(job.job_id)
        if last is None or last.revision < job.revision:
            self._young[job.job_id] = job
        return last

    def note_snapshot(self, revisions: Mapping[str, int]) -> None:
        """Store the revisions of jobs in a snapshot for one viewer. Other viewers may not have got these states yet."""
        self._young_snapshots.update(revisions)

    def overtaken(self, job: Job) -> bool:
        """Whether a snapshot showed a newer state, so that this one must not be shown after it."""
        return (
            self._young_snapshots.get(job.job_id, 0) > job.revision
            or self._old_snapshots.get(job.job_id, 0) > job.revision
        )

    def turn(self) -> None:
        """Drop jobs that have not changed since the previous turn."""
        self._old, self._young = self._young, {}
        self._old_snapshots, self._young_snapshots = self._young_snapshots, {}
