"""The how-to on several instances, run as written: its commands are taken from the page."""

import os
import re
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from postgres_server import DEBIAN, PostgresServer

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "how-to" / "run-several-instances.md").read_text(encoding="utf-8")
START_SECONDS = 60.0


def blocks(heading: str) -> list[str]:
    """The shell commands below a heading."""
    section = PAGE.split(f"## {heading}\n", 1)[1].split("\n## ")[0]
    return re.findall(r"```sh\n(.*?)```", section, re.DOTALL)


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of a machine on which the packages are installed, and PostgreSQL has just been started.

    `sudo` and `apt-get` do nothing else than a machine with these packages would: run the command, or install nothing.
    """
    server = PostgresServer(DEBIAN)
    server.create()
    server.start()
    programs = tmp_path / "programs"
    programs.mkdir()
    for name, text in {
        "sudo": 'if [ "$1" = -u ]; then PGUSER=casare; export PGUSER; shift 2; fi\nexec "$@"',
        "apt-get": '[ "$*" = "install --yes postgresql" ]',
        "casare": f'exec {sys.executable} -m casare_rpa.cli.main "$@"',
    }.items():
        program = programs / name
        program.write_text(f"#!/bin/sh\n{text}\n")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("CASARE_", "PG"))}
    path = f"{programs}:{server.bin}:{inherited['PATH']}"
    yield {
        **inherited,
        "PATH": path,
        "PGHOST": "127.0.0.1",
        "PGPORT": str(server.port),
        "CASARE_DATA_DIR": str(tmp_path / "data"),
    }
    server.close()


def test_one_instance_on_postgresql_needs_two_more_commands_than_sqlite(
    tmp_path: Path, machine: dict[str, str]
) -> None:
    prepare, start = blocks("One instance on PostgreSQL")
    assert len(prepare.strip().splitlines()) == 2
    assert start.strip() == "CASARE_DATABASE_URL=postgresql:///casare casare serve"
    subprocess.run(["sh", "-e", "-c", prepare], env=machine, cwd=tmp_path, check=True, timeout=START_SECONDS)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**machine, "CASARE_PORT": str(port)}
    with subprocess.Popen(["sh", "-c", f"exec env {start}"], env=environment, cwd=tmp_path) as process:
        try:
            assert until_ready(f"http://127.0.0.1:{port}", process)["status"] == "ok"
        finally:
            process.terminate()
    assert process.returncode == 0


def until_ready(url: str, process: "subprocess.Popen[bytes]") -> dict[str, str]:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            answer = httpx2.get(f"{url}/health/ready", trust_env=False)
            if answer.status_code == 200:
                found: dict[str, str] = answer.json()
                return found
        except httpx2.TransportError:
            pass
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.1)  # the server has no event for another process


def test_secrets_and_address_of_several_instances_are_valid_settings(tmp_path: Path, machine: dict[str, str]) -> None:
    (make,) = blocks("Several instances")
    subprocess.run(["sh", "-e", "-c", make], env=machine, cwd=tmp_path, check=True, timeout=START_SECONDS)
    file = tmp_path / "casare.env"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    values = dict(line.split("=", 1) for line in file.read_text().splitlines() if line and not line.startswith("#"))
    read = "from casare_rpa.infrastructure.orchestrator.settings import load_settings as l; print(l().store_url)"
    shown = subprocess.run(
        [sys.executable, "-c", read], env={**machine, **values}, capture_output=True, text=True, check=True
    )
    assert shown.stdout.strip() == values["CASARE_DATABASE_URL"]
