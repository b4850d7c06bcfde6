"""`casare robot run` as a process on a real server, and what the server says about its jobs."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from contract.server_process import Account, Server
from workflow_folders import workflow

WITHIN_SECONDS = 40.0
SLEEPER = "*** Test Cases ***\nLong\n    Log    sleeping\n    Sleep    60\n    [Teardown]    Log    torn down\n"


@asynccontextmanager
async def robot(
    server: Server,
    account: Account,
    folder: Path,
    *arguments: str,
    command: Sequence[str] = (sys.executable, "-m", "casare_rpa.cli.main"),
    cwd: Path | None = None,
    user: int | None = None,
    **environment: str,
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A robot with the workflows in `folder / "workflows"`, killed at the end if it still runs."""
    workflows = folder / "workflows"
    if not workflows.exists():
        workflow(workflows, SLEEPER, name="sleeper")
        workflow(workflows, "*** Test Cases ***\nOne\n    Log    did it\n", name="quick")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("CASARE_")}
    with (folder / "robot.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *[*command, "robot", "run", "--robot-id", account.robot_id, "--workflows", str(workflows)],
            *["--data-dir", str(folder / "data"), *arguments],
            env={**inherited, "CASARE_URL": server.url, "CASARE_API_KEY": account.api_key, **environment},
            cwd=cwd,
            stdout=log,
            stderr=log,
            user=user,
            group=user,
            extra_groups=None if user is None else [],
        )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def job_when(server: Server, job_id: str, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """The job as soon as the condition holds."""
    async with asyncio.timeout(WITHIN_SECONDS):
        while not holds(job := server.get(f"/jobs/{job_id}")):
            await asyncio.sleep(0.05)
    return job


async def lines_when(server: Server, job_id: str, text: str) -> list[str]:
    """The log lines of the job as soon as one of them contains the text."""
    async with asyncio.timeout(WITHIN_SECONDS):
        while True:
            lines = [item["message"] for item in server.get(f"/jobs/{job_id}/logs?limit=500")["items"]]
            if any(text in line for line in lines):
                return lines
            await asyncio.sleep(0.05)


async def robot_when(server: Server, account: Account, status: str) -> None:
    """Wait until the server shows this status of the robot."""
    async with asyncio.timeout(WITHIN_SECONDS):
        while server.get(f"/robots/{account.robot_id}")["status"] != status:
            await asyncio.sleep(0.05)


def ended(job: dict[str, Any]) -> bool:
    return job["status"] in ("completed", "failed")


def kinds(server: Server, job_id: str) -> list[str]:
    return [event["kind"] for event in server.get(f"/jobs/{job_id}/events")["items"]]
