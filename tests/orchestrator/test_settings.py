"""Settings from the environment, with all problems in one error, and secrets that are generated once."""

import os
import socket
import stat
import subprocess
import threading
from pathlib import Path

import pytest

from casare_rpa.domain.errors import InvalidSettings
from casare_rpa.domain.limits import ADMIN_LIMIT, MONITORING_LIMIT, ROBOT_LIMIT, RateLimit
from casare_rpa.infrastructure.orchestrator.settings import MAKE_SECRET, Settings, load_settings

SECRETS = ("api_secret", "jwt_secret", "admin_password")
CANARY = "canary-secret-0123456789"


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith("CASARE_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("CASARE_DATA_DIR", str(tmp_path / "data"))


def problems(**overrides: object) -> str:
    with pytest.raises(InvalidSettings) as refusal:
        load_settings(**overrides)
    return str(refusal.value)


def test_defaults_are_those_of_the_contract(tmp_path: Path) -> None:
    settings = load_settings()
    assert (settings.host, settings.port, settings.jwt_ttl_seconds) == ("127.0.0.1", 8000, 900)
    assert settings.rate_limit_robot == ROBOT_LIMIT == RateLimit(100, 200)
    assert settings.rate_limit_admin == ADMIN_LIMIT == RateLimit(200, 500)
    assert settings.rate_limit_monitoring == MONITORING_LIMIT == RateLimit(50, 100)
    assert settings.allowed_origins == ()
    assert settings.store_url == f"sqlite:///{tmp_path}/data/casare.db"
    assert (settings.max_connections, settings.max_connections_per_principal) == (20_000, 1_000)
    assert settings.max_connections_per_address == 2_000


def test_overrides_take_precedence_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CASARE_PORT", "9001")
    monkeypatch.setenv("CASARE_HOST", "0.0.0.0")
    monkeypatch.setenv("CASARE_ALLOW_CLEARTEXT", "yes")
    monkeypatch.setenv("CASARE_ALLOWED_ORIGINS", "https://a.example, http://b.example:3000,")
    monkeypatch.setenv("CASARE_RATE_LIMIT_ROBOT", "7.5:10")
    monkeypatch.setenv("CASARE_RATE_LIMIT_ADMIN", "off")
    monkeypatch.setenv("CASARE_LOG_LEVEL", "warning")
    settings = load_settings(port=9002, host=None)
    assert (settings.port, settings.host) == (9002, "0.0.0.0")
    assert settings.allowed_origins == ("https://a.example", "http://b.example:3000")
    assert settings.rate_limit_robot == RateLimit(7.5, 10)
    assert settings.rate_limit_admin is None
    assert settings.log_level == "WARNING"


def test_empty_variables_count_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CASARE_PORT", "CASARE_API_SECRET", "CASARE_ALLOWED_ORIGINS"):
        monkeypatch.setenv(name, "")
    settings = load_settings()
    assert settings.port == 8000
    assert len(settings.api_secret.get_secret_value()) >= 16


@pytest.mark.parametrize(
    "rate", ["100", "100:", ":5", "0:5", "-1:5", "5:0", "fast", "1:2:3", "nan:5", "inf:5", "5:inf", "5:nan"]
)
def test_malformed_rate_is_refused(monkeypatch: pytest.MonkeyPatch, rate: str) -> None:
    monkeypatch.setenv("CASARE_RATE_LIMIT_MONITORING", rate)
    assert problems().startswith("CASARE_RATE_LIMIT_MONITORING: ")


def test_every_problem_is_reported_at_once_without_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CASARE_PORT", "http")
    monkeypatch.setenv("CASARE_LOG_LEVEL", "LOUD")
    monkeypatch.setenv("CASARE_API_SECRET", CANARY[:15])
    monkeypatch.setenv("CASARE_JWT_SECRET", "short-canary")
    monkeypatch.setenv("CASARE_DATABASE_URL", f"mysql://casare:{CANARY}@db/casare")
    told = problems(jwt_ttl_seconds=0)
    for name in ("PORT", "LOG_LEVEL", "API_SECRET", "JWT_SECRET", "DATABASE_URL", "JWT_TTL_SECONDS"):
        assert f"CASARE_{name}: " in told
    assert "canary" not in told
    assert "at least 16 characters" in told


@pytest.mark.parametrize(
    ("secret", "accepted"),
    [
        ("c4nary-of-the-test-with-31-bytes"[:31], False),
        ("é" * 15 + "c", False),
        ("c4nary-of-the-test-with-32-bytes", True),
    ],
)
def test_signing_secret_needs_the_bytes_of_hs256(secret: str, accepted: bool) -> None:
    if accepted:
        assert load_settings(jwt_secret=secret).jwt_secret.get_secret_value() == secret
        return
    told = problems(jwt_secret=secret)
    assert told == f"CASARE_JWT_SECRET: must have at least 32 bytes; make one with {MAKE_SECRET}"


def test_command_in_the_message_prints_a_valid_secret() -> None:
    made = subprocess.run(MAKE_SECRET, shell=True, capture_output=True, text=True, timeout=30, check=True).stdout
    settings = load_settings(jwt_secret=made.strip(), api_secret=made.strip(), admin_password=made.strip())
    assert settings.jwt_secret.get_secret_value() == made.strip()


@pytest.mark.parametrize(
    "url", ["mysql://db/casare", "sqlite:///", "sqlite://", "sqlite:///:memory:", "sqlite:///a.db?mode=ro", "a.db"]
)
def test_unsupported_database_url_is_refused_with_the_supported_form(url: str) -> None:
    problem = problems(database_url=url)
    assert "neither sqlite:///path/to/file" in problem
    assert "nor postgresql://user@host/database" in problem


@pytest.mark.parametrize(
    ("url", "passwords"),
    [
        ("postgresql:///casare", []),
        ("postgresql://casare@one,two:5433/casare?sslmode=verify-full", []),
        ("postgresql://casare:hidden@one/casare", ["hidden"]),
        ("postgresql://casare:hid%2Fden@one,two/casare", ["hid%2Fden", "hid/den"]),
        ("postgresql://one/casare?user=casare&password=hidden", ["hidden"]),
    ],
)
def test_password_of_a_database_url_is_redacted(url: str, passwords: list[str]) -> None:
    settings = load_settings(database_url=url)
    assert settings.store_url == url
    assert list(settings.secret_texts[3:]) == passwords
    assert not any(password in repr(settings) for password in passwords)


@pytest.mark.parametrize(
    "url", ["on", "http://x", f"nats://a:{CANARY}@x/path", f"tls://{CANARY}@", f"nats://:{CANARY}@x"]
)
def test_unsupported_bus_is_refused_without_its_secret(url: str) -> None:
    told = problems(bus_url=url)
    assert told.startswith("CASARE_BUS_URL: ")
    assert CANARY not in told


def test_bus_of_other_instances_is_refused_with_sqlite(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CASARE_BUS_URL", f"nats://casare:{CANARY}@example.com")
    told = problems()
    assert told.startswith("CASARE_BUS_URL: a SQLite database has one instance")
    assert CANARY not in told
    assert "SQLite" not in problems(database_url="unknown://db"), "the kind of the database is not known"
    monkeypatch.setenv("CASARE_BUS_URL", "off")
    assert load_settings().bus_url is not None
    monkeypatch.setenv("CASARE_BUS_URL", "")
    assert load_settings().bus_url is None


@pytest.mark.parametrize("url", ["", "off", "nats://name:password@host", "tls://a,tls://token@b"])
def test_credential_file_of_the_bus_needs_nats_without_other_credentials(url: str, tmp_path: Path) -> None:
    here = {"database_url": "postgresql:///casare", "bus_credentials": tmp_path / "casare.creds"}
    assert problems(**here, bus_url=url).startswith("CASARE_BUS_CREDENTIALS: ")
    assert load_settings(**here, bus_url="nats://a,tls://b").bus_credentials == tmp_path / "casare.creds"


def test_secret_of_the_bus_is_hidden() -> None:
    password, token = f"{CANARY}@1", f"{CANARY}-2"
    settings = Settings(bus_url=f"nats://casare:{CANARY}%401@a,nats://{token}@b,nats://c")
    assert {password, token} <= set(settings.secret_texts)
    assert CANARY not in repr(settings)
    assert Settings(bus_url="off").secret_texts == ()


def test_database_url_names_the_file(tmp_path: Path) -> None:
    assert load_settings(database_url="sqlite:///other.db").store_url == "sqlite:///other.db"
    assert load_settings(database_url=f"sqlite:///{tmp_path}/x.db").store_url == f"sqlite:///{tmp_path}/x.db"


@pytest.mark.parametrize("origin", ["*", "https://a.example/", "a.example", "https://*.example/x", "ws://a"])
def test_allowed_origin_that_can_never_match_is_refused(origin: str) -> None:
    assert "CASARE_ALLOWED_ORIGINS: " in problems(allowed_origins=origin)


@pytest.mark.parametrize("path", ["casare", "/a//b", "/../x", "/a b", '/"x', "/api", "/ws/x", "/assets", "//host"])
def test_base_path_must_be_a_plain_path_of_its_own(path: str) -> None:
    assert "CASARE_BASE_PATH: " in problems(base_path=path)


@pytest.mark.parametrize(("given", "path"), [("", ""), ("/", ""), ("/casare/", "/casare"), ("/t/casare", "/t/casare")])
def test_base_path_has_no_slash_at_its_end(given: str, path: str) -> None:
    assert load_settings(base_path=given).base_path == path


def test_origin_of_pages_from_files_can_be_allowed() -> None:
    assert load_settings(allowed_origins="null,https://a.example").allowed_origins == ("null", "https://a.example")


def test_secrets_are_generated_once_into_private_files(tmp_path: Path) -> None:
    first, second = load_settings(), load_settings()
    data = tmp_path / "data"
    assert stat.S_IMODE(data.stat().st_mode) == 0o700
    values = set()
    for name in SECRETS:
        value = getattr(first, name).get_secret_value()
        assert len(value) >= 32
        assert getattr(second, name).get_secret_value() == value == (data / name).read_text()
        assert stat.S_IMODE((data / name).stat().st_mode) == 0o600
        values.add(value)
    assert len(values) == 3
    assert sorted(path.name for path in data.iterdir()) == sorted(SECRETS)


def test_configured_secrets_are_used_and_not_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CASARE_API_SECRET", CANARY)
    settings = load_settings()
    assert settings.api_secret.get_secret_value() == CANARY
    assert not (tmp_path / "data" / "api_secret").exists()
    assert CANARY not in repr(settings) + str(settings)


def test_concurrent_starts_get_the_same_secrets(tmp_path: Path) -> None:
    found: list[Settings] = []
    barrier = threading.Barrier(8)

    def start() -> None:
        barrier.wait(10)
        found.append(load_settings())

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(found) == 8
    for name in SECRETS:
        assert {getattr(settings, name).get_secret_value() for settings in found} == {
            (tmp_path / "data" / name).read_text()
        }
    assert len(list((tmp_path / "data").iterdir())) == 3, "no temporary file is left"


@pytest.mark.parametrize("name", SECRETS)
def test_empty_secret_file_is_refused(tmp_path: Path, name: str) -> None:
    load_settings()
    (tmp_path / "data" / name).write_text("\n")
    told = problems()
    assert told.startswith(f"CASARE_{name.upper()}: ")
    assert str(tmp_path / "data" / name) in told


def test_file_as_data_dir_is_refused(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("")
    assert "CASARE_DATA_DIR: " in problems(data_dir=tmp_path / "taken")


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load_settings().port = 1


def test_host_names_are_those_of_the_machine_and_the_allowed_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CASARE_ALLOWED_HOSTS", "Casare.Example.com, orchestrator,")
    settings = load_settings(host="robots.lan", allow_cleartext=True)
    assert settings.allowed_hosts == ("casare.example.com", "orchestrator")
    assert settings.host_names == ("robots.lan", socket.gethostname().lower(), "casare.example.com", "orchestrator")


@pytest.mark.parametrize(
    "host", ["*", "*.example.com", "example.com:8000", "https://example.com", "a b", ".example", "a/b"]
)
def test_malformed_allowed_host_is_refused(host: str) -> None:
    assert "CASARE_ALLOWED_HOSTS: " in problems(allowed_hosts=host)


@pytest.mark.parametrize("seconds", [0, -1, 601, float("nan"), float("inf")])
def test_invalid_handshake_timeout_is_refused(seconds: float) -> None:
    assert "CASARE_HANDSHAKE_TIMEOUT_SECONDS: " in problems(handshake_timeout_seconds=seconds)


def test_instance_has_the_name_of_its_host_and_port_unless_it_is_named() -> None:
    assert load_settings(port=9000).shown_instance_name == f"{socket.gethostname()}:9000"
    assert load_settings(instance_name="north-1").shown_instance_name == "north-1"
    assert "CASARE_INSTANCE_NAME: 'a b' is not a name such as north-1" in problems(instance_name="a b")


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "http://127.0.0.1:9000"),
        ("::1", "http://[::1]:9000"),
        ("0.0.0.0", f"http://{socket.gethostname()}:9000"),
    ],
)
def test_address_of_an_instance_is_the_one_on_which_it_listens(host: str, address: str) -> None:
    assert load_settings(host=host, port=9000, allow_cleartext=True).shown_instance_address == address


def test_address_of_an_instance_can_be_set() -> None:
    settings = load_settings(instance_address="https://North-1.example.com/")
    assert settings.shown_instance_address == "https://North-1.example.com"
    assert "north-1.example.com" in settings.host_names, "the other instances ask with this name"
    assert load_settings(instance_address="", port=9000).shown_instance_address == "http://127.0.0.1:9000"


@pytest.mark.parametrize("address", ["10.0.0.5:8000", "http://0.0.0.0:8000", "http://user:hidden@north", "http://a/b"])
def test_malformed_address_of_an_instance_is_refused(address: str) -> None:
    found = problems(instance_address=address)
    assert "CASARE_INSTANCE_ADDRESS: not an address such as http://10.0.0.5:8000 or https://" in found
    assert "hidden" not in found
