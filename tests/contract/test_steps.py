"""`job_steps` of a robot, and GET /api/v1/jobs/{job_id}/steps."""

from typing import Any

from contract.server_process import Account, Server
from contract.stranger import Stranger, stranger

START = "2026-03-02T08:15:04Z"
END = "2026-03-02T08:15:07.500Z"


def address(server: Server, account: Account) -> str:
    return server.ws(f"/ws/robot/{account.robot_id}", api_key=account.api_key)


async def running(server: Server, account: Account, robot: Stranger) -> str:
    """The id of a new job that the robot runs."""
    job_id: str = server.job(account)["job_id"]
    assert (await robot.next("job_assign"))["job_id"] == job_id
    await robot.report(job_id, "running")
    return job_id


def step(number: int, **more: Any) -> dict[str, Any]:
    return {"id": number, "name": f"Step {number}", "status": "running", "started_at": START, **more}


async def answered(robot: Stranger, payload: dict[str, Any], number: int = 1) -> dict[str, Any]:
    await robot.send("job_steps", payload, id=number)
    return await robot.answer(number)


async def test_server_names_the_feature(server: Server, account: Account) -> None:
    async with stranger(address(server, account)) as robot:
        assert "job_steps" in (await robot.next("connected"))["features"]


async def test_steps_are_shown_with_their_changes(server: Server, account: Account) -> None:
    async with stranger(address(server, account)) as robot:
        job_id = await running(server, account, robot)
        begun = [step(1, kind="test"), step(2, parent=1, kind="keyword")]
        assert (await answered(robot, {"job_id": job_id, "attempt": 1, "steps": begun}))["type"] == "ack"
        first = server.get(f"/jobs/{job_id}/steps")
        shown = {"id": 2, "parent": 1, "name": "Step 2", "kind": "keyword", "status": "running"}
        assert first["items"][1] == {**shown, "started_at": "2026-03-02T08:15:04.000Z", "ended_at": None}
        assert (first["attempt"], first["total"], first["revision"]) == (1, 2, 1)
        done = [step(2, parent=1, kind="keyword", status="passed", ended_at=END)]
        await answered(robot, {"job_id": job_id, "steps": done}, 2)
        second = server.get(f"/jobs/{job_id}/steps?attempt=1&after={first['revision']}")
        assert [(one["id"], one["status"]) for one in second["items"]] == [(2, "passed")]
        assert second["items"][0]["ended_at"] == END


async def test_steps_of_a_job_of_another_robot_are_refused(server: Server, account: Account) -> None:
    other = server.robot()
    async with stranger(address(server, account)) as robot, stranger(address(server, other)) as thief:
        job_id = await running(server, account, robot)
        for number, wanted in enumerate((job_id, "job-of-nobody")):
            answer = await answered(thief, {"job_id": wanted, "steps": [step(1)]}, number)
            assert answer["payload"]["message"] == (
                "job_steps.job_id: no such job was given to this robot; expected the job_id of a job_assign to it "
                f"(job {wanted})"
            )
        assert server.get(f"/jobs/{job_id}/steps")["items"] == []


async def test_impossible_step_is_refused_with_its_field(server: Server, account: Account) -> None:
    async with stranger(address(server, account)) as robot:
        job_id = await running(server, account, robot)
        for number, (steps, start) in enumerate(
            (
                ([step(1), step(2, parent=2)], "job_steps.steps[1].parent: expected the id of a step that started"),
                ([step(1, status="done")], "job_steps.steps[0].status: 'done' is not one of running, passed, failed"),
                ([step(0)], "job_steps.steps[0].id: expected a whole number >= 1"),
                ([step(1)] * 501, "job_steps.steps: expected a list of length <= 500"),
                ([step(1, name="x" * 513)], "job_steps.steps[0].name: expected a text of length <= 512"),
            )
        ):
            answer = await answered(robot, {"job_id": job_id, "steps": steps}, number)
            assert answer["payload"]["message"].startswith(start)
        assert server.get(f"/jobs/{job_id}/steps")["items"] == []


async def test_steps_are_answered_in_the_order_of_the_messages(server: Server, account: Account) -> None:
    async with stranger(address(server, account)) as robot:
        job_id = await running(server, account, robot)
        await robot.send("log", {"level": "INFO", "message": "line", "job_id": job_id}, id=1)
        await robot.send("job_steps", {"job_id": job_id, "steps": [step(1)]}, id=2)
        await robot.send("job_status", {"job_id": job_id, "status": "completed"}, id=3)
        await robot.answer(3)
        assert [d["payload"]["id"] for d in robot.seen if d["type"] == "ack"] == [1, 2, 3]
        assert server.get(f"/jobs/{job_id}")["status"] == "completed"
        late = [step(1, status="passed", ended_at=END)]
        assert (await answered(robot, {"job_id": job_id, "steps": late}, 4))["type"] == "ack"
        assert server.get(f"/jobs/{job_id}/steps")["items"][0]["status"] == "passed"
