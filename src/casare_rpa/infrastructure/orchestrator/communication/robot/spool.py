"""Interface of a durable store for ends and log lines that have not reached the orchestrator yet."""

from collections.abc import Callable
from typing import Protocol

from casare_rpa.domain.protocol import JobReport, RobotLog


class Spool(Protocol):
    """Keeps ends and log lines over restarts of the robot's process. Entries stay until they are removed.

    No method raises when the disk fails. An implementation then keeps the entries in memory, because an error would end
    the job that logs.
    """

    journal_id: str
    """Names the sequence that numbers the lines. Sent as `log_journal` in `hello`."""

    def add_end(self, report: JobReport, stored: Callable[[], None]) -> None:
        """Store an end. Calls `stored` on the event loop once it is durable, or kept in memory because the disk fails.

        The end is sent after that, so that an end that the orchestrator has seen survives the robot's process.
        """

    def remove_end(self, job_id: str, attempt: int | None) -> None:
        """Remove the end of an attempt, at the latest with the next end. Idempotent."""

    def pending_ends(self) -> list[JobReport]:
        """Stored ends in order, including those of earlier processes."""

    def add_line(self, entry: RobotLog) -> RobotLog:
        """Store a log line and return it with its number. Durable after the next `sync`."""

    def lines_after(self, seq: int, limit: int) -> list[RobotLog]:
        """Stored lines with a number above `seq`, in order."""

    def remove_lines(self, up_to_seq: int) -> None:
        """Remove the lines up to and including a number. Idempotent."""

    def take_dropped_count(self) -> int:
        """Number of lines dropped for lack of space since the last call."""

    def sync(self) -> None:
        """Make every added line durable soon."""
