"""The lock that allows one process per database, and the access to the files of a database.

The operating system releases the lock when the process ends or crashes.
"""

import contextlib
import os
import sys
from pathlib import Path
from typing import IO

from casare_rpa.domain.errors import StoreUnavailable

PRIVATE_MODE = 0o600
OF_OTHERS = 0o007
_SIDE_FILES = ("", "-wal", "-shm", ".lock")


def make_database_private(path: Path) -> None:
    """Create the database file for its owner only. An existing one, and its side files, lose the access of others.

    SQLite gives its side files the mode of the database. Access of the group alone was given on purpose, and is kept.
    """
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_MODE))
    for suffix in _SIDE_FILES:
        file = path.with_name(path.name + suffix)
        if file.exists() and file.stat().st_mode & OF_OTHERS:
            file.chmod(PRIVATE_MODE)


def lock_database(path: Path) -> IO[bytes]:
    """Lock the database until the returned file is closed.

    Raises:
        StoreUnavailable: another process has it.
    """
    lock = path.with_name(path.name + ".lock").open("ab")
    try:
        _lock(lock)
    except OSError:
        lock.close()
        raise StoreUnavailable(
            f"the database {path} is in use by another orchestrator; stop that one, or choose another data directory "
            "with --data-dir or CASARE_DATA_DIR"
        ) from None
    return lock


def _lock(lock: IO[bytes]) -> None:
    if sys.platform == "win32":
        import msvcrt

        msvcrt.locking(lock.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        import fcntl

        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.set_inheritable(lock.fileno(), False)
