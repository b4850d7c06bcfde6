"""Valid and invalid requests generated from /openapi.json: every answer is a documented one.

The seed is fixed, so every run sends the same requests. A failure is printed with its request.
"""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from contract.server_process import ADMIN_SECRET, Account, Server, serving
from contract.stranger import now, stranger

SEED = "20260302"
EXAMPLES = pytest.mark.parametrize(
    "examples", [1, pytest.param(60, marks=[pytest.mark.long, pytest.mark.timeout(1_200)])]
)
"""The number of random requests per operation and phase, in addition to those for each documented limit."""

CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "positive_data_acceptance",
    "missing_required_header",
    "unsupported_method",
    "allow_header_conformance",
    "use_after_free",
    "ensure_resource_availability",
    "ignored_auth",
    "object_level_authorization",
]
# An invalid body can also be too large. Made-up ones are, now and then.
REFUSALS = """
negative_data_rejection.expected-statuses = [
  "400", "401", "403", "404", "405", "406", "409", "413", "415", "422", "428", "429", "5xx",
]
"""
# A cursor is valid only for the list that returned it, which a schema cannot express. Generated ones are refused.
CURSORS = """
[[operations]]
include-path = [
  "/api/v1/jobs", "/api/v1/jobs/{job_id}/logs", "/api/v1/jobs/{job_id}/events", "/api/v1/logs", "/api/v1/events",
]
include-method = "GET"
checks.positive_data_acceptance.enabled = false
"""
# The end of a mute must be in the future, which a schema cannot express.
FUTURE = """
[[operations]]
include-path = "/api/v1/failures/{fingerprint}/mute"
checks.positive_data_acceptance.enabled = false
"""
# An optional body may be null as well. The document does not say so, because generated clients would send null.
OPTIONAL_BODIES = """
[[operations]]
include-path = [
  "/api/v1/jobs/{job_id}/cancel",
  "/api/v1/robots/{robot_id}/drain", "/api/v1/robots/{robot_id}/resume", "/api/v1/robots/{robot_id}/restart",
  "/api/v1/queues/{queue}/pause", "/api/v1/queues/{queue}/resume",
  "/api/v1/failures/{fingerprint}/mute", "/api/v1/failures/{fingerprint}/unmute",
]
checks.negative_data_rejection.enabled = false
"""
# /metrics needs no credential on this machine. A request through a proxy counts as one from another machine.
ELSEWHERE = "Via: 1.1 elsewhere"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server for each test: many wrong credentials from one address slow the answers to the next ones down."""
    with serving(tmp_path / "server") as running:
        yield running


def ask(server: Server, folder: Path, configuration: str, examples: int, *without: str, header: str = ELSEWHERE) -> str:
    """Send all requests that the library generates; fails with its report, and returns it."""
    checks = "".join(f"{name}.enabled = {str(name not in without).lower()}\n" for name in CHECKS)
    (folder / "schemathesis.toml").write_text(
        f"{configuration}\n[checks]\n{checks}{REFUSALS}{CURSORS}{FUTURE}{OPTIONAL_BODIES}", encoding="utf-8"
    )
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "run", f"{server.url}/openapi.json"),
        *("--seed", SEED, "--max-examples", str(examples), "--header", header, "--no-color"),
    ]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=110 if examples <= 6 else 1_100, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
@EXAMPLES
def test_an_admin_gets_only_documented_answers(server: Server, tmp_path: Path, examples: int) -> None:
    ask(server, tmp_path, f'[auth.openapi.AdminSecret]\napi_key = "{ADMIN_SECRET}"', examples)


@pytest.mark.slow
@pytest.mark.long
@EXAMPLES
def test_a_robot_gets_only_documented_answers(server: Server, tmp_path: Path, examples: int) -> None:
    account = server.robot(server.tenant())  # so that no generated job is offered before
    for queue in ("*", "default"):  # a generated command may have paused the queue
        server.http.post(f"/api/v1/queues/{queue}/resume")
    job = server.job(account)
    asyncio.run(fail(server, account, job["job_id"]))
    report = ask(
        server,
        tmp_path,
        f'''
[parameters]
"path.robot_id" = "{account.robot_id}"
"path.job_id" = "{job["job_id"]}"
[generation]
with-security-parameters = false  # made-up admin secrets are answered slowly
''',
        examples,
        "ignored_auth",  # it does not know that the header is a credential; the other test has it
        header=f"X-API-Key: {account.api_key}",
    )
    refused = report.partition("403 Forbidden")[2].partition("SUMMARY")[0]
    assert "- POST /api/v1/jobs\n" in refused
    for path in ("/robots/{robot_id}", "/jobs/{job_id}", "/jobs/{job_id}/logs", "/jobs/{job_id}/events"):
        assert f"- GET /api/v1{path}\n" not in refused, "readable objects were read"


async def fail(server: Server, account: Account, job_id: str) -> None:
    """Run the job on the robot until it fails. From then on, the robot may read the job."""
    address = server.ws(f"/ws/robot/{account.robot_id}", api_key=account.api_key)
    async with stranger(address) as robot:
        await robot.next("job_assign", lambda fields: fields["job_id"] == job_id)
        await robot.report(job_id, "running")
        await robot.log(account.robot_id, "ERROR", "no file", job_id=job_id)
        end = {"job_id": job_id, "status": "failed", "error": {"type": "business", "message": "no file"}}
        await robot.send("job_status", {**end, "timestamp": now()}, id=1)
        await robot.answer(1)
