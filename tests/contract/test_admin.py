"""/ws/admin: snapshots, subscriptions, commands."""

import asyncio

import pytest

from contract.server_process import ADMIN_SECRET, Account, Server
from contract.stranger import now, stranger

ROBOT_FIELDS = {"robot_id", "status", "cpu_percent", "memory_mb", "current_job", "timestamp"}
JOB_FIELDS = {"job_id", "status", "robot_id", "progress", "timestamp"}
QUEUE_FIELDS = {"pending", "running", "completed_24h", "failed_24h", "timestamp"}


def admin_address(server: Server) -> str:
    return server.ws("/ws/admin", api_secret=ADMIN_SECRET)


async def test_subscribe_sends_a_snapshot_of_each_channel(server: Server, account: Account) -> None:
    job_id = server.job(account)["job_id"]
    async with stranger(admin_address(server)) as admin:
        await admin.send("subscribe", {"channels": ["robots", "jobs", "queue"]}, id="s")
        await admin.answer("s")
        queue = next((d["payload"] for d in admin.seen if d["type"] == "queue_metrics"), None)
        queue = queue or await admin.next("queue_metrics")
        robots = {d["payload"]["robot_id"]: d["payload"] for d in admin.seen if d["type"] == "robot_status"}
        jobs = {d["payload"]["job_id"]: d["payload"] for d in admin.seen if d["type"] == "job_update"}
        robot, job = robots[account.robot_id], jobs[job_id]
        assert set(robot) >= ROBOT_FIELDS
        assert (robot["status"], robot["cpu_percent"], robot["memory_mb"]) == ("offline", 0, 0)
        assert (robot["current_job"], robot["last_heartbeat_at"]) == (None, None)
        assert set(job) >= JOB_FIELDS
        assert (job["status"], job["robot_id"], job["progress"]) == ("pending", None, 0)
        assert set(queue) >= QUEUE_FIELDS
        assert queue["pending"] >= 1
        assert queue["paused"] == []
        await admin.send("command", {"action": "cancel_job", "target_id": job_id}, id="c")
        await admin.answer("c")


async def test_no_message_comes_before_subscribe_or_from_other_channels(server: Server, account: Account) -> None:
    async with stranger(admin_address(server)) as admin:
        first = server.job(account)["job_id"]
        await admin.send("command", {"action": "cancel_job", "target_id": first}, id=1)
        await admin.answer(1)
        assert admin.kinds() == ["ack"]
        await admin.send("subscribe", {"channels": ["robots"]}, id=2)
        await admin.answer(2)
        second = server.job(account)["job_id"]
        await admin.send("command", {"action": "cancel_job", "target_id": second}, id=3)
        await admin.answer(3)
        assert set(admin.kinds()) <= {"ack", "robot_status"}


async def test_subscribe_twice_and_unsubscribe(server: Server, account: Account) -> None:
    async with stranger(admin_address(server)) as admin, stranger(admin_address(server)) as other:
        await other.send("subscribe", {"channels": ["jobs"]})
        for number in range(2):
            await admin.send("subscribe", {"channels": ["jobs"]}, id=number)
            await admin.answer(number)
        job_id = server.job(account)["job_id"]
        await other.next("job_update", lambda f: f["job_id"] == job_id)
        await admin.next("job_update", lambda f: f["job_id"] == job_id)
        await admin.send("unsubscribe", {"channels": ["jobs"]}, id="u")
        await admin.answer("u")
        assert sum(d.get("payload", {}).get("job_id") == job_id for d in admin.seen) == 1
        await admin.send("command", {"action": "cancel_job", "target_id": job_id}, id="c")
        await admin.answer("c")
        await other.next("job_update", lambda f: f["job_id"] == job_id and f["status"] == "failed")
        assert sum(d.get("payload", {}).get("job_id") == job_id for d in admin.seen) == 1


async def test_unknown_channel_rejects_the_whole_subscription(server: Server, account: Account) -> None:
    async with stranger(admin_address(server)) as admin:
        await admin.send("subscribe", {"channels": ["jobs", "weather"]}, id="s")
        answer = await admin.answer("s")
        assert answer["payload"]["code"] == "INVALID_MESSAGE"
        assert "channels" in answer["payload"]["message"]
        job_id = server.job(account)["job_id"]
        await admin.send("command", {"action": "cancel_job", "target_id": job_id}, id="c")
        await admin.answer("c")
        assert "job_update" not in admin.kinds()


@pytest.mark.slow
@pytest.mark.parametrize("queue", ["default", "*"])
async def test_paused_queue_assigns_no_jobs_until_resumed(queue: str, server: Server, account: Account) -> None:
    robot_address = server.ws(f"/ws/robot/{account.robot_id}", api_key=account.api_key)
    async with stranger(admin_address(server)) as admin, stranger(robot_address) as robot:
        await robot.next("connected")
        await admin.send("subscribe", {"channels": ["queue", "jobs"]})
        await admin.send("command", {"action": "pause_queue", "target_id": queue}, id="p")
        assert (await admin.answer("p"))["type"] == "ack"
        try:
            job_id = server.job(account)["job_id"]
            paused = await admin.next("queue_metrics", lambda f: f["paused"] and f["pending"] >= 1)
            assert paused["paused"] == [queue]
            line = {"robot_id": account.robot_id, "level": "INFO", "message": "still here", "timestamp": now()}
            await robot.send("log", line, id="here")
            await robot.answer("here")
            assert "job_assign" not in robot.kinds()
        finally:
            await admin.send("command", {"action": "resume_queue", "target_id": queue}, id="r")
        assert (await admin.answer("r"))["type"] == "ack"
        assert (await robot.next("job_assign"))["job_id"] == job_id
        await admin.next("queue_metrics", lambda f: f["paused"] == [])
        await robot.report(job_id, "completed")
        await admin.next("job_update", lambda f: f["job_id"] == job_id and f["status"] == "completed")


