"""The statistics of every store: ends per minute, samples of queues, the audit trail."""

import asyncio

import pytest

from audit_entries import AN_ENTRY, a_drain
from casare_rpa.domain.audit import NewAudit
from casare_rpa.domain.errors import Conflict
from casare_rpa.domain.job import Reason
from casare_rpa.domain.job_events import Cancel, SocketLost
from casare_rpa.domain.queues import Queue
from casare_rpa.domain.selection import Slots
from casare_rpa.domain.statistics import Ended, QueueSample
from casare_rpa.domain.vocabulary import JobStatus
from casare_rpa.infrastructure.orchestrator.maintenance.retention import DAY_SECONDS
from casare_rpa.infrastructure.orchestrator.ports.store import Store
from casare_rpa.infrastructure.orchestrator.storage.store_limits import StoreLimits
from storage.values import MINUTE, START, a_job, a_report, a_robot, a_slot, add, at, running, tell

TWO_JOBS = pytest.mark.parametrize("limits", [StoreLimits(statistics_jobs=2)])


async def test_ends_are_counted_per_minute_and_tenant(store: Store) -> None:
    first, second = await running(store), await running(store, "robot-2")
    theirs = a_job(tenant_id="other")
    await add(store, theirs)
    await store.claim(Slots([a_slot("robot-3", tenant_id="other")]), at(1))
    await tell(store, first.job_id, a_report("completed"), 10)
    await tell(store, second.job_id, a_report("failed", "robot-2"), 70)
    await tell(store, theirs.job_id, a_report("completed", "robot-3"), 70)
    minute = START // MINUTE
    assert await store.ended("default", START) == [Ended(minute, 1, 0), Ended(minute + 1, 0, 1)]
    assert await store.ended(None, START) == [Ended(minute, 1, 0), Ended(minute + 1, 1, 1)]
    assert await store.ended(None, at(60)) == [Ended(minute + 1, 1, 1)]
    assert await store.ended("nobody", START) == []


async def test_cancelled_and_open_jobs_do_not_count_as_ends(store: Store) -> None:
    waits, cancelled = a_job(), a_job()
    await add(store, waits, cancelled)
    await tell(store, cancelled.job_id, Cancel("over", "ana"))
    assert await store.ended(None, START) == []


async def test_oldest_pending_job_is_ready(store: Store) -> None:
    delayed = a_job(submitted_at=at(-50), not_before=at(3600))
    first, theirs = a_job(submitted_at=at(-20)), a_job(submitted_at=at(-30), tenant_id="other")
    await add(store, a_job(submitted_at=at(-10)), first, theirs, delayed)
    assert await store.oldest_pending("default") == first
    assert await store.oldest_pending(None) == theirs
    assert await store.oldest_pending("nobody") is None


@TWO_JOBS
async def test_oldest_pending_job_is_found_behind_many_unready_ones(store: Store) -> None:
    await add(store, *(a_job(submitted_at=at(-50 - n), not_before=at(3600)) for n in range(3)))
    ready = a_job(submitted_at=at(-1))
    await add(store, ready)
    assert await store.oldest_pending("default") == ready


async def test_sample_has_every_queue_with_its_depth_and_the_wait_of_its_oldest(store: Store) -> None:
    await store.add_queue(Queue("payroll", START, "ana"), audit=AN_ENTRY)
    await add(store, a_job(submitted_at=at(-30)), a_job(submitted_at=at(-90), priority=1), a_job(submitted_at=at(-5)))
    await store.sample_queues(START)
    assert await store.queue_samples(START) == [
        QueueSample("default", START, 3, 90.0),
        QueueSample("payroll", START, 0, None),
    ]


async def test_delayed_job_does_not_count_as_waiting(store: Store) -> None:
    await add(store, a_job(submitted_at=at(-3600), not_before=at(3600)))
    await store.sample_queues(START)
    assert await store.queue_samples(START) == [QueueSample("default", START, 1, None)]


