"""Judges a run: what the actors saw, against what the store says it did, against the promises of the protocol.

I1 one live attempt · I2 attempts grow · I3 ends stay · I4 stale and strange reports change nothing · I5 accepted jobs
end · I6 no robot above its capacity · I7 viewers see every change once, in order, none before it is durable ·
I9 tenants stay apart · I10 no secret anywhere · ACK nothing is acknowledged before it is durable · LOST a robot is
given up only for cause · PAUSE a paused queue hands out nothing · STUCK nothing is left behind · FAULT no traceback.
I8 is about several instances.
"""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Any

from tests.simulation.disk import ROBOTS, key_of
from tests.simulation.history import Run, Watch
from tests.simulation.server import API_SECRET
from tests.simulation.world import Outcome

WINDOW_SECONDS = 75.0
"""A lease or a held offer of 90 s, less what small jumps of the clock may take from it."""
SILENT_SECONDS = 50.0

ENDS = {"completed", "failed"}
AFTER_END = {"late_report", "stale_report", "reconciled"}


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


class Evidence:
    """The outcome of a run, arranged for questions."""

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
        ids = [last for _, last in self.history.commits]
        self.entries: list[Entry] = []
        for row in connection.execute(
            "SELECT event_id, job_id, number, kind, status, attempt, robot_id, note FROM job_events ORDER BY event_id"
        ):
            at = self.history.commits[bisect_left(ids, row[0])][0]
            self.entries.append(Entry(*row[:7], row[7] or "", at))
        self.of_job: dict[str, list[Entry]] = {job_id: [] for job_id in self.jobs}
        for entry in self.entries:
            self.of_job.setdefault(entry.job_id, []).append(entry)
        self.runs: dict[str, list[Run]] = {}
        for run in self.history.runs:
            self.runs.setdefault(run.job_id, []).append(run)

    def ours(self, robot_id: str | None) -> bool:
        return robot_id is not None and self.outcome.robots[robot_id].ours


def violations(outcome: Outcome) -> list[str]:
    """Every broken promise, the invariant's name first. Empty is good."""
    evidence = Evidence(outcome)
    found: list[str] = []
    for check in CHECKS:
        found.extend(check(evidence))
    return found


# What the store says it did


def _life_cycle(evidence: Evidence) -> Iterator[str]:
    """I1, I2, I3, I6: every entry follows from the one before it, over all jobs in order of commits."""
    phase: dict[str, str] = {}
    attempt: dict[str, int] = {}
    holder: dict[str, str | None] = {}
    end: dict[str, Entry] = {}
    held: dict[str, set[str]] = {robot_id: set() for robot_id, _ in ROBOTS}
    for entry in evidence.entries:
        job_id, was = entry.job_id, phase.get(entry.job_id, "")
        if entry.attempt < attempt.get(job_id, 0):
            yield f"I2: {entry} after attempt {attempt[job_id]}"
        attempt[job_id] = entry.attempt
        if job_id in end and (entry.kind not in AFTER_END or entry.status != end[job_id].status):
            lost = end[job_id].kind == "robot_lost" and entry.kind == "reconciled"
            if not lost:
                yield f"I3: {entry} after {end[job_id]}"
        becomes = _PHASES.get(entry.kind)
        if becomes is not None:
            sources, target = becomes
            if was not in sources:
                yield f"I1: {entry} on a job that was {was or 'unknown'}"
            phase[job_id] = target or ("pending" if entry.status == "pending" else "ended")
        if phase[job_id] == "ended" and (job_id not in end or entry.kind == "reconciled"):
            end[job_id] = entry
        now_held_by = entry.robot_id if phase[job_id] in ("offer", "claimed", "running") else None
        before = holder.get(job_id)
        if entry.kind in ("late_report", "stale_report") or now_held_by == before:
            continue
        if before is not None:
            held[before].discard(job_id)
        if now_held_by is not None:
            held[now_held_by].add(job_id)
            if len(held[now_held_by]) > evidence.outcome.robots[now_held_by].capacity:
                yield f"I6: {entry}: the robot holds {sorted(held[now_held_by])}"
        holder[job_id] = now_held_by


