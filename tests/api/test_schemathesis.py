"""Requests made up from /openapi.json, good and bad: none makes the server fail or answer what is not written there.

The same seed asks the same questions at every run; a failure is printed with the request that shows it.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from contract.server_process import ADMIN_SECRET, Server, serving

SEED = "20260302"
EXAMPLES = "12"

# Every check of the library is on. What is switched off, and why:
CONFIGURATION = """
# A cursor is good only when that very list gave it; no schema can say so, so made-up ones are rightly refused.
[[operations]]
include-path = ["/api/v1/jobs", "/api/v1/jobs/{job_id}/logs", "/api/v1/logs"]
include-method = "GET"
checks.positive_data_acceptance.enabled = false
"""
# /metrics asks the machine itself for no credential; a request that came over a proxy is from elsewhere.
ELSEWHERE = "Via: 1.1 elsewhere"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("made-up")) as running:
        yield running


def ask(server: Server, folder: Path, *arguments: str, configuration: str = CONFIGURATION) -> None:
    """Asks all that the library can make up; fails with its report."""
    (folder / "schemathesis.toml").write_text(configuration, encoding="utf-8")
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "run", f"{server.url}/openapi.json"),
        *("--checks", "all", "--seed", SEED, "--max-examples", EXAMPLES, "--header", ELSEWHERE, "--no-color"),
    ]
    done = subprocess.run([*command, *arguments], cwd=folder, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "No failures" in done.stdout or "generated" in done.stdout


def test_an_admin_gets_only_documented_answers(server: Server, tmp_path: Path) -> None:
    ask(server, tmp_path, "--header", f"X-API-Secret: {ADMIN_SECRET}")


def test_a_robot_gets_only_documented_answers(server: Server, tmp_path: Path) -> None:
    account = server.robot()
    job = server.job(account)
    own = f'''
[parameters]
"path.robot_id" = "{account.robot_id}"
"path.job_id" = "{job["job_id"]}"
'''
    ask(server, tmp_path, "--header", f"X-API-Key: {account.api_key}", configuration=own + CONFIGURATION)


def test_a_stranger_gets_only_documented_answers(server: Server, tmp_path: Path) -> None:
    ask(server, tmp_path, "--phases", "coverage", "--exclude-checks", "positive_data_acceptance")
