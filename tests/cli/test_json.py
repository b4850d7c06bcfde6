"""`--json`: every command has it; one document or JSON lines on stdout, an error as one object on stderr."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from api.conftest import without_reasons
from casare_rpa import __version__
from casare_rpa.cli.exits import Exit
from casare_rpa.cli.main import app
from child_process import child_process
from cli.running import WITHIN_SECONDS, casare, document, done, error, lines, surroundings
from contract.server_process import Server, serving
from workflow_folders import workflow


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("json")) as running:
        yield running


def without_json(command: Any, path: str = "casare") -> list[str]:
    """The commands without the flag, also in groups of commands."""
    if hasattr(command, "commands"):
        return [
            lacking for name, child in command.commands.items() for lacking in without_json(child, f"{path} {name}")
        ]
    return [] if any("--json" in parameter.opts for parameter in command.params) else [path]


def test_every_command_has_the_flag() -> None:
    assert without_json(typer.main.get_command(app)) == []


def test_missing_flag_of_a_command_is_detected() -> None:
    planted = typer.Typer()
    planted.command("one")(lambda: None)
    planted.command("two")(lambda: None)
    assert without_json(typer.main.get_command(planted)) == ["casare one", "casare two"]


@pytest.mark.slow
def test_flag_is_accepted_before_and_after_the_command(server: Server) -> None:
    assert document(casare("--json", "robot", "list", url=server.url)) == document(
        casare("robot", "list", "--json", url=server.url)
    )
    assert document(casare("--json", "--version")) == {"version": __version__}


@pytest.mark.slow
def test_robots_and_keys_are_those_of_the_api(server: Server) -> None:
    added = document(casare("robot", "add", "r1", "--name", "Ada", "--json", url=server.url))
    assert added == server.get("/robots/r1")
    assert document(casare("robot", "list", "--json", url=server.url)) == server.get("/robots")
    made = document(casare("key", "create", "r1", "--json", url=server.url))
    assert made["api_key"].startswith("crpa_")
    assert document(casare("key", "list", "r1", "--json", url=server.url)) == server.get("/robots/r1/keys")
    revoked = document(casare("key", "revoke", "r1", made["key_id"], "--json", url=server.url))
    assert revoked == {"robot_id": "r1", "key_id": made["key_id"], "revoked": True}


@pytest.mark.slow
def test_jobs_are_those_of_the_api(server: Server) -> None:
    job = document(casare("job", "submit", "w", "-p", "name=[bold]", "--tag", "nobody", "--json", url=server.url))
    path = f"/jobs/{job['job_id']}"
    assert job == without_reasons(server.get(path))
    assert document(casare("job", "list", "--json", url=server.url)) == server.get("/jobs")
    shown = document(casare("job", "show", job["job_id"], "--json", url=server.url))
    assert shown == {**server.get(path), "events": server.get(f"{path}/events")["items"]}
    logs = lines(done(casare("job", "logs", job["job_id"], "--json", url=server.url)))
    assert [line["type"] for line in logs] == ["job"]
    cancelled = document(casare("job", "cancel", job["job_id"], "--json", url=server.url))
    assert cancelled == server.get(path)


@pytest.mark.slow
def test_errors_are_one_object_with_the_same_exit_code(server: Server) -> None:
    missing = casare("job", "show", "none", "--json", url=server.url)
    assert missing.stdout == ""
    assert error(missing)["code"] == "INVALID_MESSAGE"
    assert (missing.returncode, "there is no job" in error(missing)["message"]) == (Exit.FAILED, True)
    for code, result in {
        Exit.USAGE: casare("job", "show", "--json"),
        Exit.UNREACHABLE: casare("job", "list", "--json", url="http://127.0.0.1:1"),
    }.items():
        assert (result.returncode, error(result)["code"], result.stdout) == (code, code.name, "")
    nothing = casare("--json")
    assert (nothing.returncode, error(nothing)["code"]) == (Exit.USAGE, "USAGE")
    wrong = casare("--json", "job", "list", url=server.url, CASARE_API_SECRET="x" * 40)
    assert (wrong.returncode, error(wrong)["code"]) == (Exit.NOT_ALLOWED, "AUTH_FAILED")
    assert "x" * 40 not in wrong.stderr
    settings = casare("serve", "--json", CASARE_LOG_LEVEL="LOUD", CASARE_DATABASE_URL="mysql://")
    assert (settings.returncode, error(settings)["code"]) == (Exit.USAGE, "USAGE")


@pytest.mark.slow
def test_arguments_after_two_dashes_are_not_flags(server: Server) -> None:
    assert "there is no job '--json'" in casare("job", "show", "--", "--json", url=server.url).stderr


@pytest.mark.slow
def test_serve_reports_ready_and_stopped(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "casare_rpa.cli.main", "serve", "--json", "--port", "0"]
    environment = surroundings(CASARE_DATA_DIR=str(tmp_path))
    with child_process(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        ready = json.loads(process.stdout.readline())
        assert (ready["type"], ready["data_dir"]) == ("ready", str(tmp_path))
        secret = (tmp_path / "api_secret").read_text()
        assert document(casare("job", "list", "--json", url=ready["url"], CASARE_API_SECRET=secret))["items"] == []
        process.send_signal(signal.SIGTERM)
        assert lines(process.stdout.read()) == [{"type": "stopped"}]
        assert process.wait(WITHIN_SECONDS) == Exit.OK


@pytest.mark.slow
def test_up_prints_json_lines_to_the_end_of_the_job(tmp_path: Path) -> None:
    printed = lines(done(casare("up", "--once", "--json", "--data-dir", str(tmp_path / "data"), CASARE_PORT="0")))
    kinds = [line["type"] for line in printed]
    assert kinds[:2] == ["ready", "submitted"]
    assert kinds[-1] == "job_ended"
    assert printed[0]["data_dir"] == str(tmp_path / "data")
    assert (tmp_path / "data" / "api_secret").read_text() not in json.dumps(printed)
    ended = printed[-1]["job"]
    assert (ended["status"], ended["job_id"]) == ("completed", printed[1]["job"]["job_id"])
    assert {"log", "job"} <= set(kinds)


SUITE = """*** Tasks ***
Greet
    Log    Hello from the workflow
