"""`casare doctor`: checks this machine and its connection to the orchestrator."""

import importlib.util
import os
import shutil
import socket
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from casare_rpa.cli import checks_database, checks_machine
from casare_rpa.cli.arguments import Url
from casare_rpa.cli.check import Check, Verdict, ok, problem
from casare_rpa.cli.exits import Exit
from casare_rpa.cli.local import ALLOW_CLEARTEXT, orchestrator_url
from casare_rpa.cli.local import data_dir as local_data_dir
from casare_rpa.cli.output import console, emit
from casare_rpa.cli.serve import DataDir
from casare_rpa.domain.errors import ConnectFailed, InvalidSettings, StoreUnavailable

if TYPE_CHECKING:
    from casare_rpa.infrastructure.orchestrator.settings import Settings

DEFAULT_PORT = 8000
STYLES = {Verdict.OK: "green", Verdict.WARNING: "yellow", Verdict.PROBLEM: "bold red"}
MOUNTS = Path("/proc/mounts")


def doctor(
    url: Url = None,
    data_dir: DataDir = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.", envvar="CASARE_PORT")] = None,
) -> None:
    """Check this machine and its connection to the orchestrator. Exit 1 when there is a problem."""
    folder = (data_dir or local_data_dir()).absolute()
    found: list[Check] = []
    for check in _checks(folder, port, url):
        found.append(check)
        _print(check)
    count = {verdict: sum(check.verdict is verdict for check in found) for verdict in Verdict}
    console.print(f"\nproblems: {count[Verdict.PROBLEM]}, warnings: {count[Verdict.WARNING]}")
    emit({"ok": not count[Verdict.PROBLEM], "checks": [asdict(check) for check in found]})
    raise typer.Exit(Exit.FAILED if count[Verdict.PROBLEM] else Exit.OK)


def _checks(folder: Path, port: int | None, url: str | None) -> Iterator[Check]:
    yield from _machine(folder)
    valid, configured, settings = _settings(folder, port)
    yield valid
    if settings is not None:
        yield from _database(settings)
    yield from _network(url, configured)


def _print(check: Check) -> None:
    console.print(f"{check.verdict:<8}", style=STYLES[check.verdict], end="")
    console.print(f" {check.name}: {check.sentence}")
    if check.next_step:
        console.print(f"         → {check.next_step}", style="dim")


def _machine(folder: Path) -> Iterator[Check]:
    yield checks_machine.python(sys.version_info[:3])
    yield checks_machine.sqlite_version(sqlite3.sqlite_version_info)
    with closing(sqlite3.connect(":memory:")) as database:
        yield checks_machine.sqlite_features(lambda statement: database.execute(statement).fetchall())
    yield checks_machine.packages(_installed())
    yield checks_machine.data_dir(folder)
    existing = checks_machine.nearest(folder)
    yield checks_machine.disk(shutil.disk_usage(existing).free, existing)
    yield checks_machine.open_files(_hard_limit_of_open_files())
    mounts = MOUNTS.read_text(errors="replace") if MOUNTS.exists() else None
    yield checks_machine.filesystem(existing.resolve(), mounts)
    yield checks_machine.secret_files(folder, posix=os.name == "posix")
    yield checks_machine.databases(folder, posix=os.name == "posix")


def _hard_limit_of_open_files() -> int | None:
    try:
        import resource
    except ImportError:  # Windows
        return None
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return None if hard == resource.RLIM_INFINITY else hard


def _installed() -> set[str]:
    wanted = (*checks_machine.SERVER_MODULES, "robot")
    return {name for name in wanted if importlib.util.find_spec(name) is not None}


def _settings(folder: Path, port: int | None) -> tuple[Check, int, "Settings | None"]:
    """Whether the settings are valid, the port that they set, and the settings if an orchestrator can run with them."""
    if set(checks_machine.SERVER_MODULES) - _installed():
        return ok("settings", "Not checked: no orchestrator can run here."), port or DEFAULT_PORT, None
    from casare_rpa.infrastructure.orchestrator.settings import read_settings

    try:
        settings = read_settings(data_dir=folder, port=port)
    except InvalidSettings as error:
        sentence = f"The orchestrator would not start: {error}."
        return problem("settings", sentence, "See docs/reference/settings.md for valid values."), DEFAULT_PORT, None
    return ok("settings", "Environment and file contain valid settings."), settings.port, settings


def _database(settings: "Settings") -> Iterator[Check]:
    """The checks of a PostgreSQL server; none for a database file, which `_machine` checks."""
    from casare_rpa.cli import checks_network
    from casare_rpa.domain.instance_addresses import host_of_instance
    from casare_rpa.infrastructure.orchestrator.settings import is_postgres
    from casare_rpa.infrastructure.orchestrator.storage.backends import read_server_facts

    url = settings.store_url
    if is_postgres(url):
        address = settings.shown_instance_address
        yield checks_network.instance_address(address, checks_network.addresses_of(host_of_instance(address)))
        try:
            facts = read_server_facts(url)
        except StoreUnavailable as error:
            sentence = f"The server cannot be checked: {error}."
            yield problem("database", sentence, "Correct CASARE_DATABASE_URL, or start PostgreSQL.")
            return
        yield from checks_database.all_checks(facts)


def _network(url: str | None, port: int) -> Iterator[Check]:
    from casare_rpa.cli import checks_network as network
    from casare_rpa.infrastructure.orchestrator.communication.addresses import parse_address

    wall, monotonic = time.time(), time.monotonic()
    taken = _bind_error(port)
    there = network.probe_http(parse_address(f"http://127.0.0.1:{port}")) if taken else None
    yield network.port(port, taken, there, needed="fastapi" in _installed())
    try:
        address = parse_address(orchestrator_url(url))
    except (ConnectFailed, InvalidSettings) as error:
        yield problem("orchestrator", f"The address cannot be used: {error}.", "Correct --url or CASARE_URL.")
        return
    try:
        answer = network.probe_http(address)
    except ConnectFailed as error:
        yield problem("orchestrator", f"No connection: {error}.", "Correct the certificate, or set SSL_CERT_FILE.")
        return
    yield network.orchestrator(address, answer, named=bool(url or os.environ.get("CASARE_URL")))
    yield network.encryption(address, allowed=os.environ.get(ALLOW_CLEARTEXT, "").lower() == "yes")
    yield network.proxy(address, os.environ)
    yield network.clock(answer, address.shown)
    if answer is None:
        yield ok("websocket", f"Skipped: no orchestrator answers at {address.shown}.")
    else:
        yield network.websocket(network.probe_websocket(address), address.shown)
    now = time.time()
    yield network.wall_clock(now, now - wall, time.monotonic() - monotonic)


def _bind_error(port: int) -> str | None:
    """Why a port of this machine cannot be bound; `None` when it can."""
    with socket.socket() as listener:
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError as error:
            return error.strerror or str(error)
    return None
