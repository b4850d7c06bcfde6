"""Finds and kills the processes that a job started, by parentage, process group and a mark in the environment."""

import logging
import os
import signal
import sys

import psutil

logger = logging.getLogger(__name__)

MARK = "CASARE_RUN_MARK"
ROUNDS = 3
"""Number of searches: a process can start another one while it is being killed."""


def kill_group(group_id: int) -> None:
    """Send SIGKILL to a process group. No effect when it has exited, or on Windows."""
    if sys.platform != "win32":
        try:
            os.killpg(group_id, signal.SIGKILL)
        except ProcessLookupError:
            return


def kill_descendants(pid: int) -> None:
    """Kill all descendants of a process. No effect when the process itself has exited."""
    try:
        descendants = psutil.Process(pid).children(recursive=True)
    except psutil.Error:
        return
    for process in descendants:
        _kill(process)


def kill_marked(mark: str) -> None:
    """Kill every process that inherited this mark, even one in another session whose parent has exited.

    Processes with a cleared environment, or of another user, are not found. Scans all processes (milliseconds).
    """
    for _ in range(ROUNDS):
        found = [process for process in psutil.process_iter() if process.pid != os.getpid() and _has(process, mark)]
        for process in found:
            _kill(process)
        if not found:
            return


def running_marks() -> set[str]:
    """The marks of all running processes of this user. Scans all processes (milliseconds)."""
    return {mark for process in psutil.process_iter() if (mark := _mark_of(process)) is not None}


def kill_user(user_id: int) -> None:
    """Kill every process of a user."""
    for _ in range(ROUNDS):
        found = [process for process in psutil.process_iter() if _is_of(process, user_id)]
        for process in found:
            _kill(process)
        if not found:
            return


def _is_of(process: psutil.Process, user_id: int) -> bool:
    try:
        return user_id in process.uids() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _has(process: psutil.Process, mark: str) -> bool:
    return _mark_of(process) == mark


def _mark_of(process: psutil.Process) -> str | None:
    try:
        return process.environ().get(MARK)
    except (psutil.Error, OSError):
        return None  # exited, or of another user


def _kill(process: psutil.Process) -> None:
    try:
        process.kill()
    except psutil.NoSuchProcess:
        return
    except psutil.Error as error:
        logger.warning("process %d cannot be killed: %s", process.pid, error)