async def test_restart_reaches_the_robot_after_a_reconnect(server: Server, account: Account) -> None:
    robot_address = server.ws(f"/ws/robot/{account.robot_id}", api_key=account.api_key)
    restart = {"action": "restart_robot", "target_id": account.robot_id}
    async with stranger(admin_address(server)) as admin:
        await admin.send("command", restart, id="away")
        assert (await admin.answer("away"))["type"] == "ack"
        async with stranger(robot_address) as robot:
            order = await robot.next("command")
            assert (order["action"], order["mode"]) == ("restart", "graceful")
            assert order["command_id"]
            assert order["deadline_seconds"] > 0
            assert robot.seen[0]["type"] == "connected"


@pytest.mark.parametrize("target", [{}, {"target_id": None}, {"target_id": ""}], ids=["absent", "null", "empty"])
async def test_command_for_queues_without_a_target_is_for_all_queues(target: dict, server: Server) -> None:
    async with stranger(admin_address(server)) as admin:
        for action, paused in (("pause_queue", True), ("resume_queue", False)):
            await admin.send("command", {"action": action, **target}, id=action)
            assert (await admin.answer(action))["type"] == "ack"
            assert bool(server.get("/queues")["all_paused"]) is paused


@pytest.mark.parametrize(
    "command",
    [
        {"action": "cancel_job", "target_id": "no-such-job"},
        {"action": "restart_robot", "target_id": "no-such-robot"},
        {"action": "pause_queue", "target_id": "no-such-queue"},
        {"action": "resume_queue", "target_id": "no-such-queue"},
        {"action": "make_coffee", "target_id": "default"},
        {"action": "cancel_job"},
    ],
    ids=lambda command: f"{command['action']} {command.get('target_id', '-')}",
)
async def test_impossible_command_is_answered_by_an_error(command: dict, server: Server) -> None:
    async with stranger(admin_address(server)) as admin:
        await admin.send("command", command, id="c-9")
        answer = (
            await admin.answer("c-9") if command.get("target_id", "").startswith("no-such") else await admin.receive()
        )
        assert (answer["type"], answer["payload"]["code"]) == ("error", "INVALID_MESSAGE")
        await admin.send("command", command)
        assert (await admin.next("error"))["code"] == "INVALID_MESSAGE"


@pytest.mark.slow
async def test_queue_metrics_are_sent_on_change_and_every_five_seconds(server: Server, account: Account) -> None:
    async with stranger(admin_address(server)) as admin:
        await admin.send("subscribe", {"channels": ["queue"]})
        first = await admin.next("queue_metrics")
        job_id = server.job(account)["job_id"]
        changed = await admin.next("queue_metrics", within_seconds=3)
        assert changed["pending"] == first["pending"] + 1
        server.post(f"/jobs/{job_id}/cancel", status=200)
        again = await admin.next("queue_metrics", within_seconds=3)
        assert again["pending"] == first["pending"]
        assert again["failed_24h"] == first["failed_24h"], "cancelled jobs are not failures"
        loop = asyncio.get_running_loop()
        since = loop.time()
        await admin.next("queue_metrics", within_seconds=7)
        assert loop.time() - since < 6.5


async def test_dashboard_that_reconnects_with_its_position_misses_no_change(server: Server, account: Account) -> None:
    subscribe = {"channels": ["jobs"]}
    async with stranger(admin_address(server)) as admin:
        await admin.send("subscribe", {**subscribe, "since": None}, id="first")
        assert (await admin.next("subscribed"))["recovered"] is False
        position = await admin.next("snapshot_end")
        await admin.answer("first")
    job_id = server.job(account)["job_id"]
    robot_address = server.ws(f"/ws/robot/{account.robot_id}", api_key=account.api_key)
    async with stranger(robot_address) as robot:
        await robot.next("job_assign")
        for status in ("claimed", "running", "completed"):
            await robot.report(job_id, status)
        async with stranger(admin_address(server)) as admin:
            since = f"{position['epoch']}:{position['seq']}"
            await admin.send("subscribe", {**subscribe, "since": since}, id="again")
            assert (await admin.next("subscribed"))["recovered"] is True
            await admin.next("job_update", lambda f: f["job_id"] == job_id and f["status"] == "completed")
            updates = [document for document in admin.seen if document["type"] == "job_update" and "seq" in document]
            numbers = [document["seq"] for document in updates]
            assert numbers == list(range(position["seq"] + 1, position["seq"] + 1 + len(numbers)))
            of_job = [d["payload"]["status"] for d in updates if d["payload"]["job_id"] == job_id]
            assert of_job == ["pending", "claimed", "running", "completed"]


async def test_widget_with_a_position_learns_whether_it_was_recovered(
    server: Server, account: Account, token: str
) -> None:
    async with stranger(server.ws("/ws/monitoring/live-jobs", token=token, since="long-ago:7")) as widget:
        begin = await widget.next("subscribed")
        assert begin["recovered"] is False
        await widget.next("snapshot_end")
        job_id = server.job(account)["job_id"]
        assert (await widget.next("job_update", lambda f: f["job_id"] == job_id))["seq"] > begin["seq"]
