"""A peer that does not read, and a queue of jobs that no robot can serve, delay no other peer."""

import asyncio
import os
import signal
import sys
import time
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

from casare_rpa.domain.job import Job
from casare_rpa.domain.job_records import JobToAdd
from casare_rpa.infrastructure.orchestrator.clock import SystemClock
from casare_rpa.infrastructure.orchestrator.storage.sqlite.store import SqliteStore
from contract.server_process import ADMIN_SECRET, Server, serving
from contract.stranger import stranger

LINE = "x" * 60_000
LINES = 400
VIEWER = """
import asyncio, sys, websockets
async def main():
    async with websockets.connect(sys.argv[1], proxy=None, max_size=None, compression=None) as socket:
        print("open", flush=True)
        async for _ in socket:
            pass
asyncio.run(main())
"""


def viewers(server: Server) -> float:
    wanted = 'casare_connections{endpoint="/ws/logs"} '
    lines = server.http.get("/metrics").text.splitlines()
    return next(float(line.removeprefix(wanted)) for line in lines if line.startswith(wanted))


@pytest.mark.long
async def test_stopped_viewer_is_closed_and_delays_no_other(tmp_path: Path) -> None:
    with serving(tmp_path, CASARE_RATE_LIMIT_ROBOT="off", CASARE_RATE_LIMIT_ROBOT_BYTES="off") as server:
        account = server.robot()
        address = server.ws("/ws/logs", api_secret=ADMIN_SECRET)
        stopped = await asyncio.create_subprocess_exec(sys.executable, "-c", VIEWER, address, stdout=PIPE)
        assert stopped.stdout is not None
        assert await stopped.stdout.readline() == b"open\n"
        os.kill(stopped.pid, signal.SIGSTOP)
        try:
            async with (
                stranger(address) as viewer,
                stranger(server.ws(f"/ws/robot/{account.robot_id}", api_key=account.api_key)) as robot,
            ):
                await robot.next("connected")
                assert viewers(server) == 2
                slowest = 0.0
                for number in range(LINES):
                    sent_at = time.monotonic()
                    await robot.log(account.robot_id, "INFO", f"{number} {LINE}")
                    seen = await viewer.next("log")
                    slowest = max(slowest, time.monotonic() - sent_at)
                    assert seen["message"].startswith(f"{number} "), "a viewer that reads loses no message"
                assert slowest < 2.0, "the stopped viewer delays no other"
                async with asyncio.timeout(15):
                    while viewers(server) != 1:
                        await asyncio.sleep(0.05)
        finally:
            os.kill(stopped.pid, signal.SIGKILL)
            await stopped.wait()


@pytest.mark.slow
async def test_ten_thousand_jobs_without_a_robot_do_not_delay_a_job_with_one(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "casare.db")
    now = SystemClock().now()
    in_front = [
        Job(
            job_id=f"job-{number:05d}",
            tenant_id="default",
            workflow_id="w",
            submitted_at=now,
            priority=10,
            tags=("nobody-has-this",) if number % 2 else (f"nor-this-{number}",),
        )
        for number in range(10_000)
    ]
    await store.add_jobs([JobToAdd(job) for job in in_front])
    await store.close()
    with serving(tmp_path) as server:
        account = server.robot()
        async with stranger(server.ws(f"/ws/robot/{account.robot_id}", api_key=account.api_key)) as robot:
            await robot.next("connected")
            await robot.heartbeat(account.robot_id)
            job = server.post("/jobs", {"workflow_id": "w", "priority": 0})
            assigned = await robot.next("job_assign", within_seconds=1.0)
            assert assigned["job_id"] == job["job_id"]
