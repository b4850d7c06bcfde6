"""SIGTERM or SIGHUP: every socket is closed with 1012, the process exits with 0, and accepted jobs are kept."""

import asyncio
import signal
import time
from contextlib import AsyncExitStack

import pytest

from contract.server_process import ADMIN_SECRET, serving
from contract.stranger import stranger

DEADLINE_SECONDS = 15.0


@pytest.mark.slow
async def test_hangup_of_the_terminal_closes_sockets_with_1012_and_exits(tmp_path) -> None:
    with serving(tmp_path) as server:
        account = server.robot()
        async with stranger(server.ws(f"/ws/robot/{account.robot_id}", api_key=account.api_key)) as robot:
            await robot.next("connected")
            server.process.send_signal(signal.SIGHUP)
            assert await robot.closed(DEADLINE_SECONDS) == 1012
        assert await asyncio.to_thread(server.wait) == 0


@pytest.mark.slow
async def test_sigterm_closes_every_socket_with_1012_and_exits(tmp_path, wire: str) -> None:
    with serving(tmp_path, CASARE_WIRE=wire) as server:
        account = server.robot()
        addresses = [
            server.ws(f"/ws/robot/{account.robot_id}", api_key=account.api_key),
            server.ws("/ws/admin", api_secret=ADMIN_SECRET),
            server.ws("/ws/logs", api_secret=ADMIN_SECRET),
            server.ws(f"/ws/logs/{account.robot_id}", api_secret=ADMIN_SECRET),
            *(
                server.ws(f"/ws/monitoring/{stream}", token=account.api_key)
                for stream in ("live-jobs", "robot-status", "queue-metrics")
            ),
        ]
        async with AsyncExitStack() as stack:
            peers = [await stack.enter_async_context(stranger(address)) for address in addresses]
            await peers[0].next("connected")
            job_id = server.job(account)["job_id"]
            await peers[0].next("job_assign")
            await peers[0].send(
                "job_status", {"job_id": job_id, "status": "running", "timestamp": "2026-03-02T08:15:04Z"}, id=1
            )
            await peers[0].answer(1)
            began = time.monotonic()
            server.ask_to_stop()
            codes = await asyncio.gather(*(peer.closed(DEADLINE_SECONDS) for peer in peers))
        assert codes == [1012] * len(addresses)
        assert await asyncio.to_thread(server.wait) == 0
        assert time.monotonic() - began < DEADLINE_SECONDS
        assert "Traceback" not in server.output
    with serving(tmp_path, CASARE_WIRE=wire) as server:
        async with stranger(server.ws(f"/ws/robot/{account.robot_id}", api_key=account.api_key)) as robot:
            held = (await robot.next("connected"))["jobs"]
            assert [(job["job_id"], job["status"]) for job in held] == [(job_id, "running")]
            await robot.send(
                "job_status", {"job_id": job_id, "status": "completed", "timestamp": "2026-03-02T08:16:04Z"}, id=2
            )
            await robot.answer(2)
        assert server.get(f"/jobs/{job_id}")["status"] == "completed"


@pytest.mark.slow
async def test_stop_announces_itself_before_it_closes_the_first_connection(tmp_path) -> None:
    """A load balancer sees that the instance drains; connections, requests and reports are served until the close."""
    with serving(tmp_path, CASARE_DRAIN_DELAY_SECONDS="3") as server:
        account = server.robot()
        async with (
            stranger(server.ws("/ws/admin", api_secret=ADMIN_SECRET)) as viewer,
            stranger(server.ws(f"/ws/robot/{account.robot_id}", api_key=account.api_key)) as robot,
        ):
            await robot.next("connected")
            running = server.job(account)["job_id"]
            await robot.next("job_assign")
            server.ask_to_stop()
            while (answer := server.http.get("/health/ready")).status_code == 200:
                await asyncio.sleep(0.01)
            assert (answer.status_code, answer.json()["payload"]["status"]) == (503, "draining")
            (shown,) = server.get("/instances")["items"]
            assert shown["state"] == "draining"
            waiting = server.job(account)["job_id"]
            report = {"job_id": running, "status": "completed", "timestamp": "2026-03-02T08:15:04Z"}
            await robot.send("job_status", report, id=1)
            await robot.answer(1)
            late = stranger(server.ws("/ws/admin", api_secret=ADMIN_SECRET))
            async with late as another:
                assert await robot.closed(DEADLINE_SECONDS) == 1012
                assert await viewer.closed(DEADLINE_SECONDS) == 1012
                assert await another.closed(DEADLINE_SECONDS) == 1012
        assert await asyncio.to_thread(server.wait) == 0
    with serving(tmp_path) as server:
        assert server.get(f"/jobs/{running}")["status"] == "completed"
        assert server.get(f"/jobs/{waiting}")["status"] == "pending"


@pytest.mark.slow
async def test_second_signal_ends_the_wait(tmp_path) -> None:
    with serving(tmp_path, CASARE_DRAIN_DELAY_SECONDS="600") as server:
        async with stranger(server.ws("/ws/admin", api_secret=ADMIN_SECRET)) as viewer:
            server.ask_to_stop()
            while server.http.get("/health/ready").status_code == 200:
                await asyncio.sleep(0.01)
            began = time.monotonic()
            server.ask_to_stop()
            assert await viewer.closed(DEADLINE_SECONDS) == 1012
        assert await asyncio.to_thread(server.wait) == 0
        assert time.monotonic() - began < DEADLINE_SECONDS
        assert "Traceback" not in server.output
