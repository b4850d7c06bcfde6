"""The guarantees of every store for jobs: added once, offered once, changed only by the table, counted exactly."""

import asyncio
import json

import pytest

from audit_entries import AN_ENTRY
from casare_rpa.domain.instants import Instant
from casare_rpa.domain.job import Reason
from casare_rpa.domain.job_events import UNKNOWN_JOB, Cancel, LeaseOver, OfferExpired, Refusal, Step
from casare_rpa.domain.job_records import Change, JobFilter, JobToAdd
from casare_rpa.domain.logs import Level, LogLine
from casare_rpa.domain.queues import PausedQueue
from casare_rpa.domain.selection import Slots
from casare_rpa.domain.statistics import Counts
from casare_rpa.domain.vocabulary import JobStatus
from casare_rpa.infrastructure.orchestrator.ports.store import Store
from casare_rpa.infrastructure.orchestrator.storage.sqlite import job_writes
from storage.values import HOUR, START, a_job, a_report, a_slot, add, at, running, tell


async def test_add_jobs_keeps_every_field(store: Store) -> None:
    job = a_job(
        parameters='{"a":["é",1.5,null]}',
        tags=("a", "b"),
        priority=9,
        not_before=at(99),
        timeout_seconds=7,
        max_attempts=3,
    )
    await add(store, job)
    assert await store.job(job.job_id) == job
    assert [entry.number for entry in await store.job_history(job.job_id, 1000)] == ["T1"]


async def test_add_jobs_returns_the_first_job_for_a_repeated_key(store: Store) -> None:
    first = a_job()
    await store.add_jobs([JobToAdd(first, "key", "digest")])
    repeated = (await store.add_jobs([JobToAdd(a_job(), "key", "digest")]))[0]
    assert repeated is not None
    assert (repeated.job, repeated.created) == (first, False)


@pytest.mark.parametrize("key", ["key", "new"])
async def test_add_jobs_adds_nothing_if_a_key_belongs_to_another_body(store: Store, key: str) -> None:
    await store.add_jobs([JobToAdd(a_job(), "key", "digest")])
    call = [JobToAdd(a_job()), JobToAdd(a_job(), "new", "digest"), JobToAdd(a_job(), key, "another body")]
    beside, refused = await asyncio.gather(store.add_jobs([JobToAdd(a_job())]), store.add_jobs(call))
    assert refused == [None, None, None]
    assert beside[0] is not None
    assert beside[0].created
    assert len(await store.open_jobs(None, 10, None)) == 2


async def test_add_jobs_finds_a_repeated_key_of_a_tenant_inside_a_batch(store: Store) -> None:
    same = [JobToAdd(a_job(), "key", "digest") for _ in range(2)]
    added = await store.add_jobs([*same, JobToAdd(a_job(tenant_id="other"), "key", "digest")])
    assert [one is not None and one.created for one in added] == [True, False, True]


async def test_text_is_not_truncated_at_a_nul(store: Store) -> None:
    job = a_job(workflow_id="a\x00b", parameters='{"x":"\\\\u0000"}')
    await add(store, job)
    await store.append_logs([LogLine("default", "r", Level.INFO, "c\x00d", START, START, job.job_id)])
    stored = await store.job(job.job_id)
    assert stored is not None
    assert (stored.workflow_id, stored.parameters) == ("a\ufffdb", job.parameters)
    assert [one.line.message for one in await store.job_logs(job.job_id, 9, 0)] == ["c\ufffdd"]
    assert (await tell(store, f"{job.job_id}\x00x", Cancel("r", "me"))).before is None


async def test_claim_offers_by_rank_and_counts_the_attempt(store: Store) -> None:
    low, high, early = a_job(priority=0), a_job(priority=9), a_job(priority=0, submitted_at=Instant(START - 2 * HOUR))
    await add(store, low, high, early)
    order = []
    for robot in ("a", "b", "c"):
        offered = await store.claim(Slots([a_slot(robot)]), at(1))
        assert [(job.attempt, job.robot_id) for job in offered] == [(1, robot)]
        order.append(offered[0].job_id)
    assert order == [early.job_id, high.job_id, low.job_id]


