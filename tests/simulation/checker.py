"""Checks a run: the observations of the actors and the history of the store against the guarantees of the protocol.

I1 one live attempt · I2 attempts increase · I3 ends are final · I4 stale and foreign reports change nothing ·
I5 accepted jobs end · I6 no robot above its capacity · I7 viewers get every change once, in order, after its commit ·
I8 a viewer that reconnects with its position misses no change and gets none twice, also after a restart ·
I9 tenants are separated · I10 no secret in any output · ACK no acknowledgement before the change is durable ·
LOST a job is lost only for a valid cause · PAUSE a paused queue assigns none · PLACE a robot gets only its workflows ·
TICKET a ticket is accepted once · STUCK nothing is left behind · CLOCK time does not go back over a restart ·
FAULT no traceback.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator

from tests.simulation.disk import ROBOTS, key_of
from tests.simulation.evidence import Entry, Evidence
from tests.simulation.returns import returns
from tests.simulation.robots import UNKNOWN_WORKFLOW
from tests.simulation.server import API_SECRET
from tests.simulation.viewers import viewers
from tests.simulation.windows import starts

WINDOW_SECONDS = 75.0
"""A lease or a held offer of 90 s, less the effect of small jumps of the clock."""
SILENT_SECONDS = 50.0
CONNECTED_SECONDS = 20.0
"""The longest time to store the session of a new connection."""
PLACED_SECONDS = 15.0
"""The longest time to write an offer that was decided before the list of workflows changed."""
TAKEN_IN_SECONDS = 30.0
"""A line that was stored this long ago must have become a claim, also on a slow disk."""
UNTRACED_SECONDS = 200.0
"""The longest time without a write, when the server was stopped or its disk failed."""

ENDS = {"completed", "failed"}
AFTER_END = {"late_report", "stale_report", "reconciled"}


def violations(evidence: Evidence) -> list[str]:
    """The broken guarantees, each with the name of its invariant first. Empty if all hold."""
    found: list[str] = []
    for check in CHECKS:
        found.extend(check(evidence))
    return found


# The history of the store


def _life_cycle(evidence: Evidence) -> Iterator[str]:
    """I1, I2, I3, I6: every entry follows from the previous one, over all jobs in the order of commits."""
    phase: dict[str, str] = {}
    attempt: dict[str, int] = {}
    holder: dict[str, str | None] = {}
    end: dict[str, Entry] = {}
    held: dict[str, set[str]] = {robot_id: set() for robot_id, _ in ROBOTS}
    withdrawn: dict[str, tuple[str | None, int]] = {}
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
            late = was == "pending" and withdrawn.get(job_id) == (entry.robot_id, entry.attempt)
            if was not in sources and not (late and not evidence.ours(entry.robot_id) and "offer" in sources):
                yield f"I1: {entry} on a job that was {was or 'unknown'}"
            phase[job_id] = target or ("pending" if entry.status == "pending" else "ended")
            withdrawn.pop(job_id, None)
            if entry.kind == "offer_expired":
                withdrawn[job_id] = (entry.robot_id, entry.attempt)
        refused = entry.kind == "stale_report" and not evidence.ours(entry.robot_id)
        if refused and withdrawn.get(job_id) == (entry.robot_id, entry.attempt):
            yield f"I4: {entry}: its offer had expired, and nobody else was given the job"
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
    """I4: only reports of the robot and the attempt that own the job changed it."""
    for entry in evidence.entries:
        if entry.kind not in ("completed", "failed", "retry", "cancel_confirmed", "reconciled", "running", "claimed"):
            continue
        robot_id, _, rest = entry.note.partition(" ")
        if not rest or robot_id not in evidence.outcome.robots:
            continue  # an implicit claim has no text of the robot
        attempt = rest.split(" ")[0]
        if robot_id != entry.robot_id:
            yield f"I4: {entry}: reported by {robot_id}"
        elif evidence.ours(robot_id) and attempt not in ("None", str(entry.attempt)):
            yield f"I4: {entry}: reported for attempt {attempt}"


def _rows(evidence: Evidence) -> Iterator[str]:
    """I3, STUCK: an ended job has no lease, offer or deadline; starts are limited; counts are correct."""
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
    """LOST: leases expire for silence, not for a pause of the server; T18 is applied only to robots without the job."""
    history = evidence.history
    for entry in evidence.entries:
        if entry.kind == "robot_lost" and entry.number == "T16":
            served = entry.at - history.servers[entry.writer].began_before(entry.at)
            if served < WINDOW_SECONDS:
                yield f"LOST: {entry}: only {served:.0f} s after the instance began to serve"
            yield from _judged_elsewhere(evidence, entry)
        if entry.kind == "robot_lost":
            at_work = [
                run
                for run in evidence.runs.get(entry.job_id, ())
                if (run.robot_id, run.offer) == (entry.robot_id, entry.attempt)
                and run.started_at <= entry.at
                and (run.ended_at is None or run.ended_at > entry.at)
            ]
            heard = history.heard.get(at_work[0].peer, []) if at_work else []
            position = bisect_left(heard, entry.at)
            silent = entry.at - (heard[position - 1] if position else 0.0)
            if at_work and entry.number == "T18":
                yield f"LOST: {entry}: the robot has it"
            elif at_work and silent < SILENT_SECONDS and not evidence.outcome.failing_disk:
                yield f"LOST: {entry}: the robot was heard {silent:.0f} s ago"
        if entry.kind == "offer_expired" and not evidence.ours(entry.robot_id):
            yield from _held_offer(evidence, entry)


def _judged_elsewhere(evidence: Evidence, entry: Entry) -> Iterator[str]:
    """LOST: the instance that a robot is connected to judges its leases; another one only a time after its death.

    The end of the session in the store (T15) is its death, with a window for the robot to connect again. An instance
    that stands still a second time after that has no session of the robot, so no second window is due.
    """
    links = [
        link
        for peer, of_peer in evidence.history.links.items()
        if peer.split(" ")[0] == entry.robot_id
        for link in of_peer
        if link.since <= entry.at
    ]
    newest = max(links, key=lambda link: link.since)
    if newest.instance == entry.writer:
        return
    serving = evidence.history.servers[newest.instance]
    away = max((at for at in serving.away if newest.since < at <= min(entry.at, newest.until)), default=None)
    parted = [e for e in evidence.of_job[entry.job_id] if e.kind == "contact_lost" and newest.since < e.at < entry.at]
    if away is not None:
        if parted and parted[-1].at > away and parted[-1].writer == newest.instance:
            # It came back, and ended the session itself. Only a long time away is followed by a window.
            away = serving.began_before(entry.at)
        else:
            away = min(away, parted[-1].at if parted else away)
        if entry.at - away < WINDOW_SECONDS:
            yield f"LOST: {entry}: only {entry.at - away:.0f} s after the instance of its robot was away"
        return
    if evidence.ours(entry.robot_id) and not parted and newest.until > entry.at > newest.since + CONNECTED_SECONDS:
        yield f"LOST: {entry}: its robot was connected to {newest.instance}"


def _held_offer(evidence: Evidence, expired: Entry) -> Iterator[str]:
    """LOST: an offer to a 1.0 robot is held for 90 s, and again after a lost connection or a pause.

    It may have started. A robot that logged a line of the job has claimed it.
    """
    offer = [e for e in evidence.of_job[expired.job_id] if e.kind == "offered" and e.event_id < expired.event_id][-1]
    later = [e for e in evidence.of_job[expired.job_id] if offer.event_id < e.event_id < expired.event_id]
    since = [offer.at, *(e.at for e in later if e.kind == "contact_lost")]
    since.append(evidence.history.servers[expired.writer].began_before(expired.at))
    if expired.at - max(since) < WINDOW_SECONDS:
        yield f"LOST: {expired}: held {expired.at - max(since):.0f} s only"
    logged = evidence.logged.get((expired.job_id, expired.robot_id), ())
    if any(offer.dated <= dated < expired.dated - TAKEN_IN_SECONDS for dated in logged):
        yield f"LOST: {expired}: its robot had logged a line of the job"


def _clock(evidence: Evidence) -> Iterator[str]:
    """CLOCK: no process uses a time before the stored times of an earlier process."""
    newest = 0.0
    floors: dict[tuple[str, int], float] = {}
    for entry in evidence.entries:
        process = (entry.writer, bisect_left(evidence.history.servers[entry.writer].started, entry.at))
        floor = floors.setdefault(process, newest)
        if entry.dated < floor - UNTRACED_SECONDS:
            yield f"CLOCK: {entry} is dated {floor - entry.dated:.0f} s before what an earlier process dated"
        newest = max(newest, entry.dated)


def _pauses(evidence: Evidence) -> Iterator[str]:
    for since, until in evidence.history.pauses:
        for entry in evidence.entries:
            if entry.kind == "offered" and since < entry.at < until:
                yield f"PAUSE: {entry} while the queue was paused ({since:.1f} to {until:.1f})"


def _placements(evidence: Evidence) -> Iterator[str]:
    """PLACE: the workflow of an offer is in the robot's last list, and the robot did not refuse it as unknown."""
    denied: dict[str, list[tuple[float, str]]] = {}
    for entry in evidence.entries:
        robot_id = entry.robot_id or ""
        workflow_id = evidence.jobs[entry.job_id]["workflow_id"]
        if entry.kind == "failed" and entry.note.endswith(UNKNOWN_WORKFLOW):
            denied.setdefault(robot_id, []).append((entry.at, workflow_id))
        if entry.kind != "offered" or not evidence.ours(robot_id):
            continue
        processes = [peer for peer in evidence.history.lists if peer.split(" ")[0] == robot_id]
        lists = sorted((one for peer in processes for one in evidence.history.lists[peer]), key=lambda one: one[0])
        place = bisect_right(lists, entry.at, key=lambda one: one[0])
        since, listed = lists[place - 1] if place else (0.0, None)
        if listed is None:  # its `hello` is on the way: the stored list holds, which an earlier process may have lost
            continue
        # A list that arrived before a pause of the server can wait behind another write until the pause is over.
        known = max(since, evidence.history.servers[entry.writer].began_before(entry.at))
        if workflow_id not in listed and entry.at - known > PLACED_SECONDS:
            yield f"PLACE: {entry} of {workflow_id}, {entry.at - known:.0f} s after it listed {sorted(listed)}"
        for at, name in denied.get(robot_id, []):
            # A list that the robot sent right after the refusal can be older than the commit of the refusal.
            if name == workflow_id and since < at - PLACED_SECONDS and entry.at - at > PLACED_SECONDS:
                yield f"PLACE: {entry} of {workflow_id}, which it denied at {at:.1f}"


