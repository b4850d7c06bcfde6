"""The `casare` command in real processes with a real server, and its documented exit codes."""

import csv
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from casare_rpa import __version__
from casare_rpa.cli.exits import Exit
from casare_rpa.cli.local import ADDRESS_FILE, DEFAULT_URL, orchestrator_url
from child_process import child_process
from cli.fake_orchestrator import answering
from cli.running import casare, document, done
from contract.server_process import ADMIN_SECRET, Server, serving


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("cli")) as running:
        yield running


def test_help_and_version() -> None:
    assert "The control plane of a fleet of software robots" in done(casare("--help"))
    assert done(casare("--version")) == f"casare {__version__}\n"


HEAVY = {
    *("alembic", "fastapi", "httpx2", "jwt", "prometheus_client", "pydantic_settings", "rich.markdown", "robot"),
    *("sqlalchemy", "starlette", "uvicorn", "uvloop", "websockets"),
}


def imported(*command: str) -> set[str]:
    """The modules that a Python process loads."""
    told = subprocess.run(
        [sys.executable, "-X", "importtime", *command], capture_output=True, text=True, check=True, timeout=60
    ).stderr
    return {line.rpartition("|")[2].strip() for line in told.splitlines() if line.startswith("import time:")}


@pytest.mark.parametrize("arguments", [["--help"], ["job", "submit", "--help"], ["--version"]])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    loaded = imported("-m", "casare_rpa.cli.main", *arguments)
    assert "casare_rpa.cli.job" in loaded
    assert loaded & HEAVY == set()


def test_heavy_import_is_detected() -> None:
    assert imported("-c", "import casare_rpa.infrastructure.orchestrator.settings") & HEAVY


@pytest.mark.slow
def test_status_lists_the_instances(server: Server) -> None:
    (one,) = document(casare("status", "--json", url=server.url))["items"]
    assert (one["state"], one["answered"], one["bus"]["kind"]) == ("running", True, "alone")
    assert one["address"] == server.url
    shown = done(casare("status", url=server.url))
    assert re.search(rf"{re.escape(one['name'])} +running +0 +0 +0 ms +alone +sqlite", shown)
    assert "One instance, which has its database for itself." in shown


@pytest.mark.slow
def test_status_fails_while_an_instance_is_silent() -> None:
    silent = {"instance_id": "9f2c", "state": "silent", "last_seen_at": "2025-12-22T14:30:00.000Z"}
    unknown = ("name", "address", "version", "schema_revision", "robots", "viewers", "feed_lag_ms", "bus", "store")
    answer = {"items": [{**silent, **dict.fromkeys(unknown)}]}
    with answering(lambda _: (200, answer)) as fake:
        ended = casare("status", url=fake.url)
    assert ended.returncode == Exit.FAILED
    assert re.search(r"9f2c +silent", ended.stdout)


@pytest.mark.slow
def test_robots_and_keys(server: Server) -> None:
    assert "casare key create desk-1" in done(casare("robot", "add", "desk-1", "--tag", "sap", url=server.url))
    assert casare("robot", "add", "desk-1", url=server.url).returncode == Exit.FAILED
    listed = done(casare("robot", "list", url=server.url))
    assert re.search(r"desk-1 +offline +sap", listed)
    key = done(casare("key", "create", "desk-1", url=server.url)).strip()
    assert key.startswith("crpa_")
    shown = done(casare("key", "list", "desk-1", url=server.url))
    key_id = key[5:15]
    assert f"{key_id}" in shown
    assert "valid" in shown
    assert key not in shown
    assert f"{key_id} revoked" in done(casare("key", "revoke", "desk-1", key_id, url=server.url))
    refused = casare("key", "revoke", "desk-1", key_id, url=server.url)
    assert (refused.returncode, "has no valid key" in refused.stderr) == (Exit.FAILED, True)


