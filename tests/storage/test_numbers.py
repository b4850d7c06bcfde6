"""The numbers of changes: given in the commit that writes the change, contiguous, and the same after a restart."""

import asyncio
import sqlite3
from itertools import product
from pathlib import Path

import pytest

from audit_entries import AN_ENTRY
from casare_rpa.domain.errors import StoreUnavailable
from casare_rpa.domain.job_events import Cancel, CancelSent
from casare_rpa.domain.job_records import ChangeNumbers, JobToAdd, ShownChanges
from casare_rpa.domain.logs import Level, LogLine
from casare_rpa.domain.retained import RetainedKind
from casare_rpa.infrastructure.orchestrator.ports.store import Store
from casare_rpa.infrastructure.orchestrator.storage.batcher import Batcher
from casare_rpa.infrastructure.orchestrator.storage.failpoints import Failpoints
from casare_rpa.infrastructure.orchestrator.storage.sqlite import change_rows, numbers
from casare_rpa.infrastructure.orchestrator.storage.sqlite.driver import SqliteDriver
from casare_rpa.infrastructure.orchestrator.storage.sqlite.log_writes import SKIPPED_IDS
from casare_rpa.infrastructure.orchestrator.storage.sqlite.store import BatchCommands, SqliteStore
from new_database import new_database
from storage.values import START, a_job, a_report, a_robot, add, at, running, tell

LINE = LogLine("default", "robot-1", Level.INFO, "line", START, START)


async def test_changes_that_viewers_see_are_numbered_by_their_answers(store: Store) -> None:
    (first, other) = await store.add_jobs([JobToAdd(a_job(tenant_id=tenant)) for tenant in ("acme", "other")])
    assert first is not None
    assert other is not None
    assert [first.numbers, other.numbers] == [ChangeNumbers(1, 1, START), ChangeNumbers(2, 1, START)]
    job = await running(store)
    stopped = await tell(store, job.job_id, Cancel("enough", "ana"), 11)
    assert stopped.numbers == ChangeNumbers(4, None, at(11)), "a cancel has no number: it comes after the last one"
    progress = await tell(store, job.job_id, a_report("running", progress=5.0), 12)
    assert progress.numbers == ChangeNumbers(4, None, at(12))
    ended = await tell(store, job.job_id, a_report("completed"), 13)
    assert ended.numbers == ChangeNumbers(5, 3, at(13))
    refused = await tell(store, job.job_id, a_report("claimed"), 14)
    assert refused.numbers is None


async def test_known_idempotency_key_numbers_nothing(store: Store) -> None:
    new = JobToAdd(a_job(), "key", "digest")
    await store.add_jobs([new])
    (again,) = await store.add_jobs([JobToAdd(a_job(), "key", "digest")])
    assert again is not None
    assert again.numbers is None
    assert (await store.stream()).last == 1


async def test_number_of_an_undone_write_is_given_again(tmp_path: Path) -> None:
    commands = BatchCommands()
    batcher = Batcher(SqliteDriver(new_database(tmp_path), caches=commands.caches), Failpoints())

    def add_and_fail(connection: sqlite3.Connection) -> None:
        commands.add_jobs.execute(connection, [([JobToAdd(a_job())], None)])
        raise KeyError("mine")

    await batcher.start()
    try:
        with pytest.raises(KeyError):
            await batcher.write(add_and_fail)
        (added,) = await batcher.submit(commands.add_jobs, ([JobToAdd(a_job())], None))
        assert added is not None
        assert added.numbers == ChangeNumbers(1, 1, START)
    finally:
        await batcher.close()


async def test_changes_are_read_as_viewers_saw_them(store: Store) -> None:
    job = await running(store)
    await tell(store, job.job_id, a_report("running", progress=33.3, message="page 3"), 5)
    await tell(store, job.job_id, Cancel("enough", "ana"), 6)
    await tell(store, job.job_id, CancelSent("robot-1", "ses-robot-1"), 7)
    await tell(store, job.job_id, a_report("failed"), 8)
    found = await store.changes_after("default", 0, 10)
    assert found.last == 3
    assert [(one.tenant_seq, one.status, one.visible_robot_id, one.at) for one in found.changes] == [
        (1, "pending", None, START),
        (2, "running", "robot-1", at(2)),
        (3, "failed", "robot-1", at(8)),
    ]
    last = found.changes[-1]
    assert (last.progress, last.message, last.reason, last.cancel_stage) == (33.3, "page 3", "cancelled", None)
    assert (last.job_id, last.workflow_id, last.tenant_id, last.attempt) == (job.job_id, "invoices", "default", 1)


@pytest.mark.parametrize("known", [[1], [2, 3], [3, 5], [4, 6, 7], [7], [9, 10], [1, 2, 3, 4, 5, 6, 7]])
async def test_known_changes_may_be_left_out_of_those_of_all_tenants(store: Store, known: list[int]) -> None:
    await add(store, *(a_job(tenant_id=tenant) for tenant in ("default", "acme") * 4))
    expected = (await store.changes_after(None, 2, 9)).changes
    found = (await store.changes_after(None, 2, 9, known)).changes
    assert [one for one in expected if one.seq not in known] == [one for one in found if one.seq not in known]
    assert set(found) <= set(expected)


