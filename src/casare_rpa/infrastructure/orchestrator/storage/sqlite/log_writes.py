"""The batch command that numbers log lines per robot and stores them in order of arrival, each once."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from casare_rpa.domain.logs import LogLine, StoredLine
from casare_rpa.infrastructure.orchestrator.storage.cold import epoch_rows
from casare_rpa.infrastructure.orchestrator.storage.json_parameters import json_parameter
from casare_rpa.infrastructure.orchestrator.storage.sqlite import log_volumes, numbers
from casare_rpa.infrastructure.orchestrator.storage.sqlite.json_rows import columns_of_json, json_rows

LOG_COLUMNS = (
    "log_id",
    "tenant_id",
    "robot_id",
    "seq",
    "level",
    "message",
    "logged_at",
    "received_at",
    "job_id",
    "node_id",
    "truncated",
)
INSERT_LOGS = (
    f"INSERT INTO job_logs ({', '.join(LOG_COLUMNS)}) SELECT {columns_of_json(LOG_COLUMNS)} FROM {json_rows()}"  # noqa: S608
)
SKIPPED_IDS = 10**10
"""More lines than a server stores between a backup and the restore of it. JavaScript has room for 900,000 restores."""
COUNTERS = (
    "SELECT robot_id, log_journal, log_base, log_seq FROM robots WHERE robot_id IN (SELECT value FROM json_each(?))"
)
SAVE_COUNTERS = (
    "UPDATE robots SET log_journal = new.journal, log_base = new.base, log_seq = new.seq "  # noqa: S608
    f"FROM (SELECT {columns_of_json(('robot_id', 'journal', 'base', 'seq'))} FROM {json_rows()}) AS new "
    "WHERE robots.robot_id = new.robot_id"
)


@dataclass(slots=True)
class _Counter:
    """The last line number of a robot. `base` is added to the numbers of its current journal."""

    journal: str | None = None
    base: int = 0
    seq: int = 0


class AppendLogs:
    """`LogStore.append_logs` and `open_journal`. Its counters implement `driver.WriterCache`."""

    def __init__(self) -> None:
        self._last_id = 0
        self._counters: dict[str, _Counter] = {}

    def reload(self, connection: sqlite3.Connection) -> None:
        """Read the counters again, after anything was undone."""
        self._counters.clear()
        self._last_id = numbers.last_log_id(connection)

    def follow(self, connection: sqlite3.Connection) -> None:
        """Continue after the lines that other writers stored. The counter of a robot is read with its next line."""
        self.reload(connection)

    def begin_epoch(self, connection: sqlite3.Connection, epoch: str) -> bool:
        """Begin an epoch, and give the next line a greater id than any of the last one. False if it is current."""
        changed = epoch_rows.change(connection, epoch)
        if changed:
            self._last_id += SKIPPED_IDS
            connection.execute(numbers.SAVE_LOGS, (self._last_id,))
        return changed

    def open_journal(self, connection: sqlite3.Connection, robot_id: str, journal_id: str) -> None:
        """Count by this journal from now on. The numbers of a new journal continue after the robot's last line."""
        counter = self._known(connection, {robot_id})[robot_id]
        if counter.journal != journal_id:
            counter.journal, counter.base = journal_id, counter.seq
            self._save(connection, {robot_id})

    def execute(
        self, connection: sqlite3.Connection, calls: Sequence[Sequence[LogLine]]
    ) -> list[list[StoredLine | None]]:
        """Number and store the lines. `None` stands for a line of the robot's journal that is stored already."""
        robots = {line.robot_id for call in calls for line in call}
        counters = self._known(connection, robots)
        answers = [[self._number(line, counters[line.robot_id]) for line in call] for call in calls]
        rows = [_row_of(stored) for answer in answers for stored in answer if stored is not None]
        if rows:
            connection.execute(INSERT_LOGS, (json_parameter(rows),))
            log_volumes.add_lines(connection, [one.line for answer in answers for one in answer if one is not None])
            self._save(connection, robots)
            connection.execute(numbers.SAVE_LOGS, (self._last_id,))
        return answers

    def _number(self, line: LogLine, counter: _Counter) -> StoredLine | None:
        seq = counter.seq + 1
        if line.seq and counter.journal is not None:
            seq = counter.base + line.seq
            if seq <= counter.seq:
                return None
        counter.seq = seq
        self._last_id += 1
        return StoredLine(self._last_id, replace(line, seq=seq))

    def _known(self, connection: sqlite3.Connection, robot_ids: set[str]) -> dict[str, _Counter]:
        unknown = {robot_id for robot_id in robot_ids if robot_id not in self._counters}  # `-` would visit all keys
        if unknown:
            for robot_id, journal, base, seq in connection.execute(COUNTERS, (json_parameter(sorted(unknown)),)):
                self._counters[robot_id] = _Counter(journal, base, seq)
            for robot_id in unknown:
                self._counters.setdefault(robot_id, _Counter())
        return self._counters

    def _save(self, connection: sqlite3.Connection, robot_ids: set[str]) -> None:
        counters = [(robot_id, self._counters[robot_id]) for robot_id in sorted(robot_ids)]
        rows = [[robot_id, one.journal, one.base, one.seq] for robot_id, one in counters]
        connection.execute(SAVE_COUNTERS, (json_parameter(rows),))


def _row_of(stored: StoredLine) -> list[object]:
    line = stored.line
    return [
        stored.log_id,
        line.tenant_id,
        line.robot_id,
        line.seq,
        line.level,
        line.message,
        line.logged_at,
        line.received_at,
        line.job_id,
        line.node_id,
        int(line.truncated),
    ]
