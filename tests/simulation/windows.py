"""Two simultaneous runs of a job: allowed after the older one was given up, and in two windows of contract 1.0.

Window 1: a 1.0 robot starts without waiting for an answer. If none of its messages arrives, its offer expires, and
another robot gets the job. Window 2: a 1.0 robot sends no attempt. A late end of an earlier run, which arrives while
the same robot runs the job again, counts as the end of the later run: that of a retry, or that of the same attempt,
which was offered again because the end waited in an instance that stood still. Excused runs are counted; a 1.1 robot
is never excused.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from tests.simulation.evidence import Entry, Evidence
from tests.simulation.history import Run


@dataclass(frozen=True, slots=True)
class Windows:
    """The jobs of a run in each of the two windows."""

    first: frozenset[str]
    second: frozenset[str]


def windows(evidence: Evidence) -> Windows:
    """Window 1: a 1.0 robot started on an offer that expired, and another run started later. Window 2: the end of one
    attempt of a 1.0 robot counted as that of another."""
    first = {
        job_id
        for job_id, runs in evidence.runs.items()
        for run in runs
        if not run.ours and len(runs) > 1 and _offer_expired(run, evidence.of_job[job_id])
    }
    return Windows(frozenset(first), frozenset(e.job_id for e in evidence.entries if mistaken(e, evidence)))


def mistaken(entry: Entry, evidence: Evidence) -> bool:
    """Whether this is window 2: a 1.0 robot reported the end of another run than the one that ended."""
    if entry.kind not in ("completed", "failed", "retry", "cancel_confirmed", "reconciled"):
        return False
    reporter, _, rest = entry.note.partition(" ")
    known = reporter in evidence.outcome.robots and bool(rest)
    if not known or evidence.ours(reporter):
        return False
    return rest.split(" ")[0] != str(entry.attempt) or _runs_again(reporter, entry, evidence)


def _runs_again(reporter: str, entry: Entry, evidence: Evidence) -> bool:
    """Whether the robot had ended a run of this attempt, and runs the attempt again when the end takes effect."""
    runs = [
        run
        for run in evidence.runs.get(entry.job_id, ())
        if (run.robot_id, run.offer) == (reporter, entry.attempt) and run.started_at <= entry.at
    ]
    ended = [run for run in runs if run.ended_at is not None and run.ended_at <= entry.at]
    return 0 < len(ended) < len(runs)


def starts(evidence: Evidence) -> Iterator[str]:
    """I1: no job runs twice at a time or more often than allowed, except in a window of 1.0."""
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
    """Why two runs may overlap; empty if they may not. Either the store had `given up` the earlier one when the later
    one started, or it is a window of 1.0. `misled` has the entries of window 2."""
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
    """Whether the offer of the run ended in one of these ways."""
    offer = (run.robot_id, run.offer)
    return any(entry.kind in kinds and (entry.robot_id, entry.attempt) == offer for entry in entries)
