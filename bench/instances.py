"""Two instances on one PostgreSQL: jobs of both, delays from one to the other, and the end of one.

Pinned, the database has core 0; both instances share core 1 with the load.
"""

import asyncio
import contextlib
import json
import os
import signal
import time
from collections.abc import Sequence

from bench import jobs, postgres
from bench.figures import Figures, Target, percentile
from bench.fleet import Robot, dashboards, fleet, report, running_jobs, until
from bench.machine import Busy
from bench.peer import Peer, connect, get, message, post, requests, sent_at, stamp
from bench.plan import Plan
from bench.servers import ADMIN, HOST, Running
from bench.store import robot_id

ROBOTS = 200
RATIO_TURNS = 3
"""Turns for each turn of the plan: the ratio of one turn varies by a fifth."""
HELD = 100
"""Robots whose jobs are cancelled, and that move to the other instance."""
MOVED = 30
VIEWERS = 20
JOBS_A_STEP = 5
STEPS_A_SECOND = 25
"""Each job is pending, claimed, running and completed: 500 changes of status a second."""
SPREAD_SECONDS = 5.0
RUN_SECONDS = 0.2
RESUMING = 1_000
AT_ONCE = 64
CLOSED = (4009).to_bytes(2, "big")
"""The code in the frame that closes the connection of a robot that has a newer one."""


async def measure_jobs(figures: Figures, *, pinned: bool, plan: Plan) -> None:
    """Jobs of one instance with 200 robots, and of two with 100 robots each, in turns."""
    async with contextlib.AsyncExitStack() as stack:
        one, two = [await stack.enter_async_context(postgres.cluster(number, ROBOTS, 1, pinned)) for number in (1, 2)]
        flows = [await _flow_of(one.instances), await _flow_of(two.instances)]
        name = f"jobs: {jobs.BATCH} at once, {ROBOTS} robots{jobs.ON_POSTGRES}"
        for _ in range(RATIO_TURNS * plan.turns):
            rates: list[float] = []
            for flow, cluster in zip(flows, (one, two), strict=True):
                ports = [instance.port for instance in cluster.instances]
                what = f"{name}, {len(ports)} instances" if len(ports) > 1 else f"{name}, 1 instance"
                rate, busy = await jobs.run_flow(flow, ports, jobs.BATCH, plan.seconds)
                figures.add(what, "jobs/s", rate, pinned=pinned, busy=busy)
                rates.append(rate)
            ratio = Target("two instances", 0.95, scales=False)
            figures.add(f"{name}, 2 instances / 1", "×", rates[1] / rates[0], pinned=pinned, target=ratio)


