"""A robot in another language on a real server: its messages take effect in order, and few of them are required."""

from contextlib import AsyncExitStack
from typing import Any

import pytest

from contract.server_process import Account, Server
from contract.stranger import Stranger, now, stranger


def address(server: Server, account: Account) -> str:
    return server.ws(f"/ws/robot/{account.robot_id}", api_key=account.api_key)


async def greets(robot: Stranger, instance_id: str, journal: str | None, *active: dict[str, Any]) -> None:
    hello = {"instance_id": instance_id, "log_journal": journal, "active_jobs": list(active), "features": ["claim_ack"]}
    await robot.send("hello", hello, id="hello")
    await robot.answer("hello")


async def test_busy_is_not_undone_by_an_earlier_end(server: Server, account: Account) -> None:
    async with stranger(address(server, account)) as robot:
        await robot.next("connected")
        for number in range(10):
            job_id = server.job(account)["job_id"]
            assert (await robot.next("job_assign"))["job_id"] == job_id
            await robot.report(job_id, "completed")
            await robot.heartbeat(account.robot_id, "busy")
            waiting = server.job(account)["job_id"]
            await robot.send("pong", {}, id=number)
            await robot.answer(number)
            shown = server.get(f"/jobs/{waiting}")
            assert (shown["status"], shown["attempt"]) == ("pending", 0), "the robot is busy"
            await robot.heartbeat(account.robot_id, "idle")
            assert (await robot.next("job_assign"))["job_id"] == waiting
            await robot.report(waiting, "completed")
            await robot.heartbeat(account.robot_id, "idle")


async def test_answers_come_in_the_order_of_the_messages(server: Server, account: Account) -> None:
    async with stranger(address(server, account)) as robot:
        await robot.next("connected")
        job_id = server.job(account)["job_id"]
        await robot.next("job_assign")
        messages: list[tuple[str, dict[str, Any]]] = [
            ("job_status", {"job_id": job_id, "status": "running", "progress": 10}),
            ("log", {"level": "INFO", "message": "line"}),
            ("job_status", {"job_id": "unknown", "status": "running"}),
            ("heartbeat", {"status": "busy"}),
            ("nonsense", {}),
            ("log", {"level": "INFO", "message": "line"}),
            ("job_status", {"job_id": job_id, "status": "completed"}),
            ("hello", {"instance_id": "i1"}),
            ("pong", {}),
        ]
        for number, (kind, payload) in enumerate(messages):
            await robot.send(kind, payload, id=number)
        await robot.answer(len(messages) - 1)
        answers = [d for d in robot.seen if d["type"] in ("ack", "error")]
        numbers = [d["payload"]["id"] if d["type"] == "ack" else d["id"] for d in answers]
        assert numbers == list(range(len(messages)))
        assert [d["id"] for d in answers if d["type"] == "error"] == [2, 4]


@pytest.mark.parametrize("word", ["cancelled", "canceled"])
async def test_cancelled_is_understood_as_the_answer_to_a_cancel(server: Server, account: Account, word: str) -> None:
    async with stranger(address(server, account)) as robot:
        job_id = server.job(account)["job_id"]
        await robot.next("job_assign")
        await robot.send("job_status", {"job_id": job_id, "status": word, "timestamp": now()}, id=1)
        refused = await robot.answer(1)
        assert refused["payload"]["code"] == "INVALID_MESSAGE"
        assert "expected failed or completed" in refused["payload"]["message"]
        await robot.send("job_status", {"job_id": job_id, "status": "running"}, id=2)
        await robot.answer(2)
        server.post(f"/jobs/{job_id}/cancel", {"reason": "wrong folder"}, status=200)
        await robot.next("job_cancel")
        await robot.send("job_status", {"job_id": job_id, "status": word}, id=3)
        assert (await robot.answer(3))["type"] == "ack"
    shown = server.get(f"/jobs/{job_id}")
    assert (shown["status"], shown["reason"]) == ("failed", "cancelled")


@pytest.mark.parametrize("sign", ["log", "busy"])
async def test_robot_that_only_logs_or_says_busy_has_claimed_its_job(
    server: Server, account: Account, sign: str
) -> None:
    async with stranger(address(server, account)) as robot:
        job_id = server.job(account)["job_id"]
        await robot.next("job_assign")
        if sign == "log":
            await robot.send("log", {"level": "INFO", "message": "begins", "job_id": job_id})
        else:
            await robot.send("heartbeat", {"status": "busy"})
        await robot.send("job_status", {"job_id": "unknown", "status": "running"}, id=1)
        await robot.answer(1)
        assert server.get(f"/jobs/{job_id}")["status"] == "claimed"
        await robot.report(job_id, "completed")


async def test_second_process_of_a_robot_takes_nothing_from_the_first_and_is_shown(
    server: Server, account: Account
) -> None:
    async with stranger(address(server, account)) as first:
        await greets(first, "process-1", "journal-1")
        job_id = server.job(account, max_attempts=2)["job_id"]
        attempt = (await first.next("job_assign"))["attempt"]
        claim = {"job_id": job_id, "attempt": attempt, "status": "claimed"}
        await first.send("job_status", claim, id=1)
        await first.answer(1)
        async with stranger(address(server, account)) as second:
            await greets(second, "process-2", "journal-2")
            assert await first.closed() == 4009
            shown = server.get(f"/jobs/{job_id}")
            assert (shown["status"], shown["attempt"]) == ("claimed", 1), "its lease decides"
            await second.send("job_status", claim, id=2)
            assert (await second.answer(2))["payload"]["code"] == "INVALID_MESSAGE", "the first may be at work"
    troubles = [(one["kind"], one["target"]) for one in server.get("/overview")["attention"]]
    assert ("robot_taken_over", account.robot_id) in troubles
    (entry,) = server.get(f"/audit?target={account.robot_id}&action=robot_taken_over")["items"]
    assert entry["by"] == "server"
    async with stranger(address(server, account)) as restarted:
        await greets(restarted, "process-3", "journal-1")
        shown = server.get(f"/jobs/{job_id}")
        assert shown["status"] == "pending", "the lock of the journal proves that the first process has ended"


async def test_robots_without_hello_that_replace_each_other_are_refused(server: Server, account: Account) -> None:
    async with AsyncExitStack() as opened:
        for _ in range(6):
            robot = await opened.enter_async_context(stranger(address(server, account)))
            await robot.receive()
        assert robot.seen[0]["payload"]["code"] == "AUTH_FAILED"
        assert "duplicate identity" in robot.seen[0]["payload"]["message"]
        assert await robot.closed() == 4003
    troubles = [(one["kind"], one["target"]) for one in server.get("/overview")["attention"]]
    assert ("duplicate_identity", account.robot_id) in troubles