_WORK = {"offer", "claimed", "running"}
_PHASES: dict[str, tuple[set[str], str]] = {
    "submitted": ({""}, "pending"),
    "offered": ({"pending"}, "offer"),
    "offered_again": ({"offer"}, "offer"),
    "claimed": ({"offer"}, "claimed"),
    "running": ({"offer", "claimed"}, "running"),
    "rejected": ({"offer"}, "pending"),
    "offer_expired": ({"offer"}, "pending"),
    "completed": (_WORK, "ended"),
    "failed": (_WORK, "ended"),
    "retry": (_WORK, "pending"),
    "cancelled": ({"pending", "offer"}, "ended"),
    "cancel_confirmed": (_WORK, "ended"),
    "cancel_unconfirmed": ({"claimed", "running"}, "ended"),
    "robot_lost": ({"claimed", "running"}, ""),
    "reconciled": ({"ended"}, "ended"),
}


def _reporters(evidence: Evidence) -> Iterator[str]:
    """I4: what a report changed was its reporter's to change: the robot and the attempt that own the job."""
    for entry in evidence.entries:
        if entry.kind not in ("completed", "failed", "retry", "cancel_confirmed", "reconciled", "running", "claimed"):
            continue
        robot_id, _, rest = entry.note.partition(" ")
        if not rest:
            continue
        attempt = rest.split(" ")[0]
        if robot_id != entry.robot_id:
            yield f"I4: {entry}: reported by {robot_id}"
        elif evidence.ours(robot_id) and attempt not in ("None", str(entry.attempt)):
            yield f"I4: {entry}: reported for attempt {attempt}"


def _rows(evidence: Evidence) -> Iterator[str]:
    """I3, STUCK: an ended job keeps no lease, offer or deadline; starts are bounded; counts are right."""
    for job in evidence.jobs.values():
        starts = sum(entry.number in ("T3", "T7") for entry in evidence.of_job[job["job_id"]])
        if job["starts"] > job["max_attempts"] or job["starts"] != starts:
            yield f"I1: {job['job_id']} has {job['starts']} starts, {starts} in its history, of {job['max_attempts']}"
        if job["finished_at"] is None:
            continue
        for name in ("lease_expires_at", "offer_expires_at", "deadline_at", "grace_expires_at", "contact_lost_at"):
            if job[name] is not None:
                yield f"I3: {job['job_id']} has ended and has a {name}"
        last = [entry for entry in evidence.of_job[job["job_id"]] if entry.kind in _PHASES][-1]
        if last.status != job["status"]:
            yield f"I3: {job['job_id']} is {job['status']} after {last}"
    tallies = dict(
        evidence.outcome.connection.execute("SELECT status, sum(number) FROM tallies GROUP BY status").fetchall()
    )
    counted: dict[str, int] = {}
    for job in evidence.jobs.values():
        status = "cancelled" if job["reason"] == "cancelled" else job["status"]
        counted[status] = counted.get(status, 0) + 1
    wrong = {s for s in tallies.keys() | counted.keys() if tallies.get(s, 0) != counted.get(s, 0)}
    if wrong:
        yield f"STUCK: the counts of {sorted(wrong)} are {tallies}, in truth {counted}"


def _given_up(evidence: Evidence) -> Iterator[str]:
    """LOST: leases end for silence, not for a pause of ours; a robot that has the job is not said to be without it."""
    history = evidence.history
    for entry in evidence.entries:
        if entry.kind == "robot_lost" and entry.number == "T16":
            served = entry.at - max((at for at in history.serving_since if at <= entry.at), default=0.0)
            if served < WINDOW_SECONDS:
                yield f"LOST: {entry}: only {served:.0f} s after the server began to serve"
        if entry.kind == "robot_lost" and evidence.ours(entry.robot_id):
            at_work = [
                run
                for run in evidence.runs.get(entry.job_id, ())
                if (run.robot_id, run.attempt) == (entry.robot_id, entry.attempt)
                and run.started_at <= entry.at
                and (run.ended_at is None or run.ended_at > entry.at)
            ]
            heard = history.heard.get(entry.robot_id or "", [])
            position = bisect_left(heard, entry.at)
            silent = entry.at - (heard[position - 1] if position else 0.0)
            if at_work and entry.number == "T18":
                yield f"LOST: {entry}: the robot has it"
            elif at_work and silent < SILENT_SECONDS and not evidence.outcome.failing_disk:
                yield f"LOST: {entry}: the robot was heard {silent:.0f} s ago"
        if entry.kind == "offer_expired" and not evidence.ours(entry.robot_id):
            yield from _held_offer(evidence, entry)


def _held_offer(evidence: Evidence, expired: Entry) -> Iterator[str]:
    """LOST: an offer to a 1.0 robot whose socket was lost, or that we left alone, is held 90 s: it may have started."""
    offer = [e for e in evidence.of_job[expired.job_id] if e.kind == "offered" and e.event_id < expired.event_id][-1]
    later = [e for e in evidence.of_job[expired.job_id] if offer.event_id < e.event_id < expired.event_id]
    since = [e.at for e in later if e.kind == "contact_lost"]
    since += [at for at in evidence.history.serving_since if offer.at < at <= expired.at]
    if since and expired.at - max(since) < WINDOW_SECONDS:
        yield f"LOST: {expired}: held {expired.at - max(since):.0f} s only"


