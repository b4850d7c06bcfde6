"""Reaps the orphans that a container's first process inherits, as `tini` does.

A job leaves orphans: its guard, and helpers that it did not wait for. They become children of process 1, and stay
zombies until it waits for them. asyncio waits for its own children only, and a wait for any child would take their exit
codes away from it. Therefore the robot continues in a child, and process 1 only forwards signals and reaps.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG, _PR_GET_CHILD_SUBREAPER = 1, 37
_SENT_BY_KERNEL = 0x80
_FORWARDED = ("SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGUSR1", "SIGUSR2")


def continue_below_reaper() -> None:
    """Return in a child process if this process inherits orphans; else do nothing. Call before any thread starts.

    The original process exits with the child's exit code.
    """
    if sys.platform == "win32" or not _inherits_orphans():
        return
    handled = {signal.SIGCHLD, *(getattr(signal, name) for name in _FORWARDED)}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, handled)
    reaper = os.getpid()
    child = os.fork()
    if child:
        os._exit(_reap_until_exit(child, handled))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != reaper:  # it died before the line above
        os.kill(os.getpid(), signal.SIGTERM)
    signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _inherits_orphans() -> bool:
    if os.getpid() == 1:
        return True
    answer = ctypes.c_int(0)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_GET_CHILD_SUBREAPER, ctypes.byref(answer), 0, 0, 0)
    return bool(answer.value)


def _reap_until_exit(child: int, handled: set[signal.Signals]) -> int:
    """Forward signals and reap until the child has exited; returns its exit code."""
    if sys.platform == "win32":
        raise AssertionError("not called on Windows")
    while True:
        received = signal.sigwaitinfo(handled)
        if received.si_signo == signal.SIGCHLD:
            code = _reap(child)
            if code is not None:
                return code
        elif received.si_code != _SENT_BY_KERNEL:  # Ctrl-C reaches the child too: the terminal signals the group
            os.kill(child, received.si_signo)


def _reap(child: int) -> int | None:
    """Reap every process that has exited. Returns the exit code of the child if it is among them."""
    if sys.platform == "win32":
        raise AssertionError("not called on Windows")
    while True:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == child:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code
        if pid == 0:
            return None