@pytest.mark.slow
def test_jobs_from_submit_to_cancel(server: Server) -> None:
    arguments = ["-p", "count:=3", "-p", "name=Ada", "--priority", "9", "--tag", "nobody", "--idempotency-key", "k1"]
    job_id = done(casare("job", "submit", "invoices", *arguments, url=server.url)).strip()
    assert done(casare("job", "submit", "invoices", *arguments, url=server.url)).strip() == job_id
    assert server.get(f"/jobs/{job_id}")["parameters"] == {"count": 3, "name": "Ada"}
    assert job_id in done(casare("job", "list", "--status", "pending", url=server.url))
    shown = done(casare("job", "show", job_id, url=server.url))
    assert "submitted" in shown
    assert '"name": "Ada"' in shown
    assert "pending" in done(casare("job", "logs", job_id, url=server.url))
    assert "cancelled" in done(casare("job", "cancel", job_id, "--reason", "no more", url=server.url))
    again = casare("job", "cancel", job_id, url=server.url)
    assert (again.returncode, "has ended already" in again.stderr) == (Exit.FAILED, True)


@pytest.mark.slow
def test_follow_ends_with_the_job_and_its_exit_code(server: Server) -> None:
    job_id = done(casare("job", "submit", "w", "--tag", "nobody", url=server.url)).strip()
    inherited = {**os.environ, "CASARE_URL": server.url, "CASARE_API_SECRET": ADMIN_SECRET}
    command = [sys.executable, "-m", "casare_rpa.cli.main", "job", "logs", job_id, "--follow"]
    with child_process(command, env=inherited, stdout=subprocess.PIPE, text=True) as following:
        assert following.stdout is not None
        assert f"{server.url}/jobs/{job_id}" in following.stdout.readline()
        assert "pending" in following.stdout.readline()
        done(casare("job", "cancel", job_id, url=server.url))
        assert "failed" in following.stdout.read()
        assert following.wait() == Exit.OK


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["job", "show", "job-none"], Exit.FAILED, "there is no job 'job-none'"),
        (["job", "submit", "w", "-p", "oops"], Exit.USAGE, "neither NAME=TEXT nor NAME:=JSON"),
        (["job", "submit", "w", "--parameters", "[1]"], Exit.USAGE, "expected a JSON object"),
        (["job", "submit", "w", "--priority", "11"], Exit.USAGE, "--priority"),
        (["job", "sing"], Exit.USAGE, "No such command"),
        (["robot", "run", "--robot-id", "r", "--workflows", "."], Exit.USAGE, "CASARE_API_KEY"),
        (["key", "create", "nobody"], Exit.FAILED, "there is no robot 'nobody'"),
    ],
)
def test_errors_say_what_to_do(server: Server, arguments: list[str], code: Exit, words: str) -> None:
    result = casare(*arguments, url=server.url)
    assert result.returncode == code
    assert words in result.stdout + result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.slow
def test_robot_with_an_unknown_log_level_is_refused() -> None:
    arguments = ["robot", "run", "--robot-id", "r", "--workflows", ".", "--log-level", "LOUD"]
    refused = casare(*arguments, CASARE_API_KEY="crpa_x")
    assert (refused.returncode, "'debug', 'info', 'warning', 'error'" in refused.stderr) == (Exit.USAGE, True)
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize("left", ["", "{", "{}"])
def test_half_written_address_file_is_ignored(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, left: str) -> None:
    monkeypatch.setenv("CASARE_DATA_DIR", str(tmp_path))
    monkeypatch.delenv("CASARE_URL", raising=False)
    (tmp_path / ADDRESS_FILE).write_text(left)
    assert orchestrator_url(None) == DEFAULT_URL
    (tmp_path / ADDRESS_FILE).write_text('{"url": "http://127.0.0.1:9"}')
    assert orchestrator_url(None) == "http://127.0.0.1:9"


@pytest.mark.slow
def test_no_orchestrator_and_wrong_secret_have_their_own_codes(server: Server) -> None:
    nobody = casare("job", "list", url="http://127.0.0.1:1")
    assert nobody.returncode == Exit.UNREACHABLE
    assert "casare up" in nobody.stderr
    wrong = casare("job", "list", url=server.url, CASARE_API_SECRET="x" * 40)
    assert wrong.returncode == Exit.NOT_ALLOWED
    assert "x" * 40 not in wrong.stderr


def test_missing_secret_is_an_error_with_its_path(tmp_path: Path) -> None:
    result = casare("job", "list", CASARE_DATA_DIR=str(tmp_path))
    assert result.returncode == Exit.NOT_ALLOWED
    assert str(tmp_path / "api_secret") in result.stderr


