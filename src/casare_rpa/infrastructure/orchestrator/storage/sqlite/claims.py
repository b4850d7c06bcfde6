"""The batch command that offers pending jobs to robots (T2).

It reads only the heads of placements that one of the robots can serve, so jobs that no robot can run cost nothing.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from heapq import merge
from itertools import islice

from msgspec.structs import replace

from casare_rpa.domain.instants import Instant
from casare_rpa.domain.job import Job
from casare_rpa.domain.queues import ALL_QUEUES
from casare_rpa.domain.selection import Head, SlotAssignment, Slots, choose
from casare_rpa.infrastructure.orchestrator.storage.decisions import EVENT_COLUMNS, decide_offers
from casare_rpa.infrastructure.orchestrator.storage.json_parameters import json_parameter
from casare_rpa.infrastructure.orchestrator.storage.placements import Line
from casare_rpa.infrastructure.orchestrator.storage.sqlite import job_writes, session_rows
from casare_rpa.infrastructure.orchestrator.storage.sqlite.json_rows import rows_at_once
from casare_rpa.infrastructure.orchestrator.storage.sqlite.placements import StoredPlacements
from casare_rpa.infrastructure.orchestrator.storage.store_limits import StoreLimits

PROMOTE = (
    "UPDATE jobs INDEXED BY jobs_delayed SET ready = 1 "
    "WHERE ready = 0 AND status = 'pending' AND offer_expires_at IS NULL "
    "AND not_before <= ? RETURNING placement"
)
HEADS = """
FROM (
    SELECT job_id, rank FROM jobs INDEXED BY jobs_ready
    WHERE ready = 1 AND placement = ? AND (rank, job_id) > (?, ?) ORDER BY rank, job_id LIMIT ?
)
"""
# Less than every (rank, job_id).
BEFORE_ALL = (-(2**63), "")
# The index is named because the planner prefers the one over all jobs of a robot, which includes ended ones.
HELD = (
    "FROM (SELECT robot_id, count(*) AS number FROM jobs INDEXED BY jobs_held WHERE finished_at IS NULL "
    "AND robot_id IS NOT NULL AND robot_id IN (SELECT value FROM json_each(?)) GROUP BY robot_id)"
)


class ClaimJobs:
    """The batch command of `JobWriter.claim`."""

    def __init__(self, placements: StoredPlacements, tally_slot: int, *, max_offers: int = StoreLimits.offers) -> None:
        self._placements = placements
        self._tally_slot = tally_slot
        self._max_offers = max_offers

    def execute(self, connection: sqlite3.Connection, calls: Sequence[tuple[Slots, Instant]]) -> list[list[Job]]:
        return [self._claim(connection, slots, at) for slots, at in calls]

    def _claim(self, connection: sqlite3.Connection, slots: Slots, at: Instant) -> list[Job]:
        # Delayed jobs whose time has come become ready here, so no loop needs to promote them.
        promoted = connection.execute(PROMOTE, (at,)).fetchall()
        self._placements.add_texts(row[0] for row in promoted)
        self._placements.follow_others(connection, at)
        heads = self._heads(connection, slots)
        chosen = _choose_recounted(connection, heads, slots)[: self._max_offers] if heads else []
        if not chosen:
            return []
        jobs = job_writes.load(connection, [assignment.job_id for assignment in chosen])
        written, events = decide_offers(chosen, jobs, at)
        if written:
            job_writes.update(connection, written, self._tally_slot)
            job_writes.insert_rows(connection, "job_events", EVENT_COLUMNS, events)
        return [one.after for one in written]

    def _heads(self, connection: sqlite3.Connection, slots: Slots) -> list[Head]:
        """The first jobs of every placement that one of these robots can serve. Drops placements that are empty."""
        paused = {row[0] for row in connection.execute("SELECT queue FROM paused_queues")}
        if ALL_QUEUES in paused:
            return []
        heads: list[Head] = []
        for group in self._placements.servable(slots, self._max_offers):
            most = min(self._max_offers, group.room)
            lines = [line for line in group.lines if line.placement.queue not in paused]
            # About as many jobs are read as can be assigned, however many lines there are.
            at_once = -(-most // max(1, len(lines)))
            first = merge(*(self._in_line(connection, line, at_once) for line in lines), key=_place)
            heads.extend(islice(first, most))
        return heads

    def _in_line(self, connection: sqlite3.Connection, line: Line, at_once: int) -> Iterator[Head]:
        """The jobs of a line in their order, read `at_once` at a time. Drops the line if it is empty."""
        last = BEFORE_ALL
        while rows := rows_at_once(connection, "json_array(job_id, rank)", HEADS, (line.text, *last, at_once)):
            for job_id, rank in rows:
                yield Head(job_id, line.placement, Instant(rank))
            if len(rows) < at_once:
                return
            last = (rank, job_id)
        # No write removes an empty line from the index, because it would have to count the jobs of the line. The first
        # read that finds the line empty removes it.
        if last is BEFORE_ALL:
            self._placements.remove(line.placement)


def _place(head: Head) -> tuple[Instant, str]:
    return head.rank, head.job_id


def _choose_recounted(connection: sqlite3.Connection, heads: Sequence[Head], slots: Slots) -> list[SlotAssignment]:
    """`choose`, with free slots counted from live jobs, and never more than the caller passed.

    The caller's slots come from memory and may be stale. The chosen robots are counted first, which is nearly always
    enough. All others are counted only if one of the chosen robots had less room than its slot.
    """
    chosen = choose(heads, slots)
    candidates = {assignment.slot.robot_id for assignment in chosen}
    lost = _drop_lost(connection, slots, candidates)
    if not _recount(connection, slots, candidates - lost) and not lost:
        return chosen
    others = slots.by_id.keys() - candidates
    _recount(connection, slots, others - _drop_lost(connection, slots, others))
    return choose(heads, slots)


def _drop_lost(connection: sqlite3.Connection, slots: Slots, robot_ids: set[str]) -> set[str]:
    """Remove the slots of these robots whose session is no longer the newest one of its robot; returns the robots."""
    sessions = [(robot_id, slots.by_id[robot_id].session_id) for robot_id in sorted(robot_ids)]
    lost = {one.robot_id for one in session_rows.lost(connection, sessions)}
    for robot_id in lost:
        slots.remove(robot_id)
    return lost


def _recount(connection: sqlite3.Connection, slots: Slots, robot_ids: set[str]) -> bool:
    """Correct the free slots of these robots. Returns whether one of them has less room than its slot."""
    held = rows_at_once(connection, "json_array(robot_id, number)", HELD, (json_parameter(sorted(robot_ids)),))
    less = False
    for robot_id, number in held:
        slot = slots.by_id[robot_id]
        # Not more than the caller's number: a robot can have room that it does not offer, for example while it is busy.
        free = max(0, min(slot.free, slot.capacity - number))
        if free != slot.free:
            slots.set_slot(replace(slot, free=free))
            less = True
    return less
