"""The transition table of jobs, and `advance`, which applies it.

Guarantee: an assignment is delivered at least once and identified by (job_id, attempt); at most one attempt owns a
job; a job runs at most once unless its submitter allowed more with `max_attempts`.
Source: docs/reference/websocket-contract.md, Jobs.
"""

from collections.abc import Callable
from dataclasses import dataclass

from casare_rpa.domain import transitions as rows
from casare_rpa.domain.instants import Instant
from casare_rpa.domain.job import Job, Phase
from casare_rpa.domain.job_events import (
    CancelDelivered,
    Event,
    OfferRejected,
    Refusal,
    Report,
    Step,
    Transition,
)
from casare_rpa.domain.transitions import Answer

HELD = (Phase.CLAIMED, Phase.RUNNING)
ENDED = (Phase.COMPLETED, Phase.FAILED)
EVERY = tuple(Phase)

REPORTED = ("claimed", "running", "completed", "failed", "cancelled")
"""What a robot can report, as names of events. `canceled` arrives as `cancelled`."""

_OFFER = (Phase.OFFER,)
_PENDING = (Phase.PENDING,)
_PENDING_OR_FAILED = (Phase.PENDING, Phase.FAILED)
_AFTER_OFFER = "the last offer has expired, and its robot had started without `claim_ack`: counts"


@dataclass(frozen=True, slots=True)
class TransitionRule:
    """A row of the table: in one of the phases `sources`, `apply` decides about the event named `event`.

    `targets` are the phases that may follow; empty if the row only refuses. `meaning` is its line in the documents.
    """

    number: str
    event: str
    sources: tuple[Phase, ...]
    targets: tuple[Phase, ...]
    meaning: str
    apply: Callable[[Job, Event, Instant], Answer]


def _row(
    number: str,
    event: str,
    sources: tuple[Phase, ...],
    targets: tuple[Phase, ...],
    meaning: str,
    apply: Callable[..., Answer],
) -> TransitionRule:
    # `apply` takes only the class of event that has this name; a type checker cannot see that.
    return TransitionRule(number, event, sources, targets, meaning, apply)


def advance(job: Job, event: Event, now: Instant) -> Step | Refusal:
    """The effect of `event` at `now` on `job`: the answer of the first row of TRANSITIONS that applies.

    Pure: returns the changed job, its history entry and the order for its robot, or a refusal. Never raises for
    invalid input of a robot.
    """
    phase = job.phase
    name = event.status if isinstance(event, Report) else event.name
    for row in _BY_EVENT[name]:
        if phase in row.sources:
            answer = row.apply(job, event, now)
            if answer is not None:
                return answer
    sentence = f"a job that is {'offered' if phase is Phase.OFFER else phase.value} does not accept {name}"
    if not isinstance(event, Report | OfferRejected | CancelDelivered):
        return Refusal(Transition.NONE, sentence)
    field = "status" if isinstance(event, Report) else "job_id"
    return Refusal(Transition.NONE, f"{sentence}; expected {_expected(phase)}", field=field)


def _expected(phase: Phase) -> str:
    """The reports that a job in this phase takes, for the error that refuses another one."""
    if phase in ENDED:
        return "no further message about it"
    statuses = REPORTED[:-1]  # `cancelled` is possible only with an open cancel
    return ", ".join(name for name in statuses if any(phase in row.sources and row.targets for row in _BY_EVENT[name]))


