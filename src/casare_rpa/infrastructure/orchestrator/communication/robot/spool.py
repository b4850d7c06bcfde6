"""What a client may be given so that ends and log lines survive its process: a seam, like those of the server."""

from typing import Protocol

from casare_rpa.domain.protocol import JobReport, RobotLog


class Memory(Protocol):
    """A robot's memory that outlives it. What is put in stays until it is said to be answered."""

    journal_id: str
    """Names the sequence in which lines are numbered."""

    def end(self, report: JobReport) -> None:
        """Keep an end; it is durable when this returns."""

    def end_answered(self, job_id: str, attempt: int | None) -> None:
        """The orchestrator has it, or will never take it."""

    def unanswered_ends(self) -> list[JobReport]:
        """Those of earlier processes too, in order."""

    def log(self, entry: RobotLog) -> RobotLog:
        """Keep a line; answers it with its number. It is durable after the next `sync`."""

    def lines_after(self, seq: int, limit: int) -> list[RobotLog]:
        """Kept lines with greater numbers, in order."""

    def lines_answered(self, up_to_seq: int) -> None:
        """The orchestrator has every line up to this one."""

    def take_dropped(self) -> int:
        """How many lines were given up since this was last asked, because there were too many."""

    def sync(self) -> None:
        """What was logged until now is durable."""
