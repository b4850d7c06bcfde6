"""The disk of PostgreSQL is full: submits get 503, nothing acknowledged is lost, and work continues with room."""

import asyncio
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from contract.server_process import Server, serving
from contract.stranger import stranger
from postgres_server import DEBIAN, PostgresServer, free_port
from small_disk import CAN_MOUNT, small_disk
from unprivileged import shared_folder

pytestmark = [pytest.mark.slow, pytest.mark.long, pytest.mark.timeout(300)]
WITHIN_SECONDS = 60.0
MOST_SUBMITS = 2_000
LARGE = {"text": os.urandom(50_000).hex()}
"""More than PostgreSQL can compress into the free rest of its pages."""


class Disk:
    """A small file system that a file fills."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._filler = folder / "filler"

    def fill(self) -> None:
        with self._filler.open("wb", buffering=0) as file:
            for size in (65_536, 4_096):
                try:
                    while True:
                        file.write(b"x" * size)
                except OSError:
                    continue

    def free(self) -> None:
        self._filler.unlink()


@pytest.fixture
def database() -> Iterator[tuple[PostgresServer, Disk, str]]:
    """A server whose database has a small disk of its own; the log of the database has another one."""
    assert CAN_MOUNT, "only root can mount a small file system"
    server = PostgresServer(DEBIAN)
    server.create()
    server.start()
    with shared_folder() as place, small_disk(place / "disk", "64m") as folder:
        space = folder / "space"
        space.mkdir()
        if os.getuid() == 0:
            data = server.folder.stat()
            os.chown(space, data.st_uid, data.st_gid)
        server.run_sql(f"CREATE TABLESPACE small LOCATION '{space}'")
        server.run_sql("CREATE DATABASE casare TEMPLATE template0 TABLESPACE small")
        try:
            yield server, Disk(folder), server.url("casare")
        finally:
            server.close()


@pytest.fixture
def log_of_the_database() -> Iterator[tuple[PostgresServer, Disk, str]]:
    """A server whose write-ahead log has a small disk of its own. PostgreSQL ends when it cannot extend this log."""
    assert CAN_MOUNT, "only root can mount a small file system"
    server = PostgresServer(DEBIAN, settings=["min_wal_size=32MB", "max_wal_size=64MB"])
    server.create()
    log = server.folder / "pg_wal"
    with shared_folder() as place, small_disk(place / "disk", "128m") as folder:
        small = folder / "log"
        log.rename(server.folder / "first log")
        shutil.copytree(server.folder / "first log", small)
        log.symlink_to(small)
        if os.getuid() == 0:
            data = server.folder.stat()
            for one in (small, *small.rglob("*")):
                os.chown(one, data.st_uid, data.st_gid)
        server.start()
        server.run_sql("CREATE DATABASE casare TEMPLATE template0")
        try:
            yield server, Disk(folder), server.url("casare")
        finally:
            server.close()


def submit(server: Server, parameters: dict[str, Any]) -> httpx2.Response:
    return server.http.post("/api/v1/jobs", json={"workflow_id": "stored", "parameters": parameters}, timeout=30)


def submit_until_refused(server: Server) -> list[str]:
    """The ids of the jobs that were acknowledged before three submits were answered with 503."""
    acknowledged: list[str] = []
    refused: list[httpx2.Response] = []
    while len(refused) < 3 and len(acknowledged) < MOST_SUBMITS:
        answer = submit(server, LARGE)
        if answer.status_code == 201:
            acknowledged.append(answer.json()["job_id"])
        else:
            refused.append(answer)
    assert [one.status_code for one in refused] == [503] * 3, [one.text for one in refused]
    assert all(int(one.headers["Retry-After"]) > 0 for one in refused)
    return acknowledged


async def completed(server: Server, job_id: str) -> None:
    async with asyncio.timeout(WITHIN_SECONDS):
        while server.get(f"/jobs/{job_id}")["status"] != "completed":
            await asyncio.sleep(0.2)


async def ready_when(server: Server, status: str) -> dict[str, str]:
    async with asyncio.timeout(WITHIN_SECONDS):
        while True:
            answer = server.http.get("/health/ready")
            assert answer.status_code == 200, answer.text
            body: dict[str, str] = answer.json()
            if body["status"] == status:
                return body
            await asyncio.sleep(0.2)


def doctor(server: Server) -> str:
    """What `casare doctor` prints about this orchestrator."""
    command = [sys.executable, "-m", "casare_rpa.cli.main", "doctor", "--url", server.url]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CASARE_")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=200)
    return " ".join((done.stdout + done.stderr).split())


async def test_full_disk_is_answered_with_503_and_loses_nothing(
    tmp_path: Path, database: tuple[PostgresServer, Disk, str]
) -> None:
    _, disk, store = database
    with serving(tmp_path, CASARE_DATABASE_URL=store, CASARE_PORT=str(free_port())) as server:
        account = server.robot()
        async with stranger(server.ws(f"/ws/robot/{account.robot_id}", api_key=account.api_key)) as robot:
            await robot.next("connected")
            running = server.job(account)["job_id"]
            await robot.next("job_assign")
            disk.fill()
            acknowledged = submit_until_refused(server)
            reason = (await ready_when(server, "degraded"))["reason"]
            assert "No space left on device" in reason
            assert "No space left on device" in doctor(server)
            await robot.report(running, "completed")
            disk.free()
            await ready_when(server, "ok")
            answer = submit(server, LARGE)
            assert answer.status_code == 201, answer.text
            acknowledged.append(answer.json()["job_id"])
            for job_id in acknowledged:
                assert server.get(f"/jobs/{job_id}")["parameters"] == LARGE
            await completed(server, running)
            found = server.get("/jobs?workflow_id=stored&limit=200")["items"]
            assert {job["job_id"] for job in found} == set(acknowledged), "a refused submit has left nothing"
            assert server.process.poll() is None


async def test_full_disk_of_the_write_ahead_log_ends_postgresql_and_loses_nothing(
    tmp_path: Path, log_of_the_database: tuple[PostgresServer, Disk, str]
) -> None:
    database, disk, store = log_of_the_database
    with serving(tmp_path, CASARE_DATABASE_URL=store, CASARE_PORT=str(free_port())) as server:
        account = server.robot()
        async with stranger(server.ws(f"/ws/robot/{account.robot_id}", api_key=account.api_key)) as robot:
            await robot.next("connected")
            running = server.job(account)["job_id"]
            await robot.next("job_assign")
            disk.fill()
            acknowledged = submit_until_refused(server)
            assert "PANIC:  could not write to file" in database.output
            await ready_when(server, "degraded")
            await robot.report(running, "completed")
            disk.free()
            database.start_again()
            await ready_when(server, "ok")
            answer = submit(server, LARGE)
            assert answer.status_code == 201, answer.text
            acknowledged.append(answer.json()["job_id"])
            await completed(server, running)
            found, cursor = set(), ""
            while cursor is not None:
                page = server.get(f"/jobs?workflow_id=stored&limit=200{cursor and '&cursor=' + cursor}")
                found.update(job["job_id"] for job in page["items"])
                cursor = page["next_cursor"]
            assert found == set(acknowledged), "a refused submit has left nothing"
            assert server.process.poll() is None
