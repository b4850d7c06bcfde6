"""Private copies of workflow folders, so that no attempt sees or changes the files of another one.

Blocking: call it in a thread. Source: docs/reference/workflows.md, Working folder.
"""

import errno
import os
import stat
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from casare_rpa.robot.workflow_kind import BadWorkflow

MAX_FOLDER_BYTES = 1024**3
PAUSES_SECONDS = (0.1, 0.2, 0.4, 0.8, 1.6)
"""Pauses before the folder is compared again, while it changes during the copy."""
CHUNK_BYTES = 1024 * 1024
POLL_SECONDS = 0.05
_FICLONE = 0x40049409  # linux/fs.h; `fcntl` has no name for it before Python 3.14
_NO_CLONES = (errno.EOPNOTSUPP, errno.ENOTTY, errno.ENOSYS, errno.EXDEV)
_GONE = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)
_READ = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)


class CopyStopped(Exception):
    """The copy was stopped on request."""


class FolderChanging(OSError):
    """The folder kept changing during the copy."""


@dataclass(frozen=True, slots=True)
class FolderEntry:
    """A folder, file or link at its last scan. Equal entries have equal content."""

    kind: int
    mode: int
    size: int = 0
    mtime_ns: int = 0
    ctime_ns: int = 0
    link: str = ""


def clone_file(source: int, target: int) -> None:
    """Make the target share the blocks of the source (a reflink).

    Raises:
        OSError: the file system or the operating system cannot do it.
    """
    if sys.platform == "win32":
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    import fcntl

    fcntl.ioctl(target, _FICLONE, source)


def copy_folder(
    source: Path,
    target: Path,
    given_up: Callable[[], bool],
    *,
    max_bytes: int = MAX_FOLDER_BYTES,
    pauses_seconds: Sequence[float] = PAUSES_SECONDS,
    clone: Callable[[int, int], None] = clone_file,
) -> None:
    """Copy a workflow folder to `target`, which must not exist.

    The folder is compared with the copy afterwards, and changed files are copied again: the copy is the folder as it
    was at one moment. The owner can read and write everything in the copy; other permissions and the times of files are
    kept. Pipes, sockets and devices are left out.

    Raises:
        BadWorkflow: the folder has more than `max_bytes`, or a file that cannot be read. Nothing was copied if it is
            too large.
        FolderChanging: the folder still changed after the last pause.
        CopyStopped: `given_up` returned True. It is called for each file and chunk.
        OSError: the copy cannot be written.
    """
    copy = _Copy(source, target, given_up, clone)
    wanted = copy.scan(max_bytes)
    for pause in pauses_seconds:
        copy.update_to(wanted)
        wanted = copy.scan(max_bytes)
        if copy.entries == wanted:
            return
        copy.pause(pause)
    changed = next(name for name in sorted({*copy.entries, *wanted}) if copy.entries.get(name) != wanted.get(name))
    raise FolderChanging(
        f"the folder of workflow {source.name!r} changes while it is copied ({changed}); "
        "replace a workflow by renaming its folder, and write changing files to another place"
    )


