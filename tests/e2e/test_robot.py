"""A real robot process on a real server: runs, fails, is cancelled, killed and restarted."""

import asyncio
from pathlib import Path
from typing import Any

import psutil
import pytest

from contract.server_process import Account, Server, serving
from contract.stranger import stranger
from running_robot import WITHIN_SECONDS, ended, job_when, kinds, lines_when, robot, robot_when
from workflow_folders import workflow, workflow_of

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with serving(tmp_path_factory.mktemp("robots")) as running:
        yield running


@pytest.fixture
def account(server: Server) -> Account:
    return server.robot()


async def test_robot_runs_a_workflow_and_streams_its_log(server: Server, account: Account, tmp_path: Path) -> None:
    job = server.job(account, workflow_id="quick")
    async with robot(server, account, tmp_path):
        done = await job_when(server, job["job_id"], ended)
        assert (done["status"], done["progress"], done["attempt"]) == ("completed", 100, 1)
        await lines_when(server, job["job_id"], "did it")
        assert kinds(server, job["job_id"]) == ["submitted", "offered", "claimed", "running", "completed"]


async def test_robot_runs_python_tasks_and_commands(server: Server, account: Account, tmp_path: Path) -> None:
    code = (
        "from casare_rpa.robot.tasks import *\n@task\ndef main(who):\n    logger.info('hello %s', who)\n"
        "    progress(40, 'nearly')\n    return {'greeted': who}\n"
    )
    workflow_of(tmp_path / "workflows", {"tasks.py": code}, "greet")
    manifest = 'kind = "command"\ncommand = ["sh", "run.sh"]'
    script = 'echo at work; echo \'{"type": "error", "error_type": "business", "message": "no rows"}\'; exit 1'
    workflow_of(tmp_path / "workflows", {"workflow.toml": manifest, "run.sh": script}, "rows")
    greet = server.job(account, workflow_id="greet", parameters={"who": "Ada"})["job_id"]
    rows = server.job(account, workflow_id="rows")["job_id"]
    async with robot(server, account, tmp_path):
        done = await job_when(server, greet, ended)
        assert (done["status"], done["result"]) == ("completed", {"greeted": "Ada"})
        await lines_when(server, greet, "hello Ada")
        failed = await job_when(server, rows, ended)
        assert (failed["error"]["type"], failed["error"]["message"]) == ("business", "no rows")
        await lines_when(server, rows, "at work")


async def test_job_whose_robot_lacks_the_workflow_is_pending_with_that_reason(
    server: Server, account: Account, tmp_path: Path
) -> None:
    job_id = server.job(account, workflow_id="../etc")["job_id"]
    async with robot(server, account, tmp_path):
        await robot_when(server, account, "idle")
        pending = await job_when(
            server, job_id, lambda job: any("../etc" in r["message"] for r in job["pending_reasons"])
        )
    assert (pending["status"], pending["attempt"]) == ("pending", 0)


async def test_cancel_stops_a_running_job_and_is_confirmed(server: Server, account: Account, tmp_path: Path) -> None:
    job_id = server.job(account, workflow_id="sleeper")["job_id"]
    async with robot(server, account, tmp_path):
        await lines_when(server, job_id, "sleeping")
        asked = server.post(f"/jobs/{job_id}/cancel", {"reason": "changed my mind"}, status=200)
        assert (asked["status"], asked["cancel_requested_at"] is not None) == ("running", True)
        failed = await job_when(server, job_id, ended)
        assert (failed["reason"], failed["error"]["message"]) == ("cancelled", "changed my mind")
        await lines_when(server, job_id, "torn down")
        assert "cancel_confirmed" in kinds(server, job_id)
        receipt = failed["cancel"]
        assert (receipt["by"], receipt["reason"], receipt["confirmed"]) == ("admin", "changed my mind", True)
        steps = [receipt[step] for step in ("requested_at", "sent_at", "received_at", "stopped_at")]
        assert steps == sorted(steps), "requested, sent, received, stopped, in this order"
        again = server.job(account, workflow_id="quick")
        assert (await job_when(server, again["job_id"], ended))["status"] == "completed", "the slot is free again"


async def test_robot_applies_the_timeout(server: Server, account: Account, tmp_path: Path) -> None:
    job_id = server.job(account, workflow_id="sleeper", timeout_seconds=2)["job_id"]
    async with robot(server, account, tmp_path):
        failed = await job_when(server, job_id, ended)
    assert (failed["reason"], failed["error"]["type"]) == ("timeout", "timeout")


