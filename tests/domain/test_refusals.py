"""Refusals name the message type, the field, the allowed values and the job, in words of no programming language."""

import json
from itertools import product

import pytest

from casare_rpa.domain import codec, protocol
from casare_rpa.domain.errors import AuthError, CasareError, NotFound, ProtocolError, RateLimited, StoreUnavailable
from casare_rpa.domain.job_events import CancelDelivered, Event, LeaseOver, OfferExpired, OfferRejected, Refusal
from casare_rpa.domain.job_table import REPORTED, advance
from casare_rpa.domain.refusals import about
from casare_rpa.domain.vocabulary import Action, CloseCode
from domain.table import ROBOT, SESSION, at, claimed, completed, failed, lost, offered, pending, report, running, step

STATES = "claimed, running, completed, failed, cancelled, canceled"
JOB = " (job job-1)"
PROGRESS = {"job_id": "job-1", "status": "running"}


def refused(decoder: codec.Decoder, kind: str, payload: object) -> str:
    with pytest.raises(ProtocolError) as caught:
        decoder.decode(json.dumps({"type": kind, "payload": payload}))
    return str(caught.value)


@pytest.mark.parametrize(
    ("kind", "payload", "sentence"),
    [
        ("job_status", {"job_id": "job-1", "status": "done"}, f"status: 'done' is not one of {STATES}{JOB}"),
        ("job_status", {"job_id": "a b", "status": "done"}, f"status: 'done' is not one of {STATES}"),
        ("job_status", {"status": "running"}, "job_id: required, but missing"),
        ("job_status", {**PROGRESS, "progress": "x"}, "progress: expected a number or null, got a text" + JOB),
        ("job_status", {**PROGRESS, "progress": 101}, "progress: expected a number <= 100.0" + JOB),
        (
            "job_status",
            {**PROGRESS, "error": {"type": 5}},
            "error.type: expected a text, got a whole number (job job-1)",
        ),
        ("log_batch", {"entries": [{"level": 5}]}, "entries[0].level: expected a text, got a whole number"),
        ("heartbeat", {"active_jobs": [{}]}, "active_jobs[0].job_id: required, but missing"),
    ],
)
def test_refusal_of_a_robots_message(kind: str, payload: object, sentence: str) -> None:
    assert refused(codec.FROM_ROBOT, kind, payload) == f"{kind}.{sentence}"


def test_refusal_of_a_value_in_a_list_names_the_allowed_ones() -> None:
    sentence = refused(codec.FROM_ADMIN, "subscribe", {"channels": ["jobs", "all"]})
    assert sentence == "subscribe.channels[1]: 'all' is not one of robots, jobs, queue"


def test_refusal_of_a_command_names_the_actions() -> None:
    sentence = refused(codec.FROM_ADMIN, "command", {"action": "make_coffee"})
    assert sentence.startswith("command.action: 'make_coffee' is not one of cancel_job, restart_robot, pause_queue")


NEXT = "; expected claimed, running, completed, failed"
OVER = "; expected no further message about it"
ENDED_CLAIM = "this job has ended; do not start it"
STALE = "attempt 1 of this job is over; stop working on it, and wait for the next job_assign"
STATE_REFUSALS = {
    ("job_id", "no such job was given to this robot; expected the job_id of a job_assign to it"),
    ("attempt", STALE),
    ("job_id", ENDED_CLAIM),
    ("status", "no cancel of this job is open; expected failed or completed"),
    ("job_id", f"a job that is pending does not accept reject{NEXT}"),
    ("job_id", f"a job that is pending does not accept cancel_received{NEXT}"),
    ("job_id", f"a job that is offered does not accept cancel_received{NEXT}"),
    ("job_id", f"a job that is claimed does not accept reject{NEXT}"),
    ("job_id", f"a job that is running does not accept reject{NEXT}"),
    ("job_id", f"a job that is completed does not accept reject{OVER}"),
    ("job_id", f"a job that is failed does not accept reject{OVER}"),
}
"""Every refusal of a robot's message by the table."""


def test_every_refusal_by_the_state_of_a_job_has_a_field_and_the_expected_values() -> None:
    withdrawn = step(offered(), OfferExpired(), 90).job
    again = step(running(max_attempts=2), LeaseOver(), 100).job
    jobs = [pending(), withdrawn, again, offered(), claimed(), running(), completed(), failed(), lost()]
    found = set()
    for job, robot_id, attempt in product(jobs, (ROBOT, "thief"), (None, 1, 2)):
        events: list[Event] = [report(status, attempt, robot_id) for status in REPORTED]
        events += [OfferRejected(robot_id, SESSION, attempt), CancelDelivered(robot_id, SESSION, attempt)]
        for event in events:
            answer = advance(job, event, at(300))
            if isinstance(answer, Refusal):
                found.add((answer.field, answer.answer))
    assert found == STATE_REFUSALS


REPORT = protocol.JobReport(job_id="job-1", status="running")
CANCEL_JOB = protocol.Command(action=Action.CANCEL_JOB, target_id="job-1")


@pytest.mark.parametrize(
    ("error", "message", "text"),
    [
        (ProtocolError("too large", field="result"), REPORT, "job_status.result: too large (job job-1)"),
        (StoreUnavailable("send it again"), REPORT, "job_status: send it again (job job-1)"),
        (NotFound("no such job", field="target_id"), CANCEL_JOB, "command.target_id: no such job (job job-1)"),
        (
            NotFound("no such robot", field="target_id"),
            protocol.Command(action=Action.RESTART_ROBOT, target_id="job-1"),
            "command.target_id: no such robot",
        ),
        (
            NotFound("no such job", field="target_id"),
            protocol.Command(action=Action.CANCEL_JOB, target_id="../x"),
            "command.target_id: no such job",
        ),
        (
            AuthError("no", CloseCode.FORBIDDEN, field="token"),
            protocol.AuthRefresh(token="t"),
            "auth_refresh.token: no",
        ),
        (RateLimited("slow down", 2.0), protocol.Pong(), "pong: slow down"),
    ],
)
def test_error_about_a_message_names_its_type_field_and_job(
    error: CasareError, message: protocol.Message, text: str
) -> None:
    before = str(error)
    refusal = about(error, message)
    assert (str(refusal), type(refusal), refusal.code) == (text, type(error), error.code)
    assert str(error) == before, "the error can be shared by several messages"
    assert {name: value for name, value in vars(refusal).items() if name not in ("message_type", "job_id")} == {
        name: value for name, value in vars(error).items() if name not in ("message_type", "job_id")
    }


def test_job_of_the_error_itself_counts_before_the_one_of_the_message() -> None:
    error = ProtocolError("unknown", field="entries[1].level").of_message(None, "job-2")
    assert str(about(error, protocol.LogBatch(entries=[]))) == "log_batch.entries[1].level: unknown (job job-2)"
