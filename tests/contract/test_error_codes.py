"""Every error code over real sockets and over HTTP."""

import asyncio
import json

import httpx2
import pytest

from contract.server_process import ADMIN_SECRET, PASSWORD, Account, Server, serving
from contract.stranger import Stranger, now, stranger

HEARTBEAT = {"status": "idle", "cpu_percent": 1, "memory_mb": 2, "timestamp": "2026-03-02T08:15:04Z"}


def robot_address(server: Server, account: Account) -> str:
    return server.ws(f"/ws/robot/{account.robot_id}", api_key=account.api_key)


async def invalid(peer: Stranger, names: str = "") -> None:
    error = await peer.next("error")
    assert error["code"] == "INVALID_MESSAGE"
    assert names in error["message"]
    assert error["timestamp"].endswith("Z")


BAD_FRAMES = {
    "not JSON": ("nonsense", ""),
    "empty": ("", ""),
    "a list": ("[]", ""),
    "a number": ("1", ""),
    "null": ("null", ""),
    "no type": ('{"payload": {}}', "type"),
    "unknown type": ('{"type": "dance", "payload": {}}', "type"),
    "type of another endpoint": ('{"type": "subscribe", "payload": {"channels": ["jobs"]}}', "type"),
    "no payload": ('{"type": "heartbeat"}', "payload"),
    "payload null": ('{"type": "heartbeat", "payload": null}', "payload"),
    "payload list": ('{"type": "heartbeat", "payload": []}', "payload"),
    "two deep for us": ('{"type": "heartbeat", "payload": ' + "[" * 40 + "]" * 40 + "}", ""),
    "very deep": ("[" * 100_000, ""),
    "long number": ('{"type": ' + "9" * 5000 + "}", ""),
    "unfinished": ('{"type": "heartbeat", "payload": {', ""),
}


@pytest.mark.parametrize(("frame", "names"), BAD_FRAMES.values(), ids=BAD_FRAMES)
async def test_text_that_is_not_a_message_is_invalid(frame: str, names: str, server: Server, account: Account) -> None:
    async with stranger(robot_address(server, account)) as robot:
        await robot.socket.send(frame)
        await invalid(robot, names)
        await robot.send("log", {}, id=5)
        assert (await robot.answer(5))["payload"]["code"] == "INVALID_MESSAGE"


BAD_HEARTBEATS = {
    "status unknown": ({"status": "asleep"}, "status"),
    "cpu_percent text": ({"cpu_percent": "20"}, "cpu_percent"),
    "cpu_percent negative": ({"cpu_percent": -1}, "cpu_percent"),
    "timestamp not a time": ({"timestamp": "yesterday"}, "timestamp"),
    "robot_id of another": ({"robot_id": "someone-else"}, "robot_id"),
}


@pytest.mark.parametrize(("change", "names"), BAD_HEARTBEATS.values(), ids=BAD_HEARTBEATS)
async def test_heartbeat_with_a_wrong_field_is_invalid(
    change: dict, names: str, server: Server, account: Account
) -> None:
    async with stranger(robot_address(server, account)) as robot:
        await robot.send("heartbeat", {"robot_id": account.robot_id, **HEARTBEAT, **change})
        await invalid(robot, names)


@pytest.mark.parametrize("absent", ["status", "cpu_percent", "memory_mb", "timestamp", "robot_id"])
async def test_heartbeat_needs_none_of_its_fields(absent: str, server: Server, account: Account) -> None:
    fields = {"robot_id": account.robot_id, **HEARTBEAT}
    async with stranger(robot_address(server, account)) as robot:
        await robot.send("heartbeat", {**fields, absent: None}, id=1)
        assert (await robot.answer(1))["type"] == "ack"
        await robot.send("heartbeat", {name: value for name, value in fields.items() if name != absent}, id=2)
        assert (await robot.answer(2))["type"] == "ack"


