"""Every refusal of a message, on every socket: type, field, the expected values, and the job."""

from typing import Any

import jwt
import pytest

from contract.server_process import JWT_SECRET, Account, Server
from wire.conftest import AddressOf
from wire.raw_socket import TEXT, RawSocket, frame, opened

ROBOT, ADMIN = "/ws/robot/{robot_id}", "/ws/admin"
LEVELS = "'loud' is not one of DEBUG, INFO, WARNING, ERROR"
REPORTS = "claimed, running, completed, failed"
UNKNOWN = "no such job was given to this robot; expected the job_id of a job_assign to it"
NOBODY = "job-of-nobody"


async def refused(raw: RawSocket, kind: str, payload: dict[str, Any]) -> str:
    """The text of the error that answers this message."""
    await raw.say(kind, payload, id="refused")
    answer = await raw.answer("refused")
    assert (answer["type"], answer["payload"]["code"]) == ("error", "INVALID_MESSAGE"), answer
    return str(answer["payload"]["message"])


async def accepted(raw: RawSocket, kind: str, payload: dict[str, Any]) -> None:
    await raw.say(kind, payload, id="accepted")
    answer = await raw.answer("accepted")
    assert answer["type"] == "ack", answer


@pytest.mark.parametrize("kind", ["job_status", "job_reject", "cancel_received"])
async def test_message_about_an_unknown_job(kind: str, address_of: AddressOf) -> None:
    payload = {"job_id": NOBODY, "attempt": 1} | ({"status": "running"} if kind == "job_status" else {})
    async with opened(address_of(ROBOT)) as raw:
        assert await refused(raw, kind, payload) == f"{kind}.job_id: {UNKNOWN} (job {NOBODY})"


async def test_messages_that_the_state_of_the_job_does_not_allow(
    address_of: AddressOf, account: Account, server: Server
) -> None:
    async with opened(address_of(ROBOT)) as raw:
        job_id = server.job(account)["job_id"]
        await raw.next("job_assign")
        job, attempt = f" (job {job_id})", {"job_id": job_id, "attempt": 1}

        sentence = await refused(raw, "job_status", {**attempt, "status": "cancelled"})
        assert sentence == "job_status.status: no cancel of this job is open; expected failed or completed" + job
        sentence = await refused(raw, "cancel_received", attempt)
        assert (
            sentence
            == f"cancel_received.job_id: a job that is offered does not accept cancel_received; expected {REPORTS}{job}"
        )
        for status in ("claimed", "running"):
            await accepted(raw, "job_status", {**attempt, "status": status})
            sentence = await refused(raw, "job_reject", attempt)
            assert (
                sentence == f"job_reject.job_id: a job that is {status} does not accept reject; expected {REPORTS}{job}"
            )
        sentence = await refused(raw, "job_status", {**attempt, "attempt": 2, "status": "running"})
        assert sentence == f"job_status.job_id: {UNKNOWN}{job}"
        await accepted(raw, "job_status", {**attempt, "status": "completed"})
        sentence = await refused(raw, "job_reject", attempt)
        assert sentence.endswith(
            f"a job that is completed does not accept reject; expected no further message about it{job}"
        )
        sentence = await refused(raw, "job_status", {**attempt, "status": "claimed"})
        assert sentence == f"job_status.job_id: this job has ended; do not start it{job}"


async def test_report_of_an_attempt_that_is_over(address_of: AddressOf, account: Account, server: Server) -> None:
    async with opened(address_of(ROBOT)) as raw:
        job_id = server.job(account)["job_id"]
        await raw.next("job_assign")
        await accepted(raw, "job_reject", {"job_id": job_id, "attempt": 1})
        for kind in ("job_status", "job_reject", "cancel_received"):
            payload = {"job_id": job_id, "attempt": 1} | ({"status": "running"} if kind == "job_status" else {})
            sentence = await refused(raw, kind, payload)
            assert sentence.startswith(f"{kind}.attempt: attempt 1 of this job is over; stop working on it")
            assert sentence.endswith(f" (job {job_id})")
    server.post(f"/jobs/{job_id}/cancel", status=200)


OF_A_ROBOT = {
    "a result that is no JSON number": (
        "job_status",
        {"job_id": NOBODY, "status": "completed", "result": "1e999"},
        "job_status.result: not valid JSON: ",
    ),
    "a heartbeat of another": (
        "heartbeat",
        {"robot_id": "another"},
        "heartbeat.robot_id: not the robot of this connection; expected {robot_id}, or no robot_id",
    ),
    "a line of another": (
        "log",
        {"robot_id": "another", "level": "INFO", "message": "m", "job_id": NOBODY},
        f"log.robot_id: not the robot of this connection; expected {{robot_id}}, or no robot_id (job {NOBODY})",
    ),
    "a level": ("log", {"level": "loud", "message": "m"}, f"log.level: {LEVELS}"),
    "a level in a batch": (
        "log_batch",
        {"entries": [{"level": "info", "message": "m"}, {"level": "loud", "message": "m", "job_id": NOBODY}]},
        f"log_batch.entries[1].level: {LEVELS} (job {NOBODY})",
    ),
    "a type": (
        "dance",
        {},
        "type: 'dance' is unknown; this endpoint takes heartbeat, job_status, job_status_batch, log, log_batch, ",
    ),
}