# The observations of the actors


def _submits(evidence: Evidence) -> Iterator[str]:
    """I5, ACK: every accepted job exists once, since before its answer, and has ended."""
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
    """I1, ACK: 1.1 robots start only their own jobs, once per attempt, as often as allowed, and after the ack."""
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


def _acked_ends(evidence: Evidence) -> Iterator[str]:
    """ACK, I3: an acknowledged end was in the store at that time, and still is."""
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


def _tenants(evidence: Evidence) -> Iterator[str]:
    tenant_of = dict(ROBOTS)
    for watch in evidence.history.watches + evidence.history.returns:
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
    every = evidence.history.watches + evidence.history.returns
    frames = (str(document) for watch in every for _, document in watch.frames)
    dump = evidence.outcome.connection.iterdump()
    for place, texts in (("log", evidence.history.logs), ("frame", frames), ("database", dump)):
        for text in texts:
            if any(secret in text for secret in secret_texts):
                yield f"I10: a secret in the {place}: {text[:200]}"
                break


def _tickets(evidence: Evidence) -> Iterator[str]:
    """TICKET: a ticket opens one connection, at any instance."""
    for at, accepted in evidence.history.tickets:
        if accepted > 1:
            yield f"TICKET: one was accepted {accepted} times at {at:.1f}"
    if evidence.outcome.all_quiet and 0 in evidence.history.last_tickets:
        yield f"TICKET: one was refused at the end: {evidence.history.last_tickets}"


