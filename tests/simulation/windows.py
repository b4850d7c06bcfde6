"""Two runs of one job at a time: when the older one had been given up, and when a window of contract 1.0 excuses it.

Window 1: a 1.0 robot begins without waiting for an answer. When nothing of it arrives, its offer expires, and the job
goes to another. Window 2: a 1.0 robot names no attempt. A late end of its earlier one, which arrives while the same
robot has the retry, is taken for the end of the retry. What is excused is counted; a 1.1 robot is never excused.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from tests.simulation.evidence import Entry, Evidence
from tests.simulation.history import Run


@dataclass(frozen=True, slots=True)
class Windows:
    """The jobs of a run that met each of the two."""

    first: frozenset[str]
    second: frozenset[str]


def windows(evidence: Evidence) -> Windows:
    """Window 1: a 1.0 robot began on an offer that expired, and another run was begun later. Window 2: an end of one
    attempt of a 1.0 robot became that of another."""
    first = {
        job_id
        for job_id, runs in evidence.runs.items()
        for run in runs
        if not run.ours and len(runs) > 1 and _offer_expired(run, evidence.of_job[job_id])
    }
    return Windows(frozenset(first), frozenset(e.job_id for e in evidence.entries if mistaken(e, evidence)))


def mistaken(entry: Entry, evidence: Evidence) -> bool:
    """Whether this is window 2: an end that a 1.0 robot reported of another attempt than the one that it ended."""
    if entry.kind not in ("completed", "failed", "retry", "cancel_confirmed", "reconciled"):
        return False
    reporter, _, rest = entry.note.partition(" ")
    known = reporter in evidence.outcome.robots and bool(rest)
    return known and not evidence.ours(reporter) and rest.split(" ")[0] != str(entry.attempt)


def starts(evidence: Evidence) -> Iterator[str]:
    """I1: nobody runs a job that another runs, or more often than allowed, but through a window of 1.0."""
    for job_id, runs in evidence.runs.items():
        entries = evidence.of_job[job_id]
        claimed = {(entry.robot_id, entry.attempt) for entry in entries if entry.number in ("T3", "T7")}
        for run in runs:
            if run.ours and _offer_expired(run, entries):
                yield f"I1: {run} began on an offer that expired"
            counted = (run.robot_id, run.offer) in claimed or evidence.jobs[job_id]["finished_at"] is None
            if not counted and not _offer_over(run, entries, "offer_expired", "cancelled"):
                yield f"I1: {run} counts as no start: {entries[-2:]}"
        misled = [entry for entry in entries if mistaken(entry, evidence)]
        for earlier, later in combinations(runs, 2):
            at_once = earlier.ended_at is None or earlier.ended_at > later.started_at
            if at_once and not released(earlier, later, entries, misled):
                yield f"I1: two at a time: {earlier} and {later}"


def released(earlier: Run, later: Run, entries: Sequence[Entry], misled: Sequence[Entry]) -> str:
    """Why two may run at a time, the empty text if they may not: the store had `given up` the earlier one when the
    later one began, or a window of 1.0 was met. `misled`: the entries that are window 2."""
    before = [entry for entry in entries if entry.at <= later.started_at and entry.robot_id == earlier.robot_id]
    for entry in before:
        same = earlier.attempt is None or entry.attempt == earlier.attempt
        if same and entry.kind in ("robot_lost", "cancel_unconfirmed"):
            return "given up"
    for run in (earlier, later):
        if not run.ours and _offer_expired(run, [e for e in entries if e.at <= later.started_at]):
            return "window 1"
    return "window 2" if not earlier.ours and any(entry in misled for entry in before) else ""


def _offer_expired(run: Run, entries: Sequence[Entry]) -> bool:
    return _offer_over(run, entries, "offer_expired")


def _offer_over(run: Run, entries: Sequence[Entry], *kinds: str) -> bool:
    """Whether what the run began on was taken from its robot in one of these ways."""
    offer = (run.robot_id, run.offer)
    return any(entry.kind in kinds and (entry.robot_id, entry.attempt) == offer for entry in entries)
