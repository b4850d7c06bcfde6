"""Messages into the server: the contract's mix, and each message alone."""

import asyncio
import time
from collections.abc import Callable

from bench import servers
from bench.figures import Figures, Target
from bench.fleet import Robot, fleet, heartbeat, log, report, running_jobs, until
from bench.peer import Peer, connect, frame
from bench.store import fill

BLOCK = 20
"""Messages in one write of a robot; the last asks for an acknowledgement."""
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


async def measure(figures: Figures, *, pinned: bool, robots: int, seconds: float, kinds: list[str]) -> None:
    """Every robot sends as fast as it is acknowledged; what counts is what was acknowledged."""
    with servers.folder() as data:
        fill(data, robots)
        async with servers.casare(data, pinned) as server:
            crew = await fleet(server.port, robots)
            await running_jobs(server.port, crew, 1)
            for kind in kinds:
                line = KINDS[kind]
                blocks = {
                    robot.number: [
                        b"".join(
                            line(robot, variant * BLOCK + n, "b" if n == BLOCK - 1 else None) for n in range(BLOCK)
                        )
                        for variant in range(VARIANTS)
                    ]
                    for robot in crew
                }
                rate = await _rate(crew, blocks, seconds)
                target = _target(kind) if robots == 50 else None
                figures.add(f"inbound: {kind}, {robots} robots", "messages/s", rate, pinned=pinned, target=target)


def _target(kind: str) -> Target | None:
    musts = {"progress and heartbeats": 100_000, "mix with logs": 60_000}
    return Target("P1", musts[kind]) if kind in musts else None


async def _rate(crew: list[Robot], blocks: dict[int, list[bytes]], seconds: float) -> float:
    acked = 0
    going = True
    sent = dict.fromkeys(blocks, 0)

    def more(robot: Robot, _payload: bytes) -> None:
        nonlocal acked
        acked += 1
        if going:
            send(robot)

    def send(robot: Robot) -> None:
        count = sent[robot.number] = sent[robot.number] + 1
        robot.peer.send(blocks[robot.number][count % VARIANTS])

    for robot in crew:
        robot.acked = more
        for _ in range(AHEAD):
            send(robot)
    await asyncio.sleep(0.5)  # until all are at full speed
    began, before = time.monotonic(), acked
    await asyncio.sleep(seconds)
    rate = (acked - before) * BLOCK / (time.monotonic() - began)
    going = False
    await until(lambda: acked == sum(sent.values()))
    return rate


async def measure_limit(figures: Figures, *, pinned: bool, seconds: float) -> None:
    """The same load on a bare server: shows that the load generator is not what limits."""
    async with servers.bare("picows", pinned) as server:
        answered = 0
        body = b'{"type":"job_status","payload":{"job_id":"job-019515b0c8e04f6a2d9be113","status":"running"}}'
        block = frame(body) * (BLOCK - 1) + frame(body.replace(b'"payload"', b'"id":"b","payload"'))

        def more(peer: Peer, data: bytes) -> None:
            nonlocal answered
            for _ in peer.frames.of(data):
                answered += 1
                peer.send(block)

        peers = [await connect(servers.HOST, server.port, "/publish", more) for _ in range(50)]
        for peer in peers:
            peer.send(block * AHEAD)
        await asyncio.sleep(0.5)
        began, before = time.monotonic(), answered
        await asyncio.sleep(seconds)
        rate = (answered - before) * BLOCK / (time.monotonic() - began)
        for name in ("progress and heartbeats", "mix with logs"):
            figures.add(f"inbound: {name}, 50 robots", "messages/s", rate, server="bare picows", pinned=pinned)
        for peer in peers:
            peer.close()