def _answers(evidence: Evidence) -> Iterator[str]:
    """STUCK: each instance counts all jobs, also those of others. LOST: no robot was seen later than its last frame."""
    ended = {"completed_24h": 0, "failed_24h": 0}
    for job in evidence.jobs.values():
        name = f"{job['status']}_24h"
        if name in ended and job["reason"] != "cancelled":
            ended[name] += 1
    for instance, counts in evidence.history.counts.items():
        truth = {"pending": 0, "claimed": 0, "running": 0, **ended}
        if evidence.outcome.all_quiet and counts != truth:
            yield f"STUCK: {instance} counts {counts}, in truth {truth}"
    yield from (f"LOST: {what}" for what in evidence.history.seen_early)


def _leftovers(evidence: Evidence) -> Iterator[str]:
    outcome = evidence.outcome
    if not outcome.all_quiet:
        works = {robot_id: list(robot.works) for robot_id, robot in outcome.robots.items() if robot.works}
        yield f"STUCK: it never became quiet; robots still hold {works}"
    for (instance, robot_id), (free, capacity) in outcome.free_slots.items():
        if outcome.all_quiet and free != capacity:
            yield f"STUCK: {instance} believes that {robot_id} has {free} of {capacity} slots free"
    for robot_id, holders in outcome.holders.items():
        if len(holders) != 1:
            yield f"STUCK: {robot_id} is connected to {holders} at the end"
    for robot_id in sorted(outcome.stored_holders.keys() | outcome.holders.keys()):
        stored, held = outcome.stored_holders.get(robot_id), outcome.holders.get(robot_id)
        if stored != held:
            yield f"STUCK: {robot_id} is connected to {held}, and in the store to {stored}"
    for kept in evidence.history.kept_after_end.values():
        yield f"STUCK: a connection between {kept} stayed open after its session had ended"
    for failure in evidence.history.failures:
        yield f"FAULT: {failure}"


CHECKS = (
    _life_cycle,
    _reporters,
    _rows,
    _given_up,
    _clock,
    _pauses,
    _placements,
    _submits,
    _starts,
    starts,
    _acked_ends,
    _tenants,
    viewers,
    returns,
    _secrets,
    _tickets,
    _answers,
    _leftovers,
)
