"""The settings, read once from CASARE_* variables and a TOML file. An error lists all problems."""

import ipaddress
import os
import re
import secrets
import socket
from collections.abc import Collection, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import platformdirs
from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from casare_rpa.domain.bus_urls import parse_bus_url
from casare_rpa.domain.errors import InvalidSettings
from casare_rpa.domain.instance_addresses import host_of_instance
from casare_rpa.domain.limits import (
    ADMIN_LIMIT,
    CONNECTION_LIMIT,
    MAX_NAME_LENGTH,
    MONITORING_LIMIT,
    ROBOT_BYTES,
    ROBOT_LIMIT,
    ROBOT_LOG_LINES,
    WorkLimits,
)
from casare_rpa.domain.secret_strength import weakness_of
from casare_rpa.domain.url_passwords import holds_credentials, passwords_in
from casare_rpa.infrastructure.orchestrator.setting_types import InstanceAddress, Names, Rate
from casare_rpa.infrastructure.orchestrator.settings_file import FILE_NAME, FileSettings, Known, read_settings_file

PREFIX = "CASARE_"
SECRETS = ("api_secret", "jwt_secret", "admin_password")
URLS = {"bus_url": holds_credentials, "database_url": passwords_in}
"""Settings that are secrets when they contain one."""
SQLITE_SCHEME = "sqlite:///"
POSTGRES_SCHEMES = ("postgresql://", "postgres://")
DATABASE_FILE = "casare.db"
MIB, GIB = 1024**2, 1024**3
MIN_SECRET_LENGTH = 16
MIN_JWT_SECRET_BYTES = 32
"""HS256 needs a key of at least the size of its hash. Source: RFC 7518, section 3.2."""
MAKE_SECRET = 'python3 -c "import secrets; print(secrets.token_urlsafe(32))"'  # noqa: S105 - a command
"""The command that makes a secret."""
_HOST_NAME = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*")
_INSTANCE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@-]*")
_BASE_PATH = re.compile(r"(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+")
OWN_PATHS = ("api", "ws", "health", "metrics", "docs", "redoc", "wheels", "assets")
"""The first parts of the paths of this server."""
_ORIGIN = re.compile(r"https?://[^/?#@\s]+")


def _fault_of(name: str, secret: str) -> str | None:
    """The rule that a secret breaks, or `None`. The sentence does not contain the secret."""
    if name == "jwt_secret" and len(secret.encode()) < MIN_JWT_SECRET_BYTES:
        return f"must have at least {MIN_JWT_SECRET_BYTES} bytes"
    if len(secret) < MIN_SECRET_LENGTH:
        return f"must have at least {MIN_SECRET_LENGTH} characters"
    weakness = weakness_of(secret)
    return f"can be guessed: {weakness}" if weakness else None


def is_postgres(url: str) -> bool:
    """Whether a URL names a PostgreSQL database, which several instances can share."""
    return url.startswith(POSTGRES_SCHEMES)


def default_data_dir() -> Path:
    return Path(platformdirs.user_data_dir("casare"))


