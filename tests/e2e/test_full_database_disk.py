"""The disk of PostgreSQL is full: submits get 503, nothing acknowledged is lost, and work continues with room."""

import asyncio
import os
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
SUBMITS = 200
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


def submit(server: Server, parameters: dict[str, Any]) -> httpx2.Response:
    return server.http.post("/api/v1/jobs", json={"workflow_id": "stored", "parameters": parameters}, timeout=30)


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
            acknowledged, refused = [], []
            for _ in range(SUBMITS):
                answer = submit(server, LARGE)
                if answer.status_code == 201:
                    acknowledged.append(answer.json()["job_id"])
                    continue
                refused.append(answer)
                if len(refused) == 3:
                    break
            assert [one.status_code for one in refused] == [503] * 3, refused[-1].text
            assert all(int(one.headers["Retry-After"]) > 0 for one in refused)
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
            async with asyncio.timeout(WITHIN_SECONDS):
                while server.get(f"/jobs/{running}")["status"] != "completed":
                    await asyncio.sleep(0.2)
            found = server.get("/jobs?workflow_id=stored&limit=200")["items"]
            assert {job["job_id"] for job in found} == set(acknowledged), "a refused submit has left nothing"
            assert server.process.poll() is None