async def test_claim_matches_tenant_tags_and_target(store: Store) -> None:
    await add(store, a_job(tags=("sap",)), a_job(target_robot_id="other"), a_job(tenant_id="another"))
    assert await store.claim(Slots([a_slot("robot-1", "web")]), at(1)) == []
    assert len(await store.claim(Slots([a_slot("robot-1", "web", "sap")]), at(1))) == 1
    assert len(await store.claim(Slots([a_slot("other")]), at(1))) == 1
    assert len(await store.claim(Slots([a_slot("robot-3", tenant_id="another")]), at(1))) == 1


async def test_claim_counts_free_slots_in_the_store(store: Store) -> None:
    await add(store, *[a_job() for _ in range(5)])
    assert len(await store.claim(Slots([a_slot(capacity=2)]), at(1))) == 2
    assert await store.claim(Slots([a_slot(capacity=2)]), at(2)) == []


async def test_concurrent_claims_assign_every_job_once(store: Store) -> None:
    await add(store, *[a_job() for _ in range(50)])
    offered = await asyncio.gather(*[store.claim(Slots([a_slot(f"robot-{n}")]), at(1)) for n in range(60)])
    given = [job.job_id for jobs in offered for job in jobs]
    assert len(given) == len(set(given)) == 50


async def test_claim_skips_paused_queues_and_delayed_jobs(store: Store) -> None:
    await add(store, a_job(not_before=at(60)))
    assert await store.claim(Slots([a_slot()]), at(59)) == []
    await store.pause_queue(PausedQueue("default", at(0), "ana"), audit=AN_ENTRY)
    assert await store.claim(Slots([a_slot()]), at(61)) == []
    await store.resume_queue("default", audit=AN_ENTRY)
    assert len(await store.claim(Slots([a_slot()]), at(62))) == 1


async def test_resume_of_all_queues_ends_their_pause(store: Store) -> None:
    await add(store, a_job())
    await store.pause_queue(PausedQueue("*", at(0), "ana"), audit=AN_ENTRY)
    assert [(p.queue, p.paused_by) for p in await store.paused_queues()] == [("*", "ana")]
    assert await store.claim(Slots([a_slot()]), at(1)) == []
    await store.resume_queue("*", audit=AN_ENTRY)
    assert await store.paused_queues() == []
    assert len(await store.claim(Slots([a_slot()]), at(2))) == 1


async def test_claim_assigns_a_returned_job_again(store: Store) -> None:
    job = a_job()
    await add(store, job)
    await store.claim(Slots([a_slot()]), at(0))
    await tell(store, job.job_id, OfferExpired(), 90)
    offered = await store.claim(Slots([a_slot("robot-2")]), at(91))
    assert [(one.job_id, one.attempt, one.robot_id) for one in offered] == [(job.job_id, 2, "robot-2")]


@pytest.mark.slow
async def test_apply_changes_more_large_jobs_than_are_loaded_at_once(store: Store) -> None:
    parameters = json.dumps({"text": '"' * 100_000})
    jobs = [a_job(parameters=parameters) for _ in range(job_writes.LOADED_AT_ONCE + 10)]
    for first in range(0, len(jobs), 20):
        await add(store, *jobs[first : first + 20])
    applied = await store.apply([Change(job.job_id, Cancel("enough", "somebody"), at(1)) for job in jobs])
    assert [one.before for one in applied] == jobs
    assert {one.answer.number for one in applied} == {"T11"}


