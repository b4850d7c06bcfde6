"""Data directory, address and admin secret of the orchestrator on this machine."""

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

from casare_rpa.domain.errors import AuthError, InvalidSettings
from casare_rpa.domain.text_files import decode_text

if TYPE_CHECKING:
    from casare_rpa.infrastructure.orchestrator.communication.http_client import OrchestratorHttpClient

DEFAULT_URL = "http://127.0.0.1:8000"
ADDRESS_FILE = "server.json"
SECRET_FILE = "api_secret"  # noqa: S105 - a file name
LOCAL_DATA_DIR = Path(".casare")
ALLOW_CLEARTEXT = "CASARE_ALLOW_CLEARTEXT"


def data_dir() -> Path:
    """CASARE_DATA_DIR, else `.casare` (used by `make run`) if it exists, else the user's data directory."""
    named = os.environ.get("CASARE_DATA_DIR")
    if named:
        return Path(named)
    return LOCAL_DATA_DIR if LOCAL_DATA_DIR.is_dir() else Path(platformdirs.user_data_dir("casare"))


def orchestrator_url(given: str | None) -> str:
    """The address: the flag, CASARE_URL, that of the running local server, or the default.

    Raises:
        InvalidSettings: a file in the working directory names another machine.
    """
    if chosen := given or os.environ.get("CASARE_URL"):
        return chosen
    from casare_rpa.infrastructure.orchestrator.communication.addresses import parse_address

    folder = data_dir()
    path = folder / ADDRESS_FILE
    try:
        url = str(json.loads(path.read_text())["url"])
    except (FileNotFoundError, ValueError, KeyError):  # missing, or half written by a crash
        return DEFAULT_URL
    # Another user can have written the files of the working directory, for example in a cloned repository.
    if folder == LOCAL_DATA_DIR and not (address := parse_address(url)).is_loopback:
        raise InvalidSettings(
            f"{path} names {address.shown}, and a file in the working directory may only name this machine; "
            f"if that is your orchestrator: --url {address.shown}"
        )
    return url


def secret_url(given: str | None) -> str:
    """The address, if a secret may be sent to it.

    Raises:
        InvalidSettings: it is on another machine and not encrypted, and CASARE_ALLOW_CLEARTEXT is not `yes`.
        ConnectFailed: it is not a URL.
    """
    from casare_rpa.infrastructure.orchestrator.communication.addresses import parse_address

    url = orchestrator_url(given)
    address = parse_address(url)
    if address.secure or address.is_loopback or os.environ.get(ALLOW_CLEARTEXT, "").lower() == "yes":
        return url
    raise InvalidSettings(
        f"{address.shown} is not encrypted, so the secret would cross the network in clear text; use https:// or "
        f"wss://, or set {ALLOW_CLEARTEXT}=yes when the network itself is protected"
    )


def admin_client(url: str | None, *, timeout_seconds: float = 10) -> "OrchestratorHttpClient":
    """A client with the admin secret of this machine.

    Raises:
        AuthError: there is no secret; the message says what to do.
        InvalidSettings: the secret must not be sent to this address.
    """
    from casare_rpa.infrastructure.orchestrator.communication.http_client import OrchestratorHttpClient

    return OrchestratorHttpClient(secret_url(url), api_secret=admin_secret(), timeout_seconds=timeout_seconds)


def admin_secret() -> str:
    """CASARE_API_SECRET, or the secret of the orchestrator on this machine.

    Raises:
        AuthError: there is no secret; the message says what to do.
    """
    secret = os.environ.get("CASARE_API_SECRET", "").rstrip("\r\n")
    if not secret:
        path = data_dir() / SECRET_FILE
        try:
            secret = decode_text(path.read_bytes()).strip()
        except FileNotFoundError:
            raise AuthError(
                f"no admin secret: {path} does not exist; start the orchestrator here with `casare up`, "
                "or set CASARE_API_SECRET and CASARE_URL for another one"
            ) from None
        except ValueError as error:
            raise AuthError(f"no admin secret: {path} {error}") from None
    return secret


def absolute_path(path: Path) -> Path:
    """The absolute path, with links left in it. It stays valid when the working directory is deleted."""
    if path.is_absolute():
        return path  # also when the working directory is deleted already
    base, parts = Path.cwd(), path.parts
    while parts and parts[0] == "..":  # only leading ones: after a link, `..` does not mean the part before it
        base, parts = base.parent, parts[1:]
    return base.joinpath(*parts)


def own_command(*arguments: str) -> list[str]:
    """The command that runs `casare` with these arguments in a new process.

    `-P`: files in the working directory may have the names of modules that `casare` imports.
    """
    return [sys.executable, "-P", "-m", "casare_rpa.cli.main", *arguments]
