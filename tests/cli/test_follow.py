"""Following a job: across a restart of the server, with a bar on a terminal, and up to Ctrl-C."""

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from casare_rpa.cli.exits import Exit
from casare_rpa.cli.job_follow import JobFollower
from casare_rpa.domain.errors import ConnectFailed
from casare_rpa.infrastructure.orchestrator.communication.http_client import OrchestratorHttpClient
from child_process import child_process
from cli.fake_orchestrator import Request, answering
from cli.running import WITHIN_SECONDS, casare, done, surroundings
from contract.server_process import serving

CASARE = [sys.executable, "-u", "-m", "casare_rpa.cli.main"]


def read_until(stream: Any, words: str) -> str:
    """The lines up to one that contains these words."""
    read = ""
    for line in iter(stream.readline, ""):
        read += line
        if words in line:
            return read
    raise AssertionError(f"{words!r} does not appear in: {read}")


@pytest.mark.slow
def test_follow_survives_a_restart_of_the_server(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        url, port = server.url, server.url.rpartition(":")[2]
        command = [*CASARE, "job", "submit", "w", "--tag", "missing", "--follow"]
        following = subprocess.Popen(
            command, env=surroundings(url), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert following.stdout is not None
        assert following.stderr is not None
        job_id = following.stdout.readline().strip()
        read_until(following.stdout, "pending")
        server.ask_to_stop()
        server.wait()
    read_until(following.stderr, f"no answer from {url}; the job continues, trying again")
    with serving(tmp_path, CASARE_PORT=port):
        read_until(following.stderr, "connected again")
        done(casare("job", "cancel", job_id, url=url))
        printed, _ = following.communicate(timeout=WITHIN_SECONDS)
    assert following.returncode == Exit.FAILED
    assert "FAILED (cancelled)" in printed


def ended_after(request: Request, polls: int, asked: list[str]) -> tuple[int, Any]:
    if request.path.endswith("/logs"):
        return 200, {"items": [], "next_cursor": None}
    asked.append(request.path)
    status = "running" if len(asked) < polls else "completed"
    return 200, {
        "job_id": "job-1",
        "status": status,
        "robot_id": "r",
        "progress": 40,
        "message": "half",
        "reason": None,
    }


@pytest.mark.slow
@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_passing_failure_is_tried_again(status: int) -> None:
    asked: list[str] = []

    def flaky(request: Request) -> tuple[int, Any]:
        if 3 <= len(fake.asked) <= 8:
            return status, {"payload": {"code": "UNAVAILABLE", "message": "starting"}}
        return ended_after(request, 3, asked)

    with answering(flaky) as fake:
        job = JobFollower(OrchestratorHttpClient(fake.url, api_secret="secret"), "job-1").print_until_end()
    assert job["status"] == "completed"


def test_server_that_stays_away_ends_the_following() -> None:
    client = OrchestratorHttpClient("http://127.0.0.1:1", api_secret="secret")
    with pytest.raises(ConnectFailed, match="cannot reach"):
        JobFollower(client, "job-1", reconnect_seconds=0).print_until_end()


def test_refusal_is_not_tried_again() -> None:
    refusal = {"payload": {"code": "INVALID_MESSAGE", "message": "there is no job 'job-1'"}}
    with answering(lambda request: (404, refusal)) as fake:
        result = casare("job", "logs", "job-1", "--follow", url=fake.url)
    assert (result.returncode, len(fake.asked)) == (Exit.FAILED, 1)


@pytest.mark.slow
def test_ctrl_c_says_that_the_job_continues_and_how_to_cancel_it() -> None:
    with answering(lambda request: ended_after(request, 10_000, [])) as fake:
        command = [*CASARE, "job", "logs", "job-1", "--follow"]
        with child_process(
            command, env=surroundings(fake.url), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as following:
            assert following.stdout is not None
            assert f"{fake.url}/jobs/job-1" in read_until(following.stdout, "running")
            following.send_signal(signal.SIGINT)
            _, errors = following.communicate(timeout=WITHIN_SECONDS)
    assert following.returncode == Exit.INTERRUPTED
    assert "The job continues." in errors
    assert "casare job logs job-1 --follow" in errors
    assert "casare job cancel job-1" in errors
    assert {request.method for request in fake.asked} == {"GET"}


@pytest.mark.slow
def test_terminal_shows_a_progress_bar_in_place() -> None:
    ours, theirs = pty.openpty()
    asked: list[str] = []
    with answering(lambda request: ended_after(request, 4, asked)) as fake:
        command = [*CASARE, "job", "logs", "job-1", "--follow"]
        environment = surroundings(fake.url, COLUMNS="80", TERM="xterm")
        with child_process(command, env=environment, stdout=theirs, stderr=theirs) as following:
            os.close(theirs)
            printed = read_terminal(ours)
            assert following.wait(WITHIN_SECONDS) == Exit.OK
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", printed)
    assert re.search(r"running +━+.*40%.*half", plain)
    assert plain.count("── running on r") == 1
    assert "── completed on r" in plain


def read_terminal(descriptor: int) -> str:
    """Everything that a process writes to its terminal."""
    read = b""
    deadline = time.monotonic() + WITHIN_SECONDS
    while time.monotonic() < deadline and select.select([descriptor], [], [], 1)[0] is not None:
        try:
            read += os.read(descriptor, 4096)
        except OSError:  # the process has ended
            break
    os.close(descriptor)
    return read.decode()


@pytest.mark.slow
def test_pipe_has_no_progress_bar() -> None:
    asked: list[str] = []
    with answering(lambda request: ended_after(request, 4, asked)) as fake:
        printed = done(casare("job", "logs", "job-1", "--follow", url=fake.url))
    assert printed.splitlines() == [
        f"{fake.url}/jobs/job-1",
        "── running on r  40 %  half",
        "── completed on r  40 %",
    ]
