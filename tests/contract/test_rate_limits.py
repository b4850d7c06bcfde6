"""The contract's rate limits: a burst is allowed, more slows the connection down, and no message is lost."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from websockets.exceptions import ConnectionClosed

from contract.server_process import ADMIN_SECRET, Account, Server, serving
from contract.stranger import Stopwatch, Stranger, now, stranger


@dataclass(frozen=True)
class Case:
    """An endpoint, its limit, and a message that gets one `answer`."""

    name: str
    rate: float
    burst: int
    beyond: int
    """Messages over the burst: more than a second of the rate."""


CASES = [
    Case("robot", 100, 200, 125),
    Case("admin", 200, 500, 250),
    Case("logs of one robot", 200, 500, 250),
    Case("logs", 200, 500, 250),
    Case("live-jobs", 50, 100, 65),
    Case("robot-status", 50, 100, 65),
    Case("queue-metrics", 50, 100, 65),
]


def address_of(case: Case, server: Server, account: Account) -> str:
    return {
        "robot": server.ws(f"/ws/robot/{account.robot_id}", api_key=account.api_key),
        "admin": server.ws("/ws/admin", api_secret=ADMIN_SECRET),
        "logs of one robot": server.ws(f"/ws/logs/{account.robot_id}", api_secret=ADMIN_SECRET),
        "logs": server.ws("/ws/logs", api_secret=ADMIN_SECRET),
    }.get(case.name) or server.ws(f"/ws/monitoring/{case.name}", token=account.api_key)


def message_of(case: Case, account: Account, number: int) -> str:
    """A message with exactly one answer: an `ack`, or INVALID_MESSAGE on streams that accept no messages."""
    log = {"robot_id": account.robot_id, "level": "INFO", "message": f"line {number}", "timestamp": now()}
    kind, payload = {"robot": ("log", log), "admin": ("unsubscribe", {"channels": ["queue"]})}.get(case.name, ("x", {}))
    return json.dumps({"type": kind, "id": number, "payload": payload})


async def answers(peer: Stranger, count: int) -> tuple[list[object], int]:
    """The ids of `count` acks (or INVALID_MESSAGE errors), and the number of RATE_LIMITED between them."""
    answered: list[object] = []
    limited = 0
    while len(answered) < count:
        document = await peer.receive()
        if document["type"] == "ack":
            answered.append(document["payload"]["id"])
        elif document["type"] == "error" and document["payload"]["code"] == "RATE_LIMITED":
            assert document["payload"]["retry_after_ms"] >= 0
            limited += 1
        elif document["type"] == "error":
            assert document["payload"]["code"] == "INVALID_MESSAGE"
            answered.append(len(answered))
    return answered, limited


async def send_all(peer: Stranger, message: Callable[[int], str], count: int) -> None:
    for number in range(count):
        await peer.socket.send(message(number))


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_messages_over_the_burst_are_slowed_but_not_lost(case: Case, server: Server, account: Account) -> None:
    async with stranger(address_of(case, server, account)) as peer:
        await send_all(peer, lambda number: message_of(case, account, number), case.burst)
        answered, limited = await answers(peer, case.burst)
        assert limited == 0
        assert sorted(answered) == list(range(case.burst))

    async with stranger(address_of(case, server, account)) as peer:
        count = case.burst + case.beyond
        watch = Stopwatch()
        await send_all(peer, lambda number: message_of(case, account, number), count)
        answered, limited = await answers(peer, count)
        assert watch.seconds >= case.beyond / case.rate - 0.1, "slowed down"
        assert 1 <= limited <= watch.seconds + 1, "at most once a second"
        assert sorted(answered) == list(range(count)), "no message is lost"


@pytest.mark.slow
async def test_every_report_over_the_rate_limit_takes_effect(tmp_path, wire: str) -> None:
    with serving(tmp_path, CASARE_WIRE=wire, CASARE_RATE_LIMIT_ROBOT="40:10") as server:
        account = server.robot()
        async with stranger(server.ws(f"/ws/robot/{account.robot_id}", api_key=account.api_key)) as robot:
            limit = (await robot.next("connected"))["rate_limit"]
            assert limit == {"messages_per_second": 40, "burst": 10}
            job_id = server.job(account)["job_id"]
            await robot.next("job_assign")
            await robot.report(job_id, "running")
            for number in range(40):
                await robot.log(account.robot_id, "INFO", f"line {number}", job_id=job_id)
            await robot.send("job_status", {"job_id": job_id, "status": "completed", "timestamp": now()}, id="end")
            await robot.answer("end")
            assert "error" in robot.kinds()
        assert server.get(f"/jobs/{job_id}")["status"] == "completed"
        entries = server.get(f"/jobs/{job_id}/logs?limit=100")["items"]
        assert [entry["message"] for entry in entries] == [f"line {number}" for number in range(40)]


@pytest.mark.slow
async def test_limit_can_be_switched_off(tmp_path, wire: str) -> None:
    with serving(
        tmp_path, CASARE_WIRE=wire, CASARE_RATE_LIMIT_MONITORING="off", CASARE_RATE_LIMIT_ROBOT="off"
    ) as server:
        account = server.robot()
        async with stranger(server.ws("/ws/monitoring/live-jobs", token=account.api_key)) as viewer:
            await send_all(viewer, lambda number: '{"type":"x"}', 1000)
            assert (await answers(viewer, 1000))[1] == 0
        async with stranger(server.ws(f"/ws/robot/{account.robot_id}", api_key=account.api_key)) as robot:
            assert (await robot.next("connected"))["rate_limit"] is None


@pytest.mark.slow
async def test_connections_of_one_credential_over_the_burst_wait_for_their_turn(tmp_path, wire: str) -> None:
    with serving(tmp_path, CASARE_WIRE=wire, CASARE_RATE_LIMIT_CONNECTIONS="2:3") as server:
        busy = server.ws("/ws/monitoring/live-jobs", token=server.robot().api_key)
        account = server.robot()
        watch = Stopwatch()
        for _ in range(5):
            async with stranger(busy):
                pass
        assert watch.seconds >= 2 / 2 - 0.1, "two over the burst, at two a second"
        waiting = [asyncio.create_task(outcome(busy)) for _ in range(16)]
        async with stranger(server.ws(f"/ws/robot/{account.robot_id}", api_key=account.api_key)) as robot:
            await robot.next("connected")
        assert any(not one.done() for one in waiting), "another credential does not wait for these"
        outcomes = await asyncio.gather(*waiting)
        assert set(outcomes) == {"open", "RATE_LIMITED 1013"}, "those that would wait for over five seconds are refused"
        waiting = [asyncio.create_task(outcome(busy)) for _ in range(4)]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        assert "casare_connections_delayed_total 0" not in server.http.get("/metrics").text
        server.ask_to_stop()
        assert "INTERNAL_ERROR 1012" in await asyncio.gather(*waiting), "a stop does not forget connections that wait"
        assert await asyncio.to_thread(server.wait) == 0


async def outcome(address: str) -> str:
    """What becomes of a connection that sends nothing."""
    async with stranger(address) as viewer:
        try:
            async with asyncio.timeout(0.3):
                refusal = await viewer.next("error", within_seconds=1)
        except TimeoutError:
            return "open"
        except ConnectionClosed:
            return "closed"
        return f"{refusal['code']} {await viewer.closed()}"