async def test_apply_writes_row_and_history(store: Store) -> None:
    job = await running(store)
    applied = await tell(store, job.job_id, a_report("completed", result='{"sum":1}', message="done"))
    assert isinstance(applied.answer, Step)
    stored = await store.job(job.job_id)
    assert stored == applied.answer.job
    assert (stored.status, stored.result, stored.finished_at) == (JobStatus.COMPLETED, '{"sum":1}', at(10))
    history = await store.job_history(job.job_id, 1000)
    assert [(e.number, e.kind) for e in history] == [
        ("T1", "submitted"),
        ("T2", "offered"),
        ("T7", "running"),
        ("T10", "completed"),
    ]
    assert (history[-1].robot_id, history[-1].session_id, history[-1].note) == ("robot-1", "ses-robot-1", "done")


async def test_history_names_the_robot_whose_report_on_an_expired_offer_ends_in_a_retry(store: Store) -> None:
    job = a_job(max_attempts=2)
    await add(store, job)
    await store.claim(Slots([a_slot()]), at(1))
    await tell(store, job.job_id, OfferExpired(), 100)
    await tell(store, job.job_id, a_report("failed", attempt=None, message="broken"), 110)
    entry = (await store.job_history(job.job_id, 1000))[-1]
    assert (entry.number, entry.kind, entry.robot_id) == ("T7", "retry", "robot-1")


async def test_apply_applies_changes_of_one_job_in_order(store: Store) -> None:
    job = a_job()
    await add(store, job)
    await store.claim(Slots([a_slot()]), at(1))
    reports = ["claimed", "running", "completed", "completed"]
    applied = await store.apply([Change(job.job_id, a_report(status), at(5)) for status in reports])
    numbers = [one.answer.number for one in applied]
    assert numbers == ["T3", "T6", "T10", "T10"]
    stored = await store.job(job.job_id)
    assert stored is not None
    assert stored.status is JobStatus.COMPLETED


async def test_refusal_in_apply_changes_nothing_and_does_not_affect_others(store: Store) -> None:
    job = await running(store)
    stranger, unknown, good = await store.apply(
        [
            Change(job.job_id, a_report("completed", "thief"), at(5)),
            Change("no-such-job", a_report("completed"), at(5)),
            Change(job.job_id, a_report("running", progress=50.0), at(5)),
        ]
    )
    assert stranger.answer == unknown.answer == UNKNOWN_JOB
    assert unknown.before is None
    assert isinstance(good.answer, Step)
    stored = await store.job(job.job_id)
    assert stored is not None
    assert (stored.status, stored.progress) == (JobStatus.RUNNING, 50.0)


async def test_apply_decides_inside_the_transaction(store: Store) -> None:
    """The robot completes the job between the read and the write of the rescuer. It stays completed."""
    job = await running(store)
    assert (job.job_id, "lease_over") in await store.due(at(1000), 10)
    await tell(store, job.job_id, a_report("completed"), 1000)
    late = await tell(store, job.job_id, LeaseOver(), 1000)
    assert isinstance(late.answer, Refusal)
    stored = await store.job(job.job_id)
    assert stored is not None
    assert stored.status is JobStatus.COMPLETED


async def test_due_returns_only_expired_items(store: Store) -> None:
    job = a_job()
    await add(store, job)
    await store.claim(Slots([a_slot(claim_ack=True)]), at(0))
    assert await store.due(at(14), 10) == []
    assert await store.due(at(15), 10) == [(job.job_id, "offer_expired")]
    held = a_job(target_robot_id="c")
    await add(store, held)
    await store.claim(Slots([a_slot("c", claim_ack=False)]), at(16))
    assert (held.job_id, "held_offer_expired") in await store.due(at(106), 10)
    work = await running(store, "robot-2", timeout_seconds=50)
    assert (work.job_id, "deadline_over") in await store.due(at(60), 10)
    assert (work.job_id, "lease_over") in await store.due(at(100), 10)
    await tell(store, work.job_id, Cancel("no", "ana"), 60)
    assert (work.job_id, "grace_over") in await store.due(at(90), 10)
    assert (work.job_id, "deadline_over") not in await store.due(at(90), 10)


