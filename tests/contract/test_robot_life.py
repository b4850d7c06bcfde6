"""A 1.0 robot, an admin and a viewer, through the whole life of a job."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from contract.server_process import ADMIN_SECRET, Account, Server
from contract.stranger import Stranger, now, stranger


def robot_address(server: Server, account: Account) -> str:
    return server.ws(f"/ws/robot/{account.robot_id}", api_key=account.api_key)


def admin_address(server: Server) -> str:
    return server.ws("/ws/admin", api_secret=ADMIN_SECRET)


async def statuses(admin: Stranger, job_id: str, until: str) -> list[dict]:
    """The updates on one job up to a status, consecutive repeats of a status (progress) included."""
    updates = []
    while not updates or updates[-1]["status"] != until:
        updates.append(await admin.next("job_update", lambda fields: fields["job_id"] == job_id))
    return updates


async def test_connected_is_the_first_message_and_has_the_limits(server: Server, account: Account) -> None:
    async with stranger(robot_address(server, account)) as robot:
        document = await robot.receive()
        assert document["type"] == "connected"
        fields = document["payload"]
        assert fields["robot_id"] == account.robot_id
        assert fields["protocol_version"] == "1.1"
        assert (fields["heartbeat_interval_seconds"], fields["heartbeat_timeout_seconds"]) == (30, 90)
        assert fields["rate_limit"] == {"messages_per_second": 100, "burst": 200}
        assert fields["max_message_bytes"] == 262144
        assert fields["jobs"] == []
        assert fields["timestamp"].endswith("Z")
        assert fields["session_id"]


@pytest.mark.slow
async def test_job_runs_from_pending_to_completed_for_all_viewers(server: Server, account: Account) -> None:
    live = server.ws("/ws/monitoring/live-jobs", token=account.api_key)
    logs = server.ws(f"/ws/logs/{account.robot_id}", api_secret=ADMIN_SECRET)
    async with (
        stranger(admin_address(server)) as admin,
        stranger(live) as viewer,
        stranger(logs) as reader,
        stranger(robot_address(server, account)) as robot,
    ):
        await admin.send("subscribe", {"channels": ["robots", "jobs", "queue"]})
        before = await admin.next("queue_metrics")
        await robot.next("connected")
        await robot.heartbeat(account.robot_id, cpu_percent=33.5)
        seen = await admin.next(
            "robot_status", lambda f: f["robot_id"] == account.robot_id and f["cpu_percent"] == 33.5
        )
        assert (seen["status"], seen["memory_mb"], seen["current_job"]) == ("idle", 700, None)

        job = server.job(account, parameters={"folder": "inbox"}, priority=7, timeout_seconds=120)
        job_id = job["job_id"]
        assert (job["status"], job["progress"], job["attempt"]) == ("pending", 0, 0)
        assigned = await robot.next("job_assign")
        expected = {"job_id": job_id, "workflow_id": "invoices", "priority": 7, "timeout_seconds": 120}
        assert {name: assigned[name] for name in expected} == expected
        assert assigned["parameters"] == {"folder": "inbox"}

        await robot.report(job_id, "claimed", progress=0, message="taken")
        await robot.report(job_id, "running", progress=10, message="begun")
        await robot.log(account.robot_id, "INFO", "first line", job_id=job_id)
        line = await reader.next("log")
        assert (line["message"], line["level"], line["job_id"], line["node_id"]) == ("first line", "INFO", job_id, None)
        busy = await admin.next("robot_status", lambda f: f["current_job"] == job_id)
        assert (busy["robot_id"], busy["status"]) == (account.robot_id, "busy")
        since = len(admin.seen)
        await robot.report(job_id, "running", progress=60, message="more than half")
        await robot.report(job_id, "completed", progress=100, message="done")

        updates = [d["payload"] for d in admin.seen if d["type"] == "job_update" and d["payload"]["job_id"] == job_id]
        if not updates or updates[-1]["status"] != "completed":
            updates += await statuses(admin, job_id, "completed")
        order = list(dict.fromkeys(update["status"] for update in updates))
        assert order == ["pending", "claimed", "running", "completed"]
        assert updates[0]["robot_id"] is None
        assert all(update["robot_id"] == account.robot_id for update in updates[1:] if update["status"] != "pending")
        assert updates[-1]["progress"] == 100

        await viewer.next("job_update", lambda f: f["job_id"] == job_id and f["status"] == "completed")
        flat = [d for d in viewer.seen if d.get("job_id") == job_id]
        assert list(dict.fromkeys(d["status"] for d in flat)) == ["pending", "claimed", "running", "completed"]
        assert all(set(d) == {"type", "job_id", "status", "timestamp"} for d in flat)

        count = before["completed_24h"] + 1
        after = await admin.witness("queue_metrics", lambda f: f["completed_24h"] == count, since)
        assert after["failed_24h"] == before["failed_24h"]
        idle = {"robot_id": account.robot_id, "status": "idle", "current_job": None}
        await admin.witness("robot_status", lambda f: idle.items() <= f.items(), since)

    shown = server.get(f"/jobs/{job_id}")
    assert (shown["status"], shown["progress"], shown["attempt"]) == ("completed", 100, 1)
    assert shown["robot_id"] == account.robot_id
    assert shown["started_at"] <= shown["finished_at"]
    entries = server.get(f"/jobs/{job_id}/logs")["items"]
    assert [entry["message"] for entry in entries] == ["first line"]


async def test_job_that_fails_is_failed_with_the_reason_error(server: Server, account: Account) -> None:
    async with stranger(robot_address(server, account)) as robot, stranger(admin_address(server)) as admin:
        await admin.send("subscribe", {"channels": ["jobs"]})
        job_id = server.job(account)["job_id"]
        await robot.next("job_assign")
        await robot.report(job_id, "claimed")
        await robot.report(job_id, "running")
        await robot.report(job_id, "failed", progress=30, message="the printer is on fire")
        ended = await admin.next("job_update", lambda f: f["job_id"] == job_id and f["status"] == "failed")
        assert (ended["reason"], ended["progress"]) == ("error", 30)
    assert server.get(f"/jobs/{job_id}")["message"] == "the printer is on fire"


async def test_robot_that_reports_only_the_end_has_claimed_and_run_the_job(server: Server, account: Account) -> None:
    async with stranger(robot_address(server, account)) as robot, stranger(admin_address(server)) as admin:
        await admin.send("subscribe", {"channels": ["jobs"]})
        job_id = server.job(account)["job_id"]
        await robot.next("job_assign")
        await robot.report(job_id, "completed")
        await admin.next("job_update", lambda f: f["job_id"] == job_id and f["status"] == "completed")


async def test_robot_without_hello_gets_one_job_at_a_time(server: Server, account: Account) -> None:
    async with stranger(robot_address(server, account)) as robot:
        await robot.next("connected")
        first, second = (server.job(account)["job_id"] for _ in range(2))
        assert (await robot.next("job_assign"))["job_id"] == first
        await robot.report(first, "completed")
        assert (await robot.next("job_assign"))["job_id"] == second
        await robot.report(second, "completed")
        third = server.job(account)["job_id"]
        assert (await robot.next("job_assign"))["job_id"] == third
        assert [d["payload"]["job_id"] for d in robot.seen if d["type"] == "job_assign"] == [first, second, third]


async def test_robot_with_more_slots_gets_more_jobs(server: Server, account: Account) -> None:
    async with stranger(robot_address(server, account)) as robot:
        hello = {"instance_id": "i-1", "max_concurrent_jobs": 2, "tags": [], "capabilities": [], "features": []}
        await robot.send("hello", {**hello, "name": "Two hands", "version": "9", "active_jobs": []}, id="hello-1")
        await robot.answer("hello-1")
        jobs = {server.job(account)["job_id"] for _ in range(2)}
        assert {(await robot.next("job_assign"))["job_id"] for _ in range(2)} == jobs
        for job_id in jobs:
            await robot.report(job_id, "completed")


async def test_robot_that_reports_busy_or_offline_gets_no_jobs_until_idle(server: Server, account: Account) -> None:
    async with stranger(robot_address(server, account)) as robot, stranger(admin_address(server)) as admin:
        await admin.send("subscribe", {"channels": ["robots"]})
        for status in ("busy", "offline"):
            await robot.heartbeat(account.robot_id, status)
            await admin.next("robot_status", lambda f, s=status: f["robot_id"] == account.robot_id and f["status"] == s)
            job_id = server.job(account)["job_id"]
            await robot.report(job_id, "running")
            assert (await robot.next("error"))["code"] == "INVALID_MESSAGE"
            assert "job_assign" not in robot.kinds()
            await robot.heartbeat(account.robot_id, "idle")
            assert (await robot.next("job_assign"))["job_id"] == job_id
            await robot.report(job_id, "completed")
            await admin.next("robot_status", lambda f: f["robot_id"] == account.robot_id and f["status"] == "idle")
            robot.seen.clear()


async def test_timestamp_of_a_robot_is_read_in_any_offset_and_its_clock_skew_shown(
    server: Server, account: Account
) -> None:
    present = datetime.now(UTC)
    right = [
        present.isoformat(),
        present.replace(tzinfo=None).isoformat(),
        present.astimezone(timezone(timedelta(hours=-8))).isoformat(timespec="seconds"),
    ]
    async with stranger(robot_address(server, account)) as robot, stranger(admin_address(server)) as admin:
        await admin.send("subscribe", {"channels": ["robots"]})
        for number, timestamp in enumerate([*right, (present - timedelta(hours=1)).isoformat()]):
            payload = {"robot_id": account.robot_id, "status": "idle", "cpu_percent": number + 0.5, "memory_mb": 1}
            await robot.send("heartbeat", {**payload, "timestamp": timestamp})
            shown = await admin.next("robot_status", lambda f, n=number: f["cpu_percent"] == n + 0.5)
            assert shown["last_heartbeat_at"].endswith("Z")
            if number < len(right):
                assert "clock_skew_seconds" not in shown
            else:
                assert -3660 < shown["clock_skew_seconds"] < -3590


async def test_message_with_an_id_is_acknowledged_again_when_repeated(server: Server, account: Account) -> None:
    async with stranger(robot_address(server, account)) as robot:
        job_id = server.job(account)["job_id"]
        attempt = (await robot.next("job_assign"))["attempt"]
        for number, status in enumerate(["claimed", "running", "completed", "completed"]):
            payload = {"job_id": job_id, "status": status, "attempt": attempt, "timestamp": now()}
            await robot.send("job_status", payload, id=number)
            assert (await robot.answer(number)) == {"type": "ack", "payload": {"id": number}}
    events = [event["kind"] for event in server.get(f"/jobs/{job_id}/events")["items"]]
    assert events.count("completed") == 1


async def test_result_and_typed_error_of_a_job_are_kept(server: Server, account: Account) -> None:
    async with stranger(robot_address(server, account)) as robot:
        good, bad = (server.job(account)["job_id"] for _ in range(2))
        await robot.next("job_assign")
        await robot.send(
            "job_status", {"job_id": good, "status": "completed", "result": {"sum": 7}, "timestamp": now()}, id=1
        )
        await robot.answer(1)
        await robot.next("job_assign")
        error = {"type": "business", "code": "NO_VAT", "message": "no VAT number", "node_id": "Check"}
        await robot.send("job_status", {"job_id": bad, "status": "failed", "error": error, "timestamp": now()}, id=2)
        await robot.answer(2)
    assert server.get(f"/jobs/{good}")["result"] == {"sum": 7}
    assert server.get(f"/jobs/{bad}")["error"] == error


@pytest.mark.slow
async def test_rejected_offer_returns_to_the_queue(server: Server, account: Account) -> None:
    async with stranger(robot_address(server, account)) as robot:
        job_id = server.job(account)["job_id"]
        first = await robot.next("job_assign")
        await robot.send("job_reject", {"job_id": job_id, "attempt": first["attempt"], "reason": "not now"}, id=1)
        assert (await robot.answer(1))["type"] == "ack"
        second = next((d["payload"] for d in robot.seen[2:] if d["type"] == "job_assign"), None)
        second = second or await robot.next("job_assign")
        assert (second["job_id"], second["attempt"]) == (job_id, first["attempt"] + 1)
        await robot.report(job_id, "completed")


async def test_offer_is_repeated_after_a_reconnect(server: Server, account: Account) -> None:
    async with stranger(robot_address(server, account)) as robot:
        job_id = server.job(account)["job_id"]
        first = await robot.next("job_assign")
    async with stranger(robot_address(server, account)) as robot:
        again = await robot.next("job_assign")
        assert (again["job_id"], again["attempt"]) == (job_id, first["attempt"])
        await robot.report(job_id, "completed")


async def test_running_job_survives_a_reconnect(server: Server, account: Account) -> None:
    async with stranger(robot_address(server, account)) as robot, stranger(admin_address(server)) as admin:
        await admin.send("subscribe", {"channels": ["jobs", "robots"]})
        job_id = server.job(account)["job_id"]
        await robot.next("job_assign")
        await robot.report(job_id, "running")
        await admin.next("job_update", lambda f: f["job_id"] == job_id and f["status"] == "running")
        await robot.socket.close()
        await admin.next("job_update", lambda f: f["job_id"] == job_id and f.get("contact") == "lost")
        async with stranger(robot_address(server, account)) as back:
            held = (await back.next("connected"))["jobs"]
            assert [(job["job_id"], job["status"], job["attempt"]) for job in held] == [(job_id, "running", 1)]
            await back.report(job_id, "completed")
            await admin.next("job_update", lambda f: f["job_id"] == job_id and f["status"] == "completed")


async def test_newer_connection_of_a_robot_replaces_the_older(server: Server, account: Account) -> None:
    async with stranger(robot_address(server, account)) as older:
        await older.next("connected")
        async with stranger(robot_address(server, account)) as newer:
            await newer.next("connected")
            assert await older.closed() == 4009
            await newer.heartbeat(account.robot_id)
            job_id = server.job(account)["job_id"]
            assert (await newer.next("job_assign"))["job_id"] == job_id
            await newer.report(job_id, "completed")


async def test_cancel_of_a_pending_job_ends_it_at_once(server: Server, account: Account) -> None:
    async with stranger(admin_address(server)) as admin:
        job_id = server.job(account)["job_id"]
        await admin.send("subscribe", {"channels": ["jobs"]})
        await admin.next("job_update", lambda f: f["job_id"] == job_id and f["status"] == "pending")
        await admin.send("command", {"action": "cancel_job", "target_id": job_id})
        ended = await admin.next("job_update", lambda f: f["job_id"] == job_id and f["status"] == "failed")
        assert ended["reason"] == "cancelled"


@pytest.mark.parametrize("robot_says", ["failed", "completed"])
async def test_cancel_of_a_running_job_is_confirmed_by_the_robot(
    robot_says: str, server: Server, account: Account
) -> None:
    async with stranger(robot_address(server, account)) as robot, stranger(admin_address(server)) as admin:
        await admin.send("subscribe", {"channels": ["jobs"]})
        job_id = server.job(account)["job_id"]
        await robot.next("job_assign")
        await robot.report(job_id, "running")
        await admin.next("job_update", lambda f: f["job_id"] == job_id and f["status"] == "running")
        await admin.send("command", {"action": "cancel_job", "target_id": job_id, "reason": "wrong folder"}, id="c")
        order = await robot.next("job_cancel")
        assert (order["job_id"], order["reason"], order["grace_seconds"]) == (job_id, "wrong folder", 30)
        await robot.report(job_id, robot_says, message="stopped")
        ended = await admin.next("job_update", lambda f: f["job_id"] == job_id and f["status"] == robot_says)
        assert ended.get("reason") == ("cancelled" if robot_says == "failed" else None)
        assert {"type": "ack", "payload": {"id": "c"}} in admin.seen
