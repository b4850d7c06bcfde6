"""The wheel: its contents, and its commands in an empty environment."""

import json
import os
import re
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from casare_rpa import __version__
from casare_rpa.cli.exits import Exit
from child_process import child_process
from contract.server_process import Account, Server, serving
from workflow_folders import workflow

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
UV = ROOT / ".tools" / "uv" / "bin" / "uv"
WITHIN_SECONDS = 100
OF_THE_SERVER = {"alembic", "fastapi", "prometheus-client", "pydantic-settings", "sqlalchemy", "starlette", "uvicorn"}
SUITE = """*** Settings ***
Library    casare_rpa.robot.keywords

*** Tasks ***
Answer
    Set Job Result    from the wheel
"""


def run(*command: str | Path, **more: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        timeout=WITHIN_SECONDS,
        check=False,
        **more,  # type: ignore[call-overload]
    )


def uv(*arguments: str | Path) -> str:
    """The tool of the Makefile, with the cache that `make setup` filled."""
    settings = {"UV_CACHE_DIR": str(ROOT / ".tools" / "cache"), "UV_PYTHON_DOWNLOADS": "never"}
    result = run(UV, *arguments, env={**os.environ, **settings})
    assert result.returncode == 0, result.stderr
    return result.stdout


@dataclass(frozen=True)
class Home:
    """A new environment with an empty home directory and without access to the source tree."""

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "venv" / "bin" / "python"

    @property
    def casare(self) -> Path:
        return self.python.with_name("casare")

    @property
    def surroundings(self) -> dict[str, str]:
        return {"HOME": str(self.folder / "home"), "PATH": os.defpath, "LANG": "C.UTF-8"}

    def install(self, what: str) -> None:
        uv("pip", "install", "-q", "--python", self.python, what)

    def packages(self) -> set[str]:
        listed = json.loads(uv("pip", "list", "-q", "--format", "json", "--python", self.python))
        return {package["name"] for package in listed}

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return run(self.casare, *arguments, cwd=self.folder / "home", env={**self.surroundings, **environment})


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    uv("build", "-q", "--wheel", "-o", folder, ROOT)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture
def bare(wheel: Path, tmp_path: Path) -> Home:
    """An environment with the wheel and its dependencies, without extras."""
    home = Home(tmp_path)
    (tmp_path / "home").mkdir()
    uv("venv", "-q", "--python", sys.executable, tmp_path / "venv")
    home.install(str(wheel))
    return home


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("server")) as running:
        yield running


def files(folder: Path, inside: str) -> set[str]:
    """The files of a source folder with their names in the wheel."""
    found = (path for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc")
    return {f"{inside}/{path.relative_to(folder).as_posix()}" for path in found}


def test_wheel_contains_only_the_package_and_the_examples(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if not name.endswith("/")}
        said = archive.read(f"casare_rpa-{__version__}.dist-info/METADATA").decode()
    about = {name for name in names if ".dist-info/" in name}
    assert names - about == files(ROOT / "src" / "casare_rpa", "casare_rpa") | files(
        ROOT / "examples", "casare_rpa/examples"
    )
    migrations = "infrastructure/orchestrator/storage/migrations"
    for needed in (
        "py.typed",
        f"{migrations}/env.py",
        f"{migrations}/script.py.mako",
        "examples/invoices/suite.robot",
        "_dashboard/index.html",
    ):
        assert f"casare_rpa/{needed}" in names
    assert any(f"{migrations}/versions/0001" in name for name in names)
    assert {name.rpartition("/")[2] for name in about} == {"METADATA", "WHEEL", "RECORD", "LICENSE", "entry_points.txt"}
    headers = said.partition("\n\n")[0]
    assert not re.search(r"file:|Requires-Dist:.*://", headers)
    assert str(ROOT) not in said


def test_bare_install_is_small_and_runs(bare: Home) -> None:
    installed = bare.packages()
    assert {"casare-rpa", "websockets"} <= installed
    assert installed & (OF_THE_SERVER | {"robotframework", "pytest"}) == set()
    assert bare.run("--version").stdout == f"casare {__version__}\n"
    assert "The control plane" in bare.run("--help").stdout
    where = run(bare.python, "-c", "import casare_rpa; print(casare_rpa.__file__)", env=bare.surroundings)
    assert Path(where.stdout.strip()).is_relative_to(bare.folder)
    diagnosis = bare.run("doctor", "--json", "--url", "http://127.0.0.1:1")
    assert diagnosis.returncode == Exit.OK, diagnosis.stdout + diagnosis.stderr
    assert "bare install" in diagnosis.stdout


@pytest.mark.parametrize("command", ["serve", "up"])
def test_bare_install_names_the_packages_for_a_server(bare: Home, command: str) -> None:
    refused = bare.run(command)
    assert refused.returncode == Exit.USAGE
    (sentence,) = refused.stderr.splitlines()
    assert sentence.endswith("pip install 'casare-rpa[server]'")
    assert list((bare.folder / "home").iterdir()) == []


def finished(home: Home, server: Server, account: Account) -> dict[str, object]:
    """Run a job on a robot of this install; returns the ended job. The robot is stopped with SIGTERM."""
    command = [home.casare, "robot", "run", "--robot-id", account.robot_id, "--workflows", home.folder / "workflows"]
    settings = {"CASARE_URL": server.url, "CASARE_API_KEY": account.api_key}
    with child_process(
        [str(part) for part in command],
        cwd=home.folder / "home",
        env={**home.surroundings, **settings},
        stderr=subprocess.PIPE,
        text=True,
    ) as robot:
        assert robot.stderr is not None
        try:
            first = robot.stderr.readline()
            assert "connected to" in first, first + robot.stderr.read()
            followed = home.run(
                *("job", "submit", "demo", "--robot", account.robot_id, "--follow", "--json"),
                CASARE_URL=server.url,
                CASARE_API_SECRET=str(server.http.headers["X-API-Secret"]),
            )
        finally:
            robot.send_signal(signal.SIGTERM)
            robot.communicate(timeout=WITHIN_SECONDS)
        assert robot.returncode == Exit.OK
    last = json.loads(followed.stdout.splitlines()[-1])
    assert last["type"] == "job_ended"
    job: dict[str, object] = last["job"]
    return job


def test_robot_of_a_bare_install_runs_jobs_and_suites_with_robot_framework(bare: Home, server: Server) -> None:
    workflow(bare.folder / "workflows", SUITE)
    account = server.robot()
    refused = finished(bare, server, account)
    assert refused["status"] == "failed"
    assert "pip install 'casare-rpa[robotframework]'" in str(refused["error"])
    bare.install("robotframework>=7.5,<8")
    assert bare.packages() & OF_THE_SERVER == set()
    completed = finished(bare, server, account)
    assert (completed["status"], completed["result"]) == ("completed", "from the wheel")


def test_install_with_extras_serves_and_completes_the_example_job(bare: Home, wheel: Path) -> None:
    bare.install(f"{wheel}[server,robotframework]")
    assert bare.packages() >= OF_THE_SERVER
    up = bare.run("up", "--once", CASARE_PORT="0")
    assert up.returncode == Exit.OK, up.stdout + up.stderr
    assert "invoices accepted" in up.stdout
    assert str(bare.folder / "home") in up.stdout, "everything is kept below the home directory"
    assert str(ROOT) not in up.stdout + up.stderr