async def test_extend_leases_excludes_offers_that_wait_for_an_ack(store: Store) -> None:
    work = await running(store)
    waits, may_have_started = a_job(target_robot_id="b"), a_job(target_robot_id="c")
    await add(store, waits, may_have_started)
    await store.claim(Slots([a_slot("b", claim_ack=True), a_slot("c")]), at(3))
    assert await store.extend_leases(at(500)) == 2
    assert await store.due(at(499), 10) == [(waits.job_id, "offer_expired")]
    stored = await store.job(work.job_id)
    assert stored is not None
    assert stored.lease_expires_at == at(500)
    assert await store.extend_leases(at(400)) == 0, "never shortened"


async def test_counts_follow_every_change_per_tenant(store: Store) -> None:
    done, failed, cancelled = [await running(store, f"robot-{n}") for n in range(3)]
    await tell(store, done.job_id, a_report("completed", "robot-0"))
    await tell(store, failed.job_id, a_report("failed", "robot-1"))
    await tell(store, cancelled.job_id, Cancel("no", "ana"))
    await tell(store, cancelled.job_id, a_report("failed", "robot-2"))
    await add(store, a_job(), a_job(tenant_id="other"))
    await running(store, "robot-9", priority=10)
    assert await store.counts(None, at(20)) == Counts(2, 0, 1, 1, 1)
    assert await store.counts("other", at(20)) == Counts(1, 0, 0, 0, 0)
    assert await store.counts("nobody", at(20)) == Counts()


async def test_counts_of_ends_cover_one_day(store: Store) -> None:
    job = await running(store)
    await tell(store, job.job_id, a_report("completed"), 10)
    assert (await store.counts(None, Instant(START + 23 * HOUR))).completed_24h == 1
    assert (await store.counts(None, Instant(START + 25 * HOUR))).completed_24h == 0


async def test_jobs_are_paged_newest_first_without_gaps_during_submits(store: Store) -> None:
    jobs = [a_job(submitted_at=at(n // 2)) for n in range(7)]
    await add(store, *jobs)
    seen: list[str] = []
    before = None
    while page := await store.jobs(JobFilter(), 2, before):
        seen += [job.job_id for job in page]
        before = (page[-1].submitted_at, page[-1].job_id)
        await add(store, a_job(submitted_at=at(1000)))
    assert seen == [job.job_id for job in reversed(jobs)]


async def test_jobs_filters(store: Store) -> None:
    work = await running(store, workflow_id="w")
    offered = a_job(target_robot_id="robot-2", tenant_id="default")
    await add(store, offered, a_job(tenant_id="other"))
    await store.claim(Slots([a_slot("robot-2")]), at(1))

    async def found(**wanted: object) -> list[str]:
        return [job.job_id for job in await store.jobs(JobFilter(**wanted), 10, None)]  # type: ignore[arg-type]

    assert await found(statuses=(JobStatus.RUNNING,)) == [work.job_id]
    assert await found(workflow_id="w") == [work.job_id]
    assert await found(robot_id="robot-1") == [work.job_id]
    assert await found(robot_id="robot-2") == [], "an offered job has no visible robot"
    assert len(await found(tenant_id="other")) == 1
    assert len(await found()) == 3


async def test_open_jobs_excludes_ended_ones_and_pages_by_id(store: Store) -> None:
    ended = await running(store)
    await tell(store, ended.job_id, a_report("completed"))
    jobs = [a_job() for _ in range(3)]
    await add(store, *jobs)
    first = await store.open_jobs(None, 2, None)
    rest = await store.open_jobs(None, 2, first[-1].job_id)
    assert [job.job_id for job in (*first, *rest)] == [job.job_id for job in jobs]


async def test_held_jobs_are_offered_claimed_and_running_jobs_of_the_robot(store: Store) -> None:
    work = await running(store)
    assert [job.job_id for job in await store.held_jobs("robot-1")] == [work.job_id]
    await tell(store, work.job_id, a_report("failed"))
    assert await store.held_jobs("robot-1") == []
    stored = await store.job(work.job_id)
    assert stored is not None
    assert stored.reason is Reason.ERROR
