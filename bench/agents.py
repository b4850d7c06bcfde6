"""The product with one real robot process: its client, its run loop and its journal on the disk."""

import asyncio
import contextlib
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

from bench import jobs, servers
from bench.figures import Figures
from bench.fleet import WAIT_SECONDS, dashboards
from bench.machine import pin_children
from bench.peer import get, requests
from bench.servers import ADMIN, HOST, LOAD_CORE
from bench.store import fill, key_of, robot_id
from bench.turns import Counted, Queue, add_turns, counted_in, of_flow, turn

SLOTS = 50
GROWN = (SLOTS // 10, SLOTS)
SECONDS = 2.0
NAME = "robot process"
CHILDREN_BATCH = 10
CHILDREN_WAITING = 100
"""Unfinished jobs of the robot that starts a process for each: after the last submit, all of them still run."""
CHILDREN_SECONDS = 10.0
CHILDREN_WARM_SECONDS = 5.0
"""All slots begin at once, so the first jobs end together."""


@contextlib.asynccontextmanager
async def of_agent(pinned: bool, *, slots: int = SLOTS, children: bool = False) -> AsyncIterator[Queue]:
    """The product on a file with one robot process; pinned, its server has core 0, and the robot the core of the load.

    `children`: each job is a process, as usual. Otherwise, only the executor is replaced by one that ends at once.
    """
    with servers.folder() as data:
        fill(data, 1, slots)
        async with servers.casare(data, pinned) as server:
            flow = jobs.Flow(CHILDREN_WAITING if children else jobs.WAITING)
            await dashboards(server.port, 1, flow.see_end)
            async with _process(server.port, data / "robot", slots, children, pinned) as flushes:
                count_jobs = counted_in(data)

                async def count() -> Counted:
                    return (await count_jobs())._replace(flushes=await flushes())

                yield of_flow(flow, server.port, count, CHILDREN_BATCH if children else jobs.BATCH)


@contextlib.asynccontextmanager
async def _process(
    port: int, folder: Path, slots: int, children: bool, pinned: bool
) -> AsyncIterator[Callable[[], Awaitable[int]]]:
    """The connected robot process; a function that returns the flushes of its journal so far."""
    program = str(servers.PEERS / "agent_robot.py")
    more = [str(slots), "children" if children else "no-children"]
    command = [sys.executable, program, f"http://{HOST}:{port}", robot_id(0), key_of(0), str(folder), *more]
    process = await asyncio.create_subprocess_exec(*command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    orders, answers = process.stdin, process.stdout
    assert orders is not None
    assert answers is not None

    async def flushes() -> int:
        orders.write(b"flushes\n")
        async with asyncio.timeout(WAIT_SECONDS):
            line = await answers.readline()
        if not line:
            raise RuntimeError("the robot process has ended; its output is above")
        return int(json.loads(line)["flushes"])

    try:
        pin_children(process.pid, LOAD_CORE if pinned else None)
        client = await requests(HOST, port)
        request = get("/api/v1/robots", ADMIN)
        async with asyncio.timeout(WAIT_SECONDS):
            while json.loads(await client.send(request))["items"][0]["status"] == "offline":  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        client.transport.close()
        pin_children(process.pid, LOAD_CORE if pinned else None)  # with the threads that it has started
        yield flushes
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def measure(figures: Figures, *, pinned: bool, turns: int) -> None:
    """Jobs per second with a tenth of the slots and with all, in turns; then with a process for each job."""
    async with contextlib.AsyncExitStack() as stack:
        opened = {
            f"{NAME}: {slots} slots": await stack.enter_async_context(of_agent(pinned, slots=slots)) for slots in GROWN
        }
        await add_turns(figures, opened, turns, SECONDS, pinned=pinned)
    async with of_agent(pinned, children=True) as queue:
        of = await turn(queue, CHILDREN_SECONDS, warm_seconds=CHILDREN_WARM_SECONDS)
        name = f"{NAME}: {SLOTS} slots, a process for each job"
        figures.add(name, "jobs/s", of.rate, pinned=pinned, busy=of.busy)
