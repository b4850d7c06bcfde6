"""With job users, a job can read neither the robot's files nor the files and parameters of another job."""

import asyncio
import os
import pwd
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from casare_rpa.domain.errors import InvalidSettings
from casare_rpa.robot.executors.child_events import END_FILE, take_end_file
from casare_rpa.robot.job_users import find_job_users
from contract.server_process import Account, Server, serving
from running_robot import WITHIN_SECONDS, ended, job_when, lines_when, robot, robot_when
from unprivileged import shared_folder, shared_python
from workflow_folders import workflow_of

ROOT = os.getuid() == 0
REFUSAL = "only a robot that runs as root can run jobs as other users"
USERS = ("games", "irc")
"""Users of a plain system that run nothing: every process of a job user is ended with its job."""
VICTIM = """
import os, subprocess, time
from pathlib import Path
from casare_rpa.robot.tasks import job, logger, task


@task
def main(secret: str, seconds: float):
    (job().output_dir / "output.txt").write_text(secret)
    Path("working-copy.txt").write_text(secret)
    # A process that clears its environment and leaves its session.
    subprocess.Popen(["sleep", "300"], env={}, start_new_session=True)
    logger.info("hiding")
    time.sleep(seconds)
    return {"user": os.getuid(), "home": os.environ["HOME"]}
"""
THIEF = """
import os
from pathlib import Path
from casare_rpa.robot.tasks import job, task


def contents(root):
    for parent, _, files in os.walk(root):
        for name in files:
            path = Path(parent, name)
            try:
                yield str(path), path.read_bytes()
            except OSError:
                continue


@task
def main(pieces: list):
    secrets = [bytes.fromhex(piece) for piece in pieces]
    data_dir = job().output_dir.parents[1]
    own = (os.environ["CASARE_PARAMETERS_FILE"], f"/proc/{os.getpid()}/")
    found = []
    places = [data_dir] + [Path("/proc", name) for name in os.listdir("/proc") if name.isdigit()]
    for place in places:
        files = contents(place) if place == data_dir else (
            (str(place / part), data) for part in ("environ", "cmdline") for data in [read(place / part)]
        )
        for name, data in files:
            if any(secret in data for secret in secrets):
                found.append(name)
    mine = {process for process in os.listdir("/proc") if process.isdigit() and owner(process) == os.getuid()}
    for name in os.listdir(data_dir / "jobs") if os.access(data_dir / "jobs", os.R_OK) else []:
        found.append(f"name {name}")
    return {"found": found, "user": os.getuid(), "strays": sorted(filter(None, map(command, mine - family())))}


def read(path):
    try:
        return path.read_bytes()
    except OSError:
        return b""


def owner(process):
    try:
        return os.stat(f"/proc/{process}").st_uid
    except OSError:
        return None


def command(process):
    return read(Path("/proc", process, "cmdline")).decode().split("\\0")[0]


def family():
    return {p for p in os.listdir("/proc") if p.isdigit() and b"casare_rpa" in read(Path("/proc", p, "cmdline"))}
"""


@pytest.fixture
def open_folder() -> Iterator[Path]:
    with shared_folder() as folder:
        yield folder


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("server")) as running:
        yield running


