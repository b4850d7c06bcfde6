"""Ends a job whose robot has died: with whatever the job's process does at that moment, and with all that it started.

A thread cannot do this: a keyword that computes in C holds the interpreter's lock, and no other thread runs.
So it is a process of its own, forked before the workflow is loaded, that sleeps until the robot's pipe hangs up.
"""

import os
import signal
import sys
import time

GRACE_SECONDS = 8.0
"""What a job has for its teardowns once its robot is gone."""
POLL_SECONDS = 0.1


def start() -> None:
    """Guard this process, whose stdin is the robot's pipe; to be called before there are threads. POSIX only.

    The guard is nobody's child: a workflow that waits for all of its own children does not wait for it.
    """
    if sys.platform == "win32":
        return
    job = os.getpid()
    between = os.fork()
    if between == 0:
        try:
            if os.fork() == 0:
                _guard(job)
        finally:
            os._exit(0)
    os.waitpid(between, 0)


def _guard(job: int) -> None:
    """Wait for the robot's end, then for the job's; then kill the group, ourselves with it."""
    if sys.platform == "win32":
        return
    import select

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # they are meant for the job
    os.closerange(1, 64)  # the pipes that say when the job ends must not wait for us
    robot = select.poll()
    robot.register(0, 0)  # a hang-up is told always; what the robot writes is for the job
    robot.poll()
    until = time.monotonic() + GRACE_SECONDS
    while _runs(job) and time.monotonic() < until:
        time.sleep(POLL_SECONDS)

    from casare_rpa.robot.executors import process_tree

    process_tree.kill_marked(os.environ.get(process_tree.MARK, ""))
    process_tree.kill_group(os.getpgrp())


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
