"""`job_status_batch` of a robot: several reports in one message, with one answer."""

from typing import Any

import pytest

from contract.server_process import Account, Server
from contract.stranger import Stranger, stranger


def address(server: Server, account: Account) -> str:
    return server.ws(f"/ws/robot/{account.robot_id}", api_key=account.api_key)


async def offered(server: Server, account: Account, robot: Stranger, number: int) -> list[str]:
    """The ids of new jobs that the robot was offered."""
    await robot.send("hello", {"instance_id": "i-1", "max_concurrent_jobs": number, "features": ["job_status_batch"]})
    submitted = {server.job(account)["job_id"] for _ in range(number)}
    job_ids = [(await robot.next("job_assign"))["job_id"] for _ in range(number)]
    assert {*job_ids} == submitted
    return job_ids


def report(job_id: str, status: str, **more: Any) -> dict[str, Any]:
    return {"job_id": job_id, "status": status, "attempt": 1, **more}


async def answered(robot: Stranger, reports: list[dict[str, Any]], number: int = 1) -> dict[str, Any]:
    await robot.send("job_status_batch", {"reports": reports}, id=number)
    return await robot.answer(number)


async def test_server_names_the_feature(server: Server, account: Account) -> None:
    async with stranger(address(server, account)) as robot:
        assert "job_status_batch" in (await robot.next("connected"))["features"]


async def test_reports_of_several_jobs_take_effect_in_order_and_have_one_ack(server: Server, account: Account) -> None:
    async with stranger(address(server, account)) as robot:
        first, second, third = await offered(server, account, robot, 3)
        reports = [
            report(first, "claimed"),
            report(second, "claimed"),
            report(first, "running", progress=10),
            report(first, "completed", result={"checked": 30}),
            report(second, "running", progress=40),
            report(third, "failed", error={"type": "business", "message": "no file"}),
        ]
        assert (await answered(robot, reports))["type"] == "ack"
        shown = [server.get(f"/jobs/{job_id}") for job_id in (first, second, third)]
        assert [(job["status"], job["progress"]) for job in shown] == [
            ("completed", 100),
            ("running", 40),
            ("failed", 0),
        ]
        assert shown[0]["result"] == {"checked": 30}
        kinds = [one["kind"] for one in server.get(f"/jobs/{first}/events")["items"]]
        assert kinds == ["submitted", "offered", "claimed", "running", "completed"]


async def test_refused_report_is_named_and_the_others_take_effect(server: Server, account: Account) -> None:
    async with stranger(address(server, account)) as robot:
        first, second = await offered(server, account, robot, 2)
        reports = [report(first, "claimed"), report("job-of-nobody", "running"), report(second, "claimed")]
        answer = await answered(robot, reports)
        assert (answer["type"], answer["payload"]["code"]) == ("error", "INVALID_MESSAGE")
        assert "(job job-of-nobody)" in answer["payload"]["message"]
        assert [server.get(f"/jobs/{job_id}")["status"] for job_id in (first, second)] == ["claimed", "claimed"]
        for number, job_id in ((2, first), (3, second)):
            await robot.send("job_status", report(job_id, "claimed"), id=number)
            assert (await robot.answer(number))["type"] == "ack", "a repeat"


@pytest.mark.parametrize(
    ("reports", "start"),
    [
        ([], "job_status_batch.reports: expected a list of length >= 1"),
        ([report("job-1", "claimed")] * 101, "job_status_batch.reports: expected a list of length <= 100"),
        (
            [report("job-1", "claimed"), report("job-2", "done")],
            "job_status_batch.reports[1].status: 'done' is",
        ),
    ],
    ids=["empty", "too many", "status"],
)
async def test_malformed_message_is_refused_as_a_whole(
    server: Server, account: Account, reports: list[dict[str, Any]], start: str
) -> None:
    async with stranger(address(server, account)) as robot:
        (job_id,) = await offered(server, account, robot, 1)
        named = [{**one, "job_id": job_id} if one["job_id"] == "job-1" else one for one in reports]
        answer = await answered(robot, named)
        assert answer["type"] == "error"
        assert answer["payload"]["message"].startswith(start)
        assert server.get(f"/jobs/{job_id}")["status"] == "pending"