@asynccontextmanager
async def robot_with_users(
    server: Server, account: Account, folder: Path, *users: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    workflow_of(folder / "workflows", {"tasks.py": VICTIM}, "victim")
    workflow_of(folder / "workflows", {"tasks.py": THIEF}, "thief")
    python, paths = shared_python()
    arguments = ("--slots", str(len(users)))
    command = (python, "-m", "casare_rpa.cli.main")
    async with robot(
        server, account, folder, *arguments, command=command, cwd=folder, CASARE_JOB_USERS=",".join(users), **paths
    ) as process:
        if ROOT:
            await robot_when(server, account, "idle")
        yield process


async def is_refused(process: asyncio.subprocess.Process, folder: Path, sentence: str) -> bool:
    """Whether the robot ends at its start with this sentence."""
    assert await asyncio.wait_for(process.wait(), WITHIN_SECONDS) == 2
    return sentence in (folder / "robot.log").read_text()


async def result(server: Server, job_id: str) -> Any:
    job = await job_when(server, job_id, ended)
    assert job["status"] == "completed", job["error"]
    return job["result"]


def thief(server: Server, account: Account, *secrets: str) -> str:
    pieces = [secret.encode().hex() for secret in secrets]
    return str(server.job(account, workflow_id="thief", parameters={"pieces": pieces})["job_id"])


@pytest.mark.slow
async def test_job_reads_nothing_of_another_running_job(server: Server, open_folder: Path) -> None:
    account, secret = server.robot(max_concurrent_jobs=2), "erp-password-0123456789"
    async with robot_with_users(server, account, open_folder, *USERS) as process:
        if not ROOT:
            assert await is_refused(process, open_folder, REFUSAL)
            return
        parameters = {"secret": secret, "seconds": 30}
        victim = server.job(account, workflow_id="victim", parameters=parameters)["job_id"]
        await lines_when(server, victim, "hiding")
        stolen = await result(server, thief(server, account, secret, account.api_key))
        assert (stolen["found"], stolen["user"]) == ([], pwd.getpwnam(USERS[1]).pw_uid)
        server.post(f"/jobs/{victim}/cancel", status=200)
        await job_when(server, victim, ended)


@pytest.mark.slow
async def test_job_reads_nothing_of_an_earlier_job_of_its_user(server: Server, open_folder: Path) -> None:
    account, secret = server.robot(), "erp-password-9876543210"
    async with robot_with_users(server, account, open_folder, USERS[0]) as process:
        if not ROOT:
            assert await is_refused(process, open_folder, REFUSAL)
            return
        parameters = {"secret": secret, "seconds": 0}
        victim = server.job(account, workflow_id="victim", parameters=parameters)["job_id"]
        user = pwd.getpwnam(USERS[0])
        assert await result(server, victim) == {"user": user.pw_uid, "home": user.pw_dir}
        stolen = await result(server, thief(server, account, secret, account.api_key))
        assert stolen == {"found": [], "user": user.pw_uid, "strays": []}
        kept = open_folder / "data" / "jobs" / f"{victim}-1" / "output.txt"
        assert kept.read_text() == secret, "the operator finds the output"


@pytest.mark.parametrize(
    ("names", "slots", "sentence"),
    [
        ("games", 2, "names 1 users for 2 slots"),
        ("games,games", 2, "names a user twice"),
        ("root", 1, "a job must not run as root"),
        ("no-such-user", 1, "there is no user 'no-such-user'"),
    ],
)
def test_users_that_cannot_be_used_are_refused(names: str, slots: int, sentence: str) -> None:
    with pytest.raises(InvalidSettings, match=sentence if ROOT else REFUSAL) as caught:
        find_job_users(names, slots)
    assert caught.value.field == "CASARE_JOB_USERS"


@pytest.mark.slow
async def test_user_that_cannot_reach_the_folders_is_refused_at_the_start(server: Server, open_folder: Path) -> None:
    account = server.robot()
    closed = open_folder / "closed"
    closed.mkdir(mode=0o700)
    python, paths = shared_python()
    command = (python, "-m", "casare_rpa.cli.main")
    async with robot(
        server,
        account,
        open_folder,
        *("--data-dir", str(closed / "data")),
        command=command,
        cwd=open_folder,
        CASARE_JOB_USERS=USERS[0],
        **paths,
    ) as process:
        expected = "CASARE_JOB_USERS: the user 'games' cannot run jobs" if ROOT else REFUSAL
        assert await is_refused(process, open_folder, expected)


def test_no_users_are_named_by_an_empty_setting() -> None:
    assert find_job_users(" ", 3) == ()


def put_link(path: Path) -> None:
    target = path.parent.parent / "private.json"
    target.write_text('{"completed": true, "result": "private"}')
    path.symlink_to(target)


@pytest.mark.parametrize("put", [put_link, os.mkfifo, Path.mkdir], ids=["link", "pipe", "folder"])
def test_link_in_place_of_the_end_file_is_not_followed(tmp_path: Path, put: Any) -> None:
    output = tmp_path / "output"
    output.mkdir()
    put(output / END_FILE)
    assert take_end_file(output) is None
