"""A failing disk affects only the durability of the journal: no method fails, no line is lost or renumbered."""

import sqlite3
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from casare_rpa.robot.journal import Journal
from casare_rpa.robot.journal_file import JournalFile, JournalLine, Key
from journal_entries import end, line, messages

WRITES = ("commit", "add_start", "add_end", "remove_end", "add_lines", "remove_lines", "remove_starts")
READS = ("was_started", "ends", "lines_after")


class Disk:
    """The state of a disk. `broken` names the operations that fail now."""

    def __init__(self) -> None:
        self.broken: tuple[str, ...] = ()
        self.now = 0.0

    def check(self, operation: str) -> None:
        if operation in self.broken:
            raise sqlite3.OperationalError("database or disk is full")


class FailingFile(JournalFile):
    """A file on such a disk."""

    def __init__(self, disk: Disk, path: Path, max_lines: int, max_bytes: int, clock: Callable[[], float]) -> None:
        disk.check("open")
        super().__init__(path, max_lines, max_bytes, clock)
        self.disk = disk

    def commit(self) -> None:
        self.disk.check("commit")
        super().commit()

    def add_start(self, key: Key, started_at: float) -> bool:
        self.disk.check("add_start")
        return super().add_start(key, started_at)

    def was_started(self, key: Key) -> bool:
        self.disk.check("was_started")
        return super().was_started(key)

    def remove_starts(self, before: float) -> None:
        self.disk.check("remove_starts")
        super().remove_starts(before)

    def add_end(self, key: Key, report: str) -> None:
        self.disk.check("add_end")
        super().add_end(key, report)

    def remove_end(self, key: Key) -> None:
        self.disk.check("remove_end")
        super().remove_end(key)

    def ends(self) -> list[tuple[Key, str]]:
        self.disk.check("ends")
        return super().ends()

    def add_lines(self, lines: Any) -> int:
        self.disk.check("add_lines")
        return super().add_lines(lines)

    def lines_after(self, seq: int, limit: int) -> list[JournalLine]:
        self.disk.check("lines_after")
        return super().lines_after(seq, limit)

    def remove_lines(self, up_to_seq: int) -> None:
        self.disk.check("remove_lines")
        super().remove_lines(up_to_seq)


def journal_on(disk: Disk, path: Path, **limits: Any) -> Journal:
    return Journal(path, open_file=partial(FailingFile, disk), monotonic=lambda: disk.now, retry_seconds=5, **limits)


@pytest.mark.parametrize("broken", [*((name,) for name in (*WRITES, *READS)), WRITES, (*WRITES, *READS)])
def test_every_method_works_while_an_operation_of_the_file_fails(tmp_path: Path, broken: tuple[str, ...]) -> None:
    disk = Disk()
    journal = journal_on(disk, tmp_path / "journal.db")
    first = journal.add_line(line("before")).seq
    disk.broken = broken
    assert [journal.record_start("job-1", 1), journal.record_start("job-1", 1)] == [True, False]
    journal.add_end(end("job-1"))
    journal.remove_end("job-0", 1)
    second = journal.add_line(line("after")).seq
    journal.sync()
    assert (first, second) == (1, 2)
    if "lines_after" not in broken:
        assert messages(journal) == ["before", "after"]
    if "ends" not in broken:
        assert journal.pending_ends() == [end("job-1")]
    journal.remove_lines(1)
    journal.take_dropped_count()

    disk.broken, disk.now = (), 5.0
    journal.sync()
    assert (messages(journal), journal.pending_ends()) == (["after"], [end("job-1")])
    journal.close()
    again = Journal(tmp_path / "journal.db")
    assert (messages(again), again.pending_ends()) == (["after"], [end("job-1")])
    assert (again.record_start("job-1", 1), again.add_line(line("next")).seq) == (False, 3)


def test_file_is_left_alone_until_the_next_attempt(tmp_path: Path) -> None:
    disk = Disk()
    journal = journal_on(disk, tmp_path / "journal.db")
    disk.broken = ("commit",)
    journal.add_end(end("job-1"))
    disk.broken, disk.now = (), 4.9
    journal.add_end(end("job-2"))
    assert FailingFile(Disk(), tmp_path / "copy.db", 1, 1, lambda: 0.0).ends() == []
    assert [report.job_id for report in journal.pending_ends()] == ["job-1", "job-2"]
    disk.now = 5.0
    journal.sync()
    journal.close()
    assert [report.job_id for report in Journal(tmp_path / "journal.db").pending_ends()] == ["job-1", "job-2"]


