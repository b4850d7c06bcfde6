"""I8: a viewer that reconnects with its position gets one sequence without a gap, also from a restarted server.

The numbers are contiguous over all connections, and so are the states of each job, whichever events were lost; at the
end, the viewer has the current state of each job. A snapshot instead is an error for a position that the server gave.
"""

from collections.abc import Iterator
from typing import Any

from tests.simulation.evidence import Evidence
from tests.simulation.history import Watch
from tests.simulation.viewers import Seen, history_shown, piece, shown

Place = tuple[str, int]


def returns(evidence: Evidence) -> Iterator[str]:
    names = dict.fromkeys(watch.name for watch in evidence.history.returns)
    for name in names:
        connections = [watch for watch in evidence.history.returns if watch.name == name]
        yield from _Sequence(evidence).follow(connections)


class _Sequence:
    """The messages of one viewer since its last snapshot, over all its connections."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self._place: Place | None = None
        self._last_at = 0.0
        self._seen: dict[str, Seen] = {}
        self._numbered: dict[str, dict[str, Any]] = {}
        """The last numbered change of each job."""
        self._since = 0.0
        """When the snapshot began. Later changes must be received."""
        self._snapshot: dict[str, Seen] | None = None

    def follow(self, connections: list[Watch]) -> Iterator[str]:
        for watch in connections:
            self._snapshot = None
            for at, document in watch.frames:
                yield from self._frame(watch, at, document)
        yield from self._pieces(connections[-1])
        if not connections[-1].over and self._snapshot is None and self._place is not None:
            yield from self._ends(connections[-1])

    def _frame(self, watch: Watch, at: float, document: dict[str, Any]) -> Iterator[str]:
        body = document.get("payload", document)
        match document["type"]:
            case "subscribed":
                yield from self._subscribed(watch, at, body)
            case "snapshot_end":
                yield from self._pieces(watch)
                self._place, self._last_at = (body["epoch"], body["seq"]), at
                self._seen, self._snapshot = self._snapshot or {}, None
            case "job_update" if self._snapshot is not None:
                self._snapshot.setdefault(body["job_id"], []).append((at, shown(body, watch)))
                # The snapshot can show a state in between, such as a loss of contact that was missed.
                self._numbered.pop(body["job_id"], None)
            case "job_update" if "seq" in document:
                place = (document["epoch"], document["seq"])
                if self._place is None or place != (self._place[0], self._place[1] + 1):
                    yield f"I8: {watch.name} was told {place} after {self._place}"
                self._place, self._last_at = place, at
                yield from self._told_twice(watch, body)
                self._seen.setdefault(body["job_id"], []).append((at, shown(body, watch)))

    def _subscribed(self, watch: Watch, at: float, body: dict[str, Any]) -> Iterator[str]:
        place = (body["epoch"], body["seq"])
        if body["recovered"]:
            if place != self._place or watch.since != f"{place[0]}:{place[1]}":
                yield f"I8: {watch.name} came with {watch.since}, had {self._place}, and is said to continue at {place}"
            return
        known = self._place is not None and watch.since == f"{self._place[0]}:{self._place[1]}"
        if known:
            yield f"I8: {watch.name} was told that {self._place} is gone, {at - self._last_at:.0f} s after it had it"
        self._snapshot, self._since = {}, at

    def _told_twice(self, watch: Watch, body: dict[str, Any]) -> Iterator[str]:
        """Finds a change with two numbers."""
        if not watch.snapshot:
            return  # the flat stream shows no loss of contact, so two of its changes look alike
        change = {name: value for name, value in body.items() if name not in ("timestamp", "seq", "epoch")}
        if self._numbered.get(body["job_id"]) == change:
            yield f"I8: {watch.name} was told twice: {change}"
        self._numbered[body["job_id"]] = change

    def _pieces(self, watch: Watch) -> Iterator[str]:
        """The received states of each job are a contiguous part of its history."""
        for job_id, frames in self._seen.items():
            entries = self._evidence.of_job.get(job_id)
            if entries is None:
                yield f"I8: {watch.name} was shown {job_id}, which is not there"
            else:
                yield from (f"I8{what}" for what in piece(watch, job_id, frames, history_shown(entries, watch)))

    def _ends(self, watch: Watch) -> Iterator[str]:
        for job_id, entries in self._evidence.of_job.items():
            if watch.tenant_id not in (None, self._evidence.jobs[job_id]["tenant_id"]):
                continue
            last_at, last = history_shown(entries, watch)[-1]
            seen = self._seen.get(job_id)
            if (seen is not None or last_at > self._since) and (seen is None or seen[-1][1] != last):
                yield f"I8: {watch.name} does not know that {job_id} became {last} at {last_at:.3f}: {seen}"