async def test_not_a_number_is_invalid(server: Server, account: Account) -> None:
    async with stranger(robot_address(server, account)) as robot:
        for value in (float("nan"), float("inf")):
            await robot.send("heartbeat", {"robot_id": account.robot_id, **HEARTBEAT, "cpu_percent": value})
            await invalid(robot)
        await robot.socket.send('{"type":"pong","payload":{"x":1e999}}')
        await robot.socket.send(json.dumps({"type": "log", "id": 1, "payload": {}}))
        await robot.answer(1)


@pytest.mark.parametrize("progress", [-1, 100.5, 1e9, "75", True])
async def test_progress_outside_of_0_to_100_is_invalid(progress: object, server: Server, account: Account) -> None:
    async with stranger(robot_address(server, account)) as robot:
        await robot.report("job-x", "running", progress=progress)
        await invalid(robot, "progress")


async def test_unknown_level_is_invalid(server: Server, account: Account) -> None:
    async with stranger(robot_address(server, account)) as robot:
        await robot.log(account.robot_id, "LOUD", "hello")
        await invalid(robot, "level")


async def test_reports_on_unknown_and_foreign_jobs_get_the_same_answer(server: Server, account: Account) -> None:
    other = server.robot()
    job_id = server.job(other)["job_id"]
    async with stranger(robot_address(server, account)) as robot:
        said = []
        for wanted in ("job-that-is-not", job_id):
            await robot.report(wanted, "running")
            said.append(await robot.next("error"))
        assert said[0]["code"] == said[1]["code"] == "INVALID_MESSAGE"
        assert said[0]["message"].replace("job-that-is-not", job_id) == said[1]["message"]
    assert server.get(f"/jobs/{job_id}")["status"] == "pending"
    server.post(f"/jobs/{job_id}/cancel", status=200)


@pytest.mark.slow
async def test_report_of_an_older_attempt_is_invalid_and_cancelled(server: Server, account: Account) -> None:
    async with stranger(robot_address(server, account)) as robot:
        job_id = server.job(account)["job_id"]
        await robot.next("job_assign")
        await robot.send("job_reject", {"job_id": job_id, "attempt": 1})
        assert (await robot.next("job_assign"))["attempt"] == 2
        await robot.report(job_id, "running", attempt=1)
        await robot.next("job_cancel", lambda f: f["job_id"] == job_id and f["reason"] == "superseded")
        assert "INVALID_MESSAGE" in [d["payload"].get("code") for d in robot.seen] or await robot.next("error")
        await robot.report(job_id, "completed", attempt=2)


async def test_unknown_keys_are_ignored(server: Server, account: Account) -> None:
    async with stranger(robot_address(server, account)) as robot:
        line = {"robot_id": account.robot_id, "level": "INFO", "message": "hello", "timestamp": now(), "mood": "good"}
        await robot.send("log", line, id="x", future=[1, 2])
        assert (await robot.answer("x"))["type"] == "ack"


@pytest.mark.parametrize(
    "endpoint", ["robot", "admin", "logs", "logs of one", "live-jobs", "robot-status", "queue-metrics"]
)
async def test_binary_frame_is_invalid_and_the_connection_stays_open(
    endpoint: str, server: Server, account: Account
) -> None:
    addresses = {
        "robot": robot_address(server, account),
        "admin": server.ws("/ws/admin", api_secret=ADMIN_SECRET),
        "logs": server.ws("/ws/logs", api_secret=ADMIN_SECRET),
        "logs of one": server.ws("/ws/logs/any", api_secret=ADMIN_SECRET),
    }
    address = addresses.get(endpoint) or server.ws(f"/ws/monitoring/{endpoint}", token=account.api_key)
    async with stranger(address) as peer:
        for _ in range(2):
            await peer.socket.send(b"\x00\x01")
            await invalid(peer)


