"""Waiting jobs offered to robots (T2): only the heads of lines that some robot can serve are ever looked at."""

import sqlite3
from collections.abc import Sequence

from msgspec.structs import replace

from casare_rpa.domain.instants import Instant
from casare_rpa.domain.job import Job
from casare_rpa.domain.job_events import Offered, Step
from casare_rpa.domain.job_table import advance
from casare_rpa.domain.selection import Head, SlotAssignment, Slots, choose
from casare_rpa.infrastructure.orchestrator.storage.rows import json_parameter, rows_at_once
from casare_rpa.infrastructure.orchestrator.storage.sqlite import job_writes
from casare_rpa.infrastructure.orchestrator.storage.sqlite.job_writes import EventRow, Written
from casare_rpa.infrastructure.orchestrator.storage.sqlite.placements import Placements

MAX_OFFERS = 500
ALL_QUEUES = "*"

PROMOTE = (
    "UPDATE jobs INDEXED BY jobs_delayed SET ready = 1 "
    "WHERE ready = 0 AND status = 'pending' AND offer_expires_at IS NULL "
    "AND not_before <= ? RETURNING placement"
)
HEADS = """
FROM (
    SELECT job_id, rank FROM jobs INDEXED BY jobs_ready WHERE ready = 1 AND placement = ? ORDER BY rank, job_id LIMIT ?
)
"""
# Named, because the planner prefers the index over all jobs of a robot, ended ones included.
HELD = (
    "FROM (SELECT robot_id, count(*) AS number FROM jobs INDEXED BY jobs_held WHERE finished_at IS NULL "
    "AND robot_id IS NOT NULL AND robot_id IN (SELECT value FROM json_each(?)) GROUP BY robot_id)"
)


class HotClaims:
    """Runs in the writer's thread only."""

    def __init__(self, placements: Placements) -> None:
        self._placements = placements

    def claim(self, connection: sqlite3.Connection, calls: Sequence[tuple[Slots, Instant]]) -> list[list[Job]]:
        """Offer what each caller's robots can serve."""
        return [self._claim(connection, slots, at) for slots, at in calls]

    def _claim(self, connection: sqlite3.Connection, slots: Slots, at: Instant) -> list[Job]:
        promoted = connection.execute(PROMOTE, (at,)).fetchall()
        self._placements.add_texts(row[0] for row in promoted)
        heads = self._heads(connection, slots)
        chosen = _choose_recounted(connection, heads, slots)[:MAX_OFFERS] if heads else []
        if not chosen:
            return []
        jobs = job_writes.load(connection, [assignment.job_id for assignment in chosen])
        written: list[Written] = []
        events: list[EventRow] = []
        for assignment in chosen:
            before, slot = jobs[assignment.job_id], assignment.slot
            answer = advance(before, Offered(slot.robot_id, slot.session_id, slot.claim_ack), at)
            if isinstance(answer, Step):
                written.append(Written(before, answer.job, at))
                events.append(job_writes.step_entry(before, answer, at))
        if written:
            job_writes.update(connection, written)
            job_writes.write_events(connection, events)
        return [one.after for one in written]

    def _heads(self, connection: sqlite3.Connection, slots: Slots) -> list[Head]:
        """The first jobs of every line that one of these robots can serve; lines found empty are forgotten."""
        paused = {row[0] for row in connection.execute("SELECT queue FROM paused_queues")}
        if ALL_QUEUES in paused:
            return []
        heads: list[Head] = []
        for line in self._placements.servable(slots, MAX_OFFERS):
            if line.placement.queue in paused:
                continue
            rows = rows_at_once(connection, "json_array(job_id, rank)", HEADS, (line.text, min(MAX_OFFERS, line.room)))
            if not rows:
                self._placements.forget(line.placement)
            heads.extend(Head(job_id, line.placement, Instant(rank)) for job_id, rank in rows)
        return heads


def _choose_recounted(connection: sqlite3.Connection, heads: Sequence[Head], slots: Slots) -> list[SlotAssignment]:
    """`choose`, with room as the store counts it from live jobs, never more than the caller saw.

    The robots that were chosen are counted first, which is enough nearly always; if one of them had less room than
    it seemed, all of them are.
    """
    chosen = choose(heads, slots)
    candidates = {assignment.slot.robot_id for assignment in chosen}
    if not _recount(connection, slots, candidates):
        return chosen
    _recount(connection, slots, slots.by_id.keys() - candidates)
    return choose(heads, slots)


def _recount(connection: sqlite3.Connection, slots: Slots, robot_ids: set[str]) -> bool:
    """Correct the room of these robots; answers whether one of them has less."""
    held = rows_at_once(connection, "json_array(robot_id, number)", HELD, (json_parameter(sorted(robot_ids)),))
    less = False
    for robot_id, number in held:
        slot = slots.by_id[robot_id]
        free = max(0, min(slot.free, slot.capacity - number))
        if free != slot.free:
            slots.put(replace(slot, free=free))
            less = True
    return less
