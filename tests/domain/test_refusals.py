"""Refusals name the message type, the field, the allowed values and the job, in words of no programming language."""

import json

import pytest

from casare_rpa.domain import codec
from casare_rpa.domain.errors import ProtocolError

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
