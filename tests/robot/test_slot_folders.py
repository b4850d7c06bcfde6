"""Private folders of attempts: one at a time, for this user only, and empty again, even after a kill -9."""

import asyncio
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from casare_rpa.robot.executors.base import Outcome
from casare_rpa.robot.executors.slot_folders import SlotFolders
from robot_kinds import KINDS
from workflow_folders import PARENT, WITHIN_SECONDS, Recorder, task, until_gone, workflow_of


def left_in(work: Path) -> list[str]:
    return sorted(str(path.relative_to(work)) for path in work.rglob("*") if path.suffix != ".lock")


def test_folder_is_private_and_its_number_is_used_again(tmp_path: Path) -> None:
    slots, others = SlotFolders(tmp_path / "work"), SlotFolders(tmp_path / "work")
    first = slots.acquire()
    first.write_parameters({"password": "hidden"})
    second = others.acquire()
    assert [first.path.name, second.path.name] == ["1", "2"]
    assert stat.S_IMODE(first.path.stat().st_mode) == 0o700
    assert stat.S_IMODE(first.parameters_file.stat().st_mode) == 0o600
    slots.release(first)
    assert left_in(tmp_path / "work") == ["2", "2/mark"]
    third = slots.acquire()
    assert third.path == first.path
    slots.release(third)
    others.release(second)
    assert left_in(tmp_path / "work") == []


SHARED = """
import pathlib, time
from casare_rpa.robot.tasks import job, logger, task

@task
def main(name):
    report = pathlib.Path("report.txt")
    assert not report.exists()
    report.write_text(name)
    logger.info("written")
    while not (job().output_dir.parent / "both").exists():
        time.sleep(0.01)
    return report.read_text()
"""


async def test_jobs_of_one_workflow_see_neither_each_others_files_nor_left_overs(tmp_path: Path) -> None:
    path = workflow_of(tmp_path, {"tasks.py": SHARED})
    recorders = Recorder(), Recorder()
    async with asyncio.TaskGroup() as tasks:
        runs = [
            tasks.create_task(recorder.run(task(path, tmp_path / f"out-{name}", name=name)))
            for recorder, name in zip(recorders, ("alice", "bob"), strict=True)
        ]
        for recorder in recorders:
            await recorder.until(lambda recorder=recorder: bool(recorder.logged("written")))
        (tmp_path / "both").touch()
    assert [run.result() for run in runs] == [Outcome(result="alice"), Outcome(result="bob")]
    assert [file.name for file in path.iterdir()] == ["tasks.py"]
    assert left_in(tmp_path / "work") == []


@pytest.mark.parametrize("stopped_by", ["cancel", "timeout"])
async def test_copy_that_takes_too_long_is_stopped(tmp_path: Path, stopped_by: str) -> None:
    path = workflow_of(tmp_path, {"tasks.py": "", "tasks.txt": ""})
    recorder = Recorder()
    if stopped_by == "cancel":
        recorder.stop.request("not needed")
    wanted = task(path, tmp_path / "out", timeout_seconds=0 if stopped_by == "timeout" else WITHIN_SECONDS)
    error = (await recorder.run(wanted)).error
    assert error is not None
    assert error.type == {"cancel": "cancelled", "timeout": "timeout"}[stopped_by]
    assert left_in(tmp_path / "work") == []


async def test_disk_without_room_for_the_copy_is_an_error_of_the_job(tmp_path: Path) -> None:
    (tmp_path / "work").write_text("no folder")
    error = (await Recorder().run(task(workflow_of(tmp_path, {"tasks.py": ""}), tmp_path / "out"))).error
    assert error is not None
    assert "the robot cannot prepare the job" in error.message
    assert error.code is None, "another attempt can succeed"


TEARDOWN = """
try:
    log("INFO", "ready")
    time.sleep(300)
finally:
    time.sleep(0.5)
    open(os.path.join(os.environ["CASARE_OUTPUT_DIR"], "end"), "w").write(str(os.path.exists("tasks.py")))
"""


@pytest.mark.slow
async def test_robot_that_was_killed_leaves_nothing_after_the_next_start(tmp_path: Path) -> None:
    """Its parameters are gone at once; the copy stays until the job has ended its teardown."""
    path = next(kind for kind in KINDS if kind.name == "python").write(tmp_path, TEARDOWN)
    work = tmp_path / "work"
    command = [sys.executable, "-c", PARENT, str(path), str(tmp_path / "out")]
    robot = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
    assert robot.stdout is not None
    async with asyncio.timeout(WITHIN_SECONDS):
        while (line := await robot.stdout.readline()) != b"ready\n":
            words = line.decode().split()
            pid = int(words[1]) if words[0] == "child" else 0
    assert (work / "1" / "parameters.json").exists()
    await SlotFolders(work).remove_left_over()
    assert (work / "1" / "parameters.json").exists(), "its robot still runs"
    robot.kill()
    await robot.wait()
    await SlotFolders(work).remove_left_over()
    assert left_in(work) == []
    await until_gone(pid)
    assert (tmp_path / "out" / "end").read_text() == "True"


async def test_process_that_outlives_its_robot_is_killed_before_its_folder_is_removed(tmp_path: Path) -> None:
    slots = SlotFolders(tmp_path / "work", wait_seconds=0.3)
    slot = slots.acquire()
    slot.write_parameters({"password": "hidden"})
    process = subprocess.Popen(["sleep", "300"], env={"CASARE_RUN_MARK": slot.mark}, start_new_session=True)
    os.close(slot.lock)  # as the end of its robot does
    await slots.remove_left_over()
    assert process.wait(WITHIN_SECONDS) == -9
    assert left_in(tmp_path / "work") == []


AS_NOBODY = """
import os
from pathlib import Path
from casare_rpa.robot.executors.slot_folders import SlotFolders
if os.geteuid() == 0:  # root may remove everything
    os.setgid(65534)
    os.setuid(65534)
slots = SlotFolders(Path("work"))
slot = slots.acquire()
inner = slot.path / "a" / "b"
inner.mkdir(parents=True)
(inner / "file").touch()
(inner / "link").symlink_to("/")
for path, mode in ((inner, 0o500), (inner.parent, 0)):
    path.chmod(mode)
slots.release(slot)
assert not slot.path.exists()
"""


def test_folders_that_a_job_made_read_only_are_removed(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    subprocess.run([sys.executable, "-c", AS_NOBODY], cwd=tmp_path, check=True)


def test_folder_that_cannot_be_removed_is_skipped(tmp_path: Path) -> None:
    work = tmp_path / "work"
    slots = SlotFolders(work)
    first = slots.acquire()
    os.close(first.lock)
    first.path.rename(work / "aside")
    first.path.write_text("a file where the folder was: it cannot be removed as a folder")
    second = slots.acquire()
    assert second.path.name == "2"
    slots.release(second)
