"""Several writers on one database: each is correct when another one commits between its transactions."""

import asyncio
import sqlite3
import threading
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from audit_entries import AN_ENTRY
from casare_rpa.domain.errors import StoreUnavailable
from casare_rpa.domain.job_events import Cancel, OfferExpired
from casare_rpa.domain.job_records import JobToAdd
from casare_rpa.domain.logs import Level, LogLine
from casare_rpa.domain.selection import Slots
from casare_rpa.domain.statistics import Counts
from casare_rpa.infrastructure.orchestrator.ports.store import Store
from casare_rpa.infrastructure.orchestrator.storage.failpoints import Failpoints
from casare_rpa.infrastructure.orchestrator.storage.placements import MAX_PAUSE_SECONDS
from casare_rpa.infrastructure.orchestrator.storage.sqlite.store import SqliteStore
from new_database import new_database
from storage.shared_file import open_unlocked
from storage.values import START, a_job, a_report, a_robot, a_slot, add, at, running, tell

Writers = tuple[Store, Store]
TENANTS = ("default", "acme")


def a_line(robot_id: str = "robot-1", seq: int = 0) -> LogLine:
    return LogLine("default", robot_id, Level.INFO, "line", START, START, seq=seq)


async def append(store: Store, robot_id: str, *numbers: int) -> list[tuple[int, int] | None]:
    """The log id and the line number of each line, which has this number in the robot's journal."""
    lines = [a_line(robot_id, number) for number in numbers]
    return [stored and (stored.log_id, stored.line.seq) for stored in await store.append_logs(lines)]


async def claim(store: Store, robot_id: str = "robot-1", seconds: float = 1, capacity: int = 1) -> list[str]:
    return [job.job_id for job in await store.claim(Slots([a_slot(robot_id, capacity=capacity)]), at(seconds))]


async def work(store: Store, robot_id: str, tenant_id: str, rounds: int) -> list[int]:
    """Submit jobs and run them to their end. Returns the numbers of the changes."""
    numbers: list[int] = []
    for _ in range(rounds):
        (added,) = await store.add_jobs([JobToAdd(a_job(tenant_id=tenant_id, queue=robot_id))])
        assert added is not None
        assert added.numbers is not None
        numbers.append(added.numbers.seq)
        slots = Slots([a_slot(robot_id, tenant_id=tenant_id)])
        for job in await store.claim(slots, at(1)):
            for status in ("running", "completed"):
                applied = await tell(store, job.job_id, a_report(status, robot_id, job.attempt))
                assert applied.numbers is not None
                numbers.append(applied.numbers.seq)
    return numbers


async def finish(store: Store) -> None:
    """Run the jobs that concurrent claims left: one may miss a line that another writer has just opened."""
    for job in await store.claim(Slots([a_slot("last", capacity=100)]), at(1)):
        for status in ("running", "completed"):
            await tell(store, job.job_id, a_report(status, "last", job.attempt))


async def stored(store: Any, sql: str) -> list[tuple[Any, ...]]:
    """The rows of a query of the database, of either kind."""
    rows: list[Any] = await store._readers.read(lambda connection: connection.execute(sql).fetchall())
    return [tuple(row) for row in rows]


async def assert_numbered(store: Store, last: int) -> None:
    """Each stream has each number once, and the numbers were given in the order of the history."""
    everything = await store.changes_after(None, 0, 10_000)
    assert [one.seq for one in everything.changes] == [*range(1, last + 1)]
    assert everything.last == last
    by_tenant: dict[str, list[int]] = {}
    for one in everything.changes:
        by_tenant.setdefault(one.tenant_id, []).append(one.tenant_seq)
    assert by_tenant == {tenant_id: [*range(1, len(numbers) + 1)] for tenant_id, numbers in by_tenant.items()}
    assert (await store.stream()).by_tenant == {tenant_id: len(numbers) for tenant_id, numbers in by_tenant.items()}


# Changes


