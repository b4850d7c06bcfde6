"""How a robot's process ends: it drains on a signal, starts itself again, and leaves nothing behind."""

import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from contract.server_process import Account, Server, serving
from contract.stranger import stranger
from running_robot import WITHIN_SECONDS, ended, job_when, lines_when, robot, robot_when
from workflow_folders import workflow, workflow_of

pytestmark = pytest.mark.slow

SHORT = "*** Test Cases ***\nShort\n    Log    at work\n    Sleep    2\n"
SHADOWS = "raise ImportError('a module of the working directory was imported')\n"
SUBREAPER = """
import ctypes, os, sys
ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
os.execv(sys.executable, [sys.executable, "-m", "casare_rpa.cli.main", *sys.argv[1:]])
"""
"""A process that inherits orphans as process 1 of a container does; it keeps this property over exec."""
ORPHANS = """
from casare_rpa.robot.tasks import task
import os, time
@task
def main():
    for _ in range(3):
        if os.fork() == 0:
            if os.fork() == 0:
                time.sleep(0.1)
            os._exit(0)
        os.wait()
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture
def account(server: Server) -> Account:
    return server.robot()


async def exit_code(process: asyncio.subprocess.Process) -> int:
    return await asyncio.wait_for(process.wait(), WITHIN_SECONDS)


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
async def test_signal_lets_a_running_job_finish(server: Server, account: Account, tmp_path: Path, name: str) -> None:
    workflow(tmp_path / "workflows", SHORT, name="short")
    running = server.job(account, workflow_id="short")["job_id"]
    async with robot(server, account, tmp_path) as process:
        await lines_when(server, running, "at work")
        process.send_signal(getattr(signal, name))
        await robot_when(server, account, "offline")
        late = server.job(account, workflow_id="short")["job_id"]
        assert await exit_code(process) == 0
    assert server.get(f"/jobs/{running}")["status"] == "completed"
    assert server.get(f"/jobs/{late}")["status"] == "pending"


@pytest.mark.parametrize(
    ("seconds", "signals"), [("600", ["SIGTERM", "SIGHUP"]), ("600", ["SIGINT"]), ("0.2", ["SIGTERM"])]
)
async def test_job_is_stopped_by_a_second_signal_or_the_end_of_the_drain(
    server: Server, account: Account, tmp_path: Path, seconds: str, signals: list[str]
) -> None:
    job_id = server.job(account, workflow_id="sleeper")["job_id"]
    async with robot(server, account, tmp_path, CASARE_ROBOT_DRAIN_SECONDS=seconds) as process:
        await lines_when(server, job_id, "sleeping")
        for name in signals:
            process.send_signal(getattr(signal, name))
            await robot_when(server, account, "offline")
        assert await exit_code(process) == 0
    failed = server.get(f"/jobs/{job_id}")
    assert (failed["status"], failed["reason"], failed["error"]["message"]) == (
        "failed",
        "error",
        "the robot was stopped",
    )


async def test_ignored_hangup_stays_ignored(server: Server, account: Account, tmp_path: Path) -> None:
    """As `nohup` starts it."""
    async with robot(server, account, tmp_path, command=("nohup", sys.executable, "-m", "casare_rpa.cli.main")) as run:
        await robot_when(server, account, "idle")
        run.send_signal(signal.SIGHUP)
        job_id = server.job(account, workflow_id="quick")["job_id"]
        assert (await job_when(server, job_id, ended))["status"] == "completed"


async def restart(server: Server, account: Account) -> None:
    """Restart the robot by a command; returns when its new process is connected."""
    async with stranger(server.ws("/ws/admin", api_secret=server.http.headers["X-API-Secret"])) as admin:
        await admin.send("subscribe", {"channels": ["robots"]})
        await admin.send("command", {"action": "restart_robot", "target_id": account.robot_id}, id=1)
        for status in ("offline", "idle"):
            await admin.next(
                "robot_status",
                lambda f, status=status: f["robot_id"] == account.robot_id and f["status"] == status,
                WITHIN_SECONDS,
            )


async def test_robot_restarts_in_a_folder_with_modules_of_the_same_names_and_in_a_deleted_one(
    server: Server, account: Account, tmp_path: Path
) -> None:
    here = tmp_path / "here"
    here.mkdir()
    workflow(tmp_path / "workflows", SHORT, name="short")
    (tmp_path / "key").write_text(account.api_key + "\n")
    async with robot(
        server, account, tmp_path, "--workflows", "../workflows", "--key-file", "../key", cwd=here
    ) as process:
        await robot_when(server, account, "idle")
        for name in ("logging", "secrets", "asyncio", "casare_rpa"):
            (here / f"{name}.py").write_text(SHADOWS)
        await restart(server, account)
        shutil.rmtree(here)
        await restart(server, account)
        job_id = server.job(account, workflow_id="short")["job_id"]
        assert (await job_when(server, job_id, ended))["status"] == "completed"
        assert process.returncode is None


async def test_orphans_of_jobs_do_not_stay_as_zombies(server: Server, account: Account, tmp_path: Path) -> None:
    workflow_of(tmp_path / "workflows", {"tasks.py": ORPHANS}, "orphans")
    async with robot(server, account, tmp_path, command=(sys.executable, "-c", SUBREAPER)) as process:
        for _ in range(3):
            job_id = server.job(account, workflow_id="orphans")["job_id"]
            assert (await job_when(server, job_id, ended))["status"] == "completed"
        first = psutil.Process(process.pid)
        async with asyncio.timeout(WITHIN_SECONDS):
            while len(left := first.children(recursive=True)) > 1:  # the robot itself
                await asyncio.sleep(0.05)
        assert left[0].status() != psutil.STATUS_ZOMBIE
        process.send_signal(signal.SIGTERM)
        assert await exit_code(process) == 0


@contextlib.asynccontextmanager
async def up(folder: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, list[psutil.Process]]]:
    """`casare up` with a running job, and all of its processes."""
    workflow(folder / "workflows", "*** Test Cases ***\nLong\n    Sleep    60\n", name="invoices")
    for name in ("logging", "secrets"):
        (folder / f"{name}.py").write_text(SHADOWS)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("CASARE_")}
    process = await asyncio.create_subprocess_exec(
        *[sys.executable, "-P", "-m", "casare_rpa.cli.main", "up", "--port", "0", "--json"],
        *["--data-dir", str(folder / "data"), "--workflows", str(folder / "workflows")],
        env=inherited,
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    family: list[psutil.Process] = []
    try:
        assert process.stdout is not None
        async with asyncio.timeout(WITHIN_SECONDS):
            while b'"running"' not in await process.stdout.readline():
                continue
        family = psutil.Process(process.pid).children(recursive=True)
        yield process, family
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        for left in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                left.kill()
        await process.wait()


@pytest.mark.parametrize(
    "name", ["SIGKILL", *(pytest.param(name, marks=pytest.mark.long) for name in ("SIGHUP", "SIGTERM"))]
)
async def test_up_leaves_no_process_behind(tmp_path: Path, name: str) -> None:
    async with up(tmp_path) as (process, family):
        assert len(family) >= 2, "the robot and its job"
        process.send_signal(getattr(signal, name))
        await exit_code(process)
        _, alive = await asyncio.to_thread(psutil.wait_procs, family, timeout=WITHIN_SECONDS)
        assert [left for left in alive if left.status() != psutil.STATUS_ZOMBIE] == []


def test_every_command_of_the_project_excludes_the_working_directory_from_the_path() -> None:
    """Each place in the source that starts Python with one of our modules passes `-P`."""
    source = Path(__file__).resolve().parents[2] / "src"
    found: Any = [
        (path.name, line.strip())
        for path in source.rglob("*.py")
        for line in path.read_text(encoding="utf-8").splitlines()
        if "sys.executable," in line
    ]
    assert len(found) >= 2
    assert [line for _, line in found if '"-P"' not in line] == []
