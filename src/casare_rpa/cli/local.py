"""What the commands know of the orchestrator on this machine: where it keeps its data, its address, its secret."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

from casare_rpa.domain.errors import AuthError

if TYPE_CHECKING:
    from casare_rpa.infrastructure.orchestrator.communication.http_client import OrchestratorHttpClient

DEFAULT_URL = "http://127.0.0.1:8000"
ADDRESS_FILE = "server.json"
SECRET_FILE = "api_secret"  # noqa: S105 - the name of the file, not what is in it
LOCAL_DATA_DIR = Path(".casare")


def data_dir() -> Path:
    """CASARE_DATA_DIR, else `.casare` where `make run` keeps it, else the user's data directory."""
    named = os.environ.get("CASARE_DATA_DIR")
    if named:
        return Path(named)
    return LOCAL_DATA_DIR if LOCAL_DATA_DIR.is_dir() else Path(platformdirs.user_data_dir("casare"))


def orchestrator_url(given: str | None) -> str:
    """The address to talk to: the flag, CASARE_URL, that of the running local server, else the default."""
    if chosen := given or os.environ.get("CASARE_URL"):
        return chosen
    address = data_dir() / ADDRESS_FILE
    try:
        return str(json.loads(address.read_text())["url"])
    except (FileNotFoundError, ValueError, KeyError):  # none, or one that a crash left half written
        return DEFAULT_URL


def admin_client(url: str | None) -> "OrchestratorHttpClient":
    """A client with the admin secret of this machine.

    Raises:
        AuthError: there is none, with what to do about it.
    """
    from casare_rpa.infrastructure.orchestrator.communication.http_client import OrchestratorHttpClient

    return OrchestratorHttpClient(orchestrator_url(url), api_secret=admin_secret())


def admin_secret() -> str:
    """CASARE_API_SECRET, else that of the orchestrator on this machine.

    Raises:
        AuthError: there is none, with what to do about it.
    """
    secret = os.environ.get("CASARE_API_SECRET")
    if not secret:
        path = data_dir() / SECRET_FILE
        try:
            secret = path.read_text().strip()
        except FileNotFoundError:
            raise AuthError(
                f"no admin secret: {path} does not exist; start the orchestrator here with `casare up`, "
                "or set CASARE_API_SECRET (and CASARE_URL) to those of another one"
            ) from None
    return secret