@pytest.mark.parametrize(("kind", "payload", "text"), OF_A_ROBOT.values(), ids=OF_A_ROBOT)
async def test_other_refusals_of_a_robot(
    kind: str, payload: dict[str, Any], text: str, address_of: AddressOf, account: Account
) -> None:
    async with opened(address_of(ROBOT)) as raw:
        if payload.get("result") == "1e999":
            unsafe = f'"id":"refused","payload":{{"job_id":"{NOBODY}","status":"completed","result":1e999}}'
            await raw.send(frame(TEXT, f'{{"type":"{kind}",{unsafe}}}'.encode()))
            sentence = str((await raw.answer("refused"))["payload"]["message"])
        else:
            sentence = await refused(raw, kind, payload)
        assert sentence.startswith(text.replace("{robot_id}", account.robot_id))


OF_AN_ADMIN = {
    "no target": ({"action": "cancel_job"}, "target_id: cancel_job needs the id of a job or robot"),
    "an empty target": (
        {"action": "restart_robot", "target_id": ""},
        "target_id: restart_robot needs the id of a job or robot",
    ),
    "a job": (
        {"action": "cancel_job", "target_id": NOBODY},
        f"target_id: there is no job '{NOBODY}' (job {NOBODY})",
    ),
    "a robot": ({"action": "restart_robot", "target_id": "nobody"}, "target_id: there is no robot 'nobody'"),
    "a robot to drain": ({"action": "drain_robot", "target_id": "nobody"}, "target_id: there is no robot 'nobody'"),
    "a robot to resume": ({"action": "resume_robot", "target_id": "nobody"}, "target_id: there is no robot 'nobody'"),
    "a queue": (
        {"action": "pause_queue", "target_id": "q"},
        "target_id: there is no queue 'q'; existing queues: default, or *",
    ),
    "a queue to resume": (
        {"action": "resume_queue", "target_id": "q"},
        "target_id: there is no queue 'q'; existing queues: ",
    ),
    "an action": ({"action": "x", "target_id": NOBODY}, "action: 'x' is not one of cancel_job, restart_robot, pause_q"),
}


@pytest.mark.parametrize(("payload", "text"), OF_AN_ADMIN.values(), ids=OF_AN_ADMIN)
async def test_refusals_of_a_command(payload: dict[str, Any], text: str, address_of: AddressOf) -> None:
    async with opened(address_of(ADMIN)) as raw:
        assert (await refused(raw, "command", payload)).startswith(f"command.{text}")


async def test_cancel_of_an_ended_job(address_of: AddressOf, account: Account, server: Server) -> None:
    job_id = server.job(account)["job_id"]
    server.post(f"/jobs/{job_id}/cancel", status=200)
    async with opened(address_of(ADMIN)) as raw:
        sentence = await refused(raw, "command", {"action": "cancel_job", "target_id": job_id})
    ended = "this job has ended already; it is failed; expected one that is pending, claimed or running"
    assert sentence == f"command.target_id: {ended} (job {job_id})"


async def test_command_about_what_all_tenants_share(token: str, server: Server) -> None:
    claims = jwt.decode(token, options={"verify_signature": False}) | {"tenant_id": "default"}
    of_one_tenant = jwt.encode(claims, JWT_SECRET.encode(), algorithm="HS256")
    async with opened(server.ws(ADMIN, token=of_one_tenant)) as raw:
        await raw.say("command", {"action": "pause_queue", "target_id": "default"}, id=1)
        answer = await raw.answer(1)
    assert answer["payload"]["code"] == "AUTH_FAILED"
    assert answer["payload"]["message"].startswith("command.action: queues belong to all tenants")


@pytest.mark.parametrize("endpoint", ["live-jobs", "robot-status", "queue-metrics"])
async def test_refusals_of_a_widget(endpoint: str, address_of: AddressOf) -> None:
    async with opened(address_of(f"/ws/monitoring/{endpoint}")) as raw:
        assert await refused(raw, "dance", {}) == "type: 'dance' is unknown; this endpoint takes auth_refresh"
        await raw.say("auth_refresh", {"token": "none"})
        error = await raw.next("error")
        assert error["payload"]["code"] == "AUTH_FAILED"
        assert error["payload"]["message"].startswith("auth_refresh.token: ")


@pytest.mark.parametrize("path", ["/ws/logs", "/ws/logs/{robot_id}"])
async def test_refusals_of_a_log_viewer(path: str, address_of: AddressOf) -> None:
    async with opened(address_of(path)) as raw:
        assert await refused(raw, "dance", {}) == "type: this endpoint takes no messages"