async def test_writers_in_turns_number_without_gaps(writers: Writers) -> None:
    numbers: list[int] = []
    for turn in range(6):
        numbers += await work(writers[turn % 2], f"robot-{turn}", TENANTS[turn // 2 % 2], 1)
    assert numbers == [*range(1, 19)]
    for store in writers:
        await assert_numbered(store, 18)


async def test_concurrent_writers_number_without_gaps(writers: Writers) -> None:
    lives = [work(writers[n % 2], f"robot-{n}", tenant_id, 8) for n in range(4) for tenant_id in TENANTS]
    numbers = [number for one in await asyncio.gather(*lives) for number in one]
    assert sorted(numbers) == [*range(1, len(numbers) + 1)]
    for store in writers:
        await assert_numbered(store, len(numbers))


async def test_numbers_follow_the_order_of_commits(writers: Writers) -> None:
    await asyncio.gather(*(work(writers[n % 2], f"robot-{n}", "default", 5) for n in range(4)))
    rows = await stored(writers[0], "SELECT seq FROM job_events WHERE seq IS NOT NULL ORDER BY event_id")
    numbers = [row[0] for row in rows]
    assert numbers == sorted(numbers)


async def test_failed_commit_gives_its_numbers_to_the_other_writer(tmp_path: Path) -> None:
    path, failpoints = new_database(tmp_path), Failpoints("store.commit:error@1")
    failing, other = await open_unlocked(path, 0, failpoints=failpoints), await open_unlocked(path, 1)
    await add(failing, a_job())
    failpoints.arm()
    with pytest.raises(StoreUnavailable):
        await add(failing, a_job(), a_job())
    for store in (other, failing):
        await add(store, a_job())
    await assert_numbered(failing, 3)
    await other.close()
    await failing.close()


async def test_audit_entries_have_ids_of_their_own(writers: Writers) -> None:
    await asyncio.gather(*(store.record_audit(AN_ENTRY) for store in writers * 20))
    ids = [entry.audit_id for entry in await writers[0].audit(None, (), 100, None)]
    assert ids == [*range(40, 0, -1)]


@pytest.mark.parametrize("concurrent", [True, False])
async def test_idempotency_key_adds_one_job(writers: Writers, concurrent: bool) -> None:
    for n in range(10):
        calls = [store.add_jobs([JobToAdd(a_job(), f"key-{n}", "digest")]) for store in writers]
        answers = await asyncio.gather(*calls) if concurrent else [await call for call in calls]
        added = [one for answer in answers for one in answer if one is not None]
        assert sorted(one.created for one in added) == [False, True]
        assert len({one.job.job_id for one in added}) == 1


# Waiting lines


@pytest.mark.parametrize("wishes", [{}, {"target_robot_id": "robot-1"}, {"queue": "payroll"}, {"tags": ("sap",)}])
async def test_job_of_another_writer_is_claimed(writers: Writers, wishes: dict[str, Any]) -> None:
    first, second = writers
    job = a_job(**wishes)
    await add(first, job)
    assert [one.job_id for one in await second.claim(Slots([a_slot("robot-1", "sap")]), at(1))] == [job.job_id]
    assert await claim(first, "robot-2") == []


async def test_line_that_a_writer_found_empty_is_filled_by_the_other(writers: Writers) -> None:
    first, second = writers
    for seconds in range(3):
        jobs = a_job(), a_job()
        await add(first, *jobs)
        assert await claim(second, f"robot-{seconds}", seconds, capacity=3) == [job.job_id for job in jobs]
        assert await claim(second, "robot-x", seconds) == []


async def test_delayed_job_of_another_writer_is_claimed_when_it_becomes_ready(writers: Writers) -> None:
    first, second = writers
    await add(first, a_job(job_id="soon", not_before=at(5)), a_job(job_id="later", not_before=at(7)))
    assert await claim(second, seconds=4) == []
    assert await claim(second, seconds=5) == ["soon"]
    assert await claim(first, "of-nobody", seconds=7, capacity=0) == [], "it makes the other job ready"
    assert await claim(second, "robot-2", seconds=7) == ["later"]


async def test_job_that_another_writer_returned_is_claimed(writers: Writers) -> None:
    first, second = writers
    job = a_job()
    await add(first, job)
    assert await claim(first) == [job.job_id]
    assert await claim(second, "robot-2") == []
    await tell(first, job.job_id, OfferExpired(), 100)
    assert await claim(second, "robot-2", 101) == [job.job_id]


async def test_concurrent_claims_of_two_writers_assign_each_job_once(writers: Writers) -> None:
    jobs = [a_job(queue=f"queue-{n % 5}") for n in range(60)]
    for half, store in zip((jobs[:30], jobs[30:]), writers, strict=True):
        await add(store, *half)

    async def claim_all(store: Store, robots: Sequence[str]) -> list[str]:
        found: list[str] = []
        for robot_id in robots:
            found += await claim(store, robot_id, capacity=3)
        return found

    robots = [f"robot-{n}" for n in range(20)]
    claimed = await asyncio.gather(claim_all(writers[0], robots), claim_all(writers[1], robots[::-1]))
    # Two claims for one robot at a time can lock each other's jobs, which are left for the next claim.
    rest = await claim_all(writers[0], robots)
    assert Counter([*claimed[0], *claimed[1], *rest]) == Counter(job.job_id for job in jobs)
    for robot_id in robots:
        assert len(await writers[0].held_jobs(robot_id)) == 3, (
            "both claimed for it, and its slots are counted in the store"
        )


async def test_many_lines_of_other_writers_are_read_at_most_for_a_fraction_of_the_time(tmp_path: Path) -> None:
    path, statements = new_database(tmp_path), list[str]()
    busy, other = await open_unlocked(path, 0, trace=statements.append), await open_unlocked(path, 1)
    await add(other, *(a_job(queue=f"queue-{n}", tags=("nobody",)) for n in range(1_000)))

    def scans() -> int:
        return sum("WITH RECURSIVE line" in statement for statement in statements)

    for round_number in range(200):
        await other.record_audit(AN_ENTRY)
        await claim(busy, seconds=round_number / 200)
    assert scans() == 7, "one each 150 ms"
    job = a_job()
    await add(other, job)
    missed = await claim(busy, seconds=0.999)
    assert missed == []
    assert await claim(busy, seconds=0.999 + MAX_PAUSE_SECONDS) == [job.job_id]
    await busy.close()
    await other.close()


async def test_only_writer_reads_its_caches_once(tmp_path: Path) -> None:
    statements: list[str] = []
    store = await open_unlocked(new_database(tmp_path), 0, trace=statements.append)
    await work(store, "robot-1", "default", 3)
    await append(store, "robot-1", 0, 0)
    assert not [one for one in statements if "FROM numbers" in one or "WITH RECURSIVE line" in one]
    await store.close()


# Log lines


async def test_robot_that_moves_between_writers_continues_its_journal(writers: Writers) -> None:
    first, second = writers
    await first.add_robot(a_robot(), audit=AN_ENTRY)
    await first.open_journal("robot-1", "one")
    assert await append(first, "robot-1", 1, 2, 3) == [(1, 1), (2, 2), (3, 3)]
    await second.open_journal("robot-1", "one")
    assert await append(second, "robot-1", 2, 3, 4, 6) == [None, None, (4, 4), (5, 6)], "unanswered lines come again"
    assert await append(first, "robot-1", 3, 4, 6, 7) == [None, None, None, (6, 7)], "an old connection speaks late"
    await second.open_journal("robot-1", "two")
    assert await append(second, "robot-1", 1, 1) == [(7, 8), None]
    await first.open_journal("robot-1", "two")
    assert await append(first, "robot-1", 1, 2) == [None, (8, 9)]


async def test_concurrent_writers_number_log_lines_without_gaps(writers: Writers) -> None:
    robots = ("moving", "robot-0", "robot-1")
    for robot_id in robots:
        await writers[0].add_robot(a_robot(robot_id), audit=AN_ENTRY)
    calls = [
        append(store, robot_id, 0, 0, 0) for _ in range(15) for store in writers for robot_id in ("moving", "robot-0")
    ]
    calls += [append(writers[1], "robot-1", 0) for _ in range(15)]
    lines = [one for answer in await asyncio.gather(*calls) for one in answer if one is not None]
    assert sorted(log_id for log_id, _ in lines) == [*range(1, 196)]
    stored = await writers[0].log_lines([*range(1, 196)])
    for robot_id, count in zip(robots, (90, 90, 15), strict=True):
        assert [one.line.seq for one in stored if one.line.robot_id == robot_id] == [*range(1, count + 1)]


async def test_concurrent_writers_store_each_line_of_a_journal_once(writers: Writers) -> None:
    await writers[0].add_robot(a_robot(), audit=AN_ENTRY)
    await writers[0].open_journal("robot-1", "one")
    calls = [append(store, "robot-1", *range(first, first + 3)) for first in range(1, 40) for store in writers]
    lines = [one for answer in await asyncio.gather(*calls) for one in answer if one is not None]
    numbers = [seq for _, seq in sorted(lines)]
    assert numbers == sorted(set(numbers))
    assert numbers[-1] == 41


async def test_new_epoch_of_another_writer_skips_ids(writers: Writers) -> None:
    first, second = writers
    await append(first, "robot-1", 0)
    assert await second.begin_epoch("restored", audit=AN_ENTRY)
    ((log_id, _),) = filter(None, await append(first, "robot-1", 0))
    assert log_id > 10**10


# Tallies


async def test_tallies_are_exact_over_the_slots(writers: Writers) -> None:
    first, second = writers
    await asyncio.gather(*(work(writers[n % 2], f"robot-{n}", "default", 5) for n in range(4)))
    await finish(first)
    held = await running(first, "robot-9", queue="nine")
    waiting = [a_job(queue="payroll") for _ in range(4)]
    await add(first, *waiting)
    await tell(second, waiting[0].job_id, Cancel("over", "ana"))
    await tell(second, held.job_id, a_report("failed", "robot-9"))
    for store in writers:
        assert await store.counts(None, at(20)) == Counts(3, 0, 0, 20, 1)
        assert await store.queue_depths("default") == {"payroll": 3}
    slots = await stored(
        first, "SELECT slot, number FROM tallies WHERE queue = 'payroll' AND status = 'pending' ORDER BY slot"
    )
    assert slots == [(0, 4), (1, -1)]


# Other programs, and locks


async def test_values_that_another_program_changed_are_used(tmp_path: Path) -> None:
    path = new_database(tmp_path)
    store = await SqliteStore.open(path)
    await store.add_robot(a_robot(), audit=AN_ENTRY)
    await work(store, "robot-1", "default", 1)
    await append(store, "robot-1", 0)
    other = sqlite3.connect(path)
    with other:
        other.execute("UPDATE numbers SET last = last + 100 WHERE name IN ('jobs', 'logs')")
        other.execute("UPDATE numbers SET last = last + 10 WHERE name = 'jobs:default'")
        other.execute("UPDATE robots SET log_seq = 7")
    (added,) = await store.add_jobs([JobToAdd(a_job())])
    assert added is not None
    assert added.numbers is not None
    assert (added.numbers.seq, added.numbers.tenant_seq) == (104, 14)
    assert await append(store, "robot-1", 0) == [(102, 8)]
    with other:
        other.execute("UPDATE jobs SET placement = replace(placement, 'default', 'edited') WHERE finished_at IS NULL")
    edited = a_slot("robot-2", tenant_id="edited")
    assert [job.job_id for job in await store.claim(Slots([edited]), at(5))] == [added.job.job_id]
    other.close()
    await store.close()


async def test_transaction_that_waits_too_long_for_another_one_writes_nothing(tmp_path: Path) -> None:
    path = new_database(tmp_path)
    store = await open_unlocked(path, 0, busy_seconds=0.01)
    job, late = a_job(), a_job()
    await add(store, job)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    other.execute("UPDATE numbers SET last = last + 100 WHERE name = 'jobs'")
    for call in (store.add_jobs([JobToAdd(late)]), store.claim(Slots([a_slot()]), at(1)), store.check()):
        with pytest.raises(StoreUnavailable, match="nothing was written, try again"):
            await call
    assert await store.job(late.job_id) is None, "reads do not wait"
    other.execute("COMMIT")
    (added,) = await store.add_jobs([JobToAdd(late)])
    assert added is not None
    assert added.numbers is not None
    assert added.numbers.seq == 102
    assert await claim(store) == [job.job_id]
    other.close()
    await store.close()


async def test_transaction_waits_for_another_one(tmp_path: Path) -> None:
    path = new_database(tmp_path)
    began = threading.Event()
    store = await open_unlocked(path, 0, trace=lambda statement: began.set() if statement[:5] == "BEGIN" else None)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    adding = asyncio.create_task(add(store, a_job()))
    assert await asyncio.to_thread(began.wait, 10)
    assert not adding.done()
    other.execute("COMMIT")
    await asyncio.wait_for(adding, 10)
    other.close()
    await store.close()