async def test_only_the_last_of_many_gaps_between_known_changes_is_read_with_what_follows(store: Store) -> None:
    await add(store, *(a_job() for _ in range(1_500)))
    known = [*range(2, 1_500, 2)]
    found = [one.seq for one in (await store.changes_after(None, 0, 2_000, known)).changes]
    assert {*range(1, 1_501)} - {*known} <= {*found}
    assert found == sorted({*found})


async def test_changes_are_read_in_pages(store: Store) -> None:
    await add(store, *(a_job(tenant_id=tenant) for tenant in ("default", "acme", "default")))
    assert [one.seq for one in (await store.changes_after(None, 0, 2)).changes] == [1, 2]
    assert [one.seq for one in (await store.changes_after(None, 2, 2)).changes] == [3]
    assert [(one.seq, one.tenant_seq) for one in (await store.changes_after("default", 0, 9)).changes] == [
        (1, 1),
        (3, 2),
    ]
    epoch = (await store.stream()).epoch
    assert await store.changes_after(None, 3, 9) == ShownChanges(3, 0, epoch, [])
    assert await store.changes_after("nobody", 0, 9) == ShownChanges(0, 0, epoch, [])


async def test_deleted_jobs_leave_the_newest_number(store: Store) -> None:
    ended = a_job()
    await add(store, ended, a_job())
    await tell(store, ended.job_id, Cancel("enough", "ana"), 5)
    await store.delete_oldest(RetainedKind.JOBS, at(6), 10)
    found = await store.changes_after(None, 0, 10)
    assert (found.last, [one.seq for one in found.changes]) == (3, [2])


async def test_greatest_deleted_number_is_recorded_with_the_deletion(store: Store) -> None:
    """Numbers 1 to 3 are submits; the ends have the numbers 4, 5 and 6, of which two belong to `acme`."""
    jobs = [a_job(tenant_id=tenant) for tenant in ("default", "acme", "acme")]
    await add(store, *jobs)
    assert (await store.changes_after(None, 0, 0)).deleted == 0
    for second, job in enumerate(jobs):
        await tell(store, job.job_id, Cancel("enough", "ana"), 5 + second)
    seen = []
    for limit in (5, 6, 7, 8):
        await store.delete_oldest(RetainedKind.JOBS, at(limit), 10)
        seen.append([(await store.changes_after(tenant, 6, 9)).deleted for tenant in (None, "default", "acme", "none")])
    assert seen == [[0, 0, 0, 0], [4, 2, 0, 0], [5, 2, 3, 0], [6, 2, 4, 0]]


async def test_greatest_deleted_number_does_not_become_smaller(store: Store) -> None:
    """The job that ended first by the clock of its robot was the last one in the order of commits."""
    first, second = a_job(), a_job()
    await add(store, first, second)
    await tell(store, first.job_id, Cancel("enough", "ana"), 9)
    await tell(store, second.job_id, Cancel("enough", "ana"), 5)
    await store.delete_oldest(RetainedKind.JOBS, at(6), 10)
    assert (await store.changes_after(None, 0, 9)).deleted == 4
    await store.delete_oldest(RetainedKind.JOBS, at(10), 10)
    assert (await store.changes_after(None, 0, 9)).deleted == 4


async def test_all_changes_after_the_greatest_deleted_number_are_stored(store: Store) -> None:
    jobs = [a_job(tenant_id=tenant) for tenant in ("default", "acme") * 3]
    await add(store, *jobs)
    for job in jobs[1:4]:
        await tell(store, job.job_id, Cancel("enough", "ana"), 5)
    await store.delete_oldest(RetainedKind.JOBS, at(6), 1)
    for tenant in (None, "default", "acme"):
        deleted = (await store.changes_after(tenant, 0, 0)).deleted
        found = await store.changes_after(tenant, deleted, 99)
        read = [one.seq if tenant is None else one.tenant_seq for one in found.changes]
        assert read == list(range(deleted + 1, found.last + 1))


@pytest.mark.parametrize("deleted", [{1, 2}, {2, 4}, {5}, {1, 2, 3, 4, 5}])
@pytest.mark.parametrize("tenant", [None, "default"])
async def test_gap_that_an_earlier_version_left_is_found(tmp_path: Path, deleted: set[int], tenant: str | None) -> None:
    """That version deleted changes without a record of their numbers."""
    path = new_database(tmp_path)
    store = await SqliteStore.open(path)
    await add(store, *(a_job() for _ in range(5)))
    await store.close()
    connection = sqlite3.connect(path)
    connection.executemany("DELETE FROM job_events WHERE seq = ?", [(number,) for number in deleted])
    connection.commit()
    connection.close()
    store = await SqliteStore.open(path)
    try:
        assert (await store.changes_after(tenant, 0, 10)).deleted == max(deleted)
        after = await store.changes_after(tenant, max(deleted), 10)
        assert [one.seq for one in after.changes] == list(range(max(deleted) + 1, 6))
        for since, limit in product(range(max(deleted)), (1, 2, 3)):
            found = await store.changes_after(tenant, since, limit)
            read = [one.seq for one in found.changes]
            if found.deleted <= since:  # the page ends before the gap
                assert read == list(range(since + 1, since + 1 + limit)), "a gap is never skipped silently"
    finally:
        await store.close()


