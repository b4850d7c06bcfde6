"""A real robot whose job fills or removes its disk: every job ends, and work continues when the disk works again."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from contract.server_process import Server, serving
from running_robot import ended, job_when, lines_when, robot, robot_when
from small_disk import CAN_MOUNT, small_disk
from workflow_folders import workflow_of

pytestmark = pytest.mark.slow

GREEDY = """
import shutil
from casare_rpa.robot.tasks import job, logger, task


@task
def main():
    with open(job().output_dir / "filler", "wb", buffering=0) as file:
        for size in (65536, 4096, 1):
            try:
                while True:
                    file.write(b"x" * size)
            except OSError:
                continue
    logger.info("the disk is full")


@task
def remove():
    shutil.rmtree(job().output_dir.parents[1], ignore_errors=True)
    logger.info("the disk is gone")
"""
SMALL = "from casare_rpa.robot.tasks import logger, task\n@task\ndef main():\n    logger.info('small')\n    return 1\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("server")) as running:
        yield running


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    """The data directory of a robot; on a small file system of its own where the user may mount one."""
    with small_disk(tmp_path / "data", "2m") as folder:
        yield folder


FAULTS = {"remove": "the disk is gone"} | ({"main": "the disk is full"} if CAN_MOUNT else {})


@pytest.mark.parametrize("fault", FAULTS)
async def test_job_that_takes_the_disk_ends_and_later_jobs_run(
    server: Server, tmp_path: Path, data_dir: Path, fault: str
) -> None:
    account = server.robot()
    manifest = f'kind = "python"\ntask = "tasks:{fault}"\n'
    workflow_of(tmp_path / "workflows", {"tasks.py": GREEDY, "workflow.toml": manifest}, "greedy")
    workflow_of(tmp_path / "workflows", {"tasks.py": SMALL}, "small")

    def submit(name: str) -> str:
        return str(server.job(account, workflow_id=name)["job_id"])

    async with robot(server, account, tmp_path) as process:
        greedy = submit("greedy")
        await lines_when(server, greedy, FAULTS[fault])
        failed = await job_when(server, greedy, ended)
        if fault == "main":
            assert failed["status"] == "failed", "its end cannot be written"
            assert failed["error"]["message"].endswith("the disk of the job's output folder is full")
        await robot_when(server, account, "idle")
        meanwhile = submit("small")
        await job_when(server, meanwhile, ended)
        await robot_when(server, account, "idle")
        if fault == "main":
            shutil.rmtree(data_dir / "jobs")
        last = submit("small")
        done = await job_when(server, last, ended)
        assert (done["status"], done["result"]) == ("completed", 1), done["error"]
        await lines_when(server, last, "small")
        assert process.returncode is None
