"""The CPU time of the store's writer for each change of a job, of this version and of another one."""

import asyncio
import json
import shutil
import tempfile
from pathlib import Path

from bench import store
from bench.figures import Figures
from bench.plan import Plan
from bench.product import PRESENT, measured
from bench.writer_load import ROBOTS, SLOTS

LOAD = PRESENT.tree / "bench" / "writer_load.py"
ROUNDS_PER_SECOND = 5


async def measure(figures: Figures, *, pinned: bool, plan: Plan) -> None:
    """One turn: a new database and a new process, which takes thousands of jobs from submit to end."""
    product = measured.get()
    folder = Path(tempfile.mkdtemp(prefix="casare-writer-"))
    try:
        store.fill(folder, ROBOTS, SLOTS)
        # -P: the modules of this folder are not importable, so that the product is the installed one.
        arguments = ("-P", str(LOAD), str(folder), str(round(plan.seconds * ROUNDS_PER_SECOND)))
        process = await asyncio.create_subprocess_exec(
            str(product.python), *arguments, cwd=product.tree, stdout=asyncio.subprocess.PIPE
        )
        printed, _ = await process.communicate()
        if process.returncode != 0:
            raise RuntimeError(f"{LOAD.name} of {product.tree} ended with {process.returncode}")
        for kind, microseconds in json.loads(printed).items():
            figures.add(f"writer, CPU time of a change: {kind}", "µs", microseconds, pinned=pinned)
    finally:
        shutil.rmtree(folder)
