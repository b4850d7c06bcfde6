"""The store port of logs."""

from collections.abc import Sequence
from typing import Protocol

from casare_rpa.domain.logs import LinesAfter, LogFilter, LogLine, LogPage, LogPosition, StoredLine


class LogStore(Protocol):
    """Log lines of robots, numbered in the order of their commits."""

    async def append_logs(self, lines: Sequence[LogLine]) -> list[StoredLine | None]:
        """Store lines in order and number them per robot.

        `None` stands for a line of a journal that is already stored.
        """
        ...

    async def open_journal(self, robot_id: str, journal_id: str, session_id: str | None = None) -> None:
        """Number the robot's lines by this journal from now on. A new journal continues after the robot's last line.

        With `session_id`, nothing is written when it is not the newest session of the robot.
        """
        ...

    async def job_logs(self, job_id: str, limit: int, after_id: int) -> list[StoredLine]:
        """Lines of a job with a `log_id` greater than `after_id`, in order."""
        ...

    async def recent_logs(self, wanted: LogFilter, limit: int, after_id: int) -> list[int]:
        """The ids of the last `limit` matching lines after `after_id`, oldest first, among the newest 200,000 lines."""
        ...

    async def log_lines(self, log_ids: Sequence[int]) -> list[StoredLine]:
        """The lines with these ids that still exist, by id."""
        ...

    async def lines_after(self, after_id: int, limit: int) -> LinesAfter:
        """Up to `limit` lines of all robots with greater ids. Ids become visible in order."""
        ...

    async def search_logs(
        self, wanted: LogFilter, limit: int, start: LogPosition | None, *, oldest_first: bool = False
    ) -> LogPage:
        """A page of matching lines beyond a position, newest first by default. `None` starts at the first line.

        Reads at most `StoreLimits.scanned_lines` lines for any filter. Over all pages, a line that existed at the first
        page is found once, although lines are added meanwhile.
        """
        ...
