"""The store port of logs."""

from collections.abc import Sequence
from typing import Protocol

from casare_rpa.domain.logs import LogFilter, LogLine, LogPage, LogPosition, StoredLine


class LogStore(Protocol):
    """Log lines of robots, numbered in the order of their commits."""

    async def append_logs(self, lines: Sequence[LogLine]) -> list[StoredLine | None]:
        """Store lines in order, numbered for each robot. `None`: that line of its journal is stored already."""
        ...

    async def open_journal(self, robot_id: str, journal_id: str) -> None:
        """From now on the robot's lines carry the numbers of this journal; another than before begins at 1 again."""
        ...

    async def job_logs(self, job_id: str, limit: int, after_id: int) -> list[StoredLine]:
        """In order of arrival, `log_id` greater than `after_id`."""
        ...

    async def recent_logs(self, wanted: LogFilter, limit: int, after_id: int) -> list[int]:
        """The ids of the last `limit` lines behind `after_id` that match, oldest first; looks back over 200,000 lines
        at most."""
        ...

    async def log_lines(self, log_ids: Sequence[int]) -> list[StoredLine]:
        """These lines, in order; those that are gone are left out."""
        ...

    async def search_logs(self, wanted: LogFilter, limit: int, before: LogPosition | None) -> LogPage:
        """Newest first, before the position of the last one seen. Looks at a bounded number of lines, however many
        there are and whatever is asked. Lines that were there when the first page was asked for are each found once,
        whatever is added meanwhile."""
        ...