def _pauses(evidence: Evidence) -> Iterator[str]:
    for since, until in evidence.history.pauses:
        for entry in evidence.entries:
            if entry.kind == "offered" and since < entry.at < until:
                yield f"PAUSE: {entry} while the queue was paused ({since:.1f} to {until:.1f})"


# What the actors saw


def _submits(evidence: Evidence) -> Iterator[str]:
    """I5, ACK: every accepted job is there, once, from before its answer on, and has ended."""
    first: dict[str, str] = {}
    for submit in evidence.history.submits:
        if first.setdefault(submit.key, submit.job_id) != submit.job_id:
            yield f"I5: {submit.key} became two jobs: {first[submit.key]} and {submit.job_id}"
        entries = evidence.of_job.get(submit.job_id, [])
        if not entries:
            yield f"I5: {submit.job_id} was accepted and is not there"
        elif entries[0].at > submit.at:
            yield f"ACK: {submit.job_id} was accepted at {submit.at:.3f} and durable at {entries[0].at:.3f}"
        else:
            job = evidence.jobs[submit.job_id]
            if job["finished_at"] is None:
                yield f"I5: {submit.job_id} never ended: {job['status']}, last {entries[-1]}"
    if len(evidence.jobs) != len(first):
        yield f"I5: {len(first)} submissions became {len(evidence.jobs)} jobs"


def _starts(evidence: Evidence) -> Iterator[str]:
    """I1, ACK: our robots start what is theirs, once an attempt, as often as allowed, and never two at a time."""
    for job_id, runs in evidence.runs.items():
        entries = evidence.of_job[job_id]
        ours = [run for run in runs if run.ours]
        attempts = [run.attempt for run in ours]
        if len(set(attempts)) != len(attempts):
            yield f"I1: an attempt was started twice: {ours}"
        if len(ours) > evidence.jobs[job_id]["max_attempts"]:
            yield f"I1: {len(ours)} starts of {evidence.jobs[job_id]['max_attempts']}: {ours}"
        for run in ours:
            claims = [e.at for e in entries if e.number in ("T3", "T7") and e.attempt == run.attempt]
            if not claims or claims[0] > run.started_at:
                yield f"ACK: {run} started before its claim was durable ({claims})"
        for earlier, later in pairwise(runs):
            at_once = earlier.ended_at is None or earlier.ended_at > later.started_at
            if at_once and (earlier.ours or later.ours) and not _released(evidence, earlier, later):
                yield f"I1: two at a time: {earlier} and {later}"


def _released(evidence: Evidence, earlier: Run, later: Run) -> bool:
    """Whether the store had given up the earlier run when the later one began: for an old robot also by an offer that
    it did not answer in time, which is one of the two windows that 1.0 leaves open."""
    kinds = {"robot_lost", "cancel_unconfirmed"} | (set() if earlier.ours else {"offer_expired", "retry"})
    return any(
        entry.kind in kinds
        and entry.robot_id == earlier.robot_id
        and entry.at <= later.started_at
        and (earlier.attempt is None or entry.attempt == earlier.attempt)
        for entry in evidence.of_job[earlier.job_id]
    )


def _acked_ends(evidence: Evidence) -> Iterator[str]:
    """ACK, I3: an end that was acknowledged was in the store by then, and is there to this day."""
    counts = {
        "completed": {"completed", "reconciled", "late_report"},
        "failed": {"failed", "retry", "cancel_confirmed", "reconciled", "late_report"},
    }
    for acked in evidence.history.acked:
        entries = [e for e in evidence.of_job[acked.job_id] if e.at <= acked.at]
        if any(e.kind in counts[acked.status] and e.attempt >= acked.attempt for e in entries):
            continue
        if not entries or acked.status != entries[-1].status:
            yield f"ACK: {acked}: nothing of it in the store: {entries[-2:]}"


