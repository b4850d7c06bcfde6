"""Which jobs a robot holds, and what it has seen."""

import pytest

from casare_rpa.domain.protocol import ActiveJob, JobAssign
from casare_rpa.infrastructure.orchestrator.communication.robot import job_ledger
from casare_rpa.infrastructure.orchestrator.communication.robot.job_ledger import HeldJobs


def assign(job_id: str, attempt: int | None) -> JobAssign:
    return JobAssign(job_id=job_id, workflow_id="w", priority=5, parameters=b"{}", timeout_seconds=60, attempt=attempt)


def test_job_is_held_from_its_start_until_its_release() -> None:
    jobs = HeldJobs()
    jobs.start("job-1", 1)
    assert (jobs.in_use, jobs.active_jobs()) == (1, [ActiveJob(job_id="job-1", attempt=1)])
    jobs.end("job-1", 1)
    assert (jobs.in_use, jobs.active_jobs()) == (0, [ActiveJob(job_id="job-1", attempt=1)])
    assert jobs.is_over("job-1", 1)
    assert not jobs.holds("job-1", 1)
    jobs.release("job-1", 1)
    assert (jobs.in_use, jobs.active_jobs()) == (0, [])


def test_release_of_an_older_attempt_leaves_the_newer() -> None:
    jobs = HeldJobs()
    jobs.start("job-1", 1)
    jobs.start("job-1", 2)
    jobs.release("job-1", 1)
    assert jobs.holds("job-1", 2)


def test_refused_attempt_is_over() -> None:
    jobs = HeldJobs()
    jobs.start("job-1", 1)
    jobs.refuse("job-1", 1)
    assert jobs.is_over("job-1", 1)
    assert not jobs.is_over("job-1", 2)
    assert jobs.in_use == 0


def test_attempt_of_a_report_is_that_of_the_job() -> None:
    jobs = HeldJobs()
    assert jobs.attempt_of("job-1") is None
    jobs.first_time(assign("job-1", 3))
    assert jobs.attempt_of("job-1") == 3
    jobs.start("job-1", 4)
    assert jobs.attempt_of("job-1") == 4


def test_job_without_an_attempt_is_not_listed() -> None:
    jobs = HeldJobs()
    jobs.start("job-1", None)
    assert (jobs.in_use, jobs.active_jobs()) == (1, [])


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_ledger, "MEMORY", 2)
    jobs = HeldJobs()
    assert [jobs.first_time(assign(f"job-{number}", 1)) for number in (1, 2, 2, 3)] == [True, True, False, True]
    assert jobs.first_time(assign("job-1", 1)), "the oldest is forgotten"
    assert not jobs.first_time(assign("job-3", 1))
    assert jobs.attempt_of("job-2") is None
