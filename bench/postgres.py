"""The product on PostgreSQL: the database on one core, the instance and the load on the other."""

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import asyncpg

from bench import servers
from bench.machine import pin_children
from bench.servers import HOST, LOAD_CORE, SERVER_CORE, START_SECONDS, Running, free_port
from bench.store import robot_rows
from casare_rpa.infrastructure.orchestrator.storage.postgres.connections import Target
from casare_rpa.infrastructure.orchestrator.storage.postgres.migration import migrate_postgres

SECRETS = {
    "CASARE_JWT_SECRET": "the-signing-secret-of-the-benchmarks",
    "CASARE_ADMIN_PASSWORD": "the-admin-password-of-the-benchmarks",
}
FILL_SECONDS = 600.0
# As in bench/store.py: half of these jobs require an unknown tag, the others a robot that is not connected.
ADD_JOBS = """
INSERT INTO jobs (
    job_id, tenant_id, workflow_id, submitted_at, queue, status, priority, parameters, tags, target_robot_id,
    timeout_seconds, max_attempts, attempt, starts, former_robots, claim_ack, forced, unconfirmed, reconciled,
    late_reports, progress, message, revision, placement, rank, ready
)
SELECT 'job-' || lpad(to_hex(i), 24, '0'), 'default', 'waits', $2::bigint - ($1::bigint - i), 'default', 'pending', 9,
    '{}', CASE WHEN i % 2 = 0 THEN '["unknown"]' ELSE '[]' END, CASE WHEN i % 2 = 1 THEN 'absent' END,
    3600, 1, 0, 0, '[]', 0, 0, 0, 0, 0, 0, '', 0,
    CASE WHEN i % 2 = 0 THEN '["default","default",null,["unknown"],"waits"]'
        ELSE '["default","default","absent",[],"waits"]' END,
    $2::bigint - ($1::bigint - i), 1
FROM generate_series(0, $1::bigint - 1) AS i
"""
COUNT = """
INSERT INTO tallies (tenant_id, status, minute, queue, slot, number) VALUES ('default', 'pending', 0, 'default', 0, $1)
"""


def binaries() -> Path:
    """The folder of initdb and postgres of the system."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name))
    if not found:
        raise RuntimeError("PostgreSQL is needed: apt-get install postgresql")
    return found[-1]


@contextlib.asynccontextmanager
async def database(pinned: bool) -> AsyncIterator[tuple[str, int]]:
    """The URL of an empty database on a server with its default settings and fsync, and the id of its process."""
    user = "postgres" if os.geteuid() == 0 else None  # PostgreSQL refuses to run as root
    with servers.folder() as folder:
        data = folder.resolve() / "data"
        data.mkdir()
        folder.chmod(0o755)
        if user is not None:
            shutil.chown(data, user)
        locale = ["--locale=C", "--encoding=UTF8"]
        initdb = [str(binaries() / "initdb"), "-D", str(data), "-A", "trust", "-U", "postgres", *locale]
        subprocess.run(initdb, check=True, user=user, cwd="/", stdout=subprocess.DEVNULL)  # noqa: ASYNC221
        port = free_port()
        options = [f"port={port}", f"listen_addresses={HOST}", "unix_socket_directories=", "logging_collector=off"]
        words = [word for option in options for word in ("-c", option)]
        process = subprocess.Popen(  # noqa: ASYNC220
            [str(binaries() / "postgres"), "-D", str(data), *words], user=user, cwd="/", stderr=subprocess.DEVNULL
        )
        try:
            deadline = time.monotonic() + START_SECONDS
            while True:
                with contextlib.suppress(OSError), socket.create_connection((HOST, port), 1):
                    break
                if process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError("PostgreSQL did not start")
                await asyncio.sleep(0.05)
            pin_children(process.pid, SERVER_CORE if pinned else None)
            yield f"postgresql://postgres@{HOST}:{port}/postgres", process.pid
        finally:
            process.send_signal(signal.SIGINT)  # does not wait for the ends of connections
            process.wait()


@dataclass(frozen=True)
class Cluster:
    """Instances of the product on one PostgreSQL."""

    instances: tuple[Running, ...]
    process_id: int
    """Of the first process of PostgreSQL."""
    url: str


@contextlib.asynccontextmanager
async def cluster(instances: int, robots: int, slots: int, pinned: bool, pending: int = 0) -> AsyncIterator[Cluster]:
    """The real server on PostgreSQL, with this many robots. Pinned, its instances share their core with the load."""
    async with contextlib.AsyncExitStack() as stack:
        url, process_id = await stack.enter_async_context(database(pinned))
        await _fill(url, robots, slots, pending)
        running: list[Running] = []
        for number in range(instances):
            data = stack.enter_context(servers.folder())
            own = {"CASARE_DATABASE_URL": url, "CASARE_INSTANCE_NAME": f"bench-{number}"}
            server = servers.casare(data, pinned, LOAD_CORE, **own, **SECRETS)
            running.append(await stack.enter_async_context(server))
        yield Cluster((*running,), process_id, url)


@contextlib.asynccontextmanager
async def casare(robots: int, slots: int, pinned: bool, pending: int = 0) -> AsyncIterator[Running]:
    """One instance on PostgreSQL."""
    async with cluster(1, robots, slots, pinned, pending) as one:
        yield replace(one.instances[0], database_id=one.process_id)


async def _fill(url: str, robots: int, slots: int, pending: int) -> None:
    await when_up(url)
    await migrate_postgres(Target(url))
    connection = await asyncpg.connect(url)
    try:
        kept, keys = robot_rows(robots, slots)
        names = ["robot_id", "tenant_id", "name", "tags", "max_concurrent_jobs", "created_at"]
        await connection.copy_records_to_table("robots", records=kept, columns=names)
        names = ["key_id", "robot_id", "tenant_id", "digest", "created_at"]
        await connection.copy_records_to_table("robot_keys", records=keys, columns=names)
        if pending:
            await connection.execute("SET synchronous_commit = off")
            await connection.execute(ADD_JOBS, pending, time.time_ns() // 1000, timeout=FILL_SECONDS)
            await connection.execute(COUNT, pending)
            await connection.execute("VACUUM ANALYZE jobs", timeout=FILL_SECONDS)
            await connection.execute("CHECKPOINT", timeout=FILL_SECONDS)
    finally:
        await connection.close()


async def when_up(url: str) -> None:
    """Wait until the server takes connections."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            connection = await asyncpg.connect(url)
        except asyncpg.CannotConnectNowError:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.05)
        else:
            await connection.close()
            return
