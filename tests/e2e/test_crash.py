"""`kill -9` of the server at any time: no accepted job is lost or runs twice, and every answer was durable."""

import asyncio
import signal
from pathlib import Path
from typing import Any

import httpx2
import pytest

from contract.server_process import ADMIN_SECRET, Account, Server, serving
from contract.stranger import Stranger, stranger

OURS = {"features": ["claim_ack"], "max_concurrent_jobs": 2}


def kill(server: Server) -> None:
    server.process.send_signal(signal.SIGKILL)
    assert server.wait() == -signal.SIGKILL


async def introduce(robot: Stranger, instance_id: str, active: list[dict[str, Any]]) -> None:
    await robot.send("hello", {"instance_id": instance_id, "active_jobs": active, **OURS}, id="hello")
    await robot.answer("hello")


def state(server: Server, job_id: str) -> tuple[str, int]:
    job = server.get(f"/jobs/{job_id}")
    return job["status"], job["attempt"]


@pytest.mark.slow
async def test_server_killed_with_jobs_in_every_state_loses_none_and_runs_none_twice(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        busy, slow = server.robot(max_concurrent_jobs=2), server.robot()
        async with (
            stranger(server.ws(f"/ws/robot/{busy.robot_id}", api_key=busy.api_key)) as one,
            stranger(server.ws(f"/ws/robot/{slow.robot_id}", api_key=slow.api_key)) as other,
        ):
            await introduce(one, "process-1", [])
            claimed, running = server.job(busy), server.job(busy)
            offered = server.job(slow)
            waiting = [server.job(slow) for _ in range(3)]
            assigned = [await one.next("job_assign") for _ in range(2)]
            assert {a["job_id"] for a in assigned} == {claimed["job_id"], running["job_id"]}
            for job in assigned:
                await one.send("job_status", report(job, "claimed"), id=job["job_id"])
                await one.answer(job["job_id"])
            await one.send("job_status", report({**running, "attempt": 1}, "running", progress=40), id="running")
            await one.answer("running")
            first_offer = await other.next("job_assign", lambda f: f["job_id"] == offered["job_id"])
            kill(server)

    with serving(tmp_path) as server:
        assert state(server, claimed["job_id"]) == ("claimed", 1)
        assert state(server, running["job_id"]) == ("running", 1)
        assert server.get(f"/jobs/{running['job_id']}")["progress"] == 40
        assert state(server, offered["job_id"]) == ("pending", 1)
        for job in waiting:
            assert state(server, job["job_id"]) == ("pending", 0)
        async with (
            stranger(server.ws(f"/ws/robot/{busy.robot_id}", api_key=busy.api_key)) as one,
            stranger(server.ws(f"/ws/robot/{slow.robot_id}", api_key=slow.api_key)) as other,
        ):
            held = [{"job_id": job["job_id"], "attempt": 1} for job in (claimed, running)]
            await introduce(one, "process-1", held)
            again = await other.next("job_assign")
            assert again == first_offer, "the identical offer"
            await work_off(other, again)
            for _ in waiting:
                await work_off(other, await other.next("job_assign"))
            for job in (claimed, running):
                await one.send("job_status", report({**job, "attempt": 1}, "completed"), id=job["job_id"])
                await one.answer(job["job_id"])
            assert "job_assign" not in one.kinds(), "the job that it holds is not offered again"
        for job in (claimed, running, offered, *waiting):
            assert state(server, job["job_id"]) == ("completed", 1)
        assert_counts(server, completed=6)

    with serving(tmp_path) as server:
        assert_counts(server, completed=6)


def assert_counts(server: Server, completed: int) -> None:
    lines = server.http.get("/metrics").text.splitlines()
    assert 'casare_jobs{status="pending"} 0.0' in lines
    assert 'casare_jobs{status="running"} 0.0' in lines
    assert len(server.get("/jobs?status=completed")["items"]) == completed


def report(job: dict[str, Any], status: str, **more: Any) -> dict[str, Any]:
    fields = {"job_id": job["job_id"], "attempt": job["attempt"], "status": status, **more}
    return {**fields, "timestamp": "2026-01-01T00:00:00Z"}


async def work_off(robot: Stranger, assigned: dict[str, Any]) -> None:
    for status in ("claimed", "running", "completed"):
        await robot.send("job_status", report(assigned, status), id=f"{assigned['job_id']} {status}")
        await robot.answer(f"{assigned['job_id']} {status}")


@pytest.mark.slow
async def test_server_killed_before_a_commit_has_not_answered_it(tmp_path: Path) -> None:
    answered: list[str] = []
    with serving(tmp_path, CASARE_FAILPOINTS="store.commit:kill@20") as server:
        async with httpx2.AsyncClient(base_url=server.url, headers={"X-API-Secret": ADMIN_SECRET}) as client:

            async def submit() -> None:
                try:
                    while True:
                        response = await client.post("/api/v1/jobs", json={"workflow_id": "w"})
                        assert response.status_code == 201
                        answered.append(response.json()["job_id"])
                except httpx2.TransportError:
                    return

            await asyncio.gather(*[submit() for _ in range(8)])
        assert server.wait() == -signal.SIGKILL
    assert answered
    with serving(tmp_path) as server:
        assert {state(server, job_id) for job_id in answered} == {("pending", 0)}


@pytest.mark.slow
async def test_repeated_submit_after_a_kill_after_the_commit_is_one_job(tmp_path: Path) -> None:
    body, key = {"workflow_id": "w"}, {"Idempotency-Key": "order-4711"}
    with serving(tmp_path, CASARE_FAILPOINTS="store.committed:kill@1") as server:
        try:
            server.http.post("/api/v1/jobs", json=body, headers=key)
            raise AssertionError("the server answered although it was killed")
        except httpx2.TransportError:
            assert server.wait() == -signal.SIGKILL
    with serving(tmp_path) as server:
        first = server.http.post("/api/v1/jobs", json=body, headers=key).json()
        again = server.http.post("/api/v1/jobs", json=body, headers=key).json()
        assert first["job_id"] == again["job_id"]
        assert len(server.get("/jobs")["items"]) == 1


@pytest.mark.slow
async def test_report_is_not_acknowledged_when_its_commit_fails(tmp_path: Path) -> None:
    with serving(tmp_path, CASARE_FAILPOINTS="store.commit:error@15+") as server:
        account: Account = server.robot()
        job = server.job(account)
        async with stranger(server.ws(f"/ws/robot/{account.robot_id}", api_key=account.api_key)) as robot:
            assigned = await robot.next("job_assign")
            answers = []
            for number in range(20):
                await robot.send("job_status", report(assigned, "running", progress=number), id=number)
                answers.append(await robot.answer(number))
            refused = [a for a in answers if a["type"] == "error"]
            assert refused
            assert {a["payload"]["code"] for a in refused} == {"INTERNAL_ERROR"}
            assert assigned["job_id"] == job["job_id"]
