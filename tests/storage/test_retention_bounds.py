"""Retention on both sides of each limit, and the old rows that it keeps."""

import pytest

from casare_rpa.domain.audit import NewAudit
from casare_rpa.domain.instants import Instant
from casare_rpa.domain.job import Job
from casare_rpa.domain.job_events import Cancel
from casare_rpa.domain.logs import Level, LogFilter, LogLine
from casare_rpa.domain.retained import RetainedKind
from casare_rpa.domain.statistics import Ended
from casare_rpa.infrastructure.orchestrator.ports.store import Store
from storage.values import MINUTE, START, a_job, a_report, add, at, running, tell

MOMENT = at(100)
BEFORE_AT_AND_AFTER = (Instant(MOMENT - 1), MOMENT, Instant(MOMENT + 1))


async def ended(store: Store, when: Instant) -> Job:
    job = a_job()
    await add(store, job)
    await tell(store, job.job_id, Cancel("over", "ana"), (when - START) / 1e6)
    found = await store.job(job.job_id)
    assert found is not None
    assert found.finished_at == when
    return found


async def lines_at(store: Store, *instants: Instant) -> None:
    await store.append_logs(
        [LogLine("default", "robot-1", Level.INFO, str(instant - MOMENT), instant, instant) for instant in instants]
    )


async def order(store: Store, instant: Instant, note: str = "") -> None:
    """A command whose only record is its audit entry."""
    await store.resume_queue("default", audit=NewAudit(instant, "ana", "resume_queue", "default", note))


async def messages(store: Store) -> list[str]:
    return [stored.line.message for stored in (await store.search_logs(LogFilter(), 100, None)).lines][::-1]


async def test_job_that_ended_exactly_at_the_limit_is_kept(store: Store) -> None:
    older, at_limit, younger = [await ended(store, instant) for instant in BEFORE_AT_AND_AFTER]
    assert await store.delete_oldest(RetainedKind.JOBS, MOMENT, 10) == 1
    assert [await store.job(one.job_id) for one in (older, at_limit, younger)] == [None, at_limit, younger]
    assert await store.delete_oldest(RetainedKind.JOBS, Instant(MOMENT + 1), 10) == 1
    assert [await store.job(one.job_id) for one in (at_limit, younger)] == [None, younger]


async def test_log_line_exactly_at_the_limit_is_kept(store: Store) -> None:
    await lines_at(store, *BEFORE_AT_AND_AFTER)
    assert await store.delete_oldest(RetainedKind.LOGS, MOMENT, 10) == 1
    assert await messages(store) == ["0", "1"]
    assert await store.delete_oldest(RetainedKind.LOGS, Instant(MOMENT + 1), 10) == 1
    assert await messages(store) == ["1"]


async def test_audit_entry_exactly_at_the_limit_is_kept(store: Store) -> None:
    for instant in BEFORE_AT_AND_AFTER:
        await order(store, instant, str(instant - MOMENT))
    assert await store.delete_oldest(RetainedKind.AUDIT, MOMENT, 10) == 1
    assert [entry.note for entry in await store.audit(None, (), 10, None)] == ["1", "0"]


async def test_sample_exactly_at_the_limit_is_kept(store: Store) -> None:
    for instant in BEFORE_AT_AND_AFTER:
        await store.sample_queues(instant)
    await store.delete_tallies(MOMENT)
    assert [one.at for one in await store.queue_samples(START)] == [*BEFORE_AT_AND_AFTER[1:]]


async def test_count_of_the_minute_at_the_limit_is_kept(store: Store) -> None:
    minute = START // MINUTE + 5
    for number in (-1, 0):
        robot_id = f"robot{number}"
        job = await running(store, robot_id)
        instant = (minute + number) * MINUTE
        await tell(store, job.job_id, a_report("completed", robot_id), (instant - START) / 1e6)
    await store.delete_tallies(Instant(minute * MINUTE))
    assert await store.ended(None, START) == [Ended(minute, 1, 0)]


@pytest.mark.parametrize(("limit", "gone"), [(1, 1), (2, 2), (3, 3), (9, 4)])
async def test_oldest_rows_are_deleted_first_up_to_the_limit(store: Store, limit: int, gone: int) -> None:
    await lines_at(store, *(at(number) for number in range(5)))
    jobs = [await ended(store, at(number)) for number in range(4)]
    assert await store.delete_oldest(RetainedKind.LOGS, MOMENT, limit) == gone, "the newest line is kept"
    assert await store.delete_oldest(RetainedKind.JOBS, MOMENT, limit) == gone
    assert await store.count_kept(RetainedKind.LOGS) == 5 - gone
    assert [await store.job(job.job_id) for job in jobs] == [None] * gone + jobs[gone:]


async def test_newest_line_and_entry_are_kept_so_that_ids_are_not_reused(store: Store) -> None:
    await lines_at(store, at(1))
    await order(store, at(1))
    (entry,) = await store.audit(None, (), 10, None)
    for kept in (RetainedKind.LOGS, RetainedKind.AUDIT):
        assert await store.delete_oldest(kept, MOMENT, 10) == 0
    await order(store, at(2))
    assert (await store.audit(None, (), 1, None))[0].audit_id > entry.audit_id


async def test_open_job_is_kept_at_any_age(store: Store) -> None:
    job = a_job()
    await add(store, job)
    assert await store.delete_oldest(RetainedKind.JOBS, Instant(2**62), 10) == 0
    assert await store.job(job.job_id) == job
