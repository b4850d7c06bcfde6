"""The server's messages, while robots work and viewers watch, match the schemas of outbound messages."""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from contract.server_process import ADMIN_SECRET, Server
from contract.stranger import Stranger, now, stranger
from schema.document import DOCUMENT, closed, frames_of, problems
from schema.player import ADMIN, LOGS, MONITORING, ROBOT

SENT = {
    ROBOT: {"connected", "job_assign", "job_cancel", "command", "ack", "error"},
    ADMIN: {"robot_status", "job_update", "queue_metrics", "subscribed", "snapshot_end", "ack", "error"},
    **{endpoint: {"log", "error"} for endpoint in LOGS},
    MONITORING[0]: {"job_update", "subscribed", "snapshot_end", "error"},
    MONITORING[1]: {"robot_heartbeat", "error"},
    MONITORING[2]: {"queue_metrics", "error"},
}
"""The messages of each endpoint in the scenario: all except the `ping` after 30 seconds of silence."""


def faults(endpoint: str, peer: Stranger) -> list[str]:
    """The errors of the received messages by their schemas. Unknown keys and types are errors too."""
    schemas = {kind: closed(schema) for kind, schema in frames_of(endpoint, "out").items()}
    return [
        f"{json.dumps(message)}: {problem}"
        for message in peer.seen
        for problem in (problems(schemas[message["type"]], message) if message["type"] in schemas else ["unknown type"])
    ]


@pytest.fixture
async def scenario(server: Server, anyio_backend: str) -> AsyncIterator[dict[str, Stranger]]:
    """One robot with two jobs, one completed and one cancelled, and a viewer on every other endpoint."""
    account = server.robot()
    async with AsyncExitStack() as stack:

        async def opened(endpoint: str) -> Stranger:
            path = endpoint.format(robot_id=account.robot_id)
            secret = {"token": server.token()} if endpoint in MONITORING else {"api_secret": ADMIN_SECRET}
            since = {"since": "start"} if endpoint == MONITORING[0] else {"tail": "5"} if endpoint in LOGS else {}
            address = server.ws(path, **({"api_key": account.api_key} if endpoint == ROBOT else {**secret, **since}))
            return await stack.enter_async_context(stranger(address))

        peers = {endpoint: await opened(endpoint) for endpoint in (ADMIN, *LOGS, *MONITORING)}
        admin = peers[ADMIN]
        await admin.send("subscribe", {"channels": ["robots", "jobs", "queue"], "since": None}, id=1)
        for number, queue in enumerate(("default", "*"), 2):
            await admin.send("command", {"action": "resume_queue", "target_id": queue}, id=number)
            await admin.answer(number)
        robot = peers[ROBOT] = await opened(ROBOT)
        await robot.send("hello", {"instance_id": "one", "features": ["claim_ack"]}, id="hello")
        await works(server, robot, account.robot_id, server.job(account)["job_id"])
        await is_cancelled(admin, robot, server.job(account)["job_id"])
        await admin.send("command", {"action": "restart_robot", "target_id": account.robot_id})
        await robot.next("command")
        for peer in peers.values():
            await peer.send("nonsense", {}, id="bad")
            assert (await peer.answer("bad"))["payload"]["code"] == "INVALID_MESSAGE"
        yield peers


async def works(server: Server, robot: Stranger, robot_id: str, job_id: str) -> None:
    """Claims the job, logs, and completes it."""
    await robot.heartbeat(robot_id)
    await robot.next("job_assign", lambda fields: fields["job_id"] == job_id)
    for number, status in enumerate(("claimed", "running", "completed")):
        await robot.log(robot_id, "warn", f"{status}\0", job_id=job_id, node_id=None)
        await robot.log(robot_id, "INFO", "x" * 70_000)
        report = {"job_id": job_id, "status": status, "timestamp": now(), "attempt": 1, "progress": 50}
        await robot.send("job_status", {**report, "message": "step", "result": {"n": [1]}}, id=number)
        assert (await robot.answer(number))["type"] == "ack"
    assert server.get(f"/jobs/{job_id}")["status"] == "completed"


async def is_cancelled(admin: Stranger, robot: Stranger, job_id: str) -> None:
    """Claims the job, receives a cancel, and confirms it."""
    await robot.next("job_assign", lambda fields: fields["job_id"] == job_id)
    await robot.report(job_id, "running")
    await admin.next("job_update", lambda fields: fields["job_id"] == job_id and fields["status"] == "running")
    await admin.send("command", {"action": "cancel_job", "target_id": job_id, "reason": "wrong folder"}, id="c")
    await robot.next("job_cancel", lambda fields: fields["job_id"] == job_id)
    await robot.report(job_id, "failed", error={"type": "cancelled", "message": "stopped"})
    await admin.next("job_update", lambda fields: fields["job_id"] == job_id and fields["status"] == "failed")


@pytest.mark.slow
async def test_sent_messages_match_the_document(scenario: dict[str, Stranger]) -> None:
    assert [fault for endpoint, peer in scenario.items() for fault in faults(endpoint, peer)] == []
    assert {endpoint: set(peer.kinds()) for endpoint, peer in scenario.items()} == SENT


def test_scenario_covers_every_channel() -> None:
    assert set(SENT) == {channel["address"] for channel in DOCUMENT["channels"].values()}
    unplayed = {endpoint: set(frames_of(endpoint, "out")) - kinds for endpoint, kinds in SENT.items()}
    assert {endpoint: kinds for endpoint, kinds in unplayed.items() if kinds} == {ROBOT: {"ping"}}


@pytest.mark.parametrize("endpoint", SENT)
async def test_refusal_matches_the_document(endpoint: str, server: Server) -> None:
    path = endpoint.format(robot_id="robot-of-nobody")
    async with stranger(server.ws(path, api_key="crpa_no", api_secret="no", token="no")) as peer:
        assert await peer.closed() == 4001
        assert faults(endpoint, peer) == []
        assert peer.kinds() == ["error"]
