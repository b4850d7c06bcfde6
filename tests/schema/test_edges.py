"""Values at the limits of the schema are accepted by the real server."""

from typing import Any

import pytest

from contract.server_process import ADMIN_SECRET, Account, Server
from contract.stranger import Document, now, stranger

EARLIEST, LATEST = "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999999-14:00"


def beat(robot_id: str, **changes: Any) -> Document:
    return {"robot_id": robot_id, "status": "idle", "cpu_percent": 1, "memory_mb": 2, "timestamp": now(), **changes}


def line(robot_id: str, **changes: Any) -> Document:
    return {"robot_id": robot_id, "level": "INFO", "message": "m", "timestamp": now(), **changes}


CASES = {
    "heartbeat of the first day": ("heartbeat", lambda me: beat(me, timestamp=EARLIEST)),
    "heartbeat of the last day": ("heartbeat", lambda me: beat(me, timestamp=LATEST)),
    "heartbeat of a leap day": ("heartbeat", lambda me: beat(me, timestamp="2000-02-29 23:59:59")),
    "heartbeat of the largest numbers": ("heartbeat", lambda me: beat(me, cpu_percent=1.7e308, memory_mb=10**300)),
    "heartbeat with many jobs": (
        "heartbeat",
        lambda me: beat(me, active_jobs=[{"job_id": "j", "attempt": 2**31}] * 1000),
    ),
    "line of the first day": ("log", lambda me: line(me, timestamp=EARLIEST)),
    "line of the last day": ("log", lambda me: line(me, timestamp=LATEST)),
    "line with NUL and half a pair": ("log", lambda me: line(me, message="\0\ud800", node_id="\udc00")),
    "line of a job that is not": ("log", lambda me: line(me, job_id="x" * 128)),
    "no lines": ("log_batch", lambda me: {"entries": []}),
    "thousand lines": ("log_batch", lambda me: {"entries": [line(me)] * 1000}),
    "longest introduction": (
        "hello",
        lambda me: {
            "instance_id": "é" * 128,
            "name": "\u2028" * 256,
            "tags": ["t" * 128] * 64,
            "capabilities": [],
            "max_concurrent_jobs": 1000,
        },
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("message_id", ["", 0, -1, 2**63, 10**40, "\U0001f600" * 300], ids=lambda value: str(value)[:8])
async def test_any_id_is_answered(message_id: str | int, server: Server) -> None:
    account = server.robot()
    async with stranger(server.ws(f"/ws/robot/{account.robot_id}", api_key=account.api_key)) as robot:
        await robot.send("pong", {}, id=message_id)
        assert (await robot.answer(message_id))["type"] == "ack"


@pytest.mark.parametrize("name", CASES)
async def test_value_at_the_limit_is_accepted_and_shown(name: str, server: Server) -> None:
    kind, payload = CASES[name]
    account: Account = server.robot()
    async with (
        stranger(server.ws("/ws/admin", api_secret=ADMIN_SECRET)) as admin,
        stranger(server.ws(f"/ws/logs/{account.robot_id}", api_secret=ADMIN_SECRET)) as viewer,
        stranger(server.ws(f"/ws/robot/{account.robot_id}", api_key=account.api_key)) as robot,
    ):
        await admin.send("subscribe", {"channels": ["robots", "jobs", "queue"]}, id="all")
        await admin.answer("all")
        await robot.send(kind, payload(account.robot_id), id="edge")
        assert (await robot.answer("edge"))["type"] == "ack"
        await robot.send("log", line(account.robot_id, message="after"), id="after")
        await viewer.next("log", lambda f: f["message"] == "after")
        await admin.send("unsubscribe", {"channels": ["queue"]}, id="after")
        assert (await admin.answer("after"))["type"] == "ack"