class Settings(BaseSettings):
    """All settings with their defaults.

    The environment variable of a setting is CASARE_ and its name in capitals; its key in a file is its name.
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="ignore", env_ignore_empty=True, hide_input_in_errors=True
    )

    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    instance_name: str | None = Field(
        None,
        max_length=MAX_NAME_LENGTH,
        description="Name of this instance, for people; unique among the instances on one database. "
        "Default: host name and port.",
    )
    instance_address: InstanceAddress = Field(
        None,
        max_length=MAX_NAME_LENGTH,
        description="URL at which the other instances ask this one, such as `http://10.0.0.5:8000`. "
        "Default: the address to listen on, or the host name for all addresses.",
    )
    data_dir: Path = Field(
        default_factory=default_data_dir,
        description="The directory of the database, the generated secrets and the output of jobs.",
    )
    database_url: str | None = Field(
        None,
        repr=False,  # it may hold a password
        description="The database: `sqlite:///path` or `postgresql://user@host/database`; default: casare.db in the "
        "data directory.",
    )
    bus_url: SecretStr | None = Field(
        None,
        description="The bus between instances: `nats://host`, `tls://host` or `off`; default: PostgreSQL's LISTEN.",
    )
    bus_credentials: Path | None = Field(
        None, description="File with credentials for NATS: a `.creds` file, or the seed of an nkey."
    )
    api_secret: SecretStr = Field(
        SecretStr(""), description="The admin secret; generated into the data directory when unset."
    )
    jwt_secret: SecretStr = Field(
        SecretStr(""), description="Signs tokens (HS256); generated into the data directory when unset."
    )
    admin_password: SecretStr = Field(
        SecretStr(""), description="Password of the user `admin`; generated into the data directory when unset."
    )
    jwt_ttl_seconds: int = Field(900, ge=1, le=86_400, description="Life of a token, in seconds.")
    session_idle_seconds: int = Field(
        14_400, ge=60, le=31_536_000, description="Time without an open page until a sign-in ends, in seconds."
    )
    session_max_seconds: int = Field(
        43_200, ge=60, le=31_536_000, description="Time after which a sign-in ends in any case, in seconds."
    )
    base_path: str = Field(
        "", description="Path below which a proxy publishes this server, such as `/casare`; empty means the root."
    )
    allowed_origins: Names = Field(
        (), description="Web origins that may connect besides the server's own, separated by commas."
    )
    allowed_hosts: Names = Field(
        (), description="Host names accepted in requests besides those of this machine, separated by commas."
    )
    handshake_timeout_seconds: float = Field(
        10.0, gt=0, le=600, description="Time limit for receiving a whole request or handshake, in seconds."
    )
    write_timeout_seconds: float = Field(
        30.0, gt=0, le=3600, description="Time limit for a client to read the data that was sent to it, in seconds."
    )
    keep_alive_seconds: int = Field(
        75, ge=1, le=3600, description="Time until an HTTP connection without a request is closed, in seconds."
    )
    wheelhouse: Path | None = Field(
        None, description="Folder of Python packages that robots install from `/wheels/`. It is readable by everyone."
    )
    ping_interval_seconds: float = Field(
        20.0, ge=1, le=3600, description="Time without data from a client until a WebSocket ping is sent, in seconds."
    )
    rate_limit_robot: Rate = Field(
        ROBOT_LIMIT, description="Messages from a robot connection: `rate:burst` (per second, at once) or `off`."
    )
    rate_limit_robot_bytes: Rate = Field(
        ROBOT_BYTES, description="Bytes of messages over 2 KiB from one robot: `rate:burst` or `off`."
    )
    rate_limit_robot_lines: Rate = Field(
        ROBOT_LOG_LINES, description="Lines in the `log_batch` messages of one robot: `rate:burst` or `off`."
    )
    rate_limit_admin: Rate = Field(ADMIN_LIMIT, description="The same for /ws/admin and /ws/logs connections.")
    rate_limit_monitoring: Rate = Field(MONITORING_LIMIT, description="The same for /ws/monitoring connections.")
    rate_limit_connections: Rate = Field(
        CONNECTION_LIMIT,
        description="WebSockets that one credential opens: `rate:burst` or `off`.",
    )
    allow_cleartext: bool = Field(
        False,
        description="`yes` lets the server listen on a network address, although it speaks HTTP without TLS.",
    )
    trusted_proxies: Names = Field(
        (), description="Addresses or networks of proxies whose forwarding headers count, separated by commas."
    )
    wire: Literal["plain", "fast"] = Field(
        "fast", description="The socket path: `fast` parses text frames itself, `plain` leaves it to the library."
    )
    log_level: str = Field("INFO", description="DEBUG, INFO, WARNING or ERROR.")
    failpoints: str = Field(
        "", description="For tests: faults to inject, such as `store.commit:error` or `store.commit:kill@3`."
    )
    drain_delay_seconds: float = Field(
        0.0,
        ge=0,
        le=600,
        description="Time between SIGTERM and the close of the first connection, for load balancers, in seconds.",
    )
    drain_timeout_seconds: float = Field(
        10.0, ge=0, le=600, description="Time limit for closing all connections when the server stops, in seconds."
    )
    max_connections: int = Field(20_000, ge=1, description="Largest number of open WebSocket connections.")
    max_connections_per_principal: int = Field(1_000, ge=1, description="The same for one credential.")
    max_connections_per_address: int = Field(2_000, ge=1, description="The same for one network address.")
    max_unauthenticated: int = Field(
        4_000, ge=8, description="Largest number of connections that have presented no valid credential."
    )
    max_unauthenticated_per_address: int = Field(2_000, ge=4, description="The same for one network address.")
    retention_jobs_days: int = Field(30, ge=1, description="Days until an ended job is deleted.")
    retention_jobs: int = Field(1_000_000, ge=1, description="Largest number of ended jobs.")
    retention_log_days: int = Field(14, ge=1, description="Days until a log line is deleted.")
    retention_log_lines: int = Field(10_000_000, ge=1, description="Largest number of log lines.")
    retention_log_bytes: int = Field(
        20 * GIB, ge=MIB, description="Largest size of all log lines, in bytes with 256 for the row of each line."
    )
    retention_robot_log_bytes: int = Field(2 * GIB, ge=MIB, description="The same for the lines of one robot.")
    retention_audit_days: int = Field(365, ge=1, description="Days until an audit entry is deleted.")
    retention_audit_entries: int = Field(1_000_000, ge=1, description="Largest number of audit entries.")

    @field_validator(*SECRETS)
    @classmethod
    def _usable_secret(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        # A line end comes from the file or command that set the variable, and cannot be typed at a login.
        text = value.get_secret_value().rstrip("\r\n")
        if text and (problem := _fault_of(str(info.field_name), text)):
            raise ValueError(f"{problem}; make one with {MAKE_SECRET}")
        return SecretStr(text)

    @field_validator("instance_name")
    @classmethod
    def _plain_name(cls, value: str | None) -> str | None:
        if value and not _INSTANCE_NAME.fullmatch(value):
            raise ValueError(f"{value!r} is not a name such as north-1 (letters, digits and ._:@-)")
        return value

    @field_validator("log_level")
    @classmethod
    def _known_level(cls, value: str) -> str:
        if value.upper() not in ("DEBUG", "INFO", "WARNING", "ERROR"):
            raise ValueError("must be DEBUG, INFO, WARNING or ERROR")
        return value.upper()

    @field_validator("database_url")
    @classmethod
    def _supported(cls, value: str | None) -> str | None:
        if value is None or is_postgres(value):
            return value
        path = value.removeprefix(SQLITE_SCHEME)
        # Each reading connection would get its own in-memory database, and a stop would lose all data.
        if path in ("", value) or path.startswith(":memory:") or "?" in path:
            raise ValueError(
                "neither sqlite:///path/to/file (a file, without options) nor postgresql://user@host/database"
            )
        return value

    @field_validator("bus_url")
    @classmethod
    def _known_bus(cls, value: SecretStr | None) -> SecretStr | None:
        if value is None or not value.get_secret_value().strip():
            return None
        parse_bus_url(value.get_secret_value())
        return value

    @field_validator("base_path")
    @classmethod
    def _whole_path(cls, value: str) -> str:
        path = value.removesuffix("/")
        if path and not _BASE_PATH.fullmatch(path):
            example = "a path such as /casare (letters, digits and ._~- between slashes)"
            raise ValueError(f"{value!r} is not {example}")
        if path.split("/")[1:2] and path.split("/")[1] in OWN_PATHS:
            raise ValueError(f"{value!r} begins as a path of this server does; choose another one, such as /casare")
        return path

    @field_validator("allowed_origins")
    @classmethod
    def _whole_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for origin in value:
            if origin != "null" and not _ORIGIN.fullmatch(origin):
                raise ValueError(f"{origin!r} is not an origin such as https://app.example.com (no path, no wildcard)")
        return value

    @field_validator("allowed_hosts")
    @classmethod
    def _plain_names(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        names = tuple(name.lower() for name in value)
        for name in names:
            if not _HOST_NAME.fullmatch(name):
                raise ValueError(f"{name!r} is not a host name such as casare.example.com (no port, no wildcard)")
        return names

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for proxy in value:
            try:
                ipaddress.ip_network(proxy)
            except ValueError:
                example = "an address or a network such as 127.0.0.1 or 10.1.0.0/16 (no name, no wildcard)"
                raise ValueError(f"{proxy!r} is not {example}") from None
        return value

    @property
    def is_public(self) -> bool:
        """Whether other machines can connect: the address to listen on is not a loopback address."""
        try:
            return not ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return not (self.host.lower() == "localhost" or self.host.lower().endswith(".localhost"))

    @cached_property
    def host_names(self) -> tuple[str, ...]:
        """The host names accepted in requests: `host`, this machine's name, `allowed_hosts`, `instance_address`."""
        own = host_of_instance(self.instance_address or "")
        return (self.host.lower(), socket.gethostname().lower(), *self.allowed_hosts, *([own] if own else []))

    @property
    def shown_instance_name(self) -> str:
        """The name of this instance: `instance_name`, or host name and port."""
        return self.instance_name or f"{socket.gethostname()}:{self.port}"

    @property
    def shown_instance_address(self) -> str:
        """`instance_address`, or the URL of the socket. A socket on all addresses has the host name."""
        if self.instance_address:
            return self.instance_address
        host = socket.gethostname() if self.host in ("0.0.0.0", "::") else self.host  # noqa: S104 - does not bind
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    @property
    def work_limits(self) -> WorkLimits:
        """The limits on the work that one robot causes."""
        return WorkLimits(self.rate_limit_robot_bytes, self.rate_limit_robot_lines)

    @property
    def secret_texts(self) -> tuple[str, ...]:
        """The secrets in plain text, for redaction. Never print them."""
        own = [getattr(self, name).get_secret_value() for name in SECRETS]
        servers = () if self.bus_url is None else parse_bus_url(self.bus_url.get_secret_value())
        of_bus = [server.secret for server in servers if server.secret is not None]
        return (*(text for text in own if text), *passwords_in(self.database_url or ""), *of_bus)

    @property
    def store_url(self) -> str:
        """The URL of the database: `database_url`, or a file in the data directory."""
        return self.database_url or f"{SQLITE_SCHEME}{self.data_dir / DATABASE_FILE}"