async def _flow_of(instances: Sequence[Running]) -> jobs.Flow:
    """Robots and dashboards, the same number on each instance."""
    flow = jobs.Flow()
    each = ROBOTS // len(instances)
    for number, instance in enumerate(instances):
        for robot in await fleet(instance.port, each, first=number * each):
            robot.assigned, robot.acked = flow.take, flow.end
        await dashboards(instance.port, jobs.DASHBOARDS // len(instances), flow.see)
    return flow


async def measure_delays(figures: Figures, *, pinned: bool) -> None:
    """Changes, cancels and robots from one instance to the other; then the first instance dies."""
    async with postgres.cluster(2, ROBOTS + HELD, 1, pinned) as cluster:
        first, second = cluster.instances
        await _measure_changes(figures, first, second, pinned)
        crew = await fleet(first.port, HELD, first=ROBOTS)
        await running_jobs(first.port, crew, 1)
        await _measure_cancels(figures, crew, second, pinned)
        await _measure_moves(figures, crew, second, pinned)
        await _measure_end(figures, first, second, pinned)


async def _measure_changes(figures: Figures, first: Running, second: Running, pinned: bool) -> None:
    """From the report of a robot on the first instance to a viewer on the second, at 500 changes a second."""
    late: list[float] = []

    def see(peer: Peer, data: bytes) -> None:
        now = time.monotonic_ns()
        for payload in peer.frames.of(data):
            sent = sent_at(payload)
            if sent is not None:
                late.append((now - sent) / 1e6)

    for robot in await fleet(first.port, ROBOTS):
        robot.assigned = _work
    viewers = await dashboards(second.port, VIEWERS, see)
    client = await requests(HOST, first.port)
    request = post("/api/v1/jobs/batch", {"jobs": [{"workflow_id": "bench"}] * JOBS_A_STEP}, ADMIN)
    began, busy = time.monotonic(), Busy()
    steps = round(SPREAD_SECONDS * STEPS_A_SECOND)
    for step in range(steps):
        await client.send(request)
        if step == STEPS_A_SECOND:
            late.clear()  # the first second
        await asyncio.sleep(max(0.0, began + (step + 1) / STEPS_A_SECOND - time.monotonic()))
    await until(lambda: len(late) >= (steps - STEPS_A_SECOND - 1) * JOBS_A_STEP * VIEWERS)
    client.transport.close()
    name = "end of a job on one instance to a viewer on the other, 500 changes/s"
    _add(figures, name, late, pinned, "changes", (None, 100), busy.share)
    for viewer in viewers:
        viewer.close()


def _work(robot: Robot, job_id: str) -> None:
    robot.peer.send(report(job_id, "claimed", 0) + report(job_id, "running", 0))

    def end() -> None:
        robot.peer.send(report(job_id, "completed", 100, None, stamp()))

    asyncio.get_running_loop().call_later(RUN_SECONDS, end)


async def _measure_cancels(figures: Figures, crew: list[Robot], second: Running, pinned: bool) -> None:
    """From the first byte of a cancel at the second instance to the `job_cancel` at a robot on the first."""
    took: list[float] = []
    cancelled = asyncio.Event()
    client = await requests(HOST, second.port)
    busy = Busy()
    for robot in crew:

        def hear(peer: Peer, data: bytes) -> None:
            if any(payload.startswith(b'{"type":"job_cancel"') for payload in peer.frames.of(data)):
                cancelled.set()

        robot.peer.sink = hear
        cancelled.clear()
        began = time.monotonic()
        async with asyncio.timeout(60):
            await client.send(post(f"/api/v1/jobs/{robot.jobs[0]}/cancel", {}, ADMIN))
            await cancelled.wait()
        took.append((time.monotonic() - began) * 1000)
        robot.peer.send(report(robot.jobs[0], "cancelled", 0))
        await asyncio.sleep(0.02)
    client.transport.close()
    name = "cancel at one instance to job_cancel at a robot on the other"
    _add(figures, name, took, pinned, "cancels", (None, 250), busy.share)


async def _measure_moves(figures: Figures, crew: list[Robot], second: Running, pinned: bool) -> None:
    """From the first byte of a connection to the second instance to its answer, and to the end of that to the first."""
    answered: list[float] = []
    took: list[float] = []
    busy = Busy()
    for number, robot in enumerate(crew[:MOVED]):
        old = robot.peer

        def hear(peer: Peer, data: bytes) -> None:
            if CLOSED in data:
                peer.lost.set()

        old.sink = hear
        began = time.monotonic()
        async with asyncio.timeout(60):
            await robot.connect(second.port)
            answered.append((time.monotonic() - began) * 1000)
            await old.lost.wait()
        took.append((time.monotonic() - began) * 1000)
        # The first instance looks for moved robots in rounds, so the moves begin at different times of a round.
        await asyncio.sleep(0.02 + number % 7 * 0.13)
    name = "robot connects to the other instance, until it is accepted"
    _add(figures, name, answered, pinned, "takeover", (None, 1_000), busy.share)
    name = "robot connects to the other instance until its first connection is closed"
    _add(figures, name, took, pinned, "takeover", (None, 1_000), busy.share)


async def _measure_end(figures: Figures, first: Running, second: Running, pinned: bool) -> None:
    """The first instance is killed: its dashboards resume at the second, which then knows that its robots are gone."""
    await dashboards(first.port, RESUMING, lambda _peer, _data: None)
    position = await _position(first.port)
    os.kill(first.process_id, signal.SIGKILL)
    began, busy = time.monotonic(), Busy()
    recovered = await _resume(second.port, position)
    took, share = time.monotonic() - began, busy.share
    if recovered != RESUMING:
        raise RuntimeError(f"{RESUMING - recovered} dashboards could not resume")
    target = Target("resume", 5, at_least=False)
    name = f"{RESUMING} dashboards resume at another instance after kill -9"
    figures.add(name, "s", took, pinned=pinned, target=target, busy=share)
    client = await requests(HOST, second.port)
    request = get("/api/v1/robots", ADMIN)
    async with asyncio.timeout(60):
        while _connected(json.loads(await client.send(request))["items"]):  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    client.transport.close()
    target = Target("dead instance", 16, at_least=False, scales=False)
    name = f"{ROBOTS} robots of a killed instance are known to be offline"
    figures.add(name, "s", time.monotonic() - began, pinned=pinned, target=target)


def _connected(robots: list[dict[str, str]]) -> bool:
    """Whether the second instance takes a robot of the first one for connected."""
    return any(one["status"] != "offline" for one in robots if one["robot_id"] < robot_id(ROBOTS))


async def _position(port: int) -> str:
    """The newest position of the changes."""
    ends: asyncio.Queue[bytes] = asyncio.Queue()

    def hear(peer: Peer, data: bytes) -> None:
        for payload in peer.frames.of(data):
            if b'"snapshot_end"' in payload:
                ends.put_nowait(payload)

    peer = await connect(HOST, port, "/ws/admin", hear, ADMIN)
    peer.send(message("subscribe", {"channels": ["jobs"], "since": None}, "subscribed"))
    async with asyncio.timeout(60):
        end = json.loads(await ends.get())["payload"]
    peer.close()
    return f"{end['epoch']}:{end['seq']}"


async def _resume(port: int, position: str) -> int:
    """Connect all dashboards with this position, and wait for their answers. Returns how many were recovered."""
    answers = recovered = 0
    done = asyncio.Event()

    def hear(peer: Peer, data: bytes) -> None:
        nonlocal answers, recovered
        for payload in peer.frames.of(data):
            recovered += b'"recovered":true' in payload
            answers += b'"id":"subscribed"' in payload
        if answers == RESUMING:
            done.set()

    left = iter(range(RESUMING))

    async def some() -> None:
        for _ in left:
            peer = await connect(HOST, port, "/ws/admin", hear, ADMIN)
            peer.send(message("subscribe", {"channels": ["jobs"], "since": position}, "subscribed"))

    async with asyncio.timeout(60):
        await asyncio.gather(*[some() for _ in range(AT_ONCE)])
        await done.wait()
    return recovered


Limits = tuple[float | None, float | None]


def _add(
    figures: Figures, name: str, took: list[float], pinned: bool, target: str, limits: Limits, busy: float
) -> None:
    """The median and the 99th percentile, with their limits."""
    for share, limit in zip((0.5, 0.99), limits, strict=True):
        wanted = Target(target, limit, at_least=False) if limit is not None else None
        value = percentile(took, share)
        figures.add(f"{name}, p{share * 100:g}", "ms", value, pinned=pinned, target=wanted, busy=busy)
