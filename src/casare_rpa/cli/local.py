"""Data directory, address and admin secret of the orchestrator on this machine."""

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

from casare_rpa.domain.errors import AuthError

if TYPE_CHECKING:
    from casare_rpa.infrastructure.orchestrator.communication.http_client import OrchestratorHttpClient

DEFAULT_URL = "http://127.0.0.1:8000"
ADDRESS_FILE = "server.json"
SECRET_FILE = "api_secret"  # noqa: S105 - a file name
LOCAL_DATA_DIR = Path(".casare")


def data_dir() -> Path:
    """CASARE_DATA_DIR, else `.casare` (used by `make run`) if it exists, else the user's data directory."""
    named = os.environ.get("CASARE_DATA_DIR")
    if named:
        return Path(named)
    return LOCAL_DATA_DIR if LOCAL_DATA_DIR.is_dir() else Path(platformdirs.user_data_dir("casare"))


def orchestrator_url(given: str | None) -> str:
    """The address: the flag, CASARE_URL, that of the running local server, or the default."""
    if chosen := given or os.environ.get("CASARE_URL"):
        return chosen
    address = data_dir() / ADDRESS_FILE
    try:
        return str(json.loads(address.read_text())["url"])
    except (FileNotFoundError, ValueError, KeyError):  # missing, or half written by a crash
        return DEFAULT_URL


def admin_client(url: str | None) -> "OrchestratorHttpClient":
    """A client with the admin secret of this machine.

    Raises:
        AuthError: there is no secret; the message says what to do.
    """
    from casare_rpa.infrastructure.orchestrator.communication.http_client import OrchestratorHttpClient

    return OrchestratorHttpClient(orchestrator_url(url), api_secret=admin_secret())


def admin_secret() -> str:
    """CASARE_API_SECRET, or the secret of the orchestrator on this machine.

    Raises:
        AuthError: there is no secret; the message says what to do.
    """
    secret = os.environ.get("CASARE_API_SECRET")
    if not secret:
        path = data_dir() / SECRET_FILE
        try:
            secret = path.read_text().strip()
        except FileNotFoundError:
            raise AuthError(
                f"no admin secret: {path} does not exist; start the orchestrator here with `casare up`, "
                "or set CASARE_API_SECRET and CASARE_URL for another one"
            ) from None
    return secret


def absolute_path(path: Path) -> Path:
    """The absolute path, with links left in it. It stays valid when the working directory is deleted."""
    if path.is_absolute():
        return path  # also when the working directory is deleted already
    base, parts = Path.cwd(), path.parts
    while parts and parts[0] == "..":  # only leading ones: after a link, `..` is not the part before it
        base, parts = base.parent, parts[1:]
    return base.joinpath(*parts)


def own_command(*arguments: str) -> list[str]:
    """The command that runs `casare` with these arguments in a new process.

    `-P`: files in the working directory may have the names of modules that `casare` imports.
    """
    return [sys.executable, "-P", "-m", "casare_rpa.cli.main", *arguments]
