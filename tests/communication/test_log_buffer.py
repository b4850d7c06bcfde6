"""Log lines put together into messages."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from casare_rpa.domain import codec
from casare_rpa.domain.protocol import LogBatch, RobotLog
from casare_rpa.infrastructure.orchestrator.communication.robot.log_buffer import LogBuffer, fitting
from casare_rpa.robot.journal import Journal
from casare_rpa.robot.journal_thread import JournalThread

LIMIT = 128 * 1024


def entry(message: str) -> RobotLog:
    return RobotLog(robot_id="r", level="INFO", message=message, timestamp=datetime.now(UTC))


def test_single_line_is_a_log() -> None:
    buffer = LogBuffer()
    line = entry("one")
    buffer.put_line(line, LIMIT)
    assert buffer.take_message(LIMIT) == line
    assert buffer.take_message(LIMIT) is None
    assert (len(buffer), buffer.lines_put, buffer.lines_taken) == (0, 1, 1)


def test_batch_is_bounded_in_lines_and_bytes() -> None:
    buffer = LogBuffer()
    for number in range(250):
        buffer.put_line(entry(str(number)), LIMIT)
    for _ in range(3):
        buffer.put_line(entry("x" * 60_000), LIMIT)
    taken = []
    while (message := buffer.take_message(LIMIT)) is not None:
        assert len(codec.encode(message, 2**31)) < LIMIT
        taken.append(len(message.entries) if isinstance(message, LogBatch) else 1)
    assert taken == [200, 52, 1]


@pytest.mark.parametrize("message", ["x" * 200_000, "\x00" * 60_000, "\x01" * 200_000, "ü€😀" * 40_000])
def test_long_line_loses_its_middle(message: str) -> None:
    line = fitting(entry(message), LIMIT)
    assert len(codec.encode(line)) <= LIMIT
    assert "left out" in line.message
    assert line.message.startswith(message[:50])
    assert line.message.endswith(message[-50:])


def test_short_line_is_left_alone() -> None:
    line = entry("as it is")
    assert fitting(line, LIMIT) == line


def test_line_fits_even_into_very_little() -> None:
    assert len(fitting(entry("x" * 1000), 10).message) <= 1


def test_buffer_is_full_by_lines_or_bytes_until_lines_leave() -> None:
    buffer = LogBuffer(capacity_lines=2, capacity_bytes=1000)
    buffer.put_line(entry("a"), LIMIT)
    assert not buffer.full
    buffer.put_line(entry("b"), LIMIT)
    assert buffer.full
    buffer.take_message(LIMIT)
    assert not buffer.full
    buffer.put_line(entry("x" * 1000), LIMIT)
    assert buffer.full
    buffer.take_message(LIMIT)
    assert (buffer.full, buffer.buffered_bytes) == (False, 0)


def test_lines_that_are_put_back_count_again_until_they_are_taken() -> None:
    buffer = LogBuffer(capacity_lines=2)
    entries = [entry("a"), entry("b")]
    for line in entries:
        buffer.put_line(line, LIMIT)
    size = buffer.buffered_bytes
    message = buffer.take_message(LIMIT)
    assert isinstance(message, LogBatch)
    assert (len(buffer), buffer.buffered_bytes, buffer.lines_taken, buffer.full) == (0, 0, 2, False)
    buffer.put_back_lines(message.entries)
    assert (len(buffer), buffer.buffered_bytes, buffer.lines_taken, buffer.full) == (2, size, 0, True)
    assert buffer.take_message(LIMIT) == LogBatch(entries=entries)
    assert (buffer.buffered_bytes, buffer.lines_put, buffer.lines_taken) == (0, 2, 2)


async def test_lines_beyond_the_capacity_are_read_back_from_the_spool(tmp_path: Path) -> None:
    """Once the spool holds no further line, new lines go through memory again."""
    journal = JournalThread(Journal(tmp_path / "journal.db"))
    buffer = LogBuffer(journal, capacity_lines=2)
    for number in range(5):
        buffer.put_line(entry(str(number)), LIMIT)
        assert not buffer.full, "there is no connection to wait for"
    buffer.connected = True
    assert buffer.full
    taken: list[str] = []
    while (message := buffer.take_message(LIMIT)) is not None:
        taken += [line.message for line in (message.entries if isinstance(message, LogBatch) else [message])]
    assert taken == ["0", "1", "2", "3", "4"]
    assert (len(buffer), buffer.full) == (0, False)
    buffer.put_line(entry("5"), LIMIT)
    assert (len(buffer), buffer.buffered_bytes > 0) == (1, True)
