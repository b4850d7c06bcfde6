"""This wheel and one of a higher version take turns on one database: upgrade, downgrade, upgrade, contract."""

import itertools
import json
import os
import shutil
import subprocess
import sys
import threading
import zipfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx2
import pytest

from casare_rpa import __version__
from casare_rpa.cli.exits import Exit
from chaos.campaign import free_ports
from contract.server_process import ADMIN_SECRET, JWT_SECRET, PASSWORD, Server, serving
from postgres_server import DEBIAN, running
from storage.newer_version import NEWER, make_newer
from wheel.test_wheel import ROOT, uv

SECRETS = {"CASARE_JWT_SECRET": JWT_SECRET, "CASARE_ADMIN_PASSWORD": PASSWORD}
PAUSE_SECONDS = 0.02
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
    make_newer(package)
    return this, unpacked(source, tmp_path / "newer")


def turn(version: Path, data: Path, new_job: str) -> tuple[str, list[str]]:
    """Serve with this version and submit a job; returns the version and the workflows of all jobs."""
    with serving(data, PYTHONPATH=str(version)) as server:
        assert server.http.get("/health/ready").json() == {"status": "ok"}
        server.post("/jobs", {"workflow_id": new_job})
        jobs: Any = server.get("/jobs")["items"]
        running: str = server.get("/overview")["server_version"]
    return running, sorted(job["workflow_id"] for job in jobs)


def command(version: Path, data: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    main = "from casare_rpa.cli.main import main\nmain()"
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("CASARE_")}
    return subprocess.run(
        [sys.executable, "-c", main, *arguments, "--data-dir", str(data)],
        env={**inherited, "PYTHONPATH": str(version), "CASARE_API_SECRET": ADMIN_SECRET, **environment},
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


class Load(threading.Thread):
    """Submits jobs to all instances in turn, and cancels each second one, until `end`."""

    def __init__(self, ports: list[int]) -> None:
        super().__init__(name="load")
        self.canceled: dict[str, bool] = {}
        """The acknowledged jobs, and whether their cancel was acknowledged."""
        self.refusals: list[str] = []
        self._ports = ports
        self._over = threading.Event()

    def run(self) -> None:
        with httpx2.Client(headers={"X-API-Secret": ADMIN_SECRET}, timeout=20, trust_env=False) as http:
            for port in itertools.cycle(self._ports):
                if self._over.wait(PAUSE_SECONDS):
                    return
                self._submit(http, f"http://127.0.0.1:{port}/api/v1/jobs")

    def _submit(self, http: httpx2.Client, address: str) -> None:
        try:
            answer = http.post(address, json={"workflow_id": "load"})
            if answer.status_code != 201:
                self.refusals.append(answer.text)
                return
            job = answer.json()["job_id"]
            self.canceled[job] = False
            if len(self.canceled) % 2:
                self.canceled[job] = http.post(f"{address}/{job}/cancel", json={}).status_code < 300
        except httpx2.TransportError:
            return  # the instance is restarting

    def end(self) -> None:
        self._over.set()
        self.join()


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_instances_of_two_versions_work_side_by_side_until_the_contract(
    tmp_path: Path, versions: tuple[Path, Path]
) -> None:
    this, newer = versions
    database = {"CASARE_DATABASE_URL": running(DEBIAN).new_database("two_versions")}
    ports = free_ports(2)
    servers: list[Server | None] = [None, None]

    def start(number: int, version: Path) -> None:
        """Start an instance, or restart it in another version."""
        old = servers[number]
        if old is not None:
            old.ask_to_stop()
            assert old.wait() == 0, old.output
            assert "Traceback" not in old.output
        name, port = f"instance-{number}", str(ports[number])
        settings = {**database, "CASARE_INSTANCE_NAME": name, "CASARE_PORT": port, "PYTHONPATH": str(version)}
        servers[number] = stack.enter_context(serving(tmp_path / name, **settings))

    def shown() -> list[str]:
        """The version of each instance, as each of them shows it."""
        lists = [server.get("/instances")["items"] for server in servers if server is not None]
        (found,) = {tuple(one["version"] for one in sorted(items, key=lambda one: one["name"])) for items in lists}
        return list(found)

    with ExitStack() as stack:
        start(0, this)
        start(1, this)
        load = Load(ports)
        load.start()
        stack.callback(load.end)
        for first, second in ((newer, this), (this, newer), (newer, this)):  # upgrade, downgrade, upgrade
            names = {newer: NEWER, this: __version__}
            start(0, first)
            assert shown() == [names[first], names[second]]
            refused = command(newer, tmp_path, "db", "contract", **database)
            assert refused.returncode != Exit.OK
            assert f"older version, which needs the structures: instance-{int(first is newer)};" in refused.stderr
            start(1, first)
            assert shown() == [names[first]] * 2
        contracted = command(newer, tmp_path, "db", "contract", "--json", **database)
        assert contracted.returncode == Exit.OK, contracted.stderr
        assert json.loads(contracted.stdout) == {"contracts": ["c9001"]}
        refused = command(this, tmp_path, "serve", "--port", "0", **SECRETS, **database)
        assert refused.returncode != Exit.OK
        assert "was contracted by a newer version of this program" in refused.stderr
        load.end()
        assert load.refusals == []
        assert servers[0] is not None
        jobs = {job: servers[0].get(f"/jobs/{job}") for job in load.canceled}
        assert len(jobs) > 100
        assert [job for job, canceled in load.canceled.items() if canceled and jobs[job]["status"] != "failed"] == []
