"""The checks of `casare doctor` on this machine: Python, SQLite, packages, data directory, disk, secrets.

Each check takes its facts as arguments, so that a test can describe any machine.
"""

import re
import sqlite3
import stat
import tempfile
from collections.abc import Callable, Collection
from pathlib import Path

from casare_rpa.cli.check import Check, ok, problem, warning

OLDEST_PATCH = (3, 11, 7)
"""The oldest patch release that is tested. Newer ones fix security problems."""
MIN_PYTHON = (3, 11)
WAL_RESET_BUG = ((3, 7, 0), (3, 51, 2))
"""First and last version with the bug. Source: https://sqlite.org/releaselog/3_51_3.html."""
MIN_SQLITE = (3, 37, 0)
"""The first version with STRICT tables."""
LOW_DISK_BYTES = 1024**3
FEW_OPEN_FILES = 4096
NETWORK_FILESYSTEMS = frozenset(
    [
        "9p",
        "afs",
        "beegfs",
        "ceph",
        "cifs",
        "davfs",
        "glusterfs",
        "gpfs",
        "lustre",
        "ncpfs",
        "nfs",
        "nfs3",
        "nfs4",
        "smb2",
        "smb3",
        "smbfs",
    ]
)
SERVER_MODULES = ("fastapi", "uvicorn", "sqlalchemy", "alembic", "pydantic_settings", "prometheus_client", "jwt")
SECRET_FILES = ("api_secret", "jwt_secret", "admin_password")
DATABASE_FILES = "*.db*"
STATEMENTS = (
    "CREATE TABLE probe (id INTEGER PRIMARY KEY, name TEXT) STRICT",
    "INSERT INTO probe SELECT value, 'x' FROM json_each('[1]') RETURNING id",
    "INSERT INTO probe VALUES (1, 'y') ON CONFLICT (id) DO UPDATE SET name = excluded.name",
    "UPDATE probe SET name = value FROM json_each('[\"z\"]') WHERE probe.id = 1",
)


def python(version: tuple[int, ...]) -> Check:
    """Whether the Python version is supported."""
    shown = ".".join(map(str, version[:3]))
    if version[:2] < MIN_PYTHON:
        return problem("python", f"Python {shown} is too old; 3.11 or newer is required.", "Install a newer Python.")
    if version < OLDEST_PATCH:
        return warning(
            "python",
            f"Python {shown} is older than {'.'.join(map(str, OLDEST_PATCH))}, the oldest supported patch release.",
            "Install the newest patch release; older ones have known security problems.",
        )
    return ok("python", f"Python {shown}.")


def sqlite_version(version: tuple[int, int, int]) -> Check:
    """Whether the SQLite version is supported, and whether it has the bug that can corrupt a database in WAL mode."""
    shown = ".".join(map(str, version))
    if version < MIN_SQLITE:
        return problem("sqlite", f"SQLite {shown} has no STRICT tables.", "Install a Python with SQLite 3.37 or newer.")
    first, last = WAL_RESET_BUG
    if first <= version <= last:
        return warning(
            "sqlite",
            f"SQLite {shown} can corrupt a database when two connections write and checkpoint at once (fixed in "
            "3.51.3). The orchestrator is not affected: it uses one connection for both.",
            "Do not open the database with another program while the orchestrator runs, not even for reading.",
        )
    return ok("sqlite", f"SQLite {shown}.")


def sqlite_features(run: Callable[[str], object]) -> Check:
    """Whether SQLite has the features that the store needs. `run` executes a statement."""
    for statement in STATEMENTS:
        try:
            run(statement)
        except sqlite3.Error as error:
            return problem(
                "sqlite features",
                f"SQLite lacks a feature that the store needs ({error}).",
                "Install a Python whose SQLite has STRICT tables, JSON functions and RETURNING.",
            )
    return ok("sqlite features", "STRICT tables, JSON functions, RETURNING and upserts are available.")


def packages(installed: Collection[str]) -> Check:
    """Which optional packages are installed."""
    missing = [name for name in SERVER_MODULES if name not in installed]
    suites = "" if "robot" in installed else " Robot Framework is not installed: robots here cannot run suites."
    if len(missing) == len(SERVER_MODULES):
        return ok(
            "packages",
            f"A bare install: robot, Python client and command line, without the orchestrator.{suites}",
            "To run an orchestrator here: pip install 'casare-rpa[server]'",
        )
    if missing:
        return problem(
            "packages",
            f"The orchestrator cannot start; missing packages: {', '.join(missing)}.",
            "pip install 'casare-rpa[server]'",
        )
    step = "To run suites here: pip install 'casare-rpa[robotframework]'" if suites else ""
    return ok("packages", f"The orchestrator can run here.{suites}", step)