def test_all_invalid_settings_are_reported_at_once(tmp_path: Path) -> None:
    result = casare(
        "serve",
        "--data-dir",
        str(tmp_path),
        CASARE_RATE_LIMIT_ROBOT="fast",
        CASARE_LOG_LEVEL="LOUD",
        CASARE_API_SECRET="short",
    )
    assert result.returncode == Exit.USAGE
    for name in ("CASARE_RATE_LIMIT_ROBOT", "CASARE_LOG_LEVEL", "CASARE_API_SECRET"):
        assert name in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.slow
def test_serve_on_a_port_or_data_in_use_is_an_error(server: Server, tmp_path: Path) -> None:
    port = server.url.rpartition(":")[2]
    taken = casare("serve", "--port", port, "--data-dir", str(tmp_path))
    assert taken.returncode == Exit.UNREACHABLE
    assert "--port" in taken.stderr


@pytest.mark.slow
def test_data_of_a_running_server_is_not_opened_twice(tmp_path: Path) -> None:
    with serving(tmp_path):
        second = casare("serve", "--port", "0", "--data-dir", str(tmp_path))
    assert second.returncode == Exit.FAILED
    assert "in use by another orchestrator" in second.stderr
    assert "Traceback" not in second.stderr


INVOICE = {
    "invoice_number": "1",
    "supplier": "Acme",
    "date": "2026-01-31",
    "currency": "EUR",
    "lines": [{"description": "x", "quantity": 2, "unit_price": 50, "vat_percent": 0}],
    "total": 100,
}


@pytest.mark.slow
def test_up_once_works_on_a_folder_and_keeps_its_data(tmp_path: Path) -> None:
    folder = tmp_path / "invoices"
    folder.mkdir()
    data = str(tmp_path / "data")
    empty = casare("up", "--once", "--invoices", str(folder), "--data-dir", data, CASARE_PORT="0")
    assert empty.returncode == Exit.FAILED
    assert "contains no invoice files" in empty.stdout
    (folder / "one.json").write_text(json.dumps(INVOICE))
    (folder / "two.json").write_text("{")
    with serving(tmp_path / "other") as other:
        taken = other.url.rpartition(":")[2]
        output = done(casare("up", "--once", "--invoices", str(folder), "--data-dir", data, CASARE_PORT=taken))
        assert f"(port {taken} was in use)" in output
    assert "Acme" in output
    assert "100.00 EUR" in output
    assert "two.json" in output
    report = Path(next(line for line in output.splitlines() if line.startswith("report: ")).removeprefix("report: "))
    assert "| Acme | 100.00 | EUR |" in report.read_text()
    secret = tmp_path / "data" / "api_secret"
    assert str(secret) in output
    assert secret.stat().st_mode & 0o777 == 0o600
    assert secret.read_text() not in output
    with serving(tmp_path / "data", CASARE_API_SECRET=secret.read_text().strip()) as again:
        again.http.headers["X-API-Secret"] = secret.read_text().strip()
        assert sorted(job["status"] for job in again.get("/jobs")["items"]) == ["completed", "failed"]


@pytest.mark.slow
def test_queue_is_added_paused_with_a_reason_and_resumed(server: Server) -> None:
    assert "payroll added" in done(casare("queue", "add", "payroll", url=server.url))
    assert "month end" in done(casare("queue", "pause", "payroll", "--reason", "month end", url=server.url))
    listed = done(casare("queue", "list", url=server.url))
    assert re.search(r"payroll +0 +by admin at .*: month end", listed)
    assert "month end" not in done(casare("queue", "resume", "payroll", url=server.url))
    refused = casare("queue", "pause", "nope", url=server.url)
    assert refused.returncode == Exit.FAILED
    assert "there is no queue 'nope'" in refused.stderr


@pytest.mark.slow
def test_robot_is_drained_resumed_and_restarted(server: Server) -> None:
    account = server.robot()
    assert "no new jobs" in done(casare("robot", "drain", account.robot_id, "--reason", "patch", url=server.url))
    assert server.get(f"/robots/{account.robot_id}")["draining"]["reason"] == "patch"
    assert "by admin" in done(casare("robot", "list", url=server.url))
    done(casare("robot", "resume", account.robot_id, url=server.url))
    assert server.get(f"/robots/{account.robot_id}")["draining"] is None
    assert "restart" in done(casare("robot", "restart", account.robot_id, url=server.url))


