"""The WebSocket endpoints, and the limits of texts that they accept."""

import json
import re
from dataclasses import astuple

import pytest

from casare_rpa.domain import codec, protocol
from casare_rpa.domain.errors import ProtocolError
from casare_rpa.domain.limits import ACCEPTED_TEXTS, ROBOT_MESSAGE_BYTES, WORKFLOW_TEXTS
from casare_rpa.domain.websocket_paths import (
    ADMIN,
    LIVE_JOBS,
    LOGS,
    ROBOT,
    ROBOT_LOGS,
    WEBSOCKET_PATHS,
    Credential,
    ticket_pattern,
)


def test_names_and_paths_are_unique_and_plain() -> None:
    assert len({one.name for one in WEBSOCKET_PATHS}) == len({one.path for one in WEBSOCKET_PATHS}) == 7
    assert all(re.fullmatch(r"(/[a-z-]+)+(/\{robot_id\})?", one.path) for one in WEBSOCKET_PATHS)


def test_label_has_no_parameter() -> None:
    assert (ROBOT.label, ROBOT_LOGS.label, LOGS.label, ADMIN.label) == (
        "/ws/robot",
        "/ws/logs",
        "/ws/logs",
        "/ws/admin",
    )


def test_messages_are_those_of_the_unions() -> None:
    assert protocol.Heartbeat in ROBOT.inbound
    assert protocol.JobAssign in ROBOT.outbound
    assert LOGS.inbound == ()
    assert LIVE_JOBS.inbound == (protocol.AuthRefresh,)


def test_no_endpoint_accepts_more_than_the_transport() -> None:
    assert max(one.max_message_bytes for one in WEBSOCKET_PATHS) == ROBOT_MESSAGE_BYTES


def test_every_endpoint_except_robots_accepts_tickets() -> None:
    pattern = ticket_pattern()
    for one in WEBSOCKET_PATHS:
        path = one.path.replace("{robot_id}", "alpha-07")
        assert bool(re.fullmatch(pattern, path)) is (one.credential is not Credential.ROBOT_KEY), path
    for path in ("/ws", "/ws/admin/", "/ws/logs/", "/ws/logs/a/b", f"/ws/logs/{'x' * 129}", "/ws/monitoring/weather"):
        assert not re.fullmatch(pattern, path)


def test_texts_of_workflows_leave_room_for_the_robot() -> None:
    assert all(sent < accepted for sent, accepted in zip(astuple(WORKFLOW_TEXTS), astuple(ACCEPTED_TEXTS), strict=True))


@pytest.mark.parametrize("field", ["message", "traceback", "node_id"])
def test_text_of_an_error_is_accepted_up_to_its_limit(field: str) -> None:
    def decode(length: int) -> None:
        texts = {"type": "error", "message": "", field: "x" * length}
        report = {"job_id": "j", "status": "failed", "timestamp": "2025-12-22T14:30:00Z", "error": texts}
        codec.FROM_ROBOT.decode(json.dumps({"type": "job_status", "payload": report}))

    decode(getattr(ACCEPTED_TEXTS, field))
    with pytest.raises(ProtocolError):
        decode(getattr(ACCEPTED_TEXTS, field) + 1)
