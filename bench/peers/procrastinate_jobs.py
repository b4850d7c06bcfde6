"""procrastinate on a PostgreSQL of its own: defers jobs that do nothing and works them off; prints jobs a second.

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
    subprocess.run(command, check=True, user=user, cwd="/", stdout=subprocess.DEVNULL)  # noqa: S603 - our own


async def work(folder: Path, number: int) -> float:
    """Jobs a second, from the first defer to the last end."""
    app = procrastinate.App(
        connector=procrastinate.PsycopgConnector(conninfo=f"host={folder} dbname=postgres user=postgres")
    )
    done = asyncio.Event()
    ended = 0

    @app.task(name="nothing")
    async def nothing() -> None:
        nonlocal ended
        ended += 1
        if ended == number:
            done.set()

    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        worker = asyncio.create_task(
            app.run_worker_async(concurrency=CONCURRENCY, install_signal_handlers=False, wait=True)
        )
        began = time.monotonic()
        for _ in range(number // BATCH):
            await nothing.batch_defer_async(*[{}] * BATCH)
        await done.wait()
        seconds = time.monotonic() - began
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)
    return number / seconds


def main() -> None:
    number = int(sys.argv[1])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o777)
        data = folder / "data"
        where = binaries()
        run(str(where / "initdb"), "-D", str(data), "-A", "trust", "-U", "postgres")
        options = f"-k {folder} -c listen_addresses="
        run(str(where / "pg_ctl"), "-D", str(data), "-w", "-o", options, "-l", str(folder / "log"), "start")
        try:
            print(json.dumps({"rate": asyncio.run(work(folder, number))}))
        finally:
            run(str(where / "pg_ctl"), "-D", str(data), "-m", "immediate", "stop")


main()
