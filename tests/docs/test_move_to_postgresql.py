"""docs/how-to/move-to-postgresql.md: its commands are run as written, on a database with jobs."""

import os
import re
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from casare_rpa.infrastructure.orchestrator.storage.cold import copied_rows
from casare_rpa.infrastructure.orchestrator.storage.sqlite.copy_end import FileCopyEnd
from cli.running import surroundings
from contract.server_process import serving
from postgres_server import DEBIAN, running

PAGE = (Path(__file__).parents[2] / "docs" / "how-to" / "move-to-postgresql.md").read_text(encoding="utf-8")
DATA_DIR, HOST = "/var/lib/casare", "db.example.org"
WITHIN_SECONDS = 120


def blocks() -> list[str]:
    """The command blocks of the page."""
    return [re.sub(r"^ +", "", block, flags=re.MULTILINE) for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)]


def run(block: str, data_dir: Path, **environment: str) -> str:
    """The output of a block in a shell, with the data directory and the server of the test."""
    script = block.replace(DATA_DIR, str(data_dir)).replace(HOST, "127.0.0.1")
    program = f'casare() {{ "{sys.executable}" -m casare_rpa.cli.main "$@"; }}\nset -eu\n{script}'
    server = running(DEBIAN)
    found = {**surroundings(), "PGPORT": str(server.port), "PATH": f"{server.bin}{os.pathsep}{os.environ['PATH']}"}
    result = subprocess.run(
        ["bash", "-c", program],
        env={**found, **environment},
        capture_output=True,
        text=True,
        timeout=WITHIN_SECONDS,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def rows_of(path: Path) -> dict[str, copied_rows.Digest]:
    with closing(FileCopyEnd(path)) as end:
        return {table.name: copied_rows.digest(end.connection, table) for table in copied_rows.copied_tables()}


@pytest.mark.slow
def test_commands_of_the_page_copy_the_database_and_back(tmp_path: Path) -> None:
    create, copy, start, back = blocks()
    with serving(tmp_path) as server:
        account = server.robot()
        for number in range(3):
            server.job(account, workflow_id=f"invoices-{number}")
    wanted = rows_of(tmp_path / "casare.db")
    assert wanted["jobs"].rows == 3
    for name in ("api_secret", "jwt_secret", "admin_password"):
        (tmp_path / name).write_text(f"of the data directory: {name}")
    try:
        run(create, tmp_path)
        copied = run(copy, tmp_path)
        assert "jobs: 3 of 3 rows" in copied
        assert "copied and compared: " in copied
        shown = run(start.replace("casare serve", "env"), tmp_path)
        assert "CASARE_JWT_SECRET=of the data directory: jwt_secret\n" in shown
        run(back, tmp_path)
        assert rows_of(tmp_path / "again.db") == wanted
    finally:
        running(DEBIAN).run_sql("DROP DATABASE IF EXISTS casare WITH (FORCE)")
