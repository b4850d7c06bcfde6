"""The lock that allows one process per database. The operating system releases it when the process ends or crashes."""

import os
import sys
from pathlib import Path
from typing import IO

from casare_rpa.domain.errors import StoreUnavailable


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
