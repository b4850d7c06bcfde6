"""Finds and locks the first ready jobs of the lines that a claim can serve.

A lock is kept until the claim ends. Jobs that another claim has locked are skipped, so that claims of several instances
take different jobs and wait for nothing. Only as many jobs are locked as can be assigned.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from casare_rpa.domain.job import Job
from casare_rpa.domain.robots import Placement
from casare_rpa.domain.selection import Head
from casare_rpa.infrastructure.orchestrator.storage.json_parameters import json_parameter
from casare_rpa.infrastructure.orchestrator.storage.placements import Line, ServableLines
from casare_rpa.infrastructure.orchestrator.storage.postgres.connections import Connection
from casare_rpa.infrastructure.orchestrator.storage.rows import JOB_SELECT, job_of
from casare_rpa.infrastructure.orchestrator.storage.waiting_lines import BEFORE_ALL, LineRead, Place, WaitingLines

LOOKS = 5
"""How often a claim looks for other jobs when other claims have locked the ones that it found."""

# One index scan for each line, which ends after its LIMIT. The planner need not know how large the table is.
LOOK = """
SELECT wanted.number, head.rank, head.job_id
FROM json_to_recordset($1::json)
    AS wanted (number bigint, placement text, after_rank bigint, after_id text, most bigint)
CROSS JOIN LATERAL (
    SELECT rank, job_id FROM jobs
    WHERE ready = 1 AND jobs.placement = wanted.placement AND (rank, job_id) > (wanted.after_rank, wanted.after_id)
    ORDER BY rank, job_id LIMIT wanted.most
) AS head
"""
# A line without a row to lock may have rows that others have locked. `is_empty` has no NOT EXISTS, which PostgreSQL
# may compute for all lines of the table at once; the LIMIT makes it look at this line only.
LOCK = f"""
SELECT {JOB_SELECT}, wanted.number, head.job_id IS NULL AND (
    SELECT jobs.job_id FROM jobs WHERE ready = 1 AND jobs.placement = wanted.placement LIMIT 1) IS NULL AS is_empty
FROM json_to_recordset($1::json)
    AS wanted (number bigint, placement text, after_rank bigint, after_id text, most bigint)
LEFT JOIN LATERAL (
    SELECT {JOB_SELECT} FROM jobs
    WHERE ready = 1 AND jobs.placement = wanted.placement AND (rank, job_id) > (wanted.after_rank, wanted.after_id)
    ORDER BY rank, job_id LIMIT wanted.most FOR NO KEY UPDATE SKIP LOCKED
) AS head ON true
"""  # noqa: S608 - our own names


@dataclass(frozen=True)
class _LineGroup:
    """Lines whose jobs compete for the same slots, and for how many of their jobs there is room."""

    lines: tuple[Line, ...]
    room: int


class LockedHeads:
    """The jobs that one claim has locked, by id, and the lines that it found empty."""

    def __init__(self, connection: Connection) -> None:
        """`connection` is in the transaction of the claim."""
        self.jobs: dict[str, Job] = {}
        self.heads: list[Head] = []
        self.empty: set[Placement] = set()
        self._connection = connection
        self._begins: dict[Line, Place] = {}
        """The last locked job of each line. A claim's own locks do not make it skip a job."""

    async def lock(self, lines: Sequence[ServableLines], most: int) -> None:
        """Lock the first jobs of each group of lines, as many as its robots have room for, and `most` of each."""
        groups = [_LineGroup(one.lines, min(one.room, most)) for one in lines]
        for _ in range(LOOKS):
            counts = await self._count(groups)
            locked = await self._lock(counts)
            groups = [left for group in groups if (left := _left(group, counts, locked)) is not None]
            if not groups:
                return

    async def _count(self, groups: Sequence[_LineGroup]) -> dict[Line, int]:
        """How many jobs of each line are to be locked."""
        counts = {group.lines[0]: group.room for group in groups if len(group.lines) == 1}
        several = [WaitingLines(group.lines, group.room, self._begins) for group in groups if len(group.lines) > 1]
        while wanted := [(lines, read) for lines in several for read in lines.wanted()]:
            places: list[list[Place]] = [[] for _ in wanted]
            for number, rank, job_id in await self._connection.fetch(LOOK, _parameter([read for _, read in wanted])):
                places[number].append((rank, job_id))
            for (lines, read), found in zip(wanted, places, strict=True):
                lines.add(read, sorted(found))
        for lines in several:
            counts.update(lines.counts())
            self.empty.update(line.placement for line in lines.empty())
        return counts

    async def _lock(self, counts: dict[Line, int]) -> dict[Line, int]:
        """Lock up to these numbers of jobs, and return how many were locked."""
        reads = [LineRead(line, self._begins.get(line, BEFORE_ALL), number) for line, number in counts.items()]
        locked = dict.fromkeys(counts, 0)
        rows = await self._connection.fetch(LOCK, _parameter(reads)) if reads else []
        for row in rows:
            line = reads[row["number"]].line
            if row["job_id"] is None:
                if row["is_empty"] and line not in self._begins:
                    self.empty.add(line.placement)
                continue
            job = job_of(tuple(row)[:-2])
            locked[line] += 1
            self.jobs[job.job_id] = job
            self.heads.append(Head(job.job_id, line.placement, job.rank))
            self._begins[line] = max(self._begins.get(line, BEFORE_ALL), (job.rank, job.job_id))
        return locked


def _left(group: _LineGroup, counts: dict[Line, int], locked: dict[Line, int]) -> _LineGroup | None:
    """Where to look on: other claims have locked jobs of some lines, so that the others can have more than planned."""
    short = {line for line in group.lines if locked.get(line, 0) < counts.get(line, 0)}
    room = group.room - sum(locked.get(line, 0) for line in group.lines)
    lines = tuple(line for line in group.lines if line not in short)
    return _LineGroup(lines, room) if short and lines and room else None


def _parameter(reads: Sequence[LineRead]) -> str:
    return json_parameter(
        [
            {
                "number": number,
                "placement": read.line.text,
                "after_rank": read.after[0],
                "after_id": read.after[1],
                "most": read.most,
            }
            for number, read in enumerate(reads)
        ]
    )