def load_settings(
    *,
    config: Path | None = None,
    fallbacks: Mapping[str, Any] | None = None,
    **overrides: Any,  # noqa: ANN401 - pydantic checks them
) -> Settings:
    """The settings of `read_settings`, with all secrets set.

    Raises:
        InvalidSettings: the message has one sentence for each problem.
    """
    return with_secrets(read_settings(config=config, fallbacks=fallbacks, **overrides))


def read_settings(
    *,
    config: Path | None = None,
    fallbacks: Mapping[str, Any] | None = None,
    **overrides: Any,  # noqa: ANN401 - pydantic checks them
) -> Settings:
    """The settings as configured, without generated secrets.

    Precedence: `overrides` that are not None, the environment, the file, `fallbacks`, the default. The file is
    `config`, or that of CASARE_CONFIG, or casare.toml in the data directory if it exists.

    Raises:
        InvalidSettings: the message has one sentence for each problem.
    """
    given = {name: value for name, value in overrides.items() if value is not None}
    environment = _environment()
    file = _file_settings(config, given)
    below = {name: value for name, value in file.values.items() if name not in environment}
    problems = list(file.problems)
    invalid: set[str] = set()
    values = {**_without(fallbacks or {}, environment), **below, **given}
    try:
        settings = Settings(**values)
    except ValidationError as error:
        from_file = below.keys() - given.keys()
        problems += [_explain(problem, file.path, from_file) for problem in error.errors()]
        invalid = {str(problem["loc"][0]) for problem in error.errors()}
        settings = Settings(**{**values, **_defaults_of(invalid)})
    problems += _exposures(settings)
    if "database_url" not in invalid:
        problems += _contradictions(settings)
    if problems:
        raise InvalidSettings("; ".join(problems))
    return settings


