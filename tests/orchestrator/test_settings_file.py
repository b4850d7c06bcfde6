"""Settings from a TOML file: the choice of the file, the precedence, and all problems in one error."""

import os
from pathlib import Path

import pytest

from casare_rpa.domain.errors import InvalidSettings
from casare_rpa.domain.limits import RateLimit
from casare_rpa.infrastructure.orchestrator.settings import Settings, load_settings, read_settings

CANARY = "canary-secret-0123456789"


@pytest.fixture(autouse=True)
def data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The data directory, in an environment without other settings."""
    for name in list(os.environ):
        if name.startswith("CASARE_"):
            monkeypatch.delenv(name)
    path = tmp_path / "data"
    path.mkdir(mode=0o700)
    monkeypatch.setenv("CASARE_DATA_DIR", str(path))
    return path


def written(path: Path, text: str, mode: int = 0o600) -> Path:
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


def problems(config: Path | None = None, **overrides: object) -> str:
    with pytest.raises(InvalidSettings) as refusal:
        load_settings(config=config, **overrides)
    return str(refusal.value)


EVERYTHING = f"""
host = "::1"
port = 9001
database_url = "postgresql:///casare"
bus_url = "nats://bus.example"
bus_credentials = "/etc/casare/casare.creds"
api_secret = "{CANARY}-1"
jwt_secret = "{CANARY}-two-Zm9vYmFy"
admin_password = "{CANARY}-3"
jwt_ttl_seconds = 60
write_timeout_seconds = 20
ping_interval_seconds = 15
keep_alive_seconds = 30
max_unauthenticated = 100
max_unauthenticated_per_address = 10
rate_limit_robot_bytes = "100000:200000"
rate_limit_robot_lines = "100:200"
retention_log_bytes = 1000000000
retention_robot_log_bytes = 100000000
allow_cleartext = true
trusted_proxies = ["192.0.2.1", "10.0.0.0/8"]
wheelhouse = "/srv/wheels"
allowed_hosts = ["casare.example"]
handshake_timeout_seconds = 5
session_idle_seconds = 600
session_max_seconds = 3600
base_path = "/casare"
allowed_origins = ["https://a.example", "http://b.example:3000"]
rate_limit_robot = "7.5:10"
rate_limit_admin = "off"
rate_limit_monitoring = "1:1"
rate_limit_connections = "9:9"
log_level = "debug"
instance_name = "north-1"
instance_address = "http://10.0.0.5:8000"
failpoints = ""
drain_delay_seconds = 1
drain_timeout_seconds = 2
wire = "plain"
max_connections = 3
max_connections_per_principal = 2
max_connections_per_address = 1
retention_jobs_days = 2
retention_jobs = 3
retention_log_days = 4
retention_log_lines = 5
retention_audit_days = 6
retention_audit_entries = 7
"""


def test_every_setting_is_allowed_in_the_file(tmp_path: Path) -> None:
    file = written(tmp_path / "any.toml", f'data_dir = "{tmp_path / "here"}"\n' + EVERYTHING)
    assert {line.split(" = ")[0] for line in file.read_text().splitlines() if line} == set(Settings.model_fields)
    os.environ.pop("CASARE_DATA_DIR")
    settings = load_settings(config=file)
    assert settings.data_dir == tmp_path / "here"
    assert (settings.host, settings.port, settings.jwt_ttl_seconds) == ("::1", 9001, 60)
    assert settings.allowed_origins == ("https://a.example", "http://b.example:3000")
    assert settings.rate_limit_robot == RateLimit(7.5, 10)
    assert settings.rate_limit_admin is None
    assert (settings.log_level, settings.drain_timeout_seconds) == ("DEBUG", 2.0)
    assert settings.api_secret.get_secret_value() == f"{CANARY}-1"


def test_precedence_is_flag_environment_file_fallback_default(monkeypatch: pytest.MonkeyPatch, data: Path) -> None:
    def host_with(**flags: object) -> str:
        return load_settings(fallbacks={"host": "fallback"}, allow_cleartext=True, **flags).host

    assert load_settings().host == "127.0.0.1"
    assert host_with() == "fallback"
    written(data / "casare.toml", 'host = "file"')
    assert host_with() == "file"
    monkeypatch.setenv("CASARE_HOST", "")
    monkeypatch.setenv("HOST", "somebody's")
    assert host_with() == "file", "empty variables and variables of other programs are ignored"
    monkeypatch.setenv("CASARE_HOST", "environment")
    assert host_with() == "environment"
    assert host_with(host="flag") == "flag"


def test_named_file_is_read_instead_of_the_one_in_the_data_directory(
    monkeypatch: pytest.MonkeyPatch, data: Path, tmp_path: Path
) -> None:
    written(data / "casare.toml", "port = 1\nmax_connections = 7")
    assert load_settings().port == 1
    monkeypatch.setenv("CASARE_CONFIG", str(written(tmp_path / "two.toml", "port = 2")))
    assert load_settings().port == 2
    three = load_settings(config=written(tmp_path / "three.toml", "port = 3"))
    assert (three.port, three.max_connections) == (3, 20_000)


def test_file_is_found_in_the_data_directory_of_the_flag(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    written(other / "casare.toml", "port = 4")
    assert load_settings(data_dir=other).port == 4


def test_every_problem_of_file_and_environment_is_reported_without_secrets(
    monkeypatch: pytest.MonkeyPatch, data: Path
) -> None:
    file = written(
        data / "casare.toml",
        f"""
        Port = 80
        prot = 80
        host = 5
        jwt_ttl_seconds = 0
        max_connections = true
        max_connections_per_address = "9"
        drain_timeout_seconds = "2 s"
        allowed_origins = ["https://a.example", 7]
        data_dir = "elsewhere"
        rate_limit_robot = "fast"
        admin_password = "short-canary"
        jwt_secret = ["{CANARY}"]
        [server]
        port = 1
        """,
    )
    monkeypatch.setenv("CASARE_LOG_LEVEL", "LOUD")
    told = problems()
    for sentence in (
        "Port: no such setting; did you mean port?",
        "prot: no such setting; did you mean port?",
        "host: must be a string in quotes",
        "jwt_ttl_seconds: Input should be greater than or equal to 1",
        "max_connections: must be a whole number, without quotes",
        "max_connections_per_address: must be a whole number, without quotes",
        "drain_timeout_seconds: must be a number, without quotes",
        "allowed_origins: must be a list of strings",
        "data_dir: not allowed in a file in the data directory",
        "rate_limit_robot: 'fast' is neither rate:burst",
        "admin_password: must have at least 16 characters",
        "jwt_secret: must be a string in quotes",
        "server: no such setting; write settings at the top level, not in a [table]",
    ):
        assert f"{file}: {sentence}" in told
    assert "CASARE_LOG_LEVEL: must be" in told
    assert "canary" not in told


def test_problem_of_a_flag_does_not_name_the_file(data: Path) -> None:
    written(data / "casare.toml", "port = 1")
    assert problems(port=-1).startswith("CASARE_PORT: ")


def test_error_of_a_malformed_file_names_file_and_line(data: Path) -> None:
    file = written(data / "casare.toml", 'host = "a"\nport = \n')
    told = problems(log_level="LOUD")
    assert f"{file}: not TOML: " in told
    assert "line 2" in told
    assert "CASARE_LOG_LEVEL" in told


def test_error_of_an_unreadable_file_names_it(tmp_path: Path) -> None:
    missing = tmp_path / "missing.toml"
    assert problems(missing) == f"{missing}: cannot be read: No such file or directory"
    assert "cannot be read: Is a directory" in problems(tmp_path)
    foreign = tmp_path / "foreign.toml"
    foreign.write_bytes(b'host = "\xff"')
    assert f"{foreign} is not UTF-8 text (byte 8)" in problems(foreign)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o666])
def test_secret_in_a_file_that_others_may_read_is_refused(data: Path, mode: int) -> None:
    file = written(data / "casare.toml", f'port = 1\napi_secret = "{CANARY}"', mode)
    told = problems()
    assert told.startswith(f"{file}: api_secret: other users may read this secret")
    assert CANARY not in told
    file.chmod(0o600)
    assert load_settings().api_secret.get_secret_value() == CANARY


@pytest.mark.parametrize(
    ("url", "secret"),
    [
        (f'bus_url = "nats://casare:{CANARY}@bus"', True),
        ('bus_url = "off"', False),
        (f'database_url = "postgresql://casare:{CANARY}@db/casare"', True),
        ('database_url = "postgresql://casare@db/casare"', False),
    ],
)
def test_url_with_credentials_in_a_file_that_others_may_read_is_refused(data: Path, url: str, secret: bool) -> None:
    file = written(data / "casare.toml", url, 0o644)
    if secret:
        told = problems()
        assert told.startswith(f"{file}: {url.split()[0]}: other users may read this secret")
        assert CANARY not in told
    else:
        read_settings()


def test_file_without_secrets_may_be_readable_by_other_users(data: Path) -> None:
    written(data / "casare.toml", 'port = 1\napi_secret = ""', 0o644)
    assert load_settings().port == 1
