"""A small file system of its own, for tests of a full disk."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory


def _mount(folder: Path, size: str) -> bool:
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _unmount(folder: Path) -> None:
    subprocess.run(["umount", str(folder)], check=True)


def _can_mount() -> bool:
    with TemporaryDirectory() as folder:
        mounted = _mount(Path(folder), "64k")
        if mounted:
            _unmount(Path(folder))
    return mounted


CAN_MOUNT = _can_mount()
"""Whether this process may mount file systems. Root in a container often may not."""


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """A new folder, on a file system of this size (such as `2m`) where the process may mount one."""
    folder.mkdir()
    if not CAN_MOUNT:
        yield folder
        return
    assert _mount(folder, size)
    try:
        yield folder
    finally:
        _unmount(folder)
