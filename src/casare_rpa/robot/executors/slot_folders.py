"""Private folders for running attempts. Each is locked by the process that uses it and emptied afterwards.

    work/1.lock                 locked while work/1 is in use; the lock ends with the robot's process
    work/1/mark                 the mark of the attempt's processes
    work/1/parameters.json      the job's parameters
    work/1/workflow/NAME/       the private copy of the workflow

Numbers are reused, so that paths in error messages are the same for each attempt. Several robots can share a
data directory.
"""

import asyncio
import errno
import json
import logging
import os
import shutil
import sys
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from casare_rpa.robot.executors import orphan_guard, process_tree
from casare_rpa.robot.job_users import PRIVATE, TRAVERSABLE, JobUser, give_folder, take_folder

logger = logging.getLogger(__name__)

PARAMETERS_FILE = "parameters.json"
_MARK_FILE = "mark"
_COPY_FOLDER = "workflow"
POLL_SECONDS = 0.2
WAIT_SECONDS = orphan_guard.GRACE_SECONDS + 2
"""The time for the teardowns of attempts whose robot has died, before they are killed."""


@dataclass(frozen=True, slots=True)
class SlotFolder:
    """The private folder of one attempt, locked by this process. `mark` marks the attempt's processes.

    A thread holds `writing` while it writes to the folder: a cancelled task does not end its thread.
    """

    path: Path
    mark: str
    lock: int
    user: JobUser | None = None
    """The user that the attempt runs as; `None` for the robot's own."""
    writing: threading.Lock = field(default_factory=threading.Lock)

    @property
    def parameters_file(self) -> Path:
        return self.path / PARAMETERS_FILE

    def copy_of(self, workflow: Path) -> Path:
        """The path for the copy of a workflow. It has the workflow's name, since that is the name of a suite."""
        return self.path / _COPY_FOLDER / workflow.name

    def write_parameters(self, parameters: dict[str, object]) -> None:
        self.parameters_file.touch(mode=0o600)
        self.parameters_file.write_text(json.dumps(parameters))

    def give_to_user(self, output_dir: Path) -> None:
        """Make the job user, if there is one, the owner of the copy, the parameters and the output folder."""
        if self.user is not None:
            for path in (self.path / _COPY_FOLDER, self.parameters_file, output_dir):
                give_folder(path, self.user)

    def take_from_user(self, output_dir: Path) -> None:
        """End every process of the job user, and close the output to it, because its next job can be unrelated."""
        if self.user is not None:
            process_tree.kill_user(self.user.user_id)
            take_folder(output_dir)


class SlotFolders:
    """All private folders below one folder. The blocking methods are called in threads."""

    def __init__(self, root: Path, *, users: Sequence[JobUser] = (), wait_seconds: float = WAIT_SECONDS) -> None:
        """With `users`, the folder with number n belongs to the n-th of them."""
        self._root = root
        self._users = users
        self._wait_seconds = wait_seconds

    def acquire(self) -> SlotFolder:
        """Lock the first free folder, empty, with access for this user only. Blocking.

        Raises:
            OSError: the folder cannot be created or locked.
        """
        self._root.mkdir(parents=True, exist_ok=True)
        number = 1
        while (slot := self._acquire_number(number)) is None:
            number += 1
            if self._users and number > len(self._users):
                raise OSError("every job user is in use by another process, or its folder cannot be removed")
        return slot

    def _acquire_number(self, number: int) -> SlotFolder | None:
        path = self._root / str(number)
        lock = _try_to_lock(self._root / f"{number}.lock")
        if lock is None:
            return None
        try:
            if not remove_folder(path):
                _unlock(lock)
                return None
            mark = uuid.uuid4().hex
            path.mkdir(mode=PRIVATE)
            (path / _MARK_FILE).write_text(mark)
            if self._users:
                path.chmod(TRAVERSABLE)
        except BaseException:
            _unlock(lock)
            raise
        return SlotFolder(path, mark, lock, self._users[number - 1] if self._users else None)

    def release(self, slot: SlotFolder) -> None:
        """Remove the folder, then unlock its number. Call it once. Blocking."""
        try:
            with slot.writing:
                slot.parameters_file.unlink(missing_ok=True)  # first: it can hold secrets
                remove_folder(slot.path)
        finally:
            _unlock(slot.lock)

    async def remove_left_over(self) -> None:
        """Remove the folders of robots that have died. Their parameters are removed at once.

        The processes of their attempts have up to `wait_seconds` for teardowns; then they are killed.
        """
        try:
            left = await asyncio.to_thread(self._lock_left_over)
        except OSError as error:
            logger.warning("folders of earlier processes in %s cannot be removed: %s", self._root, error)
            return
        try:
            deadline_at = time.monotonic() + self._wait_seconds
            marks = {slot.mark for slot in left if slot.mark}
            while marks and time.monotonic() < deadline_at:
                running = await asyncio.to_thread(process_tree.running_marks)
                marks &= running
                if marks:
                    await asyncio.sleep(POLL_SECONDS)
            for mark in marks:
                await asyncio.to_thread(process_tree.kill_marked, mark)
            for slot in left:
                logger.info("removing %s, which an earlier process of the robot left", slot.path)
                await asyncio.to_thread(remove_folder, slot.path)
        finally:
            for slot in left:
                _unlock(slot.lock)

    def _lock_left_over(self) -> list[SlotFolder]:
        """Lock every folder that no running robot uses, and remove its parameters."""
        left = []
        for path in sorted(self._root.glob("*.lock")):
            folder = path.with_suffix("")
            if folder.is_dir() and (lock := _try_to_lock(path)) is not None:
                (folder / PARAMETERS_FILE).unlink(missing_ok=True)
                left.append(SlotFolder(folder, _read_mark(folder), lock))
        return left


def _read_mark(folder: Path) -> str:
    try:
        return (folder / _MARK_FILE).read_text()
    except OSError:
        return ""  # the robot died before it wrote the mark, and so before it started a process


def remove_folder(path: Path) -> bool:
    """Remove a folder with its content. Returns False, with a warning, when something in it cannot be removed."""

    def make_writable(function: Callable[[str], Any], name: str, error: Any) -> None:  # noqa: ANN401 - of `shutil`
        # A job can make its folders read-only. Root needs no permission, and must not follow a job's links here.
        if not isinstance(error[1], PermissionError) or sys.platform == "win32" or os.geteuid() == 0:
            raise error[1]
        for folder in (Path(name).parent, Path(name)):
            if folder.is_dir() and not folder.is_symlink():
                folder.chmod(0o700)
        if function in (os.open, os.scandir, os.lstat):
            shutil.rmtree(name, onerror=make_writable)
        else:
            function(name)

    try:
        shutil.rmtree(path, onerror=make_writable)
    except FileNotFoundError:
        return True
    except OSError as error:
        logger.warning("%s cannot be removed: %s", path, error)
        return False
    return True


def _try_to_lock(path: Path) -> int | None:
    """The descriptor of the locked file; `None` while another one holds the lock. Ends with its process."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        if error.errno in (errno.EAGAIN, errno.EACCES, errno.EDEADLK):
            return None
        raise
    return descriptor


def _unlock(lock: int) -> None:
    os.close(lock)
