"""oban, the job queue for Python, on the database whose URL is the argument; see closed_loop.py for its load.

Run in the environment of bench/requirements-oban.lock: it needs Python 3.12.
"""

import sys

import uvloop
from closed_loop import JOB, Load
from oban import Oban, worker
from oban.schema import install

LIMIT = 300
"""Jobs that its worker runs at once: the fastest of 20, 100 and 300 when it was swept."""


async def work(url: str) -> None:
    pool = await Oban.create_pool(dsn=url, min_size=4, max_size=12)
    await install(pool)

    @worker(queue="default")
    class Nothing:
        """A job without work."""

        async def process(self, _job: object) -> None:
            load.ended += 1

    async def insert(number: int) -> None:
        await oban.enqueue_many([Nothing.new(JOB) for _ in range(number)])

    load = Load(insert)
    async with Oban(pool=pool, queues={"default": LIMIT}) as oban:
        await load.serve()
    await pool.close()


uvloop.run(work(sys.argv[1]))
