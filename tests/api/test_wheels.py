"""/wheels/: the orchestrator's own wheel and the packages of the operator, for machines of robots."""

import base64
import csv
import hashlib
import io
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from api.conftest import Api, error_of, running
from casare_rpa import __version__
from casare_rpa.infrastructure.orchestrator.api.own_wheel import build_own_wheel
from contract.server_process import serving

NAME = f"casare_rpa-{__version__}-py3-none-any.whl"


async def test_own_wheel_is_sent_without_a_credential_and_has_the_published_hash(api: Api) -> None:
    client = api.client()
    current = (await client.get("/wheels/current.json")).json()
    assert current == {"file": NAME, "sha256": current["sha256"], "wheelhouse": False}
    sent = await client.get(f"/wheels/{NAME}")
    assert sent.status_code == 200
    assert hashlib.sha256(sent.content).hexdigest() == current["sha256"]
    assert f'href="{NAME}#sha256={current["sha256"]}"' in (await client.get("/wheels/")).text


def test_wheel_is_the_same_every_time_and_its_record_is_complete() -> None:
    wheel = build_own_wheel()
    assert wheel == build_own_wheel()
    with zipfile.ZipFile(io.BytesIO(wheel.content)) as archive:
        names = archive.namelist()
        folder = f"casare_rpa-{__version__}.dist-info"
        rows = {row[0]: row[1] for row in csv.reader(archive.read(f"{folder}/RECORD").decode().splitlines())}
        for name in set(names) - {f"{folder}/RECORD"}:
            digest = base64.urlsafe_b64encode(hashlib.sha256(archive.read(name)).digest()).rstrip(b"=").decode()
            assert rows[name] == f"sha256={digest}"
        assert b"Provides-Extra: robotframework" in archive.read(f"{folder}/METADATA")
    assert rows.keys() == set(names)
    assert "casare_rpa/robot/agent.py" in names
    assert not [name for name in names if "/_dashboard/" in name or "__pycache__" in name]


async def test_packages_of_the_operator_are_listed_and_sent(tmp_path: Path) -> None:
    folder = tmp_path / "wheelhouse"
    (folder / "inner").mkdir(parents=True)
    (folder / "msgspec-0.22.0-cp311-abi3-linux_x86_64.whl").write_bytes(b"wheel")
    (folder / "notes.txt").write_text("private")
    (tmp_path / "secret.whl").write_bytes(b"outside")
    async with running(tmp_path / "data", wheelhouse=folder) as api:
        client = api.client()
        listed = (await client.get("/wheels/")).text
        assert 'href="msgspec-0.22.0-cp311-abi3-linux_x86_64.whl"' in listed
        assert "notes.txt" not in listed
        assert (await client.get("/wheels/msgspec-0.22.0-cp311-abi3-linux_x86_64.whl")).content == b"wheel"
        assert (await client.get("/wheels/current.json")).json()["wheelhouse"] is True
        for path in ("notes.txt", "..%2Fsecret.whl", "none.whl", "inner", "%00.whl", "x" * 5_000 + ".whl"):
            error_of(await client.get(f"/wheels/{path}"), 404)


async def test_missing_folder_of_the_operator_leaves_the_own_wheel(tmp_path: Path) -> None:
    async with running(tmp_path / "data", wheelhouse=tmp_path / "none") as api:
        assert (await api.client().get(f"/wheels/{NAME}")).status_code == 200
        error_of(await api.client().get("/wheels/none.whl"), 404)


@pytest.mark.parametrize("folder", ["no folder", "unreadable"])
async def test_folder_that_cannot_be_read_is_reported_once(
    tmp_path: Path, folder: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / ("file" if folder == "no folder" else "x" * 300)  # a name too long, as root can read anything
    if folder == "no folder":
        path.write_text("")
    async with running(tmp_path / "data", wheelhouse=path) as api:
        for _ in range(3):
            assert NAME in (await api.client().get("/wheels/")).text
            error_of(await api.client().get("/wheels/none.whl"), 404)
    assert len([record for record in caplog.records if "CASARE_WHEELHOUSE" in record.message]) == 1


@pytest.mark.slow
def test_pip_installs_the_wheel_from_a_running_orchestrator(tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--disable-pip-version-check", "--no-cache-dir"]
    if subprocess.run([*pip[:3], "--version"], capture_output=True, check=False).returncode != 0:
        pip = [str(next(Path(".tools/uv/bin").glob("uv"))), "pip", "install", "-q", "--no-deps", "--no-cache"]
        pip += ["--python", sys.executable]
    with serving(tmp_path / "data") as server:
        current = server.http.get("/wheels/current.json").json()
        address = f"casare-rpa[robotframework] @ {server.url}/wheels/{current['file']}#sha256="
        target = tmp_path / "site"
        installed = subprocess.run(
            [*pip, "--target", str(target), address + current["sha256"]], capture_output=True, text=True, check=False
        )
        assert installed.returncode == 0, installed.stderr
        changed = subprocess.run(
            [*pip, "--target", str(tmp_path / "other"), address + "0" * 64], capture_output=True, text=True, check=False
        )
        assert changed.returncode != 0
    command = "import casare_rpa.robot.agent as agent; print(agent.__file__)"
    found = subprocess.run(
        [sys.executable, "-c", command],
        env={"PYTHONPATH": str(target)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.stdout.startswith(str(target)), found.stderr