def _defaults_of(names: Collection[str]) -> dict[str, Any]:
    """The defaults of invalid settings, with which the rules for several settings can still be checked."""
    return {name: Settings.model_fields[name].get_default(call_default_factory=True) for name in names}


def _exposures(settings: Settings) -> list[str]:
    """Settings that are safe on a loopback address only, each with the next step."""
    if not settings.is_public:
        return []
    found = []
    if not settings.allow_cleartext:
        found.append(
            f"{PREFIX}HOST: {settings.host} can be reached from other machines, and credentials would travel in clear "
            "text; listen on 127.0.0.1 behind a proxy with TLS, or set CASARE_ALLOW_CLEARTEXT=yes if the network "
            "between this server and a proxy is private"
        )
    if settings.log_level == "DEBUG":
        found.append(f"{PREFIX}LOG_LEVEL: DEBUG logs the content of messages; use it on a loopback address only")
    return found


def _contradictions(settings: Settings) -> list[str]:
    """Settings that exclude each other, each with the next step."""
    bus = "" if settings.bus_url is None else settings.bus_url.get_secret_value()
    if settings.store_url.startswith(SQLITE_SCHEME) and bus and parse_bus_url(bus):
        sentence = (
            "a SQLite database has one instance, which sends no hints; leave it unset, or use a PostgreSQL database"
        )
        return [f"{PREFIX}BUS_URL: {sentence}"]
    if settings.bus_credentials is not None:
        servers = parse_bus_url(bus) if bus else ()
        if not servers:
            return [f"{PREFIX}BUS_CREDENTIALS: it is for NATS; set {PREFIX}BUS_URL to its address, or leave it unset"]
        if any(server.secret is not None for server in servers):
            return [f"{PREFIX}BUS_CREDENTIALS: {PREFIX}BUS_URL has credentials, too; leave one of them out"]
    return []


