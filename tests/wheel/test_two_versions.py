"""This wheel and one of a higher version take turns on one database: upgrade, downgrade, upgrade, contract."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from casare_rpa import __version__
from casare_rpa.cli.exits import Exit
from contract.server_process import ADMIN_SECRET, serving
from storage.newer_version import add_newer_migrations
from wheel.test_wheel import ROOT, uv

NEWER = "9.0.0"
SOURCES = ("src", "examples", "pyproject.toml", "hatch_build.py", "README.md", "LICENSE")


def unpacked(source: Path, folder: Path) -> Path:
    """The content of the wheel of a source tree: a folder to import it from."""
    uv("build", "-q", "--wheel", "-o", folder / "dist", source)
    (built,) = (folder / "dist").glob("*.whl")
    with zipfile.ZipFile(built) as archive:
        archive.extractall(folder / "content")
    return folder / "content"


@pytest.fixture
def versions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """The contents of this wheel, and of one of a higher version with a test-only expand and contract."""
    monkeypatch.setenv("CASARE_SKIP_DASHBOARD", "1")
    source = tmp_path / "source"
    source.mkdir()
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, source / name)
    package = source / "src" / "casare_rpa"
    this = unpacked(source, tmp_path / "this")
    about = package / "__init__.py"
    about.write_text(about.read_text().replace(f'__version__ = "{__version__}"', f'__version__ = "{NEWER}"'))
    add_newer_migrations(package / "infrastructure" / "orchestrator" / "storage" / "migrations")
    return this, unpacked(source, tmp_path / "newer")


def turn(version: Path, data: Path, new_job: str) -> tuple[str, list[str]]:
    """Serve with this version and submit a job; returns the version and the workflows of all jobs."""
    with serving(data, PYTHONPATH=str(version)) as server:
        assert server.http.get("/health/ready").json() == {"status": "ok"}
        server.post("/jobs", {"workflow_id": new_job})
        jobs: Any = server.get("/jobs")["items"]
        running: str = server.get("/overview")["server_version"]
    return running, sorted(job["workflow_id"] for job in jobs)


def command(version: Path, data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    main = "from casare_rpa.cli.main import main\nmain()"
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("CASARE_")}
    return subprocess.run(
        [sys.executable, "-c", main, *arguments, "--data-dir", str(data)],
        env={**inherited, "PYTHONPATH": str(version), "CASARE_API_SECRET": ADMIN_SECRET},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.long
@pytest.mark.slow
def test_upgrade_can_be_taken_back_until_the_contract(tmp_path: Path, versions: tuple[Path, Path]) -> None:
    this, newer = versions
    data = tmp_path / "data"
    assert turn(this, data, "first") == (__version__, ["first"])
    assert turn(newer, data, "second") == (NEWER, ["first", "second"])
    assert turn(this, data, "third") == (__version__, ["first", "second", "third"])
    with serving(data, PYTHONPATH=str(newer)):
        refused = command(newer, data, "db", "contract")
    assert refused.returncode != Exit.OK
    assert "in use by another orchestrator" in refused.stderr
    contracted = command(newer, data, "db", "contract", "--json")
    assert contracted.returncode == Exit.OK, contracted.stderr
    assert json.loads(contracted.stdout) == {"contracts": ["c9001"]}
    again = command(newer, data, "db", "contract")
    assert again.stdout.startswith("nothing to remove"), again.stdout + again.stderr
    refused = command(this, data, "serve", "--port", "0")
    assert refused.returncode != Exit.OK
    assert "was contracted by a newer version of this program" in refused.stderr
    assert turn(newer, data, "fourth") == (NEWER, ["first", "fourth", "second", "third"])
