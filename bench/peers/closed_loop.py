"""The load of the job queues for Python: four submitters, 50 jobs at once, at most 600 unfinished.

The benchmarks count the ends in the store; the count of this module only limits the unfinished jobs.
"""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable

SUBMITTERS = 4
BATCH = 50
WAITING = 600
JOB = {"invoice": "R-1042"}


class Load:
    """Jobs that were submitted, and those whose function ended."""

    def __init__(self, insert: Callable[[int], Awaitable[object]]) -> None:
        """`insert` submits this number of jobs and returns when they are durable."""
        self._insert = insert
        self._submitted = 0
        self._going = False
        self.ended = 0

    async def serve(self) -> None:
        """Obey the lines `go` and `stop`; the answer to `stop` is the number of all jobs, when all have ended."""
        print(json.dumps({"ready": True}), flush=True)
        submitters: asyncio.Future[list[None]] | None = None
        while line := await asyncio.to_thread(sys.stdin.readline):
            self._going = line == "go\n"
            if self._going:
                submitters = asyncio.gather(*[self._submit() for _ in range(SUBMITTERS)])
                continue
            assert submitters is not None
            await submitters
            while self.ended < self._submitted:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
            print(json.dumps({"submitted": self._submitted}), flush=True)

    async def _submit(self) -> None:
        while self._going:
            if self._submitted - self.ended > WAITING:
                await asyncio.sleep(0.002)
                continue
            self._submitted += BATCH
            await self._insert(BATCH)
