"""The jobs that a robot holds, and the assignments that it has received."""

from casare_rpa.domain.protocol import ActiveJob, JobAssign
from casare_rpa.infrastructure.orchestrator.communication.robot.job_ledger import JobLedger


def assign(job_id: str, attempt: int | None) -> JobAssign:
    return JobAssign(job_id=job_id, workflow_id="w", priority=5, parameters=b"{}", timeout_seconds=60, attempt=attempt)


def test_job_is_held_from_its_start_until_its_release() -> None:
    jobs = JobLedger()
    jobs.hold("job-1", 1)
    assert (jobs.slots_in_use, jobs.active_jobs()) == (1, [ActiveJob(job_id="job-1", attempt=1)])
    jobs.mark_ended("job-1", 1)
    assert (jobs.slots_in_use, jobs.active_jobs()) == (0, [ActiveJob(job_id="job-1", attempt=1)])
    assert jobs.is_finished("job-1", 1)
    assert not jobs.holds("job-1", 1)
    jobs.release("job-1", 1)
    assert (jobs.slots_in_use, jobs.active_jobs()) == (0, [])


def test_release_of_an_older_attempt_leaves_the_newer() -> None:
    jobs = JobLedger()
    jobs.hold("job-1", 1)
    jobs.hold("job-1", 2)
    jobs.release("job-1", 1)
    assert jobs.holds("job-1", 2)


def test_refused_attempt_is_over() -> None:
    jobs = JobLedger()
    jobs.hold("job-1", 1)
    jobs.mark_refused("job-1", 1)
    assert jobs.is_finished("job-1", 1)
    assert not jobs.is_finished("job-1", 2)
    assert jobs.slots_in_use == 0


def test_attempt_of_a_report_is_that_of_the_job() -> None:
    jobs = JobLedger()
    assert jobs.attempt_of("job-1") is None
    jobs.record_assignment(assign("job-1", 3))
    assert jobs.attempt_of("job-1") == 3
    jobs.hold("job-1", 4)
    assert jobs.attempt_of("job-1") == 4


def test_job_without_an_attempt_is_not_listed() -> None:
    jobs = JobLedger()
    jobs.hold("job-1", None)
    assert (jobs.slots_in_use, jobs.active_jobs()) == (1, [])


def test_remembered_assignments_are_bounded() -> None:
    jobs = JobLedger(max_remembered=2)
    assert [jobs.record_assignment(assign(f"job-{number}", 1)) for number in (1, 2, 2, 3)] == [True, True, False, True]
    assert jobs.record_assignment(assign("job-1", 1)), "the oldest is forgotten"
    assert not jobs.record_assignment(assign("job-3", 1))
    assert jobs.attempt_of("job-2") is None


def test_remembered_ends_are_bounded() -> None:
    jobs = JobLedger(max_remembered=2)
    for number in (1, 2, 3):
        jobs.hold(f"job-{number}", 1)
        jobs.mark_ended(f"job-{number}", 1)
        jobs.release(f"job-{number}", 1)
    assert [jobs.is_finished(f"job-{number}", 1) for number in (1, 2, 3)] == [False, True, True]


def test_slots_follow_every_change_of_a_job() -> None:
    jobs = JobLedger()
    slots = []
    for change in (jobs.hold, jobs.hold, jobs.mark_ended, jobs.mark_ended, jobs.hold, jobs.release, jobs.release):
        change("job-1", 1)
        slots.append(jobs.slots_in_use)
    assert slots == [1, 1, 0, 0, 1, 0, 0]
    jobs.hold("job-2", 1)
    jobs.mark_ended("job-2", 1)
    jobs.release("job-2", 1)
    jobs.hold("job-3", 1)
    assert jobs.slots_in_use == 1, "the end of a released job does not count"
