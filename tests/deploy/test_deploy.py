"""The files of deploy/ name only what exists, and the programs that read them accept them."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from casare_rpa.infrastructure.orchestrator.settings import PREFIX, Settings
from chaos.haproxy import SYSTEM_FOLDERS

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
OF_THE_ROBOT = {"CASARE_ROBOT_ID", "CASARE_API_KEY", "CASARE_URL"}


def compose() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
    return document


@pytest.mark.parametrize("path", sorted(DEPLOY.iterdir()), ids=lambda path: path.name)
def test_every_variable_is_a_setting(path: Path) -> None:
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields} | OF_THE_ROBOT
    assert set(re.findall(r"CASARE_[A-Z_]+", path.read_text(encoding="utf-8"))) <= known


def test_compose_starts_two_instances_with_different_names_on_one_database() -> None:
    services = compose()["services"]
    instances = [service["environment"] for service in services.values() if service.get("image") == "casare"]
    assert len({one["CASARE_DATABASE_URL"] for one in instances}) == 1
    assert len({one["CASARE_INSTANCE_NAME"] for one in instances}) == len(instances) == 2
    assert all("@postgres/" in one["CASARE_DATABASE_URL"] for one in instances)


def test_no_password_stands_in_compose() -> None:
    text = (DEPLOY / "compose.yaml").read_text(encoding="utf-8")
    assert not re.search(r"://\w+:[^@\s]+@", text)
    assert re.findall(r"PASSWORD: (\S+)", text) == ["${POSTGRES_PASSWORD:?write"] * 2


def test_balancer_of_compose_has_the_rules_of_the_file() -> None:
    """The servers, the comments and the time of a reload differ."""

    def rules(text: str) -> list[str]:
        lines = (line.strip() for line in text.splitlines())
        other = ("#", "server ", "hard-stop-after", "retries")
        return [line for line in lines if line and not line.startswith(other)]

    own = rules((DEPLOY / "haproxy.cfg").read_text(encoding="utf-8"))
    assert rules(compose()["configs"]["haproxy"]["content"]) == own


def test_haproxy_accepts_the_file(tmp_path: Path) -> None:
    command = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout key.pem -out one.pem"
    subprocess.run(command.split(), cwd=tmp_path, check=True, capture_output=True)
    both = (tmp_path / "one.pem").read_text() + (tmp_path / "key.pem").read_text()
    (tmp_path / "certificate-and-key.pem").write_text(both)
    text = (DEPLOY / "haproxy.cfg").read_text(encoding="utf-8").replace("/etc/ssl/casare", str(tmp_path))
    (tmp_path / "haproxy.cfg").write_text(text)
    program = shutil.which("haproxy", path=SYSTEM_FOLDERS)
    assert program, "HAProxy is needed: apt-get install haproxy"
    done = subprocess.run([program, "-c", "-f", "haproxy.cfg"], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, "WARNING" in done.stderr) == (0, False), done.stderr


def test_balancer_logs_no_query_string() -> None:
    text = (DEPLOY / "haproxy.cfg").read_text(encoding="utf-8")
    (format_,) = re.findall(r'log-format "(.*)"', text)
    # %HU and %HQ hold the query string; %r and %HP are the request line and the path with it.
    assert not {"%HU", "%HQ", "%r", "%HP"} & set(format_.replace('"', "").split())
    assert "%HPO" in format_
    assert "option httplog" not in text


@pytest.mark.parametrize("name", ["casare.service", "casare-robot@.service"])
def test_systemd_accepts_the_unit(tmp_path: Path, name: str) -> None:
    """The program of the unit is the one of this installation, because systemd looks for it."""
    program = shutil.which("systemd-analyze")
    assert program, "systemd is needed: apt-get install systemd"
    text = (DEPLOY / name).read_text(encoding="utf-8").replace("/opt/casare/bin/casare", shutil.which("true") or "")
    (tmp_path / name).write_text(text)
    done = subprocess.run([program, "verify", "--man=no", tmp_path / name], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr


def test_image_runs_as_a_user_with_an_init() -> None:
    lines = (DEPLOY / "Dockerfile").read_text(encoding="utf-8").splitlines()
    last_stage = lines[max(number for number, line in enumerate(lines) if line.startswith("FROM")) :]
    assert "USER casare" in last_stage
    assert any(line.startswith('ENTRYPOINT ["tini"') for line in last_stage)
    assert sum(line.startswith("FROM") for line in lines) == 3
    copied = [
        word for line in lines if line.startswith("COPY ") and "--from" not in line for word in line.split()[1:-1]
    ]
    assert all((ROOT / word).exists() for word in copied)
