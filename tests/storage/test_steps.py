"""The steps of jobs in the store."""

from typing import Any

import pytest

from casare_rpa.domain.retained import RetainedKind
from casare_rpa.domain.steps import MAX_STORED_STEPS, RunStep, StepReport
from casare_rpa.domain.vocabulary import StepStatus
from casare_rpa.infrastructure.orchestrator.ports.store import Store
from storage.values import HOUR, a_report, at, running, tell


def a_step(step_id: int, status: str = "running", **more: Any) -> RunStep:
    fields: dict[str, Any] = {"parent": None, "name": f"step {step_id}", "kind": "keyword", "started_at": at(step_id)}
    ended_at = None if status == "running" else at(step_id + 1)
    return RunStep(step_id, status=StepStatus(status), ended_at=ended_at, **{**fields, **more})


def of(
    job_id: str, *steps: RunStep, robot_id: str = "robot-1", attempt: int | None = 1, last_id: int = 0
) -> StepReport:
    return StepReport(robot_id, job_id, attempt, steps, max([last_id, *(step.step_id for step in steps)]))


async def test_steps_are_read_as_they_were_reported(store: Store) -> None:
    job = await running(store)
    steps = [a_step(1, kind="test"), a_step(2, "passed", parent=1), a_step(3, "failed", parent=2)]
    assert await store.add_steps(of(job.job_id, *steps))
    assert await store.steps(job.job_id, 1, 0) == (steps, 3, 1)
    assert await store.steps(job.job_id, 2, 0) == ([], 0, 0)


async def test_step_changes_until_it_has_ended(store: Store) -> None:
    job = await running(store)
    await store.add_steps(of(job.job_id, a_step(1), a_step(2)))
    await store.add_steps(of(job.job_id, a_step(1, "passed")))
    await store.add_steps(of(job.job_id, a_step(1)))
    await store.add_steps(of(job.job_id, a_step(1, "failed")))
    assert await store.steps(job.job_id, 1, 0) == ([a_step(1, "passed"), a_step(2)], 2, 4)


async def test_changes_after_a_revision_are_read_alone(store: Store) -> None:
    job = await running(store)
    await store.add_steps(of(job.job_id, a_step(1), a_step(2)))
    await store.add_steps(of(job.job_id, a_step(2, "passed"), a_step(3)))
    assert await store.steps(job.job_id, 1, 1) == ([a_step(2, "passed"), a_step(3)], 3, 2)
    assert await store.steps(job.job_id, 1, 2) == ([], 3, 2)


async def test_steps_that_are_not_stored_are_counted(store: Store) -> None:
    job = await running(store)
    await store.add_steps(of(job.job_id, a_step(MAX_STORED_STEPS), last_id=MAX_STORED_STEPS + 5))
    page = await store.steps(job.job_id, 1, 0)
    assert ([step.step_id for step in page.steps], page.total) == ([MAX_STORED_STEPS], MAX_STORED_STEPS + 5)


@pytest.mark.parametrize(("robot_id", "attempt"), [("robot-2", 1), ("robot-2", None), ("robot-1", 2)])
async def test_steps_of_others_are_refused(store: Store, robot_id: str, attempt: int | None) -> None:
    job = await running(store)
    assert not await store.add_steps(of(job.job_id, a_step(1), robot_id=robot_id, attempt=attempt))
    assert await store.steps(job.job_id, 1, 0) == ([], 0, 0)
    assert await store.steps(job.job_id, 2, 0) == ([], 0, 0)


async def test_unknown_job_is_refused(store: Store) -> None:
    assert not await store.add_steps(of("job-of-nobody", a_step(1)))


async def test_robot_without_an_attempt_number_means_the_current_one(store: Store) -> None:
    job = await running(store)
    assert await store.add_steps(of(job.job_id, a_step(1), attempt=None))
    assert (await store.steps(job.job_id, 1, 0)).total == 1


async def test_late_steps_of_an_earlier_attempt_are_stored_with_it(store: Store) -> None:
    job = await running(store, max_attempts=2)
    await tell(store, job.job_id, a_report("failed", error='{"type":"error","message":"x"}'), 20)
    stored = await store.job(job.job_id)
    assert stored is not None
    assert (stored.status, stored.robot_id) == ("pending", None)
    assert await store.add_steps(of(job.job_id, a_step(1, "failed")))
    assert not await store.add_steps(of(job.job_id, a_step(1, "failed"), robot_id="robot-2"))
    assert await store.steps(job.job_id, 1, 0) == ([a_step(1, "failed")], 1, 1)


async def test_message_without_steps_changes_nothing(store: Store) -> None:
    job = await running(store)
    assert await store.add_steps(of(job.job_id))
    assert await store.steps(job.job_id, 1, 0) == ([], 0, 0)


async def test_text_with_nul_is_stored(store: Store) -> None:
    job = await running(store)
    await store.add_steps(of(job.job_id, a_step(1, name="a\x00b")))
    assert [step.name for step in (await store.steps(job.job_id, 1, 0)).steps] == ["a�b"]


async def test_steps_are_deleted_with_their_job(store: Store) -> None:
    job, other = await running(store), await running(store, robot_id="robot-2")
    await store.add_steps(of(job.job_id, a_step(1)))
    await store.add_steps(of(other.job_id, a_step(1), robot_id="robot-2"))
    await tell(store, job.job_id, a_report("completed"), 20)
    assert await store.delete_oldest(RetainedKind.JOBS, at(HOUR), 100) == 1
    assert await store.steps(job.job_id, 1, 0) == ([], 0, 0)
    assert (await store.steps(other.job_id, 1, 0)).total == 1
