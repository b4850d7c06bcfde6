"""A job is offered only to robots with its workflow; otherwise it is pending with that reason."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec import UNSET

from casare_rpa.domain.job import Job
from casare_rpa.domain.protocol import Hello, JobError, JobReport
from casare_rpa.domain.vocabulary import ReportStatus
from casare_rpa.domain.waiting import ReasonCode
from casare_rpa.infrastructure.orchestrator.robots.live_robot import RobotConnection
from orchestrator.slices import Instance, instance

UNSERVABLE = 1_000


@pytest.fixture
async def plane(tmp_path: Path) -> AsyncIterator[Instance]:
    async with instance(tmp_path) as opened:
        await opened.rescuer.rescue()
        yield opened


async def robot(plane: Instance, robot_id: str, workflows: list[str] | None, slots: int = 1) -> RobotConnection:
    """A robot with a `hello`; `None` leaves out the key."""
    _, link = await plane.robot(robot_id)
    await say_hello(plane, link, workflows, slots)
    return link


async def say_hello(plane: Instance, link: RobotConnection, workflows: list[str] | None, slots: int = 1) -> None:
    listed = UNSET if workflows is None else workflows
    hello = Hello(instance_id=f"{link.robot_id}-1", max_concurrent_jobs=slots, active_jobs=[], workflows=listed)
    await plane.presence.introduce(link, hello)


async def holder(plane: Instance, job: Job) -> str | None:
    await plane.dispatch()
    return (await plane.stored(job)).robot_id


async def reasons(plane: Instance, job: Job) -> list[tuple[ReasonCode, str]]:
    explained = await plane.pending_reasons.explain(await plane.stored(job))
    assert explained is not None
    return [(reason.code, reason.message) for reason in explained.reasons]


async def fail(plane: Instance, link: RobotConnection, job: Job, code: str) -> None:
    report = JobReport(
        job_id=job.job_id,
        status=ReportStatus.FAILED,
        timestamp=datetime.now(UTC),
        error=JobError(type="error", code=code, message="m"),
    )
    assert plane.reports.report(link, report, None) is None
    await plane.reports.write()


async def test_job_goes_to_the_robot_that_lists_its_workflow(plane: Instance) -> None:
    await robot(plane, "a-without", ["letters"], slots=9)
    await robot(plane, "b-with", ["invoices", "letters"], slots=9)
    jobs = [await plane.job(workflow_id="invoices") for _ in range(9)]
    assert {await holder(plane, job) for job in jobs} == {"b-with"}


@pytest.mark.parametrize("workflows", [None, ["w"]])
async def test_robot_that_lists_none_is_offered_every_workflow(plane: Instance, workflows: list[str] | None) -> None:
    await robot(plane, "robot-1", workflows)
    assert await holder(plane, await plane.job(workflow_id="w")) == "robot-1"


async def test_robot_of_contract_1_0_is_offered_every_workflow(plane: Instance) -> None:
    await plane.robot("robot-1")
    assert await holder(plane, await plane.job(workflow_id="w")) == "robot-1"


async def test_empty_list_means_no_workflow(plane: Instance) -> None:
    await robot(plane, "robot-1", [])
    assert await holder(plane, await plane.job()) is None


async def test_pending_job_has_the_reason_that_no_robot_has_its_workflow(plane: Instance) -> None:
    for number in range(4):
        await robot(plane, f"robot-{number}", ["letters"])
    job = await plane.job(workflow_id="invoices")
    assert await holder(plane, job) is None
    sentence = "no robot has the workflow 'invoices'; 4 robots match otherwise: robot-0, robot-1, robot-2, …"
    assert await reasons(plane, job) == [(ReasonCode.NO_WORKFLOW, sentence)]
    tagged = await plane.job(workflow_id="invoices", tags=("sap",))
    assert [code for code, _ in await reasons(plane, tagged)] == [ReasonCode.NO_ROBOT]


async def test_busy_robot_with_the_workflow_is_the_reason(plane: Instance) -> None:
    await robot(plane, "robot-1", ["letters"])
    await robot(plane, "robot-2", ["invoices"])
    await holder(plane, await plane.job(workflow_id="invoices"))
    waiting = await plane.job(workflow_id="invoices")
    assert await reasons(plane, waiting) == [(ReasonCode.ROBOTS_UNAVAILABLE, "1 matching robot: 1 busy")]


async def test_new_hello_changes_the_offered_workflows(plane: Instance) -> None:
    link = await robot(plane, "robot-1", ["letters"])
    job = await plane.job(workflow_id="invoices")
    assert await holder(plane, job) is None
    await say_hello(plane, link, ["letters", "invoices"])
    assert await holder(plane, job) == "robot-1"
    await plane.report(link, job, "running")
    await plane.report(link, job, "completed")
    await say_hello(plane, link, ["letters"])
    assert await holder(plane, await plane.job(workflow_id="invoices")) is None


@pytest.mark.parametrize("listed", [None, ["invoices", "letters"]])
async def test_robot_that_reports_unknown_workflow_gets_no_jobs_of_it_until_its_next_hello(
    plane: Instance, listed: list[str] | None
) -> None:
    link = await robot(plane, "robot-1", listed)
    first = await plane.job(workflow_id="invoices")
    assert await holder(plane, first) == "robot-1"
    await fail(plane, link, first, "unknown_workflow")
    second = await plane.job(workflow_id="invoices")
    assert await holder(plane, second) is None
    assert [code for code, _ in await reasons(plane, second)] == [ReasonCode.NO_WORKFLOW]
    other = await plane.job(workflow_id="letters")
    assert await holder(plane, other) == "robot-1"
    await fail(plane, link, other, "E42")
    assert await holder(plane, second) is None
    await say_hello(plane, link, listed)
    assert await holder(plane, second) == "robot-1"


async def test_late_unknown_workflow_about_a_job_of_another_robot_changes_nothing(plane: Instance) -> None:
    link = await robot(plane, "robot-1", None)
    await robot(plane, "robot-2", None)
    job = await plane.job(target_robot_id="robot-2")
    assert await holder(plane, job) == "robot-2"
    await fail(plane, link, job, "unknown_workflow")
    assert await holder(plane, await plane.job(target_robot_id="robot-1")) == "robot-1"


@pytest.mark.slow
async def test_jobs_that_no_robot_can_run_delay_no_others(plane: Instance) -> None:
    await robot(plane, "robot-1", ["invoices"])
    for number in range(UNSERVABLE):
        await plane.job(workflow_id=f"misspelt-{number % 7}", priority=10)
    assert await holder(plane, await plane.job(workflow_id="invoices", priority=0)) == "robot-1"


async def test_list_survives_a_restart_and_memory_agrees_with_the_store(plane: Instance) -> None:
    await robot(plane, "robot-1", ["letters", "invoices", "letters"])
    job = await plane.job(workflow_id="orders")
    stored = await plane.store.robot("robot-1")
    assert stored is not None
    assert stored.workflows == ("invoices", "letters")
    again = Instance(plane.store)
    await again.presence.load()
    live = again.fleet.get("robot-1")
    assert live is not None
    assert live.workflows == stored.workflows
    assert [code for code, _ in await reasons(again, job)] == [ReasonCode.NO_WORKFLOW]
    _, link = await again.robot("robot-1")
    await say_hello(again, link, ["orders"])
    assert await holder(again, job) == "robot-1"


async def test_late_hello_does_not_lift_the_stored_list_of_a_returning_robot(plane: Instance) -> None:
    await robot(plane, "robot-1", ["letters"])
    await plane.robot("robot-1")  # its `hello` is on the way
    assert await holder(plane, await plane.job(workflow_id="invoices")) is None
    assert await holder(plane, await plane.job(workflow_id="letters")) == "robot-1"


async def test_robot_that_returns_without_a_hello_loses_the_stored_list(plane: Instance) -> None:
    await robot(plane, "robot-1", ["letters"])
    job = await plane.job(workflow_id="invoices")
    _, link = await plane.robot("robot-1")
    await plane.beat(link)
    stored = await plane.store.robot("robot-1")
    assert stored is not None
    assert stored.workflows is None
    assert await holder(plane, job) == "robot-1"
