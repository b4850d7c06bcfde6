"""Pending reasons as an instance computes and publishes them: from the store, the fleet and the queues."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from audit_entries import AN_ENTRY
from casare_rpa.domain.credentials import Principal, Role
from casare_rpa.domain.errors import AuthError, NotFound
from casare_rpa.domain.instants import after
from casare_rpa.domain.job import Job, Reason
from casare_rpa.domain.queues import Queue
from casare_rpa.domain.vocabulary import Action, JobStatus
from casare_rpa.domain.waiting import Availability, ReasonCode
from hub.fake_peer import seen
from orchestrator.slices import ROBOT, Instance, instance


@pytest.fixture
async def plane(tmp_path: Path) -> AsyncIterator[Instance]:
    async with instance(tmp_path) as opened:
        await opened.rescuer.rescue()
        yield opened


def person(name: str, tenant_id: str | None = None) -> Principal:
    return Principal(role=Role.ADMIN, name=name, tenant_id=tenant_id)


async def codes(plane: Instance, job: Job) -> list[ReasonCode]:
    explained = await plane.pending_reasons.explain(await plane.stored(job))
    assert explained is not None
    return [reason.code for reason in explained.reasons]


async def test_job_without_a_matching_robot_has_that_reason_until_one_connects(plane: Instance) -> None:
    job = await plane.job()
    assert await codes(plane, job) == [ReasonCode.NO_ROBOT]
    await plane.robot()
    assert await codes(plane, job) == [ReasonCode.NEXT]
    await plane.dispatch()
    assert await codes(plane, job) == [ReasonCode.OFFERED]
    assert (await plane.pending_reasons.explain(job)) is not None


async def test_running_job_has_no_pending_reasons(plane: Instance) -> None:
    _, link = await plane.robot()
    job = await plane.job()
    await plane.dispatch()
    await plane.report(link, job, "running")
    assert await plane.pending_reasons.explain(await plane.stored(job)) is None


async def test_position_counts_only_jobs_of_the_same_placement(plane: Instance) -> None:
    _, link = await plane.robot()
    await plane.report(link, await first_running(plane), "running")
    await plane.job(tags=("other",))
    jobs = []
    for priority in (5, 5, 9):
        jobs.append(await plane.job(priority=priority))
        plane.clock.advance(1)
    explained = [await plane.pending_reasons.explain(await plane.stored(job)) for job in jobs]
    assert [one.position for one in explained if one] == [2, 3, 1]
    assert await codes(plane, jobs[1]) == [ReasonCode.ROBOTS_UNAVAILABLE, ReasonCode.JOBS_AHEAD]
    assert explained[0] is not None
    assert explained[0].robots == [(ROBOT, Availability.BUSY)]


async def first_running(plane: Instance) -> Job:
    job = await plane.job()
    await plane.dispatch()
    return job


async def test_drained_robot_keeps_its_jobs_and_gets_new_ones_after_a_resume(plane: Instance) -> None:
    _, link = await plane.robot()
    running = await first_running(plane)
    await plane.report(link, running, "running")
    await plane.commands.execute(Action.DRAIN_ROBOT, ROBOT, person("ana"), "patch day")
    await plane.report(link, running, "completed")
    assert (await plane.stored(running)).status is JobStatus.COMPLETED
    job = await plane.job()
    await plane.dispatch()
    assert (await plane.stored(job)).robot_id is None
    explained = await plane.pending_reasons.explain(job)
    assert explained is not None
    assert [r.message for r in explained.reasons] == ["1 matching robot: 1 draining"]
    stored = await plane.store.robot(ROBOT)
    assert stored is not None
    assert (stored.draining_by, stored.draining_reason) == ("ana", "patch day")
    await plane.commands.execute(Action.DRAIN_ROBOT, ROBOT, person("bo"), "again")
    await plane.commands.execute(Action.RESUME_ROBOT, ROBOT, person("ana"))
    await plane.dispatch()
    assert (await plane.stored(job)).robot_id == ROBOT


async def test_drain_survives_a_server_restart(plane: Instance, tmp_path: Path) -> None:
    await plane.robot()
    await plane.commands.execute(Action.DRAIN_ROBOT, ROBOT, person("ana"))
    again = Instance(plane.store)
    await again.presence.load()
    live = again.fleet.get(ROBOT)
    assert live is not None
    assert live.robot.draining_by == "ana"


@pytest.mark.parametrize("action", [Action.DRAIN_ROBOT, Action.RESUME_ROBOT])
async def test_unknown_robot_cannot_be_drained(plane: Instance, action: Action) -> None:
    with pytest.raises(NotFound, match="no robot 'nobody'"):
        await plane.commands.execute(action, "nobody", person("ana"))


async def test_pause_of_a_queue_affects_only_it_and_records_user_and_reason(plane: Instance) -> None:
    await plane.robot()
    await plane.store.add_queue(Queue("payroll", plane.clock.now(), "ana"), audit=AN_ENTRY)
    await plane.commands.execute(Action.PAUSE_QUEUE, "payroll", person("ana"), "month end")
    held, free = await plane.job(queue="payroll"), await plane.job()
    await plane.dispatch()
    assert (await plane.stored(free)).robot_id == ROBOT
    assert ReasonCode.QUEUE_PAUSED in await codes(plane, held)
    [paused] = await plane.store.paused_queues()
    assert (paused.queue, paused.paused_by, paused.reason) == ("payroll", "ana", "month end")
    assert await plane.store.queue_depths(None) == {"payroll": 1, "default": 1}


async def test_unknown_queue_is_refused_for_jobs_and_pauses(plane: Instance) -> None:
    with pytest.raises(NotFound, match="no queue 'payrol'"):
        await plane.job(queue="payrol")
    with pytest.raises(NotFound, match=r"no queue 'payrol'; existing queues: default"):
        await plane.commands.execute(Action.PAUSE_QUEUE, "payrol", person("ana"))


async def test_job_over_its_time_in_the_queue_expires(plane: Instance) -> None:
    job = await plane.job(queue_ttl_seconds=60)
    delayed = await plane.job(queue_ttl_seconds=60, not_before=after(plane.clock.now(), 30))
    plane.clock.advance(59)
    await plane.rescuer.rescue()
    assert (await plane.stored(job)).status is JobStatus.PENDING
    plane.clock.advance(1)
    await plane.rescuer.rescue()
    ended = await plane.stored(job)
    assert (ended.status, ended.reason) == (JobStatus.FAILED, Reason.EXPIRED)
    assert (await plane.stored(delayed)).status is JobStatus.PENDING
    plane.clock.advance(30)
    await plane.rescuer.rescue()
    assert (await plane.stored(delayed)).reason is Reason.EXPIRED


async def test_viewers_get_pending_reasons_once_and_after_changes(plane: Instance) -> None:
    viewer = await plane.viewer(("jobs", None))
    tenant = await plane.viewer(("jobs", "other"))
    job = await plane.job()
    await plane.job_stream.show_reasons()
    await plane.job_stream.show_reasons()
    told = [update["pending_reasons"] for update in await seen(viewer, "job_update") if "pending_reasons" in update]
    assert [[reason["code"] for reason in reasons] for reasons in told] == [["no_robot"]]
    await plane.robot()
    await plane.job_stream.show_reasons()
    [*_, last] = await seen(viewer, "job_update")
    assert (last["job_id"], last["status"]) == (job.job_id, "pending")
    assert last["pending_reasons"] == [{"code": "next", "message": "next: a matching robot is free"}]
    assert await seen(tenant, "job_update") == []


async def test_reasons_are_not_computed_without_viewers(plane: Instance) -> None:
    job = await plane.job()
    await plane.job_stream.show_reasons()
    assert plane.pending_reasons.shown(job.job_id) == ()


@pytest.mark.parametrize("action", [Action.DRAIN_ROBOT, Action.RESTART_ROBOT, Action.CANCEL_JOB])
async def test_admin_of_one_tenant_commands_only_its_own_robots(plane: Instance, action: Action) -> None:
    await plane.robot()
    target = (await plane.job()).job_id if action is Action.CANCEL_JOB else ROBOT
    with pytest.raises(NotFound, match="target_id: there is no"):
        await plane.commands.execute(action, target, person("eve", "other"))
    await plane.commands.execute(action, target, person("ana", "default"))


@pytest.mark.parametrize("action", [Action.PAUSE_QUEUE, Action.RESUME_QUEUE])
async def test_shared_queues_are_not_accessible_to_an_admin_of_one_tenant(plane: Instance, action: Action) -> None:
    with pytest.raises(AuthError, match="queues belong to all tenants"):
        await plane.commands.execute(action, "default", person("eve", "other"))
    assert await plane.store.paused_queues() == []
