"""What the server refuses to start with, and the files that only its user can read."""

import asyncio
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from casare_rpa.domain.errors import InvalidSettings
from casare_rpa.infrastructure.orchestrator.settings import load_settings
from casare_rpa.infrastructure.orchestrator.storage.sqlite.store import SqliteStore
from casare_rpa.robot.file_mode_mask import FileModeMask
from contract.server_process import serving
from new_database import new_database

STRONG = "f3a9c27be01d4856-f3a9c27be01d4857"


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith("CASARE_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("CASARE_DATA_DIR", str(tmp_path / "data"))


@pytest.fixture
def usual_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def problems(**overrides: object) -> str:
    with pytest.raises(InvalidSettings) as refusal:
        load_settings(**overrides)
    return str(refusal.value)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "2001:db8::1", "robots.lan", "localhost.example.com"])
def test_server_refuses_a_public_address_in_clear_text(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sentence = problems(host=host)
    assert sentence.startswith(f"CASARE_HOST: {host} can be reached from other machines")
    assert "CASARE_ALLOW_CLEARTEXT=yes" in sentence
    monkeypatch.setenv("CASARE_ALLOW_CLEARTEXT", "no")
    assert problems(host=host) == sentence
    monkeypatch.setenv("CASARE_ALLOW_CLEARTEXT", "yes")
    assert load_settings(host=host).host == host


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost", "LOCALHOST", "casare.localhost"])
def test_loopback_address_needs_no_permission(host: str) -> None:
    assert load_settings(host=host).host == host


@pytest.mark.parametrize("name", ["api_secret", "jwt_secret", "admin_password"])
@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_guessable_secret_is_refused_without_an_exception(name: str, host: str) -> None:
    guessable = "a" * 40
    sentence = problems(host=host, allow_cleartext=True, **{name: guessable})
    assert sentence.startswith(f"CASARE_{name.upper()}: can be guessed: ")
    assert "make one with python3" in sentence
    assert guessable not in sentence
    assert load_settings(host=host, allow_cleartext=True, **{name: STRONG})


@pytest.mark.parametrize("name", ["api_secret", "jwt_secret", "admin_password"])
def test_guessable_secret_in_a_file_is_refused(name: str, tmp_path: Path) -> None:
    load_settings()
    (tmp_path / "data" / name).write_text("password" * 5)
    assert problems().startswith(f"CASARE_{name.upper()}: ")


def test_exposure_is_reported_with_all_other_problems() -> None:
    sentence = problems(host="0.0.0.0", api_secret="a" * 40, log_level="DEBUG", port=70_000)
    for name in ("HOST", "API_SECRET", "LOG_LEVEL", "PORT"):
        assert f"CASARE_{name}: " in sentence


def test_debug_level_is_refused_on_a_public_address() -> None:
    assert problems(host="0.0.0.0", allow_cleartext=True, log_level="DEBUG").startswith("CASARE_LOG_LEVEL: DEBUG")
    assert load_settings(log_level="DEBUG").log_level == "DEBUG"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\n\n"])
@pytest.mark.parametrize("name", ["api_secret", "jwt_secret", "admin_password"])
def test_line_end_after_a_secret_is_not_part_of_it(name: str, end: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"CASARE_{name.upper()}", STRONG + end)
    assert getattr(load_settings(), name).get_secret_value() == STRONG
    monkeypatch.setenv(f"CASARE_{name.upper()}", f" {STRONG} ")
    assert getattr(load_settings(), name).get_secret_value() == f" {STRONG} ", "other spaces may be wanted"


@pytest.mark.parametrize(
    ("proxies", "accepted"),
    [
        ("127.0.0.1", True),
        ("127.0.0.1, 10.0.0.0/8,2001:db8::/32", True),
        ("*", False),
        ("proxy.lan", False),
        ("10.0.0.1/8", False),
    ],
)
def test_trusted_proxies_are_addresses_or_networks(proxies: str, accepted: bool) -> None:
    if accepted:
        assert load_settings(trusted_proxies=proxies).trusted_proxies
    else:
        assert problems(trusted_proxies=proxies).startswith("CASARE_TRUSTED_PROXIES: ")


def readable_by_others(folder: Path) -> list[str]:
    return sorted(
        str(path.relative_to(folder)) for path in folder.rglob("*") if stat.S_IMODE(path.stat().st_mode) & 0o077
    )


@pytest.mark.slow
def test_files_of_a_server_are_private_in_a_directory_that_others_can_read(tmp_path: Path, usual_umask: None) -> None:
    data = tmp_path / "state"
    data.mkdir(mode=0o755)
    with serving(data) as server:
        server.robot()
        assert {"casare.db", "casare.db-wal", "server.json"} <= {path.name for path in data.iterdir()}
        assert readable_by_others(data) == []


async def test_database_of_an_older_version_loses_the_access_of_others(tmp_path: Path, usual_umask: None) -> None:
    path = new_database(tmp_path)
    path.chmod(0o644)
    path.with_name("casare.db-wal").touch()
    store = await SqliteStore.open(path)
    await store.close()
    assert readable_by_others(tmp_path) == []


async def test_access_that_a_group_was_given_is_kept(tmp_path: Path) -> None:
    path = new_database(tmp_path)
    path.chmod(0o640)
    store = await SqliteStore.open(path)
    await store.close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_every_command_creates_private_files(tmp_path: Path, usual_umask: None) -> None:
    code = "import os, sys; from casare_rpa.cli import main; sys.argv = ['casare', '--version']; "
    code += "import atexit; atexit.register(lambda: print(f'{os.umask(0):03o}')); main.main()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.splitlines()[-1] == "077"


async def test_workflow_keeps_the_file_mode_mask_of_the_robots_start(usual_umask: None) -> None:
    mask = FileModeMask()
    mask.make_private()
    mask.make_private()
    assert mask.given == 0o022
    child = await asyncio.create_subprocess_exec("sh", "-c", "umask", stdout=asyncio.subprocess.PIPE, umask=mask.given)
    assert (await child.communicate())[0].strip() == b"0022"
    mask.restore()
    assert os.umask(0o022) == 0o022
