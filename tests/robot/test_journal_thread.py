"""The journal in its thread: entries share commits, keep their order, and never make the event loop wait."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from casare_rpa.robot.journal import Journal
from casare_rpa.robot.journal_file import JournalFile
from casare_rpa.robot.journal_thread import JournalThread
from journal_entries import end, line

WITHIN_SECONDS = 10.0


class SlowDisk:
    """Counts commits. While it is stopped, a commit waits."""

    def __init__(self) -> None:
        self.commits = 0
        self.goes = threading.Event()
        self.goes.set()
        self.entered = threading.Event()
        """Whether a commit has begun."""
        self.fails = False
        self.wrong = False

    def commit(self) -> None:
        self.entered.set()
        assert self.goes.wait(WITHIN_SECONDS)
        self.commits += 1
        if self.fails:
            raise sqlite3.OperationalError("database or disk is full")


class SlowFile(JournalFile):
    def __init__(self, disk: SlowDisk, path: Path, max_lines: int, max_bytes: int, clock: Callable[[], float]) -> None:
        super().__init__(path, max_lines, max_bytes, clock)
        self.disk = disk

    def commit(self) -> None:
        self.disk.commit()
        super().commit()

    def add_end(self, key: tuple[str, int], report: str) -> None:
        if self.disk.wrong:
            raise ValueError("a bug")
        super().add_end(key, report)


class Stored:
    """The names of stored ends, in order."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self._changed = asyncio.Event()

    def note(self, name: str) -> None:
        self.names.append(name)
        self._changed.set()

    async def until(self, number: int) -> list[str]:
        async with asyncio.timeout(WITHIN_SECONDS):
            while len(self.names) < number:
                await self._changed.wait()
                self._changed.clear()
        return self.names


@pytest.fixture
def disk() -> SlowDisk:
    return SlowDisk()


def journal_on(disk: SlowDisk, tmp_path: Path, **more: int) -> JournalThread:
    made = JournalThread(Journal(tmp_path / "journal.db", open_file=partial(SlowFile, disk)), **more)
    disk.commits = 0
    return made


async def test_entries_that_arrive_during_a_commit_share_the_next_one(tmp_path: Path, disk: SlowDisk) -> None:
    journal, stored = journal_on(disk, tmp_path), Stored()
    disk.goes.clear()
    journal.add_end(end("first"), partial(stored.note, "first"))
    starts = [asyncio.create_task(journal.record_start(f"job-{number}", 1)) for number in range(50)]
    for number in range(50):
        journal.add_end(end(f"job-{number}"), partial(stored.note, f"job-{number}"))
    await asyncio.sleep(0)
    assert not stored.names, "the event loop goes on while the disk stands still"
    disk.goes.set()
    assert await stored.until(51) == ["first", *(f"job-{number}" for number in range(50))]
    assert await asyncio.gather(*starts) == [True] * 50
    assert disk.commits <= 3
    journal.close()


async def test_removed_ends_and_lines_wait_for_the_next_commit(tmp_path: Path, disk: SlowDisk) -> None:
    journal, stored = journal_on(disk, tmp_path), Stored()
    for number in range(20):
        journal.remove_end(f"job-{number}", 1)
        journal.add_line(line(str(number)))
    assert [entry.message for entry in journal.lines_after(0, 100)] == [str(number) for number in range(20)]
    assert disk.commits == 0
    journal.add_end(end("job-1"), partial(stored.note, "job-1"))
    await stored.until(1)
    assert disk.commits == 1
    journal.close()


async def test_lines_have_the_numbers_of_the_file(tmp_path: Path, disk: SlowDisk) -> None:
    journal = journal_on(disk, tmp_path)
    numbers = [journal.add_line(line(str(number))).seq for number in range(3)]
    journal.close()
    again = journal_on(disk, tmp_path)
    assert numbers == [entry.seq for entry in again.lines_after(0, 10)] == [1, 2, 3]
    assert again.add_line(line("next")).seq == 4
    assert again.journal_id == journal.journal_id
    again.close()


async def test_start_is_recorded_once_also_after_a_restart(tmp_path: Path, disk: SlowDisk) -> None:
    journal = journal_on(disk, tmp_path)
    assert [await journal.record_start("job-1", 1), await journal.record_start("job-1", 1)] == [True, False]
    journal.close()
    again = journal_on(disk, tmp_path)
    assert not await again.record_start("job-1", 1)
    again.close()


async def test_end_is_sent_also_when_the_disk_fails(tmp_path: Path, disk: SlowDisk) -> None:
    journal, stored = journal_on(disk, tmp_path), Stored()
    disk.fails = True
    journal.add_end(end("job-1"), partial(stored.note, "job-1"))
    assert await stored.until(1) == ["job-1"]
    assert [report.job_id for report in journal.pending_ends()] == ["job-1"]
    assert await journal.record_start("job-2", 1)
    journal.close()


async def test_close_stores_all_entries(tmp_path: Path, disk: SlowDisk) -> None:
    journal = journal_on(disk, tmp_path)
    for number in range(100):
        journal.add_line(line(str(number)))
        journal.add_end(end(f"job-{number}"), lambda: None)
    journal.close()
    journal.close()
    again = journal_on(disk, tmp_path)
    assert (len(again.lines_after(0, 1_000)), len(again.pending_ends())) == (100, 100)
    again.close()
    with pytest.raises(RuntimeError, match="the journal is closed"):
        again.sync()


async def test_robot_waits_for_a_disk_that_is_far_behind(tmp_path: Path, disk: SlowDisk) -> None:
    journal = journal_on(disk, tmp_path, max_waiting=10)
    disk.goes.clear()
    disk.entered.clear()
    journal.add_end(end("job-1"), lambda: None)
    assert await asyncio.to_thread(disk.entered.wait, WITHIN_SECONDS), "the lines would share its commit"
    adding = asyncio.create_task(asyncio.to_thread(lambda: [journal.add_line(line(str(n))) for n in range(20)]))
    done, _ = await asyncio.wait({adding}, timeout=0.2)
    assert not done
    disk.goes.set()
    assert len(await asyncio.wait_for(adding, WITHIN_SECONDS)) == 20
    journal.close()


async def test_error_of_the_program_is_raised_by_the_next_call(tmp_path: Path, disk: SlowDisk) -> None:
    journal = journal_on(disk, tmp_path)
    disk.wrong = True
    journal.add_end(end("job-1"), lambda: None)
    with pytest.raises(RuntimeError, match="the journal has failed") as raised:
        journal.pending_ends()
    assert isinstance(raised.value.__cause__, ValueError)
    with pytest.raises(RuntimeError, match="the journal has failed"):
        journal.sync()
    journal.close()


async def test_dropped_lines_are_counted_once(tmp_path: Path) -> None:
    journal = JournalThread(Journal(tmp_path / "journal.db", max_lines=10))
    for number in range(15):
        journal.add_line(line(str(number)))
    assert len(journal.lines_after(0, 100)) <= 11
    await asyncio.sleep(0)
    async with asyncio.timeout(WITHIN_SECONDS):
        while not (dropped := journal.take_dropped_count()):
            await asyncio.sleep(0)
    assert dropped >= 4
    assert journal.take_dropped_count() == 0
    journal.close()
