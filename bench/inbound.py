"""Messages to the server: the contract's mix, and each message type alone."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence

from bench import jobs, servers, targets
from bench.figures import Figures, Target
from bench.fleet import Robot, fleet, heartbeat, log, report, running_jobs, until
from bench.machine import Busy, Spent
from bench.peer import Peer, connect, frame
from bench.plan import Plan

BLOCK = 20
"""Messages in one write of a robot; the last requests an acknowledgement."""
AHEAD = 2
"""Blocks that a robot sends before the first is acknowledged."""
VARIANTS = 10

Line = Callable[[Robot, int, str | None], bytes]


def _progress(robot: Robot, number: int, message_id: str | None) -> bytes:
    return report(robot.jobs[0], "running", number % 100, message_id, f"step {number}")


def _log(robot: Robot, number: int, message_id: str | None) -> bytes:
    return log(robot.robot_id, robot.jobs[0], f"row {number}: the invoice was entered", message_id)


def _beat(robot: Robot, _number: int, message_id: str | None) -> bytes:
    return heartbeat(robot.robot_id, message_id)


def _mix(robot: Robot, number: int, message_id: str | None) -> bytes:
    kind = (_progress, _progress, _progress, _log, _progress, _progress, _progress, _beat, _log, _progress)[number % 10]
    return kind(robot, number, message_id)


def _mix_without_logs(robot: Robot, number: int, message_id: str | None) -> bytes:
    return (_beat if number % 8 == 7 else _progress)(robot, number, message_id)


KINDS: dict[str, Line] = {
    "progress and heartbeats": _mix_without_logs,
    "mix with logs": _mix,
    "progress": _progress,
    "log": _log,
    "heartbeat": _beat,
}


async def measure(
    figures: Figures,
    *,
    pinned: bool,
    robots: int,
    plan: Plan,
    kinds: Sequence[str],
    limit: bool = False,
    on_postgres: bool = False,
) -> None:
    """Every robot sends as fast as it gets acknowledgements, which are counted.

    `limit`: in turns with a bare server, which shows that the load generator is not the bottleneck.
    """
    async with contextlib.AsyncExitStack() as stack:
        server = await stack.enter_async_context(jobs.product(robots, 1, pinned, on_postgres=on_postgres))
        bare = await stack.enter_async_context(servers.bare("picows", pinned)) if limit else None
        crew = await fleet(server.port, robots)
        await running_jobs(server.port, crew, 1)
        for kind in kinds:
            sent = blocks(crew, KINDS[kind])
            name = f"inbound: {kind}, {robots} robots{jobs.ON_POSTGRES if on_postgres else ''}"
            target = (ON_POSTGRES if on_postgres else TARGETS).get(kind) if robots == 50 else None
            for _ in range(plan.turns):
                spent = Spent(server.process_id, server.database_id) if server.database_id else None
                value, busy, number = await rate(crew, sent, plan.seconds)
                figures.add(name, "messages/s", value, pinned=pinned, target=target, busy=busy)
                if spent is not None:
                    jobs.add_spent(figures, name, "message", spent.each(number), pinned)
                if bare is not None:
                    value, busy = await _limit(bare.port, plan.seconds)
                    figures.add(name, "messages/s", value, server="bare picows", pinned=pinned, busy=busy)
                    if kind == "mix with logs" and robots == 50:
                        for other, ratio in targets.Q8_TO.items():
                            figures.add_ratio(name, other, pinned=pinned, target=ratio)


def blocks(crew: list[Robot], line: Line) -> dict[int, list[bytes]]:
    """The messages of each robot in blocks."""
    return {
        robot.number: [
            b"".join(line(robot, variant * BLOCK + n, "b" if n == BLOCK - 1 else None) for n in range(BLOCK))
            for variant in range(VARIANTS)
        ]
        for robot in crew
    }


TARGETS = {
    "progress and heartbeats": Target("P1", 100_000, 220_000),
    "mix with logs": Target("P1", 60_000, 110_000),
}
ON_POSTGRES = {"mix with logs": Target("P1", 40_000, 60_000)}


async def rate(crew: list[Robot], messages: dict[int, list[bytes]], seconds: float) -> tuple[float, float, int]:
    """Messages per second, the load generator's share of a core, and the number of all messages."""
    acked = 0
    going = True
    sent = dict.fromkeys(messages, 0)

    def more(robot: Robot, _payload: bytes) -> None:
        nonlocal acked
        acked += 1
        if going:
            send(robot)

    def send(robot: Robot) -> None:
        count = sent[robot.number] = sent[robot.number] + 1
        robot.peer.send(messages[robot.number][count % VARIANTS])

    for robot in crew:
        robot.acked = more
        for _ in range(AHEAD):
            send(robot)
    await asyncio.sleep(0.5)  # until all are at full speed
    began, before, busy = time.monotonic(), acked, Busy()
    await asyncio.sleep(seconds)
    value = (acked - before) * BLOCK / (time.monotonic() - began)
    share = busy.share
    going = False
    await until(lambda: acked == sum(sent.values()))
    return value, share, acked * BLOCK


async def _limit(port: int, seconds: float) -> tuple[float, float]:
    """The same load on a server that only reads it."""
    answered = 0
    body = b'{"type":"job_status","payload":{"job_id":"job-019515b0c8e04f6a2d9be113","status":"running"}}'
    block = frame(body) * (BLOCK - 1) + frame(body.replace(b'"payload"', b'"id":"b","payload"'))

    def more(peer: Peer, data: bytes) -> None:
        nonlocal answered
        for _ in peer.frames.of(data):
            answered += 1
            peer.send(block)

    peers = [await connect(servers.HOST, port, "/publish", more) for _ in range(50)]
    for peer in peers:
        peer.send(block * AHEAD)
    await asyncio.sleep(0.5)
    began, before, busy = time.monotonic(), answered, Busy()
    await asyncio.sleep(seconds)
    rate = (answered - before) * BLOCK / (time.monotonic() - began)
    share = busy.share
    for peer in peers:
        peer.close()
    return rate, share