TRANSITIONS: tuple[TransitionRule, ...] = (
    *(
        _row("T0, T20", event, EVERY, (), "about a job of another robot, or an earlier attempt: refused", rows.fence)
        for event in (*REPORTED, "reject", "cancel_received")
    ),
    _row(
        "T2",
        "offer",
        _PENDING,
        _OFFER,
        "offered to a robot for 15 s, or 90 s without `claim_ack`; `attempt` increases",
        rows.offer,
    ),
    _row("T3", "claimed", _OFFER, (Phase.CLAIMED,), "accepted by the robot; lease and deadline start", rows.accept),
    _row(
        "T3",
        "work_seen",
        _OFFER,
        (Phase.CLAIMED,),
        "a log line of the job, or `busy`, of a robot without `claim_ack`: implicit claim",
        rows.accept_for_work,
    ),
    _row("T3", "claimed", _PENDING, (Phase.CLAIMED,), _AFTER_OFFER, rows.accept_withdrawn),
    _row("T4", "reject", _OFFER, (Phase.PENDING,), "refused by the robot; offered again after a pause", rows.reject),
    _row("T4", "offer_expired", _OFFER, (Phase.PENDING,), "no answer from the robot in time", rows.expire_offer),
    _row(
        "T21",
        "queue_expired",
        _PENDING,
        (Phase.FAILED,),
        "pending for longer than allowed",
        rows.expire_in_queue,
    ),
    _row("T4", "socket_lost", _OFFER, _OFFER, "kept for 90 s, unless the robot uses `claim_ack`", rows.hold_offer),
    _row("T5", "robot_returned", _OFFER, _OFFER, "the same assignment is sent again", rows.offer_again),
    _row("T6", "running", (Phase.CLAIMED,), (Phase.RUNNING,), "started; the deadline restarts", rows.start),
    _row("T7", "running", _OFFER, (Phase.RUNNING,), "implicit claim", rows.claim_implicitly),
    _row("T7", "completed", _OFFER, (Phase.COMPLETED,), "implicit claim and start", rows.claim_implicitly),
    _row("T7", "failed", _OFFER, _PENDING_OR_FAILED, "implicit claim and start", rows.claim_implicitly),
    _row("T7", "running", _PENDING, (Phase.RUNNING,), _AFTER_OFFER, rows.accept_withdrawn),
    _row("T7", "completed", _PENDING, (Phase.COMPLETED,), _AFTER_OFFER, rows.accept_withdrawn),
    *(
        _row("T7", event, _PENDING, _PENDING_OR_FAILED, _AFTER_OFFER, rows.accept_withdrawn)
        for event in ("failed", "cancelled")
    ),
    _row("T8", "frame", HELD, HELD, "the lease is renewed", rows.renew_lease),
    _row("T9", "running", (Phase.RUNNING,), (Phase.RUNNING,), "progress", rows.advance_progress),
    _row("T17", "claimed", HELD, HELD, "repeated claim; the lease is renewed", rows.repeat_claim),
    _row("T10", "completed", HELD, (Phase.COMPLETED,), "completed by the robot", rows.finish),
    _row("T10", "failed", HELD, _PENDING_OR_FAILED, "failed; pending again if attempts are left", rows.finish),
    _row("T11", "cancel", (Phase.PENDING, Phase.OFFER), (Phase.FAILED,), "cancelled at once", rows.cancel_pending),
    _row("T12", "cancel", HELD, HELD, "requested; the robot confirms with an end", rows.cancel_held),
    _row(
        "T12",
        "cancelled",
        (Phase.OFFER, *HELD),
        (Phase.FAILED,),
        "the answer to a cancel, as `failed`; refused without a cancel",
        rows.confirm_cancel,
    ),
    _row("T12", "cancel_sent", HELD, HELD, "sent to the robot", rows.note_cancel_sent),
    _row("T12", "cancel_received", HELD, HELD, "received by the robot", rows.note_cancel_received),
    _row(
        "T13", "grace_over", HELD, (*HELD, Phase.FAILED), "sent with force; then ended as unconfirmed", rows.end_grace
    ),
    _row("T14", "deadline_over", HELD, HELD, "time limit exceeded; stopped like a cancel", rows.stop_at_deadline),
    _row("T15", "socket_lost", HELD, HELD, "contact is lost; the lease continues", rows.lose_contact),
    _row("T16", "lease_over", HELD, HELD, "over for 10 s when it is found; extended once", rows.extend_late_lease),
    _row("T16", "lease_over", HELD, _PENDING_OR_FAILED, "lost; pending again if attempts are left", rows.expire_lease),
    _row("T17", "robot_returned", HELD, HELD, "the robot reconnected with the job", rows.regain_contact),
    _row(
        "T18",
        "not_held",
        HELD,
        _PENDING_OR_FAILED,
        "its process ended, or reconnected without it",
        rows.lose_unheld,
    ),
    _row(
        "T19",
        "completed",
        (Phase.FAILED,),
        (Phase.COMPLETED,),
        "assumed lost; the reported end counts",
        rows.correct_end,
    ),
    _row("T19", "failed", (Phase.FAILED,), (Phase.FAILED,), "assumed lost; the reported end counts", rows.correct_end),
    _row("T20", "claimed", ENDED, (), "claim of an ended job: refused", rows.refuse_claim_after_end),
    *(
        _row("T10", event, ENDED, ENDED, "after the end: ignored, or recorded as late", rows.record_late_report)
        for event in REPORTED
    ),
    _row("T12", "cancel_received", ENDED, ENDED, "after the end: ignored", rows.ignore_cancel_received),
)

_BY_EVENT: dict[str, list[TransitionRule]] = {}
for _transition in TRANSITIONS:
    _BY_EVENT.setdefault(_transition.event, []).append(_transition)