@pytest.mark.parametrize(
    ("endpoint", "limit"), [("robot", 262144), ("admin", 65536), ("logs", 4096), ("live-jobs", 4096)]
)
async def test_message_over_the_size_closes_the_connection(
    endpoint: str, limit: int, server: Server, account: Account
) -> None:
    addresses = {
        "robot": robot_address(server, account),
        "admin": server.ws("/ws/admin", api_secret=ADMIN_SECRET),
        "logs": server.ws("/ws/logs", api_secret=ADMIN_SECRET),
        "live-jobs": server.ws("/ws/monitoring/live-jobs", token=account.api_key),
    }
    head = '{"type":"x","payload":{"text":"'
    async with stranger(addresses[endpoint]) as peer:
        await peer.socket.send(head + "x" * (limit - len(head) - 3) + '"}}')
        await invalid(peer)
        await peer.socket.send(head + "x" * (limit - len(head) - 2) + '"}}')
        assert await peer.closed() == 1009


@pytest.mark.parametrize("endpoint", ["robot", "admin"])
async def test_hundred_bad_frames_close_the_connection(endpoint: str, server: Server, account: Account) -> None:
    address = robot_address(server, account) if endpoint == "robot" else server.ws("/ws/admin", api_secret=ADMIN_SECRET)
    async with stranger(address) as peer:
        for _ in range(99):
            await peer.socket.send("bad")
            await invalid(peer)
        await peer.socket.send("bad")
        assert await peer.closed() == 4000


async def test_malformed_robot_id_is_refused(server: Server, account: Account) -> None:
    for name in ("x" * 129, "%20", "a%00b", "caf%C3%A9"):
        async with stranger(server.ws(f"/ws/robot/{name}", api_key=account.api_key)) as peer:
            assert await peer.closed() in (4000, 4001, 4003)


# HTTP


def failed(response, status: int, code: str) -> None:
    assert response.status_code == status, response.text
    body = response.json()
    assert body["type"] == "error"
    assert body["payload"]["code"] == code
    assert body["payload"]["message"]
    assert body["payload"]["timestamp"].endswith("Z")


def test_http_errors_have_the_body_of_the_contract(server: Server, account: Account) -> None:
    http = server.http
    failed(http.get("/api/v1/jobs", headers={"X-API-Secret": "wrong"}), 401, "AUTH_FAILED")
    failed(http.get("/api/v1/jobs", headers={"X-API-Secret": ""}), 401, "AUTH_FAILED")
    with httpx2.Client(base_url=server.url, headers={"X-API-Key": account.api_key}) as robot:
        failed(robot.post("/api/v1/robots", json={"robot_id": "r"}), 403, "AUTH_FAILED")
    failed(http.get("/api/v1/jobs/no-such-job"), 404, "INVALID_MESSAGE")
    failed(http.get("/api/v1/robots/no-such-robot"), 404, "INVALID_MESSAGE")
    failed(http.get("/api/v1/no-such-path"), 404, "INVALID_MESSAGE")
    failed(http.post("/api/v1/jobs", json={"workflow_id": "w", "tenant_id": "nowhere"}), 404, "INVALID_MESSAGE")
    failed(http.post("/api/v1/jobs", json={"workflow_id": "w", "robot_id": "nobody"}), 404, "INVALID_MESSAGE")
    failed(http.post("/api/v1/robots", json={"robot_id": account.robot_id}), 409, "INVALID_MESSAGE")
    failed(http.post("/api/v1/jobs", json={}), 422, "INVALID_MESSAGE")
    failed(http.post("/api/v1/jobs", json={"workflow_id": "w", "priority": 11}), 422, "INVALID_MESSAGE")
    failed(http.post("/api/v1/jobs", content="{"), 422, "INVALID_MESSAGE")


def test_idempotency_key_with_another_body_is_a_conflict(server: Server, account: Account) -> None:
    body = {"workflow_id": "invoices", "robot_id": account.robot_id}
    key = {"Idempotency-Key": account.robot_id}
    first = server.http.post("/api/v1/jobs", json=body, headers=key)
    second = server.http.post("/api/v1/jobs", json=body, headers=key)
    assert first.json()["job_id"] == second.json()["job_id"]
    failed(server.http.post("/api/v1/jobs", json={**body, "priority": 9}, headers=key), 409, "INVALID_MESSAGE")
    server.post(f"/jobs/{first.json()['job_id']}/cancel", status=200)