@pytest.mark.slow
def test_robots_are_ordered_edited_and_deleted_by_ids_and_filters(server: Server) -> None:
    first, second = server.robot(tags=["line-9"]), server.robot(tags=["line-9"])
    ids = sorted([first.robot_id, second.robot_id])
    by_tag = ("--tag", "line-9")
    asked = casare("robot", "drain", *by_tag, url=server.url)
    assert (asked.returncode, "repeat the command with --yes" in asked.stderr) == (Exit.USAGE, True)
    assert "Drain 2 robots" in asked.stderr
    drained = document(casare("robot", "drain", *by_tag, "--yes", "--json", url=server.url))
    assert drained == {"matched": 2, "robot_ids": ids, "unchanged": 0, "refused": []}
    assert "2 were drained already" in done(casare("robot", "drain", *ids, url=server.url))
    assert [r["robot_id"] for r in document(casare("robot", "list", *by_tag, "--json", url=server.url))["items"]] == ids
    partly = casare("robot", "resume", ids[0], "nobody", url=server.url)
    assert (partly.returncode, "there is no robot 'nobody'" in partly.stdout) == (Exit.FAILED, True)
    assert server.get(f"/robots/{ids[0]}")["draining"] is None

    done(casare("robot", "edit", ids[0], "--name", "Desk Ž", "--slots", "4", "--add-tag", "pdf", url=server.url))
    edited = server.get(f"/robots/{ids[0]}")
    assert (edited["name"], edited["max_concurrent_jobs"], edited["tags"]) == ("Desk Ž", 4, ["line-9", "pdf"])
    many = ("--with-tag", "line-9", "--yes")
    done(casare("robot", "edit", *many, "--slots", "0", "--remove-tag", "pdf", url=server.url))
    edited = server.get(f"/robots/{ids[0]}")
    assert (edited["max_concurrent_jobs"], edited["tags"]) == (None, ["line-9"])
    assert casare("robot", "edit", *many, "--name", "Both", url=server.url).returncode == Exit.USAGE

    deleted = casare("robot", "delete", *ids, "nobody", url=server.url)
    assert (deleted.returncode, "2 robots" in deleted.stdout) == (Exit.FAILED, True)
    assert "No robot matches." in done(casare("robot", "delete", *by_tag, "--yes", url=server.url))


@pytest.mark.slow
@pytest.mark.parametrize("command", ["drain", "resume", "restart", "delete"])
@pytest.mark.parametrize("arguments", [[], ["desk-1", "--all"], ["desk-1", "--tag", "sap"]])
def test_order_names_robots_in_one_way(command: str, arguments: list[str]) -> None:
    refused = casare("robot", command, *arguments, url="http://127.0.0.1:1")
    assert (refused.returncode, "--all" in refused.stderr) == (Exit.USAGE, True)


@pytest.mark.slow
def test_watch_shows_each_change_as_it_happens(server: Server) -> None:
    account = server.robot()
    job_id = server.job(account)["job_id"]
    environment = {**os.environ, "CASARE_API_SECRET": ADMIN_SECRET, "CASARE_URL": server.url}
    command = [sys.executable, "-u", "-m", "casare_rpa.cli.main", "job", "watch", "--json"]
    with child_process(command, env=environment, stdout=subprocess.PIPE, text=True) as watching:
        assert watching.stdout is not None
        updates = (json.loads(line)["job"] for line in watching.stdout)
        assert next(update for update in updates if update["job_id"] == job_id)["status"] == "pending"
        server.post(f"/jobs/{job_id}/cancel", None, 200)
        ended = next(u for u in updates if u["job_id"] == job_id and u["status"] != "pending")
        assert ended["reason"] == "cancelled"
        watching.kill()


@pytest.mark.slow
def test_list_as_csv_has_every_matching_job(server: Server) -> None:
    server.post("/jobs/batch", {"jobs": [{"workflow_id": "as csv, ü"}] * 3})
    text = done(casare("job", "list", "--csv", "--workflow", "as csv, ü", url=server.url))
    assert [row["workflow_id"] for row in csv.DictReader(text.splitlines())] == ["as csv, ü"] * 3
    refused = casare("job", "list", "--csv", "--robot", "no id!", url=server.url)
    assert refused.returncode != Exit.OK
    assert "robot_id" in refused.stderr