def test_end_that_was_answered_while_the_disk_failed_is_not_sent_again(tmp_path: Path) -> None:
    disk = Disk()
    journal = journal_on(disk, tmp_path / "journal.db")
    journal.add_end(end("job-1"))
    disk.broken = WRITES
    journal.add_end(end("job-2"))
    for job_id in ("job-1", "job-2"):
        journal.remove_end(job_id, 1)
    assert journal.pending_ends() == []
    disk.broken, disk.now = (), 5.0
    journal.close()
    assert Journal(tmp_path / "journal.db").pending_ends() == []


def test_number_of_a_line_that_only_a_dead_process_had_is_not_used_again(tmp_path: Path) -> None:
    """The orchestrator has stored it, and would drop another line with this number as a repeat."""
    disk = Disk()
    journal = journal_on(disk, tmp_path / "journal.db")
    disk.broken = WRITES
    used = [journal.add_line(line(text)).seq or 0 for text in "abc"]
    disk.broken = ()
    other = tmp_path / "after-a-crash.db"
    for suffix in ("", "-wal"):
        other.with_name(other.name + suffix).write_bytes(Path(f"{tmp_path / 'journal.db'}{suffix}").read_bytes())
    after_the_crash = Journal(other)
    assert after_the_crash.journal_id == journal.journal_id
    assert (after_the_crash.add_line(line("d")).seq or 0) > max(used)


def test_lines_in_memory_are_bounded_and_counted(tmp_path: Path) -> None:
    disk = Disk()
    journal = journal_on(disk, tmp_path / "journal.db", max_memory_lines=10)
    disk.broken = WRITES
    for number in range(15):
        journal.add_line(line(str(number), "DEBUG" if number < 3 else "INFO"))
    assert messages(journal) == [str(number) for number in range(5, 15)]
    assert journal.take_dropped_count() == 5
    journal.remove_lines(15)
    for number in range(10):
        journal.add_line(line(str(number)))
    assert (len(messages(journal)), journal.take_dropped_count()) == (10, 0)


def test_bytes_in_memory_are_bounded(tmp_path: Path) -> None:
    disk = Disk()
    journal = journal_on(disk, tmp_path / "journal.db", max_memory_bytes=10_000)
    disk.broken = WRITES
    for _ in range(20):
        journal.add_line(line("ü" * 1000))
    assert len(messages(journal)) <= 5


def test_folder_that_cannot_be_created_leaves_a_journal_in_memory(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    journal = Journal(tmp_path / "file" / "journal.db")
    assert journal.record_start("job-1", 1)
    journal.add_end(end("job-1"))
    assert journal.add_line(line("a")).seq == 1
    assert (messages(journal), journal.pending_ends(), journal.record_start("job-1", 1)) == (
        ["a"],
        [end("job-1")],
        False,
    )
    journal.close()


def test_disk_that_fails_at_the_start_and_works_later_keeps_ends_and_starts(tmp_path: Path) -> None:
    disk = Disk()
    disk.broken = ("open",)
    journal = journal_on(disk, tmp_path / "journal.db")
    journal.add_line(line("a"))
    disk.broken, disk.now = (), 5.0
    assert journal.record_start("job-1", 1)
    journal.add_end(end("job-1"))
    assert (journal.add_line(line("b")).seq, messages(journal)) == (2, ["a", "b"])
    own_id = journal.journal_id
    journal.close()
    again = Journal(tmp_path / "journal.db")
    assert (again.pending_ends(), again.record_start("job-1", 1)) == ([end("job-1")], False)
    assert again.journal_id != own_id, "another sequence of numbers, which begins at 1"


def test_unreadable_end_is_left_out(tmp_path: Path) -> None:
    file = JournalFile(tmp_path / "journal.db", 10, 10_000, lambda: 0.0)
    file.add_end(("job-1", 1), '{"job_id": 1}')
    file.commit()
    file.close()
    journal = Journal(tmp_path / "journal.db")
    journal.add_end(end("job-2"))
    assert journal.pending_ends() == [end("job-2")]


def test_limit_of_the_file_counts_bytes(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.db", max_bytes=10_000)
    for _ in range(20):
        journal.add_line(line("ü" * 1000))
    assert len(messages(journal)) <= 5
    journal.close()
    again = Journal(tmp_path / "journal.db", max_bytes=10_000)
    again.add_line(line("ü" * 1000))
    assert len(messages(again)) <= 5


def test_old_starts_leave_a_journal_that_stays_open(tmp_path: Path) -> None:
    disk, now = Disk(), [0.0]
    journal = journal_on(disk, tmp_path / "journal.db", clock=lambda: now[0])
    journal.record_start("job-1", 1)
    for days in (29, 31):
        disk.now = now[0] = days * 24 * 3600.0
        assert journal.record_start("job-1", 1) is (days > 30)
