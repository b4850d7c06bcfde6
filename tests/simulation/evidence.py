"""The outcome of a run, indexed for the checks."""

from bisect import bisect_left
from dataclasses import dataclass
from typing import Any

from tests.simulation.history import Run
from tests.simulation.world import Outcome


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of the store's history; `at` is when it became durable, by the steady clock."""

    event_id: int
    job_id: str
    number: str
    kind: str
    status: str
    attempt: int
    robot_id: str | None
    note: str
    at: float
    dated: float = 0.0
    """Its time by the clock of the instance that wrote it, in Unix seconds."""
    writer: str = "server"
    """The instance that wrote it."""


class Evidence:
    """The outcome of a run with its indexes."""

    def __init__(self, outcome: Outcome) -> None:
        self.outcome = outcome
        self.history = outcome.history
        connection = outcome.connection
        connection.row_factory = None
        names = [row[1] for row in connection.execute("PRAGMA table_info(jobs)")]
        self.jobs: dict[str, dict[str, Any]] = {
            row[names.index("job_id")]: dict(zip(names, row, strict=True))
            for row in connection.execute("SELECT * FROM jobs ORDER BY submitted_at, job_id")
        }
        ids = [last for _, last, _ in self.history.commits]
        self.entries: list[Entry] = []
        for row in connection.execute(
            "SELECT event_id, job_id, number, kind, status, attempt, robot_id, note, at FROM job_events "
            "ORDER BY event_id"
        ):
            at, _, writer = self.history.commits[bisect_left(ids, row[0])]
            self.entries.append(Entry(*row[:7], row[7] or "", at, row[8] / 1e6, writer))
        self.of_job: dict[str, list[Entry]] = {job_id: [] for job_id in self.jobs}
        for entry in self.entries:
            self.of_job.setdefault(entry.job_id, []).append(entry)
        self.logged: dict[tuple[str, str], list[float]] = {}
        """When the server received the lines of each (job, robot), in Unix seconds by its own clock."""
        for job_id, robot_id, at in connection.execute(
            "SELECT job_id, robot_id, received_at FROM job_logs WHERE job_id IS NOT NULL ORDER BY log_id"
        ):
            self.logged.setdefault((job_id, robot_id), []).append(at / 1e6)
        self.runs: dict[str, list[Run]] = {}
        for run in self.history.runs:
            self.runs.setdefault(run.job_id, []).append(run)

    def ours(self, robot_id: str | None) -> bool:
        return robot_id is not None and self.outcome.robots[robot_id].ours