async def test_killed_robot_loses_its_job_when_it_reconnects_and_no_job_runs_twice(
    server: Server, account: Account, tmp_path: Path
) -> None:
    job_id = server.job(account, workflow_id="sleeper")["job_id"]
    async with robot(server, account, tmp_path) as process:
        await lines_when(server, job_id, "sleeping")
        children = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        await process.wait()
    lost = await job_when(server, job_id, lambda job: job["contact"] == "lost")
    assert lost["status"] == "running", "the job is kept until its lease expires"
    async with robot(server, account, tmp_path):
        failed = await job_when(server, job_id, ended)
        assert (failed["reason"], failed["attempt"]) == ("robot_lost", 1)
    gone, alive = psutil.wait_procs(children, timeout=20)
    assert not alive
    assert gone


async def test_retry_runs_on_the_reconnected_robot(server: Server, account: Account, tmp_path: Path) -> None:
    job_id = server.job(account, workflow_id="sleeper", max_attempts=2)["job_id"]
    async with robot(server, account, tmp_path) as process:
        await lines_when(server, job_id, "sleeping")
        process.kill()
        await process.wait()
    async with robot(server, account, tmp_path):
        again = await job_when(server, job_id, lambda job: job["attempt"] == 2 and job["status"] == "running")
        assert again["reason"] is None
        server.post(f"/jobs/{job_id}/cancel", status=200)
        assert (await job_when(server, job_id, ended))["reason"] == "cancelled"


async def test_restart_command_replaces_the_process_image(server: Server, account: Account, tmp_path: Path) -> None:
    first = server.job(account, workflow_id="quick")
    async with robot(server, account, tmp_path) as process:
        await job_when(server, first["job_id"], ended)
        async with stranger(server.ws("/ws/admin", api_secret=server.http.headers["X-API-Secret"])) as admin:
            await admin.send("command", {"action": "restart_robot", "target_id": account.robot_id}, id=1)
            assert (await admin.answer(1))["type"] == "ack"
            await admin.send("subscribe", {"channels": ["robots"]})
            for status in ("offline", "idle"):
                await admin.next(
                    "robot_status",
                    lambda f, status=status: f["robot_id"] == account.robot_id and f["status"] == status,
                    WITHIN_SECONDS,
                )
        second = server.job(account, workflow_id="quick")
        assert (await job_when(server, second["job_id"], ended))["status"] == "completed"
        assert process.returncode is None, "the process id stays the same"


async def test_server_restarted_during_a_job_gets_its_end(tmp_path: Path) -> None:
    """The robot continues without the server. It keeps the end and reports it after the restart."""
    with serving(tmp_path / "server") as first:
        account = first.robot()
        suite = "*** Test Cases ***\nShort\n    Log    at work\n    Sleep    3\n"
        workflow(tmp_path / "workflows", suite, name="short")
        job_id = first.job(account, workflow_id="short")["job_id"]
        port = first.url.rpartition(":")[2]
        async with robot(first, account, tmp_path):
            await lines_when(first, job_id, "at work")
            first.process.kill()
            first.wait()
            with serving(tmp_path / "server", CASARE_PORT=port) as second:
                done = await job_when(second, job_id, ended)
                assert (done["status"], done["attempt"]) == ("completed", 1)
                assert kinds(second, job_id).count("claimed") == 1


async def test_unreported_end_and_log_of_a_killed_robot_are_not_lost(tmp_path: Path) -> None:
    brief = "*** Test Cases ***\nOne\n    Log    begun\n    Sleep    1.5\n    Log    did it\n"
    with serving(tmp_path / "server") as first:
        account, port = first.robot(), first.url.rpartition(":")[2]
        workflow(tmp_path / "workflows", brief, name="brief")
        async with robot(first, account, tmp_path) as process:
            job_id = first.job(account, workflow_id="brief", max_attempts=3)["job_id"]
            await job_when(first, job_id, lambda job: job["status"] == "running")
            first.process.kill()
            first.wait()
            await until_end_is_noted(tmp_path / "data" / "journal.db")
            process.kill()
            await process.wait()
    with serving(tmp_path / "server", CASARE_PORT=port) as again:
        async with robot(again, account, tmp_path):
            job = await job_when(again, job_id, lambda job: job["finished_at"] is not None)
            assert (job["status"], job["attempt"]) == ("completed", 1), "neither failed as lost nor run again"
            async with asyncio.timeout(WITHIN_SECONDS):
                while "did it" not in (
                    lines := [item["message"] for item in again.get(f"/jobs/{job_id}/logs")["items"]]
                ):
                    await asyncio.sleep(0.1)
            assert lines.count("begun") == lines.count("did it") == 1


async def until_end_is_noted(journal: Path) -> None:
    """Searched in its bytes, because the robot holds an exclusive lock."""
    files = [journal, journal.with_name(f"{journal.name}-wal")]
    async with asyncio.timeout(WITHIN_SECONDS):
        while not any(b'"status":"completed"' in file.read_bytes() for file in files if file.exists()):
            await asyncio.sleep(0.05)