def _environment() -> dict[str, str]:
    """The settings of the environment by name, read as pydantic does: in upper or lower case; empty means unset."""
    named = {name.upper(): value for name, value in os.environ.items() if value}
    return {name.removeprefix(PREFIX).lower(): value for name, value in named.items() if name.startswith(PREFIX)}


def _without(values: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if name not in names}


def _file_settings(config: Path | None, given: Mapping[str, Any]) -> FileSettings:
    """The settings of the file; empty if no file is named and the data directory has none."""
    known = Known({name: field.annotation for name, field in Settings.model_fields.items()}, SECRETS, URLS)
    environment = _environment()
    if named := config or environment.get("config"):
        return read_settings_file(Path(named), known)
    data_dir = given.get("data_dir") or environment.get("data_dir") or default_data_dir()
    kept = Path(data_dir) / FILE_NAME
    return read_settings_file(kept, known, not_here=("data_dir",)) if kept.exists() else FileSettings(kept, {})


def _explain(problem: Any, file: Path, from_file: Collection[str]) -> str:  # noqa: ANN401 - pydantic's own shape
    name = str(problem["loc"][0])
    where = f"{file}: {name}" if name in from_file else f"{PREFIX}{name.upper()}"
    return f"{where}: {problem['ctx']['error'] if problem['type'] == 'value_error' else problem['msg']}"


def with_secrets(settings: Settings) -> Settings:
    """The settings with a generated secret for each one that is unset. A secret is stored once, with mode 0600.

    Raises:
        InvalidSettings: the data directory cannot be used, or a stored secret is too short.
    """
    try:
        settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = {
            name: SecretStr(_kept_secret(settings.data_dir / name))
            for name in SECRETS
            if not getattr(settings, name).get_secret_value()
        }
    except OSError as error:
        raise InvalidSettings(
            f"{settings.data_dir} cannot be used: {error.strerror}", field="CASARE_DATA_DIR"
        ) from error
    for name, secret in found.items():
        if _fault_of(name, secret.get_secret_value()):  # an empty one would be accepted from every client
            path = settings.data_dir / name
            sentence = f"{path} holds no usable secret; delete it to get a new one"
            raise InvalidSettings(sentence, field=f"CASARE_{name.upper()}")
    return settings.model_copy(update={**found, "data_dir": settings.data_dir.resolve()})


def _kept_secret(path: Path) -> str:
    """The secret in a file, which is created if missing. Two processes that start at the same time get the same one."""
    if not path.exists():
        draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(32))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)  # atomic; fails if another process was first
        except FileExistsError:
            pass  # use the secret of the other process
        finally:
            draft.unlink()
    return path.read_text().strip()
