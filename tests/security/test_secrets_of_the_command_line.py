"""The command line sends a secret only to this machine, encrypted, or where a setting allows clear text."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from casare_rpa.cli.exits import Exit, report_errors
from casare_rpa.cli.main import app
from cli.fake_orchestrator import Fake, Request, answering

COMMANDS = ("job list", "job watch", "logs", "robot list", "key list x", "queue list")
SECRET = "secret-of-the-command-line"
FOREIGN = ("http://orchestrator.example:8000", "https://orchestrator.example", "ws://10.1.2.3:8000")
Run = Callable[..., tuple[int, str]]


def answer(_request: Request) -> tuple[int, Any]:
    return 200, {"items": [], "next_cursor": None}


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs a command in an empty working directory with the admin secret and the key of a robot in the environment."""
    monkeypatch.chdir(tmp_path)
    for name in ("CASARE_URL", "CASARE_DATA_DIR", "CASARE_ALLOW_CLEARTEXT", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CASARE_API_SECRET", SECRET)
    monkeypatch.setenv("CASARE_API_KEY", "crpa_key")

    def command(line: str, **environment: str) -> tuple[int, str]:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        code = report_errors(app, line.split())
        return code, capsys.readouterr().err

    return command


def found_in_working_directory(url: str) -> None:
    folder = Path(".casare")
    folder.mkdir()
    (folder / "server.json").write_text(json.dumps({"url": url, "pid": 1}))


@pytest.mark.parametrize("url", FOREIGN)
@pytest.mark.parametrize("command", [*COMMANDS, "robot run --robot-id r --workflows ."])
def test_file_in_the_working_directory_can_name_only_this_machine(run: Run, command: str, url: str) -> None:
    found_in_working_directory(url)
    code, error = run(command, CASARE_ALLOW_CLEARTEXT="yes")
    assert code == Exit.USAGE
    assert "working directory may only name this machine" in error
    assert "--url" in error


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_file_in_the_working_directory_is_used_for_this_machine(run: Run, host: str) -> None:
    with answering(answer) as fake:
        found_in_working_directory(fake.url.replace("127.0.0.1", host))
        assert run("job list")[0] == Exit.OK
    assert sent(fake) == [SECRET]


def sent(fake: Fake) -> list[str]:
    return [request.headers["x-api-secret"] for request in fake.asked]


@pytest.mark.parametrize("command", [*COMMANDS, "robot run --robot-id r --workflows ."])
@pytest.mark.parametrize("url", ["http://orchestrator.invalid:8000", "ws://192.0.2.1:8000"])
def test_no_secret_is_sent_over_a_network_in_clear_text(run: Run, command: str, url: str) -> None:
    for line, environment in ((f"{command} --url {url}", {}), (command, {"CASARE_URL": url})):
        code, error = run(line, CASARE_API_KEY="crpa_key", **environment)
        assert code == Exit.USAGE
        assert "in clear text" in error
        assert "CASARE_ALLOW_CLEARTEXT=yes" in error
        assert SECRET not in error


def test_clear_text_is_sent_where_it_is_allowed(run: Run) -> None:
    code, error = run("job list --url http://orchestrator.invalid:8000", CASARE_ALLOW_CLEARTEXT="yes")
    assert code == Exit.UNREACHABLE, error


def test_doctor_reports_clear_text_and_sends_no_secret(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    report_errors(app, ["doctor", "--url", "http://orchestrator.invalid:8000"])
    assert "would cross the network in clear text" in capsys.readouterr().out