async def test_failed_commit_gives_its_numbers_to_the_next_one(tmp_path: Path) -> None:
    failpoints = Failpoints("store.commit:error@1")
    store = await SqliteStore.open(new_database(tmp_path), failpoints=failpoints)
    try:
        await add(store, a_job())
        failpoints.arm()
        with pytest.raises(StoreUnavailable):
            await add(store, a_job(), a_job())
        (added,) = await store.add_jobs([JobToAdd(a_job())])
        assert added is not None
        assert added.numbers == ChangeNumbers(2, 2, START)
    finally:
        await store.close()


async def test_bad_call_takes_no_number_of_the_others_in_its_batch(store: Store) -> None:
    """Each call of a batch has a savepoint of its own."""
    job = a_job()
    await add(store, job)
    answers = await asyncio.gather(
        store.add_jobs([JobToAdd(a_job())]),
        store.add_jobs([JobToAdd(job)]),  # its id exists
        store.add_jobs([JobToAdd(a_job())]),
        return_exceptions=True,
    )
    assert isinstance(answers[1], StoreUnavailable)
    found = await store.changes_after(None, 0, 10)
    assert (found.last, [one.seq for one in found.changes]) == (3, [1, 2, 3])


async def test_numbers_and_epoch_survive_a_restart(tmp_path: Path) -> None:
    path = new_database(tmp_path)
    store = await SqliteStore.open(path)
    await add(store, a_job(), a_job(tenant_id="acme"))
    before = await store.stream()
    await store.close()
    assert (before.last, before.by_tenant) == (2, {"default": 1, "acme": 1})
    store = await SqliteStore.open(path)
    try:
        assert await store.stream() == before
        (added,) = await store.add_jobs([JobToAdd(a_job(tenant_id="acme"))])
        assert added is not None
        assert added.numbers == ChangeNumbers(3, 2, START)
    finally:
        await store.close()


async def test_each_database_has_an_epoch_of_its_own(tmp_path: Path) -> None:
    epochs = set()
    for name in ("one", "two"):
        store = await SqliteStore.open(tmp_path / name / "casare.db")
        epochs.add((await store.stream()).epoch)
        await store.close()
    assert len(epochs) == 2


# Log lines


async def test_log_ids_continue_after_a_restart_without_a_gap(tmp_path: Path) -> None:
    path = new_database(tmp_path)
    ids = []
    for _ in range(2):
        store = await SqliteStore.open(path)
        await store.add_robot(a_robot(), audit=AN_ENTRY)
        for stored in await store.append_logs([LINE, LINE]):
            assert stored is not None
            ids.append(stored.log_id)
        await store.close()
    assert ids == [1, 2, 3, 4]


async def test_log_ids_are_not_used_twice_after_a_restore(store: Store) -> None:
    """A viewer holds an id of a line that the backup does not have. It still gets all new lines."""
    await store.append_logs([LINE])
    assert await store.begin_epoch("restored", audit=AN_ENTRY)
    assert (await store.stream()).epoch.startswith("restored"), "a server with a standby adds its timeline"
    assert not await store.begin_epoch("restored", audit=AN_ENTRY)
    (stored,) = await store.append_logs([LINE])
    assert stored is not None
    assert stored.log_id == SKIPPED_IDS + 2
    assert stored.log_id * 100 < 2**53, "JavaScript has such integers"


# Plans


@pytest.mark.parametrize(
    ("statement", "index"),
    [
        (change_rows.ALL_CHANGES, "job_events_by_seq (seq>?)"),
        (change_rows.CHANGES_OF_TENANT, "job_events_by_tenant_seq (tenant_id=? AND tenant_seq>?)"),
        (change_rows.GAP_OF_ALL, "job_events_by_seq (seq>? AND seq<?)"),
        (change_rows.GAP_OF_TENANT, "job_events_by_tenant_seq (tenant_id=? AND tenant_seq>? AND tenant_seq<?)"),
    ],
)
def test_changes_are_read_by_their_number(tmp_path: Path, statement: str, index: str) -> None:
    connection = sqlite3.connect(new_database(tmp_path))
    values = {"counter": "jobs", "deleted": "deleted:jobs", "after": 1, "most": 10, "tenant_id": "default", "last": 9}
    steps = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", values)]
    connection.close()
    assert any(index in step for step in steps), steps
    assert not any("TEMP B-TREE" in step for step in steps), steps


def test_greatest_deleted_number_is_read_by_job(tmp_path: Path) -> None:
    connection = sqlite3.connect(new_database(tmp_path))
    steps = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {numbers.DELETED_NUMBERS}", ("[]",))]
    connection.close()
    assert "SEARCH job_events USING INDEX job_events_by_job (job_id=?)" in steps
