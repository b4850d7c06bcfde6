"""procrastinate on the database whose URL is the argument; see closed_loop.py for its load.

Run in the environment of bench/requirements.lock.
"""

import asyncio
import logging
import sys

import procrastinate
import uvloop
from closed_loop import JOB, Load

CONCURRENCY = 20
logging.getLogger("procrastinate").setLevel(logging.ERROR)  # it warns that this module is the main one


async def work(url: str) -> None:
    app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=url, min_size=4, max_size=12))

    @app.task(name="nothing")
    async def nothing(invoice: str) -> None:
        del invoice
        load.ended += 1

    async def insert(number: int) -> None:
        await nothing.batch_defer_async(*[JOB] * number)

    load = Load(insert)
    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        worker = asyncio.create_task(
            app.run_worker_async(concurrency=CONCURRENCY, install_signal_handlers=False, wait=True)
        )
        await load.serve()
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)


uvloop.run(work(sys.argv[1]))
