"""The command that numbers log lines per robot and stores them in order of arrival, each once.

The counters of robots are kept in memory. A statement writes all of its lines, or nothing when a counter in the store
is another one, because another instance wrote lines of the robot, or its `hello` began a journal. Then the counters are
read and the lines are numbered again.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import asyncpg
from msgspec import structs

from casare_rpa.domain.logs import LogLine, StoredLine, stored_bytes
from casare_rpa.infrastructure.orchestrator.storage.cold.log_rows import LINE_COLUMNS, stored_line
from casare_rpa.infrastructure.orchestrator.storage.json_parameters import json_parameter
from casare_rpa.infrastructure.orchestrator.storage.postgres.connections import Connection

TRIES = 20
"""How often lines are numbered again. Each time, another writer of the same robot has stored lines meanwhile."""
COUNTERS = "SELECT robot_id, log_journal, log_base, log_seq FROM robots WHERE robot_id = ANY ($1::text[])"
# Rows are locked in one order: robots, volumes, and last the counter of all ids. So ids become visible in order,
# without holes. $1: robots with their counters, $2: their bytes, $3: lines, $4: the number of lines.
APPEND_LINES = """
WITH wanted AS MATERIALIZED (
    SELECT * FROM json_to_recordset($1::json)
        AS new (robot_id text, journal text, base bigint, seq bigint, new_seq bigint)
),
locked AS MATERIALIZED (
    SELECT wanted.* FROM wanted CROSS JOIN LATERAL (
        SELECT 1 FROM robots
        WHERE robots.robot_id = wanted.robot_id AND log_seq = wanted.seq AND log_base = wanted.base
            AND log_journal IS NOT DISTINCT FROM wanted.journal FOR NO KEY UPDATE
    ) AS found
),
counted AS (
    UPDATE robots SET log_seq = locked.new_seq FROM locked
    WHERE robots.robot_id = locked.robot_id AND (SELECT count(*) FROM locked) = (SELECT count(*) FROM wanted)
    RETURNING 1
),
volumes AS (
    INSERT INTO log_volumes AS stored (robot_id, bytes)
    SELECT robot_id, bytes FROM json_to_recordset($2::json) AS new (robot_id text, bytes bigint)
    WHERE (SELECT count(*) FROM counted) = (SELECT count(*) FROM wanted)
    ON CONFLICT (robot_id) DO UPDATE SET bytes = stored.bytes + excluded.bytes
    RETURNING 1
),
newest AS (
    UPDATE numbers SET last = last + $4 WHERE name = 'logs' AND (SELECT count(*) FROM volumes) > 0 RETURNING last
),
lines AS (
    INSERT INTO job_logs (
        log_id, tenant_id, robot_id, seq, level, message, logged_at, received_at, job_id, node_id, truncated)
    SELECT newest.last - $4 + place, tenant_id, robot_id, seq, level, message, logged_at, received_at, job_id, node_id,
        truncated::int
    FROM newest CROSS JOIN ROWS FROM (json_to_recordset($3::json) AS (
        tenant_id text, robot_id text, seq bigint, level text, message text, logged_at bigint, received_at bigint,
        job_id text, node_id text, truncated boolean)) WITH ORDINALITY AS line (
        tenant_id, robot_id, seq, level, message, logged_at, received_at, job_id, node_id, truncated, place)
)
SELECT last FROM newest
"""
NEWEST_ID = "SELECT last FROM numbers WHERE name = 'logs'"
NEWER_LINE = f"SELECT {LINE_COLUMNS} FROM job_logs WHERE robot_id = $1 AND log_id > $2 AND seq = $3"  # noqa: S608
Calls = Sequence[Sequence[LogLine]]


@dataclass(frozen=True, slots=True)
class LineCounter:
    """The last line number of a robot. `base` is added to the numbers of its current journal."""

    journal: str | None = None
    base: int = 0
    seq: int = 0
    stored: bool = False
    """Whether the robot has a row. Lines of a robot that was removed are counted in memory only."""

    def next_seq(self, line: LogLine) -> int | None:
        """The number of a line; `None` if it is stored already."""
        if line.seq and self.journal is not None:
            seq = self.base + line.seq
            return seq if seq > self.seq else None
        return self.seq + 1


class NumberedLines:
    """The lines of all calls with their numbers, and the counters after them."""

    def __init__(self, calls: Calls, before: dict[str, LineCounter]) -> None:
        after = dict(before)
        self.before = before
        self.after = after
        self.answers = [[_number(line, after) for line in call] for call in calls]
        self.lines = [line for answer in self.answers for line in answer if line is not None]

    def parameters(self) -> tuple[str, str, str, int]:
        """Those of APPEND_LINES."""
        counters = [
            {
                "robot_id": robot_id,
                "journal": self.before[robot_id].journal,
                "base": self.before[robot_id].base,
                "seq": self.before[robot_id].seq,
                "new_seq": self.after[robot_id].seq,
            }
            for robot_id in sorted(self.before)
            if self.before[robot_id].stored
        ]
        added: Counter[str] = Counter()
        for line in self.lines:
            added[line.robot_id] += stored_bytes(line)
        volumes = [{"robot_id": robot_id, "bytes": added[robot_id]} for robot_id in sorted(added)]
        return json_parameter(counters), json_parameter(volumes), json_parameter(self.lines), len(self.lines)

    def stored_from(self, first_id: int) -> list[list[StoredLine | None]]:
        """The answers to the calls, when the first line has this id."""
        ids = iter(range(first_id, first_id + len(self.lines)))
        return [[None if line is None else StoredLine(next(ids), line) for line in answer] for answer in self.answers]


def _number(line: LogLine, counters: dict[str, LineCounter]) -> LogLine | None:
    """The line with its number, which its counter then has; `None` if the line is stored already."""
    counter = counters[line.robot_id]
    seq = counter.next_seq(line)
    if seq is None:
        return None
    counters[line.robot_id] = replace(counter, seq=seq)
    return structs.replace(line, seq=seq)


class AppendLines:
    """The command of `LogStore.append_logs`."""

    def __init__(self) -> None:
        self._counters: dict[str, LineCounter] = {}
        self._newest_id: int | None = None
        """The newest id that this command knows. Its next lines get greater ids."""
        self._sent: tuple[Calls, NumberedLines] | None = None
        """The calls and the lines of a statement whose outcome is not known."""

    async def execute(self, connection: Connection, calls: Calls) -> list[list[StoredLine | None]]:
        if self._sent is not None:
            answers = await self._execute_again(connection, calls)
            if answers is not None:
                return answers
        robots = {line.robot_id for call in calls for line in call}
        unknown = {robot for robot in robots if not self._counter_of(robot).stored}
        await self._read(connection, unknown)
        for attempt in range(TRIES):
            numbered = NumberedLines(calls, {robot: self._counter_of(robot) for robot in robots})
            if not numbered.lines:
                if attempt or unknown == robots:
                    return numbered.stored_from(0)
                await self._read(connection, robots)  # no statement checks the counters
                continue
            self._sent = (calls, numbered)
            answers = await self._write(connection, numbered)
            if answers is not None:
                return answers
            await self._read(connection, robots)
        # Like a conflict that the server reports, so that the calls are repeated while there is time.
        raise asyncpg.SerializationError("other instances wrote lines of the same robots meanwhile")

    def size_of(self, call: Sequence[LogLine]) -> int:
        return sum(len(line.message) for line in call)

    async def _execute_again(self, connection: Connection, calls: Calls) -> list[list[StoredLine | None]] | None:
        """Complete a statement whose outcome is not known; `None` if it was not written, and never will be.

        The same statement is sent again. Both are guarded by the same counters, so at most one of them is written.
        """
        assert self._sent is not None
        sent, numbered = self._sent
        if len(sent) == len(calls) and all(one is other for one, other in zip(sent, calls, strict=True)):
            if any(one.stored for one in numbered.before.values()):
                answers = await self._write(connection, numbered)
                if answers is not None:
                    return answers
            first_id = await self._first_id(connection, numbered)
            if first_id is not None:
                return self._written(numbered, first_id)
        self._sent = None
        self._counters.clear()
        return None

    async def _write(self, connection: Connection, numbered: NumberedLines) -> list[list[StoredLine | None]] | None:
        """The answers, or `None` if a counter was another one."""
        if self._newest_id is None:
            self._newest_id = await connection.fetchval(NEWEST_ID)
        last = await connection.fetchval(APPEND_LINES, *numbered.parameters())
        return None if last is None else self._written(numbered, last - len(numbered.lines) + 1)

    def _written(self, numbered: NumberedLines, first_id: int) -> list[list[StoredLine | None]]:
        self._sent = None
        self._counters.update(numbered.after)
        self._newest_id = first_id + len(numbered.lines) - 1
        return numbered.stored_from(first_id)

    async def _first_id(self, connection: Connection, numbered: NumberedLines) -> int | None:
        """The id of the first line, if it is stored."""
        wanted = numbered.lines[0]
        values = (wanted.robot_id, self._newest_id, wanted.seq)
        for stored in map(stored_line, await connection.fetch(NEWER_LINE, *values)):
            if structs.replace(stored.line, message=wanted.message) == wanted:
                return stored.log_id
        return None

    def _counter_of(self, robot_id: str) -> LineCounter:
        return self._counters.get(robot_id) or LineCounter()

    async def _read(self, connection: Connection, robots: set[str]) -> None:
        """Read the counters of these robots again."""
        if robots:
            for robot_id in robots:  # a robot that has no row any more
                self._counters[robot_id] = replace(self._counter_of(robot_id), stored=False)
            for robot_id, journal, base, seq in await connection.fetch(COUNTERS, sorted(robots)):
                self._counters[robot_id] = LineCounter(journal, base, seq, stored=True)
