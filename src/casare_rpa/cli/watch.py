"""`casare watch`: every change of jobs from a position on."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from casare_rpa.cli.arguments import Url
from casare_rpa.cli.local import admin_client
from casare_rpa.cli.output import HarmlessConsole, console, emit, is_json, on_terminal, update_line
from casare_rpa.domain.errors import CasareError, InvalidSettings
from casare_rpa.domain.text_files import decode_text

if TYPE_CHECKING:
    from casare_rpa.infrastructure.orchestrator.communication.http_client import OrchestratorHttpClient

PAGE = 500
LONGEST_POSITION = 512


def watch(
    since: Annotated[
        str,
        typer.Option(help="Position of the last known change; `oldest` for all that are stored, `now` for new ones."),
    ] = "now",
    state: Annotated[
        Path | None,
        typer.Option(help="File for the position of the last printed change; if it exists, the command begins there."),
    ] = None,
    tenant: Annotated[str | None, typer.Option(help="Only changes of this tenant.")] = None,
    url: Url = None,
    *,
    once: Annotated[bool, typer.Option("--once", help="Print the stored changes, and exit.")] = False,
) -> None:
    """Print every change of any job, each once and in order, until Ctrl-C."""
    watcher = _Watcher(admin_client(url), _stored(state) or since, state, tenant)
    watcher.print_stored() if once else watcher.print_all()


class _Watcher:
    """Prints changes and keeps the position of the last printed one."""

    def __init__(self, client: "OrchestratorHttpClient", since: str, state: Path | None, tenant: str | None) -> None:
        self._client = client
        self._since = since
        self._state = state
        self._tenant = tenant
        self._errors = HarmlessConsole(stderr=True, quiet=is_json())
        self._lost = False

    def print_stored(self) -> None:
        while True:
            page = self._client.list_changes(self._since, tenant_id=self._tenant, limit=PAGE)
            for change in page["items"]:
                self._print(change)
            self._since = page["next"]
            self._keep(self._since)
            if not page["more"]:
                emit({"type": "position", "position": self._since})
                return

    def print_all(self) -> None:
        from casare_rpa.infrastructure.orchestrator.communication.change_watch import ChangeWatch

        changes = ChangeWatch(
            self._client,
            self._since,
            tenant_id=self._tenant,
            on_position=self._note_connection,
            on_loss=self._note_loss,
        )
        try:
            for change in changes.changes():
                self._print(change)
                self._keep(changes.position)
        except KeyboardInterrupt:
            self._errors.print(f"\nTo continue: casare watch --since {changes.position}")
            raise

    def _print(self, change: dict[str, Any]) -> None:
        emit({"type": "change", "change": change})
        place = "" if on_terminal() else f"{change['position']} "
        console.print(place, update_line({**change, "timestamp": change["at"]}), sep="")

    def _note_connection(self, position: str) -> None:
        emit({"type": "position", "position": position})
        self._keep(position)
        if self._lost:
            self._errors.print("connected again")
        self._lost = False

    def _note_loss(self, error: CasareError) -> None:
        if not self._lost:
            self._errors.print(f"{error}; connecting again")
        self._lost = True

    def _keep(self, position: str) -> None:
        """Replace the stored position in one step: after a crash the file has this one or the one before."""
        if self._state is None:
            return
        beside = self._state.with_name(f"{self._state.name}.new")
        with beside.open("w", encoding="ascii") as file:
            file.write(f"{position}\n")
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self._state)


def _stored(state: Path | None) -> str | None:
    """The position of an earlier run, if there is a file.

    Raises:
        InvalidSettings: the file does not hold a position, or its folder does not exist.
    """
    if state is None:
        return None
    if not state.parent.is_dir():
        raise InvalidSettings(f"--state: the folder {state.parent} does not exist")
    try:
        position = decode_text(state.read_bytes()).strip()
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise InvalidSettings(f"--state: {state}: {error}") from None
    if not position.isascii() or not position.isprintable() or not 0 < len(position) <= LONGEST_POSITION:
        raise InvalidSettings(f"--state: {state} is not a file of this command; delete it to begin with --since")
    return position
