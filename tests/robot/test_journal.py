"""The journal survives the process, starts no attempt twice, keeps ends until they are answered, and is bounded."""

import os
import stat
import subprocess
import sys
from pathlib import Path

from casare_rpa.domain.vocabulary import ReportStatus
from casare_rpa.robot.journal import KEEP_STARTS_SECONDS, Journal
from journal_entries import end, line, messages


def test_attempt_is_started_once_over_restarts(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.db")
    assert [journal.record_start("job-1", 1), journal.record_start("job-1", 1), journal.record_start("job-1", 2)] == [
        True,
        False,
        True,
    ]
    journal.close()
    assert not Journal(tmp_path / "journal.db").record_start("job-1", 1)


def test_end_is_kept_until_it_is_answered(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.db")
    journal.add_end(end("job-1"))
    journal.add_end(end("job-2", 3, ReportStatus.FAILED))
    journal.close()
    again = Journal(tmp_path / "journal.db")
    assert again.pending_ends() == [end("job-1"), end("job-2", 3, ReportStatus.FAILED)]
    again.remove_end("job-1", 1)
    assert again.pending_ends() == [end("job-2", 3, ReportStatus.FAILED)]


def test_newer_end_of_an_attempt_takes_the_place_of_the_older(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.db")
    journal.add_end(end("job-1"))
    journal.add_end(end("job-1", status=ReportStatus.FAILED))
    assert journal.pending_ends() == [end("job-1", status=ReportStatus.FAILED)]


def test_numbers_of_lines_continue_after_a_restart_and_answered_lines_are_removed(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.db")
    assert [journal.add_line(line(text)).seq for text in "abc"] == [1, 2, 3]
    journal.remove_lines(3)
    journal.close()
    again = Journal(tmp_path / "journal.db")
    assert again.journal_id == journal.journal_id
    assert again.add_line(line("d")).seq == 4
    assert [(entry.seq, entry.message) for entry in again.lines_after(0, 10)] == [(4, "d")]


def test_full_journal_drops_debug_first_then_the_oldest_and_counts(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.db", max_lines=4)
    for text, level in (("a", "INFO"), ("b", "DEBUG"), ("c", "INFO"), ("d", "DEBUG"), ("e", "INFO"), ("f", "INFO")):
        journal.add_line(line(text, level))
    assert messages(journal) == ["a", "c", "e", "f"]
    journal.add_line(line("g"))
    assert messages(journal) == ["c", "e", "f", "g"]
    assert journal.take_dropped_count() == 3


def test_bytes_are_bounded_too(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.db", max_bytes=10_000)
    for _ in range(20):
        journal.add_line(line("x" * 1000))
    assert len(journal.lines_after(0, 100)) < 12
    assert journal.take_dropped_count() > 8


def test_removed_lines_make_room_for_new_ones(tmp_path: Path) -> None:
    """The counters follow each removal: a journal whose lines are acknowledged never drops any."""
    journal = Journal(tmp_path / "journal.db", max_bytes=10_000, max_lines=100)
    for number in range(1, 201):
        seq = journal.add_line(line("x" * 1000)).seq
        if number % 5 == 0:
            journal.remove_lines(seq or 0)
    assert journal.take_dropped_count() == 0


def test_dropped_lines_make_room_for_new_ones(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.db", max_bytes=10_000, max_lines=1000)
    for _ in range(100):
        journal.add_line(line("x" * 1000))
    assert journal.take_dropped_count() > 80
    for _ in range(5):
        journal.remove_lines(10_000)
        journal.add_line(line("x" * 1000))
    assert (journal.take_dropped_count(), len(messages(journal))) == (0, 1)


def test_dropped_count_starts_over_after_it_was_taken(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.db", max_lines=2)
    for text in "abc":
        journal.add_line(line(text))
    assert [journal.take_dropped_count(), journal.take_dropped_count()] == [1, 0]


def test_counters_are_those_of_the_file_after_a_restart(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.db", max_lines=3)
    for text in "abc":
        journal.add_line(line(text))
    journal.close()
    again = Journal(tmp_path / "journal.db", max_lines=3)
    again.add_line(line("d"))
    assert messages(again) == ["b", "c", "d"]


def test_starts_are_removed_after_thirty_days(tmp_path: Path) -> None:
    now = [1_000_000.0]
    path = tmp_path / "journal.db"

    def reopened() -> Journal:
        return Journal(path, clock=lambda: now[0])

    journal = reopened()
    journal.record_start("job-1", 1)
    now[0] += 60
    journal.record_start("job-2", 1)
    journal.close()
    now[0] = 1_000_000.0 + KEEP_STARTS_SECONDS
    journal = reopened()
    assert [journal.record_start(f"job-{number}", 1) for number in (1, 2)] == [False, False], "not yet"
    journal.close()
    now[0] += 1
    journal = reopened()
    assert [journal.record_start(f"job-{number}", 1) for number in (1, 2)] == [True, False], "only the older one"


def test_text_that_json_cannot_carry_is_repaired(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal.db")
    journal.add_line(line("nul \0 here"))
    assert messages(journal) == ["nul \ufffd here"]


def test_unreadable_journal_is_renamed_and_replaced(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    path.write_bytes(b"this is no database, and long enough to be looked at as one" * 100)
    journal = Journal(path)
    assert journal.record_start("job-1", 1)
    assert [file.suffix.startswith(".broken-") for file in tmp_path.iterdir() if file.name.startswith("journal.brok")]


def test_kill_keeps_every_recorded_start_and_end(tmp_path: Path) -> None:
    program = (
        "import asyncio, os, signal, sys\n"
        "from pathlib import Path\n"
        "from datetime import UTC, datetime\n"
        "from casare_rpa.robot.journal import Journal\n"
        "from casare_rpa.robot.journal_thread import JournalThread\n"
        "from casare_rpa.domain.protocol import JobReport, ReportStatus, RobotLog\n"
        "async def run():\n"
        "    journal, now = JournalThread(Journal(Path(sys.argv[1]))), datetime.now(UTC)\n"
        "    for n in range(50):\n"
        "        journal.add_line(RobotLog(robot_id='r', level='INFO', message=str(n), timestamp=now))\n"
        "        assert await journal.record_start(f'job-{n}', 1)\n"
        "        end = JobReport(job_id=f'job-{n}', attempt=1, status=ReportStatus.COMPLETED, timestamp=now)\n"
        "        stored = asyncio.Event()\n"
        "        journal.add_end(end, stored.set)\n"
        "        await stored.wait()\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "asyncio.run(run())\n"
    )
    path = tmp_path / "journal.db"
    ended = subprocess.run([sys.executable, "-c", program, str(path)], env=os.environ, check=False, timeout=60)
    assert ended.returncode == -9
    journal = Journal(path)
    assert len(journal.pending_ends()) == 50
    assert not any(journal.record_start(f"job-{n}", 1) for n in range(50))
    assert messages(journal) == [str(n) for n in range(50)]


def test_second_process_of_a_robot_has_a_journal_of_its_own(tmp_path: Path) -> None:
    first, second = Journal(tmp_path / "journal.db"), Journal(tmp_path / "journal.db")
    assert first.journal_id != second.journal_id
    assert [first.record_start("job-1", 1), second.record_start("job-2", 1)] == [True, True]
    first.close()
    second.close()
    assert {file.name for file in tmp_path.iterdir()} == {"journal.db", "journal-2.db"}


def test_existing_journal_loses_the_access_of_others_when_it_is_opened(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    Journal(path).close()
    for mode, then in ((0o644, 0o600), (0o666, 0o600), (0o640, 0o640), (0o600, 0o600)):
        path.chmod(mode)
        Journal(path).close()
        assert stat.S_IMODE(path.stat().st_mode) == then