def _viewers(evidence: Evidence) -> Iterator[str]:
    """I7: what a connection shows of a job is a piece of the job's history without a gap, and never ahead of it."""
    for watch in evidence.history.watches:
        seen: dict[str, list[tuple[float, tuple[Any, ...]]]] = {}
        for at, document in watch.frames:
            if document["type"] == "job_update":
                payload = document.get("payload", document)
                seen.setdefault(payload["job_id"], []).append((at, _shown(payload, watch)))
        for job_id, frames in seen.items():
            entries = evidence.of_job.get(job_id)
            if entries is None:
                yield f"I7: {watch.name} was shown {job_id}, which is not there"
            else:
                yield from _piece(watch, job_id, frames, _history_shown(entries, watch))
        if watch.frames and not watch.over:
            yield from _complete(evidence, watch, seen)


def _shown(payload: dict[str, Any], watch: Watch) -> tuple[Any, ...]:
    status = payload["status"]
    return (status, payload.get("attempt", 0)) if watch.snapshot and status != "pending" else (status,)


def _history_shown(entries: list[Entry], watch: Watch) -> list[tuple[float, tuple[Any, ...]]]:
    """The changes that viewers see, each with the instant since which it is true."""
    every = [
        (e.at, _shown({"status": e.status, "attempt": e.attempt}, watch))
        for e in entries
        if e.kind not in ("late_report", "stale_report")
    ]
    return [next(group) for _, group in groupby(every, key=lambda one: one[1])]


def _piece(
    watch: Watch, job_id: str, frames: list[tuple[float, tuple[Any, ...]]], truth: list[tuple[float, tuple[Any, ...]]]
) -> Iterator[str]:
    told = [next(group) for _, group in groupby(frames, key=lambda one: one[1])]
    for start in range(len(truth) - len(told) + 1):
        piece = truth[start : start + len(told)]
        if all(t[1] == f[1] and t[0] <= f[0] for t, f in zip(piece, told, strict=True)):
            return
    yield f"I7: {watch.name} saw of {job_id} {told}; its history is {truth}"


def _complete(evidence: Evidence, watch: Watch, seen: dict[str, list[tuple[float, tuple[Any, ...]]]]) -> Iterator[str]:
    """A connection that lasted to the end saw the last change of every job that changed while it was there."""
    since = watch.frames[0][0]
    for job_id, entries in evidence.of_job.items():
        if watch.tenant_id not in (None, evidence.jobs[job_id]["tenant_id"]):
            continue
        last_at, last = _history_shown(entries, watch)[-1]
        if last_at > since and (job_id not in seen or seen[job_id][-1][1] != last):
            yield f"I7: {watch.name} missed that {job_id} became {last} at {last_at:.3f}: {seen.get(job_id)}"


def _tenants(evidence: Evidence) -> Iterator[str]:
    tenant_of = dict(ROBOTS)
    for watch in evidence.history.watches:
        for _, document in watch.frames:
            job_id = document.get("payload", document).get("job_id")
            job = evidence.jobs.get(job_id) if job_id else None
            if watch.tenant_id is not None and job is not None and job["tenant_id"] != watch.tenant_id:
                yield f"I9: {watch.name} saw {job_id} of {job['tenant_id']}"
    for at, robot_id, job_id, _ in evidence.history.assigned:
        if evidence.jobs[job_id]["tenant_id"] != tenant_of[robot_id]:
            yield f"I9: {robot_id} was given {job_id} of another tenant at {at:.1f}"


def _secrets(evidence: Evidence) -> Iterator[str]:
    secret_texts = [API_SECRET, *(key_of(robot_id) for robot_id, _ in ROBOTS)]
    frames = (str(document) for watch in evidence.history.watches for _, document in watch.frames)
    dump = evidence.outcome.connection.iterdump()
    for place, texts in (("log", evidence.history.logs), ("frame", frames), ("database", dump)):
        for text in texts:
            if any(secret in text for secret in secret_texts):
                yield f"I10: a secret in the {place}: {text[:200]}"
                break


def _leftovers(evidence: Evidence) -> Iterator[str]:
    outcome = evidence.outcome
    if not outcome.all_quiet:
        works = {robot_id: list(robot.works) for robot_id, robot in outcome.robots.items() if robot.works}
        yield f"STUCK: it never became quiet; robots still hold {works}"
    for robot_id, (free, capacity) in outcome.free_slots.items():
        if outcome.all_quiet and free != capacity:
            yield f"STUCK: the server believes that {robot_id} has {free} of {capacity} slots free"
    for robot_id in outcome.unknown:
        yield f"STUCK: {robot_id} is connected, and the server does not know"
    for failure in evidence.history.failures:
        yield f"FAULT: {failure}"


CHECKS = (
    _life_cycle,
    _reporters,
    _rows,
    _given_up,
    _pauses,
    _submits,
    _starts,
    _acked_ends,
    _viewers,
    _tenants,
    _secrets,
    _leftovers,
)
