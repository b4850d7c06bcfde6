"""Runs programs as a user without rights, when the tests run as root."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

NOBODY = 65534
SOURCE = Path(__file__).resolve().parents[1] / "src"


def unprivileged_user() -> int | None:
    """The user id to run programs as; `None` for the current user, which is not root."""
    return NOBODY if os.getuid() == 0 else None


@contextmanager
def shared_folder() -> Iterator[Path]:
    """A temporary folder that every user can pass through. The folders of pytest are private."""
    with tempfile.TemporaryDirectory(prefix="casare-test-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        yield folder


@cache
def shared_python() -> tuple[str, dict[str, str]]:
    """A Python that every user can run, and the variables with which it finds this project and its dependencies.

    The Python of the tests may lie in a home directory that other users cannot enter.
    """
    paths = {"PYTHONPATH": os.pathsep.join([str(SOURCE), sysconfig.get_path("purelib")])}
    for name in (sys.executable, "python3.11", "python3"):
        program = shutil.which(name, path=None if os.sep in name else "/usr/local/bin:/usr/bin:/bin")
        if program is None:
            continue
        try:
            done = subprocess.run(
                [program, "-c", "import msgspec, psutil, casare_rpa.robot.agent"],
                env={**os.environ, **paths},
                cwd="/",
                user=unprivileged_user(),
                group=unprivileged_user(),
                extra_groups=None if unprivileged_user() is None else [],
                capture_output=True,
                check=False,
            )
        except OSError:
            continue
        if done.returncode == 0:
            return program, paths
    raise AssertionError("no Python that user 65534 can run: install the packages python3.11 or python3 of the system")