class _Copy:
    """One copy. `entries` are the source entries that the copy contains, by relative path."""

    def __init__(
        self, source: Path, target: Path, given_up: Callable[[], bool], clone: Callable[[int, int], None]
    ) -> None:
        self._source = source
        self._roots = (os.path.abspath(source), os.path.realpath(source))  # noqa: PTH100 - links are left as they are
        self._target = target
        self._given_up = given_up
        self._clone_file = clone
        self._can_clone = True
        self.entries: dict[str, FolderEntry] = {}

    def scan(self, max_bytes: int) -> dict[str, FolderEntry]:
        """The entries of the source, each folder before its content.

        Raises:
            BadWorkflow: their files have more than `max_bytes`, or a folder cannot be read.
        """
        found: dict[str, FolderEntry] = {}
        folders, total = [""], 0
        while folders:
            self._check()
            folder = folders.pop()
            for name, entry in self._scan_one(folder):
                found[name] = entry
                total += entry.size
                if entry.kind == stat.S_IFDIR:
                    folders.append(name)
        if total > max_bytes:
            largest = max(found, key=lambda name: found[name].size)
            raise BadWorkflow(
                f"the folder of workflow {self._source.name!r} has {total} bytes (the largest file is {largest}); "
                f"a robot copies at most {max_bytes} bytes for each attempt; keep large files in another folder"
            )
        return found

    def _scan_one(self, folder: str) -> list[tuple[str, FolderEntry]]:
        try:
            with os.scandir(self._source / folder) as children:
                entries = ((os.path.join(folder, child.name), _entry(child)) for child in children)  # noqa: PTH118
                return [(name, entry) for name, entry in entries if entry is not None]
        except PermissionError as error:
            raise _unreadable(error) from error
        except OSError as error:
            if folder and error.errno in _GONE:
                return []  # removed since its parent was read: the next scan finds it gone
            raise

    def update_to(self, wanted: dict[str, FolderEntry]) -> None:
        """Update the copy to these entries. Entries that changed since their scan are left out."""
        self._target.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in reversed(list(self.entries)):  # the content of a folder before the folder
            if self.entries[name] != wanted.get(name):
                self._remove(name)
        for name, entry in wanted.items():
            self._check()
            if name not in self.entries and self._add(name, entry):
                self.entries[name] = entry

    def _remove(self, name: str) -> None:
        path = self._target / name
        if self.entries[name].kind == stat.S_IFDIR:
            # A folder of which only the permissions have changed is not empty. It is kept, and its mode is set again.
            try:
                path.rmdir()
            except OSError as error:
                if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                    raise
        else:
            path.unlink()
        del self.entries[name]

    def _add(self, name: str, entry: FolderEntry) -> bool:
        """Copy one entry. Returns False if it has changed since the scan."""
        path = self._target / name
        if entry.kind == stat.S_IFDIR:
            path.mkdir(exist_ok=True)
            path.chmod(entry.mode | 0o700)
            return True
        if entry.kind == stat.S_IFLNK:
            path.symlink_to(self._link_target(name, entry.link))
            return True
        try:
            descriptor = os.open(self._source / name, _READ)
        except PermissionError as error:
            raise _unreadable(error) from error
        except OSError as error:
            if error.errno in _GONE:
                return False
            raise
        try:
            return self._add_file(path, entry, descriptor)
        finally:
            os.close(descriptor)

    def _add_file(self, path: Path, entry: FolderEntry, source: int) -> bool:
        before = os.fstat(source)
        if not stat.S_ISREG(before.st_mode) or (before.st_size, before.st_mtime_ns) != (entry.size, entry.mtime_ns):
            return False
        with path.open("xb", buffering=0) as target:
            if not self._clone(source, target.fileno()):
                self._copy_bytes(source, target.fileno(), entry.size)
        os.utime(path, ns=(before.st_atime_ns, entry.mtime_ns))
        path.chmod(entry.mode | 0o600)
        return True

    def _clone(self, source: int, target: int) -> bool:
        """Clone a file; False if that failed. A file system that does not support it is tried only once."""
        if not self._can_clone:
            return False
        try:
            self._clone_file(source, target)
        except OSError as error:
            self._can_clone = error.errno not in _NO_CLONES
            return False
        return True

    def _copy_bytes(self, source: int, target: int, size: int) -> None:
        """Copy at most `size` bytes: a file that grows without end is not followed."""
        while size > 0 and (data := os.read(source, min(CHUNK_BYTES, size))):
            self._check()
            size -= len(data)
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(target, rest) :]

    def _link_target(self, name: str, link: str) -> str:
        """The target for the link's copy: inside the folder its counterpart in the copy, elsewhere the same file."""
        parent = os.path.dirname(name)  # noqa: PTH120
        for root in self._roots:
            inside = os.path.relpath(os.path.normpath(os.path.join(root, parent, link)), root)  # noqa: PTH118
            if Path(inside).parts[:1] != (os.pardir,):
                return os.path.relpath(inside, parent or os.curdir) if os.path.isabs(link) else link  # noqa: PTH117
        return os.path.join(self._roots[0], parent, link)  # noqa: PTH118 - an absolute `link` replaces the parts before it

    def pause(self, seconds: float) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self._check()
            time.sleep(min(POLL_SECONDS, left))

    def _check(self) -> None:
        if self._given_up():
            raise CopyStopped


def _entry(child: os.DirEntry[str]) -> FolderEntry | None:
    """The entry of a file, folder or link; `None` for other kinds, and for an entry that was just removed."""
    try:
        found = child.stat(follow_symlinks=False)
        kind = stat.S_IFMT(found.st_mode)
        if kind == stat.S_IFDIR:
            return FolderEntry(kind, found.st_mode & 0o777)
        if kind == stat.S_IFLNK:
            return FolderEntry(kind, 0, link=os.readlink(child.path))  # noqa: PTH115 - the text as it is
    except FileNotFoundError:
        return None
    return _file_entry(found) if kind == stat.S_IFREG else None


def _file_entry(found: os.stat_result) -> FolderEntry:
    return FolderEntry(stat.S_IFREG, found.st_mode & 0o777, found.st_size, found.st_mtime_ns, found.st_ctime_ns)


def _unreadable(error: OSError) -> BadWorkflow:
    return BadWorkflow(f"the robot cannot read {error.filename}: {error.strerror}; a workflow's files must be readable")