@pytest.mark.slow
async def test_right_password_is_accepted_while_others_of_the_address_guess(tmp_path) -> None:
    with serving(tmp_path) as server:
        address = f"{server.url}/api/v1/auth/login"
        async with httpx2.AsyncClient(timeout=30) as client, asyncio.TaskGroup() as group:

            async def guess() -> None:
                failed(await client.post(address, json={"username": "admin", "password": "guess"}), 401, "AUTH_FAILED")

            for _ in range(3):
                group.create_task(guess())
            answer = await client.post(address, json={"username": "admin", "password": PASSWORD})
    assert answer.status_code == 200


# INTERNAL_ERROR: the store refuses to commit


@pytest.mark.slow
async def test_store_that_cannot_commit_is_an_internal_error_and_nothing_changes(tmp_path) -> None:
    with serving(tmp_path) as server:
        account = server.robot()
        job_id = server.job(account)["job_id"]
        async with stranger(robot_address(server, account)) as robot:
            await robot.next("job_assign")
    with serving(tmp_path, CASARE_FAILPOINTS="store.commit:error@9+") as server:
        async with stranger(robot_address(server, account)) as robot:
            assert (await robot.next("job_assign"))["attempt"] == 1
            for _ in range(9):
                if server.http.post("/api/v1/queues/default/resume").status_code == 503:
                    break
            submitted = server.http.post("/api/v1/jobs", json={"workflow_id": "w"})
            failed(submitted, 503, "INTERNAL_ERROR")
            async with stranger(server.ws("/ws/admin", api_secret=ADMIN_SECRET)) as admin:
                await admin.send("command", {"action": "cancel_job", "target_id": job_id}, id="c")
                answer = await admin.answer("c")
                assert (answer["type"], answer["payload"]["code"]) == ("error", "INTERNAL_ERROR")
                await admin.send("command", {"action": "pause_queue", "target_id": "default"})
                assert (await admin.next("error"))["code"] == "INTERNAL_ERROR"
            await robot.send("job_status", {"job_id": job_id, "status": "running", "timestamp": now()}, id="r")
            answer = await robot.answer("r")
            assert (answer["type"], answer["payload"]["code"]) == ("error", "INTERNAL_ERROR")
            await robot.send("job_status", {"job_id": job_id, "status": "running", "timestamp": now()})
            assert (await robot.next("error"))["code"] == "INTERNAL_ERROR"
            step = {"id": 1, "name": "Open", "status": "running", "started_at": now()}
            await robot.send("job_steps", {"job_id": job_id, "steps": [step]}, id="s")
            answer = await robot.answer("s")
            assert (answer["type"], answer["payload"]["code"]) == ("error", "INTERNAL_ERROR")
        async with stranger(robot_address(server, account)) as robot:
            assert (await robot.next("error"))["code"] == "INTERNAL_ERROR", "a session of a robot is stored"
            assert await robot.closed() == 1011
    with serving(tmp_path) as server:
        assert [(job["job_id"], job["status"]) for job in server.get("/jobs")["items"]] == [(job_id, "pending")]
        async with stranger(server.ws("/ws/admin", api_secret=ADMIN_SECRET)) as admin:
            await admin.send("subscribe", {"channels": ["queue"]})
            assert (await admin.next("queue_metrics"))["paused"] == []
        async with stranger(robot_address(server, account)) as robot:
            assert (await robot.next("job_assign"))["attempt"] == 1
            assert server.get(f"/jobs/{job_id}/steps")["items"] == []
            await robot.send("job_steps", {"job_id": job_id, "steps": [step]}, id="s")
            assert (await robot.answer("s"))["type"] == "ack"
            await robot.send("job_status", {"job_id": job_id, "status": "completed", "timestamp": now()}, id="r")
            assert (await robot.answer("r"))["type"] == "ack"