@TWO_JOBS
async def test_wait_of_a_small_queue_is_found_beside_a_large_one(store: Store) -> None:
    await store.add_queue(Queue("payroll", START, "ana"), audit=AN_ENTRY)
    await add(store, *(a_job(submitted_at=at(-100)) for _ in range(3)), a_job(queue="payroll", submitted_at=at(-7)))
    await store.sample_queues(START)
    assert (await store.queue_samples(START))[1] == QueueSample("payroll", START, 1, 7.0)


async def test_second_sample_of_a_minute_changes_nothing(store: Store) -> None:
    await store.sample_queues(START)
    await add(store, a_job())
    await store.sample_queues(START)
    await store.sample_queues(at(60))
    assert [one.pending for one in await store.queue_samples(START)] == [0, 1]
    assert [one.at for one in await store.queue_samples(at(60))] == [at(60)]


async def test_old_samples_are_deleted_with_the_old_counts(store: Store) -> None:
    await store.sample_queues(START)
    await store.sample_queues(at(60))
    await store.delete_tallies(at(60))
    assert [one.at for one in await store.queue_samples(START)] == [at(60)]


async def test_job_without_contact_is_listed_while_it_lasts_in_its_tenant(store: Store) -> None:
    job = await running(store)
    assert await store.troubled(None, START, 50) == []
    await tell(store, job.job_id, SocketLost("ses-robot-1"))
    assert [one.job_id for one in await store.troubled("default", START, 50)] == [job.job_id]
    assert await store.troubled("other", START, 50) == []
    await tell(store, job.job_id, a_report("completed"), 20)
    assert await store.troubled(None, START, 50) == []


async def test_placements_of_a_tenant_exclude_tenants_with_a_longer_name(store: Store) -> None:
    mine, longer, other = a_job(), a_job(tenant_id="default-2"), a_job(tenant_id="other")
    tagged = a_job(tags=("sap",))
    await add(store, mine, longer, other, tagged)
    found = {one.job.job_id for one in await store.waiting(10, 1, "default")}
    assert found == {mine.job_id, tagged.job_id}
    assert len(await store.waiting(10, 1)) == 4


async def test_change_of_a_robot_keeps_unnamed_fields(store: Store) -> None:
    await store.add_robot(a_robot(name="Desk", tags=("sap",), max_concurrent_jobs=2), audit=AN_ENTRY)
    await store.order_robots([a_drain("robot-1", START)], None)
    changed = await store.change_robot("robot-1", None, ("excel",), None, audit=AN_ENTRY)
    assert changed is not None
    assert (changed.name, changed.tags, changed.max_concurrent_jobs) == ("Desk", ("excel",), 2)
    assert changed.draining_at == START
    assert await store.change_robot("robot-1", "Desk 7", None, 3, audit=AN_ENTRY) == await store.robot("robot-1")
    emptied = await store.change_robot("robot-1", "", (), None, audit=AN_ENTRY)
    assert emptied is not None
    assert (emptied.name, emptied.tags, emptied.max_concurrent_jobs) == ("", (), 3)
    assert await store.change_robot("nobody", "x", None, None, audit=AN_ENTRY) is None


async def test_tags_that_are_added_at_the_same_time_are_all_kept(store: Store) -> None:
    await store.add_robot(a_robot(tags=("sap",)), audit=AN_ENTRY)
    tags = [f"tag-{number}" for number in range(10)]
    adds = (store.change_robot("robot-1", None, None, None, (tag,), audit=AN_ENTRY) for tag in tags)
    await asyncio.gather(*adds)
    robot = await store.robot("robot-1")
    assert robot is not None
    assert robot.tags == tuple(sorted(["sap", *tags]))
    many = tuple(f"more-{number}" for number in range(60))
    with pytest.raises(Conflict, match="add_tags: the robot would have 71 tags; expected at most 64"):
        await store.change_robot("robot-1", "renamed", None, None, many, audit=AN_ENTRY)
    assert await store.robot("robot-1") == robot
    assert await store.change_robot("nobody", None, None, None, ("x",), audit=AN_ENTRY) is None


async def test_observation_of_the_server_is_recorded(store: Store) -> None:
    await store.record_audit(NewAudit(at(5), "server", "robot_taken_over", "robot-1", "by 10.0.0.2"))
    (entry,) = await store.audit("robot-1", (), 10, None)
    assert (entry.at, entry.by, entry.action, entry.note) == (at(5), "server", "robot_taken_over", "by 10.0.0.2")


