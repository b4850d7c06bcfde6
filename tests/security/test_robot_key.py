"""A workflow cannot read the key of its robot: not from environment, memory, descriptors or arguments of a process."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from contract.server_process import ADMIN_SECRET, Account, Server, serving
from contract.stranger import stranger
from running_robot import WITHIN_SECONDS, ended, job_when, robot, robot_when
from unprivileged import shared_folder, shared_python, unprivileged_user
from workflow_folders import workflow_of

pytestmark = pytest.mark.slow

THIEF = '''
import os, re
from pathlib import Path
from casare_rpa.robot.tasks import task


def readable(path):
    try:
        return path.read_bytes()
    except OSError as error:
        return type(error).__name__.encode()


def memory(pid):
    """Every readable byte of a process."""
    found = b""
    try:
        with open(f"/proc/{pid}/mem", "rb", 0) as file:
            for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
                match = re.match(r"([0-9a-f]+)-([0-9a-f]+) r", line)
                if match and "[v" not in line:
                    start, end = (int(part, 16) for part in match.groups())
                    file.seek(start)
                    try:
                        found += file.read(end - start)
                    except OSError:
                        continue
    except OSError as error:
        found += type(error).__name__.encode()
    return found


@task
def main(pieces: list):
    key = "".join(pieces).encode()
    found = [name for name, value in os.environ.items() if key.decode() in value]
    open_here = []
    for name in os.listdir("/proc/self/fd"):
        try:
            target = os.readlink(f"/proc/self/fd/{name}")
        except OSError:
            continue
        if int(name) > 2 and not target.startswith(("/proc/", "pipe:", "/dev/null")):
            open_here.append(target)
    pid, seen = os.getppid(), 0
    while pid > 1 and Path(f"/proc/{pid}").exists():
        ours = b"casare" in readable(Path(f"/proc/{pid}/cmdline"))
        if ours:
            seen += 1
            for part in ("environ", "cmdline"):
                if key in readable(Path(f"/proc/{pid}/{part}")):
                    found.append(f"{part} of process {seen}")
            if key in memory(pid):
                found.append(f"memory of process {seen}")
            try:
                found += [f"descriptor {name} of process {seen}" for name in os.listdir(f"/proc/{pid}/fd")]
            except OSError:
                pass
        status = Path(f"/proc/{pid}/status").read_text()
        pid = int(re.search(r"PPid:\\s+(\\d+)", status)[1])
    return {"found": found, "open": open_here, "processes": seen}
'''


@pytest.fixture
def open_folder() -> Iterator[Path]:
    with shared_folder() as folder:
        yield folder


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture
def account(server: Server) -> Account:
    return server.robot()


@asynccontextmanager
async def unprivileged_robot(
    server: Server, account: Account, folder: Path, *arguments: str, **environment: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    workflow_of(folder / "workflows", {"tasks.py": THIEF}, "thief")
    python, paths = shared_python()
    user = unprivileged_user()
    for path in (folder, *folder.rglob("*")):
        os.chown(path, -1 if user is None else user, -1)
    command = (python, "-m", "casare_rpa.cli.main")
    async with robot(
        server, account, folder, *arguments, command=command, cwd=folder, user=user, **paths, **environment
    ) as process:
        yield process


async def steal(server: Server, account: Account) -> Any:
    """The result of a workflow that looks everywhere for the key."""
    # In pieces, so that the workflow does not find the key in its own memory.
    pieces = [account.api_key[:10], account.api_key[10:]]
    job_id = server.job(account, workflow_id="thief", parameters={"pieces": pieces})["job_id"]
    job = await job_when(server, job_id, ended)
    assert job["status"] == "completed", job["error"]
    return job["result"]


async def restart(server: Server, account: Account) -> None:
    async with stranger(server.ws("/ws/admin", api_secret=ADMIN_SECRET)) as admin:
        await admin.send("subscribe", {"channels": ["robots"]})
        await admin.send("command", {"action": "restart_robot", "target_id": account.robot_id}, id=1)
        for status in ("offline", "idle"):
            await admin.next(
                "robot_status",
                lambda f, status=status: f["robot_id"] == account.robot_id and f["status"] == status,
                WITHIN_SECONDS,
            )


async def test_workflow_finds_no_key_from_the_environment(server: Server, account: Account, open_folder: Path) -> None:
    async with unprivileged_robot(server, account, open_folder, CASARE_API_SECRET=ADMIN_SECRET):
        await robot_when(server, account, "idle")
        nothing = {"found": [], "open": [], "processes": 1}
        assert await steal(server, account) == nothing
        await restart(server, account)
        assert await steal(server, account) == nothing


async def test_workflow_finds_no_key_from_a_file(server: Server, account: Account, open_folder: Path) -> None:
    file = open_folder / "key"
    file.write_text(account.api_key + "\r\n")
    async with unprivileged_robot(server, account, open_folder, "--key-file", str(file), CASARE_API_KEY=""):
        await robot_when(server, account, "idle")
        assert await steal(server, account) == {"found": [], "open": [], "processes": 1}


async def test_secrets_of_the_server_leave_the_environment_too(
    server: Server, account: Account, open_folder: Path
) -> None:
    """Even root sees none in what the kernel shows of the process."""
    secrets = {"CASARE_API_SECRET": ADMIN_SECRET, "CASARE_JWT_SECRET": "j" * 40, "CASARE_ADMIN_PASSWORD": "p" * 40}
    async with unprivileged_robot(server, account, open_folder, **secrets) as process:
        await robot_when(server, account, "idle")
        shown = Path(f"/proc/{process.pid}/environ").read_bytes() if os.getuid() == 0 else b""
    for secret in (account.api_key, *secrets.values()):
        assert secret.encode() not in shown
