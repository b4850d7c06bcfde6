"""The processes that a job started, however far they wandered: found by a mark in their environment."""

import logging
import os
import signal
import sys

import psutil

logger = logging.getLogger(__name__)

MARK = "CASARE_RUN_MARK"
ROUNDS = 3
"""A process can start another while it is being killed: look again, this often at most."""


def kill_group(group_id: int) -> None:
    """SIGKILL a process group; nothing happens when it is gone, or where there are no groups."""
    if sys.platform != "win32":
        try:
            os.killpg(group_id, signal.SIGKILL)
        except ProcessLookupError:
            return


def kill_descendants(pid: int) -> None:
    """Kill the children of a process and theirs, as long as it is there itself."""
    try:
        descendants = psutil.Process(pid).children(recursive=True)
    except psutil.Error:
        return
    for process in descendants:
        _kill(process)


def kill_marked(mark: str) -> None:
    """Kill every process that inherited this mark: one with a session of its own, too, whose parent is dead.

    It does not find what cleared its environment, or what another user runs. Reads every process: milliseconds.
    """
    for _ in range(ROUNDS):
        found = [process for process in psutil.process_iter() if process.pid != os.getpid() and _has(process, mark)]
        for process in found:
            _kill(process)
        if not found:
            return


def _has(process: psutil.Process, mark: str) -> bool:
    try:
        return process.environ().get(MARK) == mark
    except (psutil.Error, OSError):
        return False  # gone, or another user's


def _kill(process: psutil.Process) -> None:
    try:
        process.kill()
    except psutil.NoSuchProcess:
        return
    except psutil.Error as error:
        logger.warning("process %d cannot be killed: %s", process.pid, error)
