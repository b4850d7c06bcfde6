"""Measures procrastinate on its own PostgreSQL.

For each number that it reads, it defers that number of empty jobs, runs them, and prints jobs per second.

Run in the environment of bench/requirements.lock. PostgreSQL has its default settings, with fsync.
"""

import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import procrastinate

BATCH = 50
CONCURRENCY = 20


def binaries() -> Path:
    """The folder of initdb and pg_ctl."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if found:
        return found[-1]
    command = shutil.which("pg_ctl")
    if command is None:
        sys.exit("PostgreSQL is needed: apt-get install postgresql")
    return Path(command).parent


def run(*command: str) -> None:
    """Run a command of PostgreSQL; as its own user instead of root, which PostgreSQL refuses."""
    user = "postgres" if os.geteuid() == 0 else None
    subprocess.run(command, check=True, user=user, cwd="/", stdout=subprocess.DEVNULL)


async def work(folder: Path) -> None:
    """Jobs per second, from the first defer to the last end."""
    app = procrastinate.App(
        connector=procrastinate.PsycopgConnector(conninfo=f"host={folder} dbname=postgres user=postgres")
    )
    done = asyncio.Event()
    left = 0

    @app.task(name="nothing")
    async def nothing() -> None:
        nonlocal left
        left -= 1
        if not left:
            done.set()

    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        worker = asyncio.create_task(
            app.run_worker_async(concurrency=CONCURRENCY, install_signal_handlers=False, wait=True)
        )
        while line := await asyncio.to_thread(sys.stdin.readline):
            number = left = int(line)
            done.clear()
            began = time.monotonic()
            for _ in range(number // BATCH):
                await nothing.batch_defer_async(*[{}] * BATCH)
            await done.wait()
            print(json.dumps({"rate": number / (time.monotonic() - began)}), flush=True)
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o777)
        data = folder / "data"
        where = binaries()
        run(str(where / "initdb"), "-D", str(data), "-A", "trust", "-U", "postgres")
        options = f"-k {folder} -c listen_addresses="
        run(str(where / "pg_ctl"), "-D", str(data), "-w", "-o", options, "-l", str(folder / "log"), "start")
        try:
            asyncio.run(work(folder))
        finally:
            run(str(where / "pg_ctl"), "-D", str(data), "-m", "immediate", "stop")


main()
