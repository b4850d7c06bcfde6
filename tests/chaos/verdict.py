"""The verdict on a run, from the journals of robots and submitter; the server only shows the state of each job.

The verdict does not use the server's tables: a completed job must be in the journal of a robot, and each
answer of the server to a robot or to the submitter must still hold.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from chaos.journal import Fact

ENDS = ("completed", "failed")
OVERTAKEN = ("cancelled", "timeout", "robot_lost")
"""Reasons of an end that the server may set without a report."""


@dataclass
class Verdict:
    """The counts; every list must be empty but `paused_overlaps`."""

    submitted: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    starts: int = 0
    answered_ends: int = 0
    lost: list[str] = field(default_factory=list)
    """Acknowledged to the submitter, but unknown to the server."""
    stuck: list[str] = field(default_factory=list)
    """Not ended at the end of the calm phase."""
    run_twice: list[str] = field(default_factory=list)
    """Started more often than its submitter allowed, the same attempt twice, or two attempts at the same time."""
    forgotten: list[str] = field(default_factory=list)
    """An end was acknowledged to a robot, but the job shows another one."""
    invented: list[str] = field(default_factory=list)
    """Shown as completed without a completion of a robot, or started without a submit."""
    doubled: list[str] = field(default_factory=list)
    """Two jobs for one Idempotency-Key, or a job without one."""
    paused_overlaps: list[str] = field(default_factory=list)
    """Two attempts at the same time; the robot of the older one was stopped or cut off for longer than its lease."""
    needless_losses: list[str] = field(default_factory=list)
    """Failed as robot_lost without harm to its robot."""

    @property
    def promises(self) -> dict[str, list[str]]:
        """The violations, by name."""
        return {
            "lost": self.lost,
            "stuck": self.stuck,
            "run twice": self.run_twice,
            "forgotten": self.forgotten,
            "invented": self.invented,
            "doubled": self.doubled,
        }

    @property
    def violations(self) -> dict[str, list[str]]:
        """The broken guarantees."""
        return {name: cases for name, cases in self.promises.items() if cases}


@dataclass(frozen=True)
class Excuse:
    """A time in which a fault harmed a robot. A stop or a cut shorter than the lease does not count as harm."""

    robot_id: str
    since: float
    until: float
    silence: bool
    """Its process ran without contact for longer than its lease; otherwise it was killed, or had a twin."""


def judge(
    submitter: Iterable[Fact],
    robots: Iterable[Fact],
    shown: Mapping[str, Mapping[str, Any] | None],
    excuses: Iterable[Excuse] = (),
) -> Verdict:
    """The verdict. `shown` has each job as the server shows it; `None` = unknown to the server."""
    verdict = Verdict()
    allowed = _submissions(verdict, submitter, shown)
    for job_id, job in shown.items():
        if job is None:
            verdict.lost.append(job_id)
        elif job["status"] not in ENDS:
            verdict.stuck.append(f"{job_id} is {job['status']}, attempt {job['attempt']}")
        else:
            verdict.ends[job["status"] if job["status"] == "completed" else f"failed/{job['reason']}"] += 1
    by_job: defaultdict[str, list[Fact]] = defaultdict(list)
    for fact in robots:
        by_job[fact["job_id"]].append(fact)
    excused = list(excuses)
    for job_id, facts in by_job.items():
        if job_id not in allowed:
            verdict.invented.append(f"{job_id} was started, but never submitted")
            continue
        _check_starts(verdict, job_id, facts, allowed[job_id], excused)
        _check_answers(verdict, job_id, facts, shown[job_id])
    for job_id, job in shown.items():
        _check_shown(verdict, job_id, job, by_job[job_id], excused)
    return verdict


def _submissions(
    verdict: Verdict, submitter: Iterable[Fact], shown: Mapping[str, Mapping[str, Any] | None]
) -> dict[str, int]:
    """How often each submitted job may start."""
    allowed: dict[str, int] = {}
    by_key: dict[str, str] = {}
    for fact in submitter:
        if fact["fact"] != "submitted":
            continue
        first = by_key.setdefault(fact["key"], fact["job_id"])
        if first != fact["job_id"]:
            verdict.doubled.append(f"{fact['key']}: {first} and {fact['job_id']}")
        elif fact["job_id"] in allowed:
            verdict.doubled.append(f"{fact['job_id']} for two keys")
        allowed[fact["job_id"]] = fact["max_attempts"]
    verdict.submitted = len(allowed)
    verdict.lost += [job_id for job_id in allowed if job_id not in shown]
    verdict.doubled += [f"{job_id} for no key" for job_id in shown if job_id not in allowed]
    return allowed


def _check_starts(verdict: Verdict, job_id: str, facts: list[Fact], allowed: int, excuses: list[Excuse]) -> None:
    starts = [fact for fact in facts if fact["fact"] == "started"]
    verdict.starts += len(starts)
    if len(starts) > allowed:
        verdict.run_twice.append(f"{job_id} started {len(starts)} times, allowed {allowed}")
    attempts = Counter(start["attempt"] for start in starts)
    verdict.run_twice += [f"{job_id} attempt {a} started {n} times" for a, n in attempts.items() if n > 1]
    ended = {(f["attempt"], f["pid"]): f["at"] for f in facts if f["fact"] == "ended"}
    for earlier, later in pairwise(starts):
        over_at = ended.get((earlier["attempt"], earlier["pid"]), 0.0)  # an attempt without an end was killed
        if over_at > later["at"]:
            silences = [excuse for excuse in excuses if excuse.silence]
            known = _excused(silences, earlier["robot_id"], earlier["at"], later["at"])
            note = f"{job_id}: attempts {earlier['attempt']} and {later['attempt']} at the same time"
            (verdict.paused_overlaps if known else verdict.run_twice).append(note)


def _check_answers(verdict: Verdict, job_id: str, facts: list[Fact], job: Mapping[str, Any] | None) -> None:
    if job is None:
        return
    outcomes = {(f["attempt"], f["pid"]): f["outcome"] for f in facts if f["fact"] == "ended"}
    for fact in facts:
        if fact["fact"] != "answered" or not fact["accepted"]:
            continue
        outcome = outcomes.get((fact["attempt"], fact["pid"]))
        if outcome is None:
            continue  # the confirmed cancel of a job that it did not hold
        verdict.answered_ends += 1
        if outcome == "completed":
            kept = job["status"] == "completed"
        else:
            kept = job["status"] != "completed" or job["attempt"] > fact["attempt"]
        if not kept and job["reason"] not in ("cancelled", "timeout"):
            verdict.forgotten.append(f"{job_id} attempt {fact['attempt']}: {outcome}, shown as {job['status']}")


def _check_shown(
    verdict: Verdict, job_id: str, job: Mapping[str, Any] | None, facts: list[Fact], excuses: list[Excuse]
) -> None:
    if job is None or job["status"] not in ENDS:
        return
    outcomes = [f["outcome"] for f in facts if f["fact"] == "ended" and f["attempt"] == job["attempt"]]
    if job["status"] == "completed" and "completed" not in outcomes:
        verdict.invented.append(f"{job_id} is shown as completed; robots say {outcomes or 'nothing'}")
    # A robot that was killed during an attempt and gets it again reports that, and does not start it twice.
    started_before = (job.get("error") or {}).get("code") == "started_before"
    if job["status"] == "failed" and job["reason"] not in OVERTAKEN and not outcomes and not started_before:
        verdict.invented.append(f"{job_id} is shown as failed/{job['reason']}; robots say nothing")
    if job["reason"] == "robot_lost":
        starts = [f for f in facts if f["fact"] == "started" and f["attempt"] == job["attempt"]]
        robot_id = job["robot_id"] or (starts[-1]["robot_id"] if starts else "")
        since = starts[-1]["at"] if starts else 0.0
        if not _excused(excuses, robot_id, since, float("inf")):
            verdict.needless_losses.append(f"{job_id} of {robot_id}")


def _excused(excuses: list[Excuse], robot_id: str, since: float, until: float) -> bool:
    return any(e.robot_id == robot_id and e.since <= until and e.until >= since for e in excuses)
