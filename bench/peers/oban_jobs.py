"""Measures oban, the job queue for Python, on a database whose URL is the first argument.

For each number of seconds that it reads, it runs empty jobs in batches for that long, and prints jobs per second.
Like the load on the product, four submitters insert 50 jobs at once while fewer than 600 are unfinished.

Run in the environment of bench/requirements-oban.lock: it needs Python 3.12.
"""

import asyncio
import json
import sys
import time

import uvloop
from oban import Oban, worker
from oban.schema import install

BATCH = 50
SUBMITTERS = 4
WAITING = 600
LIMIT = 300
"""Jobs that its worker runs at once: the fastest of 20, 100 and 300 when it was swept."""


class Flow:
    """Jobs that were submitted and that ended."""

    submitted = 0
    ended = 0
    going = True


@worker(queue="default")
class Nothing:
    """A job without work."""

    async def process(self, _job: object) -> None:
        Flow.ended += 1


async def submit(oban: Oban) -> None:
    while Flow.going:
        if Flow.submitted - Flow.ended > WAITING:
            await asyncio.sleep(0.002)
            continue
        Flow.submitted += BATCH
        await oban.enqueue_many([Nothing.new({"invoice": "R-1042"}) for _ in range(BATCH)])


async def work(url: str) -> None:
    pool = await Oban.create_pool(dsn=url, min_size=4, max_size=12)
    await install(pool)
    async with Oban(pool=pool, queues={"default": LIMIT}) as oban:
        while line := await asyncio.to_thread(sys.stdin.readline):
            Flow.going = True
            submitters = [asyncio.create_task(submit(oban)) for _ in range(SUBMITTERS)]
            await asyncio.sleep(1.0)
            began, before = time.monotonic(), Flow.ended
            await asyncio.sleep(float(line))
            rate = (Flow.ended - before) / (time.monotonic() - began)
            Flow.going = False
            await asyncio.gather(*submitters)
            while Flow.ended < Flow.submitted:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
            print(json.dumps({"rate": rate}), flush=True)
    await pool.close()


uvloop.run(work(sys.argv[1]))