def nearest(path: Path) -> Path:
    """The path, or its nearest existing parent."""
    for place in (path, *path.parents):
        try:
            place.stat()
        except OSError:
            continue
        return place
    return Path(path.anchor)


def data_dir(path: Path) -> Check:
    """Whether the orchestrator can write to the folder. Leaves no file behind."""
    name = "data directory"
    existing = nearest(path)
    try:
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        return problem(
            name,
            f"{path} is not writable: {error.strerror}.",
            "Correct its owner and mode, or choose another folder with --data-dir or CASARE_DATA_DIR.",
        )
    return ok(name, f"{path} is writable." if existing == path else f"{path} will be created at the first start.")


def disk(free_bytes: int, path: Path) -> Check:
    """Whether there is disk space for the database and the output of jobs."""
    shown = f"{free_bytes / 1024**3:.1f} GiB are free at {path}."
    if free_bytes < LOW_DISK_BYTES:
        return warning("disk", shown, "Free disk space: with a full disk, no jobs are accepted.")
    return ok("disk", shown)


def open_files(limit: int | None) -> Check:
    """Whether enough connections can be open at the same time. `limit` is the hard limit; `None` without one."""
    if limit is None:
        return ok("open files", "This system does not limit the open files of a process.")
    if limit < FEW_OPEN_FILES:
        return warning(
            "open files",
            f"An orchestrator here can open {limit} files, and each connection needs one.",
            "Raise the hard limit: ulimit -Hn in a shell as root, LimitNOFILE= in a systemd unit.",
        )
    return ok("open files", f"An orchestrator here can open {limit} files.")


def filesystem(path: Path, mounts: str | None) -> Check:
    """Whether the database would be on a network share. `mounts` is the text of /proc/mounts; `None` without one."""
    if mounts is None:
        return ok("filesystem", "Not checked: this system has no /proc/mounts.")
    best, kind = Path("/"), "unknown"
    for line in mounts.splitlines():
        fields = line.split()
        mounted = Path(re.sub(r"\\([0-7]{3})", lambda escape: chr(int(escape[1], 8)), fields[1]))
        if path.is_relative_to(mounted) and len(mounted.parts) >= len(best.parts):
            best, kind = mounted, fields[2]
    if kind in NETWORK_FILESYSTEMS or kind.startswith("fuse."):
        return warning(
            "filesystem",
            f"{path} is on {kind} at {best}, where locks and fsync may not meet the needs of SQLite.",
            "Use a data directory on a local disk.",
        )
    return ok("filesystem", f"{path} is on {kind}.")


def secret_files(path: Path, *, posix: bool) -> Check:
    """Whether only the owner can read the secrets in the folder."""
    return _closed_files(
        "secrets",
        path,
        lambda: [path / file for file in SECRET_FILES if (path / file).exists()] + sorted(path.glob("robot-*.key")),
        others=0o077 if posix else None,
        then="then replace these secrets",
        nouns=("secrets", "secrets"),
    )


def databases(path: Path, *, posix: bool) -> Check:
    """Whether others can read the database, or the journal of a robot, in the folder or in a folder of it."""
    return _closed_files(
        "databases",
        path,
        lambda: sorted([*path.glob(DATABASE_FILES), *path.glob(f"*/{DATABASE_FILES}")]),
        others=0o007 if posix else None,
        then="the next start does it, too",
        nouns=("database", "database files"),
    )


def _closed_files(
    name: str,
    path: Path,
    found: Callable[[], list[Path]],
    *,
    others: int | None,
    then: str,
    nouns: tuple[str, str],
) -> Check:
    """Whether the files have none of the mode bits `others`; `None` on a system without file modes.

    `then` follows the command that closes them. `nouns` names the files when there are none, and when there are some.
    """
    if others is None:
        return ok(name, "Not checked: this system has no file modes.")
    try:
        kept = found()
        open_to_others = [file for file in kept if stat.S_IMODE(file.stat().st_mode) & others]
    except OSError as error:
        return warning(name, f"{path} cannot be read: {error.strerror}.", "Run this as the orchestrator's user.")
    if open_to_others:
        files = " ".join(str(file) for file in open_to_others)
        return problem(name, f"Other users can read {files}.", f"chmod 600 {files}; {then}.")
    if not kept:
        return ok(name, f"{path} contains no {nouns[0]} yet.")
    return ok(name, f"Other users cannot read the {len(kept)} {nouns[1]} in {path}.")
