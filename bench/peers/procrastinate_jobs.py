"""procrastinate on a PostgreSQL of its own: for each number that it reads, it defers so many jobs that do nothing,
works them off, and prints jobs a second.

Run in the environment of bench/requirements.lock. PostgreSQL is set up as it comes: fsync on.
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
    """Where initdb and pg_ctl are."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if found:
        return found[-1]
    command = shutil.which("pg_ctl")
    if command is None:
        sys.exit("PostgreSQL is needed: apt-get install postgresql")
    return Path(command).parent


def run(*command: str) -> None:
    """PostgreSQL refuses to run as root: then as its own user."""
    user = "postgres" if os.geteuid() == 0 else None
    subprocess.run(command, check=True, user=user, cwd="/", stdout=subprocess.DEVNULL)


async def work(folder: Path) -> None:
    """Jobs a second, from the first defer to the last end."""
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
