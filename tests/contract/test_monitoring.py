"""/ws/monitoring/*: flat messages, a snapshot first, changes at once, and a message every five seconds."""

import asyncio
import itertools
import time

import pytest

from contract.server_process import Account, Server
from contract.stranger import Stranger, stranger

CROWD = 20
"""Other robots, so that the figures are those of a fleet."""


@pytest.mark.long
async def test_robot_status_and_queue_metrics_are_sent_every_five_seconds(server: Server, account: Account) -> None:
    async def moments(peer: Stranger, kind: str, where) -> list[float]:
        at = []
        for _ in range(3):
            await peer.next(kind, where, within_seconds=8)
            at.append(time.monotonic())
        return at

    for other in [server.robot() for _ in range(CROWD)]:
        async with stranger(server.ws(f"/ws/robot/{other.robot_id}", api_key=other.api_key)) as seen_today:
            await seen_today.next("connected")
    robots = server.ws("/ws/monitoring/robot-status", token=account.api_key)
    depth = server.ws("/ws/monitoring/queue-metrics", token=account.api_key)
    async with (
        stranger(server.ws(f"/ws/robot/{account.robot_id}", api_key=account.api_key)) as robot,
        stranger(robots) as first,
        stranger(depth) as second,
    ):
        await robot.next("connected")
        beats, depths = await asyncio.gather(
            moments(first, "robot_heartbeat", lambda f: f["robot_id"] == account.robot_id),
            moments(second, "queue_metrics", lambda f: True),
        )
        for at in (beats, depths):
            assert at[2] - at[0] < 11.0, "at least every five seconds"
            assert all(later - earlier < 6.5 for earlier, later in itertools.pairwise(at))
        assert beats[2] - beats[1] > 3, "not more often without a change"
        assert len({document["robot_id"] for document in first.seen}) > CROWD
        assert set(first.kinds()) == {"robot_heartbeat"}
        assert set(second.kinds()) == {"queue_metrics"}
        fields = {"type", "robot_id", "status", "cpu_percent", "memory_mb", "timestamp"}
        assert all(set(document) == fields for document in first.seen)
        assert all(set(document) == {"type", "depth", "timestamp"} for document in second.seen)


async def test_change_of_a_robot_is_shown_at_once(server: Server, account: Account) -> None:
    def shows(status: str):
        return lambda f: f["robot_id"] == account.robot_id and f["status"] == status

    async with stranger(server.ws("/ws/monitoring/robot-status", token=account.api_key)) as viewer:
        async with stranger(server.ws(f"/ws/robot/{account.robot_id}", api_key=account.api_key)) as robot:
            await viewer.next("robot_heartbeat", shows("idle"), within_seconds=2)
            await robot.heartbeat(account.robot_id, "busy", cpu_percent=77.5)
            busy = await viewer.next("robot_heartbeat", shows("busy"), within_seconds=2)
            assert (busy["cpu_percent"], busy["memory_mb"]) == (77.5, 700)
        await viewer.next("robot_heartbeat", shows("offline"), within_seconds=2)


@pytest.mark.slow
async def test_depth_follows_the_pending_jobs(server: Server) -> None:
    account = server.robot(server.tenant())
    async with stranger(server.ws("/ws/monitoring/queue-metrics", token=account.api_key)) as viewer:
        assert (await viewer.next("queue_metrics"))["depth"] == 0
        jobs = [server.job(account)["job_id"] for _ in range(3)]
        await viewer.next("queue_metrics", lambda f: f["depth"] == 3, within_seconds=3)
        for job_id in jobs:
            server.post(f"/jobs/{job_id}/cancel", status=200)
        await viewer.next("queue_metrics", lambda f: f["depth"] == 0, within_seconds=3)


async def test_robot_key_sees_only_its_tenant(server: Server, account: Account) -> None:
    elsewhere = server.robot(server.tenant())
    async with (
        stranger(server.ws("/ws/monitoring/live-jobs", token=elsewhere.api_key)) as theirs,
        stranger(server.ws("/ws/monitoring/robot-status", token=elsewhere.api_key)) as robots,
    ):
        ours = server.job(account)["job_id"]
        mine = server.job(elsewhere)["job_id"]
        await theirs.next("job_update", lambda f: f["job_id"] == mine)
        assert ours not in [document["job_id"] for document in theirs.seen]
        async with stranger(server.ws(f"/ws/robot/{account.robot_id}", api_key=account.api_key)) as robot:
            await robot.next("connected")
            async with stranger(server.ws(f"/ws/robot/{elsewhere.robot_id}", api_key=elsewhere.api_key)) as other:
                await other.next("job_assign")
                await robots.next("robot_heartbeat", lambda f: f["robot_id"] == elsewhere.robot_id)
                assert {document["robot_id"] for document in robots.seen} == {elsewhere.robot_id}
                await other.report(mine, "completed")
                await theirs.next("job_update", lambda f: f["status"] == "completed")
    server.post(f"/jobs/{ours}/cancel", status=200)


async def test_jwt_sees_every_tenant(server: Server, token: str) -> None:
    elsewhere = server.robot(server.tenant())
    async with stranger(server.ws("/ws/monitoring/live-jobs", token=token)) as viewer:
        job_id = server.job(elsewhere)["job_id"]
        await viewer.next("job_update", lambda f: f["job_id"] == job_id)
    server.post(f"/jobs/{job_id}/cancel", status=200)


@pytest.mark.parametrize("since", ["", None, "start"])
async def test_live_jobs_have_positions_only_for_a_client_that_asks(
    server: Server, account: Account, since: str | None
) -> None:
    parameters = {"token": account.api_key} | ({} if since is None else {"since": since})
    async with stranger(server.ws("/ws/monitoring/live-jobs", **parameters)) as widget:
        job_id = server.job(account)["job_id"]
        await widget.next("job_update", lambda update: update["job_id"] == job_id)
        numbered = [frame for frame in widget.seen if frame["type"] == "subscribed" or "seq" in frame]
        assert bool(numbered) is bool(since)
    server.post(f"/jobs/{job_id}/cancel", status=200)