async def test_audit_is_paged_newest_first_with_filters(store: Store) -> None:
    for number, (action, target) in enumerate([("pause_queue", "q"), ("cancel_job", "j"), ("resume_queue", "q")]):
        await store.resume_queue("default", audit=NewAudit(at(number), "ana", action, target, "why"))
    every = await store.audit(None, (), 10, None)
    assert [one.action for one in every] == ["resume_queue", "cancel_job", "pause_queue"]
    assert [one.action for one in await store.audit("q", (), 10, None)] == ["resume_queue", "pause_queue"]
    assert [one.target for one in await store.audit(None, ("cancel_job",), 10, None)] == ["j"]
    assert await store.audit("q", ("cancel_job",), 10, None) == []
    assert await store.audit(None, (), 10, every[1].audit_id) == every[2:]
    assert (every[0].by, every[0].at, every[0].note) == ("ana", at(2), "why")


async def test_newest_job_of_each_workflow_is_found_per_tenant(store: Store) -> None:
    await add(store, *(a_job(workflow_id=f"a-{number}", tenant_id="other") for number in range(3)))
    old, newest = a_job(workflow_id="z", submitted_at=at(-5)), a_job(workflow_id="z")
    second, third = a_job(workflow_id="zz"), a_job(workflow_id="zzz")
    await add(store, newest, old, second, third)
    assert await store.last_jobs("default", 2) == [newest, second]
    assert [job.workflow_id for job in await store.last_jobs(None, 2)] == ["a-0", "a-1"]
    assert await store.last_jobs("nobody", 2) == []


async def test_audit_entries_of_a_range_begin_at_its_first_and_end_before_its_last_instant(store: Store) -> None:
    for number in range(5):
        await store.record_audit(NewAudit(at(10 * number), "ana", f"act_{number % 2}", "q", str(number)))

    async def notes(since: float | None, until: float | None, actions: tuple[str, ...] = (), limit: int = 10) -> str:
        begin, end = (None if one is None else at(one) for one in (since, until))
        found = await store.audit("q", actions, limit, None, begin, end)
        return "".join(entry.note for entry in found)

    assert await notes(10, 30) == "21"
    assert await notes(10.5, None) == "432"
    assert await notes(None, 20) == "10"
    assert await notes(None, 1_000, limit=2) == "43"
    assert await notes(10, 1_000, ("act_1",)) == "31"
    assert await notes(50, None) == await notes(None, 0) == ""


async def test_runs_of_a_range_overlap_it(store: Store) -> None:
    early, overlaps, late = [await running(store, f"robot-{number}") for number in range(3)]
    waits = a_job()
    await add(store, waits)
    await tell(store, early.job_id, a_report("completed", "robot-0"), 10)
    await tell(store, overlaps.job_id, a_report("failed", "robot-1"), 70)
    found = await store.runs("default", at(60), at(120), 10)
    assert [(run.job_id, run.finished_at) for run in found] == [(late.job_id, None), (overlaps.job_id, at(70))]
    (_, ended) = found
    assert (ended.robot_id, ended.workflow_id, ended.attempt, ended.started_at) == ("robot-1", "invoices", 1, at(2))
    assert (ended.status, ended.reason) == (JobStatus.FAILED, Reason.ERROR)
    assert [run.job_id for run in await store.runs(None, at(0), at(120), 1)] == [late.job_id, overlaps.job_id]
    assert await store.runs(None, at(-100), at(1), 10) == []
    assert await store.runs("nobody", at(0), at(120), 10) == []


async def test_runs_that_ended_long_after_the_range_are_left_out(store: Store) -> None:
    soon, later = await running(store, "robot-0"), await running(store, "robot-1")
    await tell(store, soon.job_id, a_report("completed", "robot-0"), 60 + DAY_SECONDS)
    await tell(store, later.job_id, a_report("completed", "robot-1"), 61 + DAY_SECONDS)
    assert [run.job_id for run in await store.runs(None, at(0), at(60), 10)] == [soon.job_id]
