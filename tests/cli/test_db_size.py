"""`casare db size` on a stopped and on a running orchestrator."""

import json
import re
from pathlib import Path

import pytest

from casare_rpa.cli.exits import Exit
from cli.running import casare, document, done
from contract.server_process import serving
from new_database import new_database


@pytest.mark.slow
def test_size_of_a_stopped_orchestrator(tmp_path: Path) -> None:
    new_database(tmp_path)
    before = sorted(path.name for path in tmp_path.iterdir())
    shown = done(casare("db", "size", "--data-dir", str(tmp_path)))
    assert re.search(r"^tenants +1 +[\d.]+ KiB$", shown, re.MULTILINE)
    assert re.search(r"^Total [\d.]+ [KM]iB", shown, re.MULTILINE)
    assert re.search(r"^log lines +0 +0 +14 days \(0 older\), 10,000,000 rows \(0 more\)$", shown, re.MULTILINE)
    assert "Log lines take 0 B of at most 20.0 GiB." in shown
    assert sorted(path.name for path in tmp_path.iterdir()) == before, "no secret is generated"


@pytest.mark.slow
def test_size_of_a_running_orchestrator_as_json(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        done(casare("job", "submit", "invoices", url=server.url))
        found = document(casare("db", "size", "--data-dir", str(tmp_path), "--json"))
    rows = {one["name"]: one["rows"] for one in found["tables"]}
    assert rows["jobs"] == 1
    assert {one["kind"] for one in found["retention"]} == {"jobs", "log lines", "audit entries"}
    assert all(one["freed"] == 0 for one in found["retention"])
    assert found["total_bytes"] >= sum(one["bytes"] for one in found["tables"])


@pytest.mark.slow
def test_missing_database_is_named(tmp_path: Path) -> None:
    refused = casare("db", "size", "--data-dir", str(tmp_path), "--json")
    assert refused.returncode != Exit.OK
    assert f"there is no database {tmp_path / 'casare.db'}" in json.loads(refused.stderr)["error"]["message"]
