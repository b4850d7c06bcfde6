"""I7: the messages of viewers against the history of the store."""

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from tests.simulation.evidence import Entry, Evidence
from tests.simulation.history import Watch

Shown = tuple[Any, ...]
"""The visible state of a job: its status, and its attempt where it is shown."""
Seen = list[tuple[float, Shown]]


def viewers(evidence: Evidence) -> Iterator[str]:
    """I7: the states of a job on a connection are a contiguous part of its history, and never ahead of it."""
    for watch in evidence.history.watches:
        seen: dict[str, Seen] = {}
        for at, document in watch.frames:
            if document["type"] == "job_update":
                payload = document.get("payload", document)
                seen.setdefault(payload["job_id"], []).append((at, shown(payload, watch)))
        for job_id, frames in seen.items():
            entries = evidence.of_job.get(job_id)
            if entries is None:
                yield f"I7: {watch.name} was shown {job_id}, which is not there"
            else:
                yield from (f"I7{what}" for what in piece(watch, job_id, frames, history_shown(entries, watch)))
        if watch.frames and not watch.over:
            yield from _complete(evidence, watch, seen)


def shown(payload: dict[str, Any], watch: Watch) -> Shown:
    status = payload["status"]
    return (status, payload.get("attempt", 0)) if watch.snapshot and status != "pending" else (status,)


def history_shown(entries: list[Entry], watch: Watch) -> Seen:
    """The visible changes, each with the time of its commit."""
    every = [
        (e.at, shown({"status": e.status, "attempt": e.attempt}, watch))
        for e in entries
        if e.kind not in ("late_report", "stale_report")
    ]
    return [next(group) for _, group in groupby(every, key=lambda one: one[1])]


def piece(watch: Watch, job_id: str, frames: Seen, truth: Seen) -> Iterator[str]:
    """The problem, if the frames are not a contiguous part of the history or one came before its commit."""
    told = [next(group) for _, group in groupby(frames, key=lambda one: one[1])]
    for start in range(len(truth) - len(told) + 1):
        piece = truth[start : start + len(told)]
        if all(t[1] == f[1] and t[0] <= f[0] for t, f in zip(piece, told, strict=True)):
            return
    yield f": {watch.name} saw of {job_id} {told}; its history is {truth}"


def _complete(evidence: Evidence, watch: Watch, seen: dict[str, Seen]) -> Iterator[str]:
    """A connection that lasted to the end got the last change of every job that changed during it."""
    since = watch.frames[0][0]
    for job_id, entries in evidence.of_job.items():
        if watch.tenant_id not in (None, evidence.jobs[job_id]["tenant_id"]):
            continue
        last_at, last = history_shown(entries, watch)[-1]
        if last_at > since and (job_id not in seen or seen[job_id][-1][1] != last):
            yield f"I7: {watch.name} missed that {job_id} became {last} at {last_at:.3f}: {seen.get(job_id)}"
