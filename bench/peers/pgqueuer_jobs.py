"""pgqueuer on the database whose URL is the argument, with asyncpg; see closed_loop.py for its load.

Run in the environment of bench/requirements.lock.
"""

import asyncio
import json
import sys

import asyncpg
import uvloop
from closed_loop import JOB, Load
from pgqueuer.db import AsyncpgPoolDriver
from pgqueuer.models import Job
from pgqueuer.qm import QueueManager
from pgqueuer.queries import Queries

FETCHED = 100
"""Jobs that are fetched at once, and whose ends are written at once."""
NAME = "nothing"
PAYLOAD = json.dumps(JOB).encode()


async def work(url: str) -> None:
    pool = await asyncpg.create_pool(url, min_size=4, max_size=12)
    driver = AsyncpgPoolDriver(pool)
    queries = Queries(driver)
    await queries.install()
    manager = QueueManager(queries)

    @manager.entrypoint(NAME)
    async def nothing(_job: Job) -> None:
        load.ended += 1

    async def insert(number: int) -> None:
        await queries.enqueue([NAME] * number, [PAYLOAD] * number, [0] * number)

    load = Load(insert)
    running = asyncio.create_task(manager.run(batch_size=FETCHED))
    serving = asyncio.create_task(load.serve())
    await asyncio.wait((running, serving), return_when=asyncio.FIRST_COMPLETED)
    manager.shutdown.set()
    await running
    await serving
    await pool.close()


uvloop.run(work(sys.argv[1]))