"""


@pytest.mark.slow
def test_robot_logs_and_followed_jobs_are_json_lines(server: Server, tmp_path: Path) -> None:
    workflow(tmp_path / "workflows", SUITE)
    robot = server.robot()
    environment = surroundings(server.url, CASARE_API_KEY=robot.api_key, CASARE_DATA_DIR=str(tmp_path / "data"))
    arguments = ["robot", "run", "--robot-id", robot.robot_id, "--workflows", str(tmp_path / "workflows"), "--json"]
    with child_process(
        [sys.executable, "-m", "casare_rpa.cli.main", *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        connected = json.loads(process.stdout.readline())
        assert "connected to" in connected["log"]["message"]
        assert connected["log"]["level"] == "INFO"
        submit = ["job", "submit", "demo", "--robot", robot.robot_id, "--follow", "--json"]
        followed = lines(done(casare(*submit, url=server.url)))
        process.send_signal(signal.SIGTERM)
        rest, errors = process.communicate(timeout=WITHIN_SECONDS)
    assert {line["type"] for line in lines(rest)} <= {"log"}
    assert errors == ""
    assert [followed[0]["type"], followed[-1]["type"]] == ["submitted", "job_ended"]
    assert followed[-1]["job"]["status"] == "completed"
    printed = [line["log"]["message"] for line in followed if line["type"] == "log"]
    assert any("Hello from the workflow" in message for message in printed)
    again = lines(done(casare("job", "logs", followed[0]["job"]["job_id"], "--follow", "--json", url=server.url)))
    assert [line["log"] for line in again if line["type"] == "log"] == [
        line["log"] for line in followed if line["type"] == "log"
    ]


@pytest.mark.slow
def test_failed_job_ends_the_lines_with_its_exit_code(server: Server, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "casare_rpa.cli.main", "job", "submit", "w", "--tag", "nobody", "-f", "--json"]
    with child_process(command, env=surroundings(server.url), stdout=subprocess.PIPE, text=True) as following:
        assert following.stdout is not None
        submitted = json.loads(following.stdout.readline())
        done(casare("job", "cancel", submitted["job"]["job_id"], url=server.url))
        last = lines(following.stdout.read())[-1]
        assert (last["type"], last["job"]["reason"]) == ("job_ended", "cancelled")
        assert following.wait(WITHIN_SECONDS) == Exit.FAILED


@pytest.mark.slow
def test_output_needs_no_utf8_terminal(server: Server) -> None:
    done(casare("robot", "add", "r-ascii", "--name", "Zoë", url=server.url))
    listed = document(casare("robot", "list", "--json", url=server.url, PYTHONIOENCODING="ascii"))
    assert "Zoë" in [robot["name"] for robot in listed["items"]]
