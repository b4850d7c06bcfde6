"""Ends a job and its descendants when the robot has died, also while the job is blocked.

The guard is a process, because a thread would not be enough: native code that holds the interpreter's lock blocks
every other thread. It is forked before the workflow is loaded, and sleeps until the robot's pipe hangs up.
"""

import os
import signal
import sys
import time

GRACE_SECONDS = 8.0
"""Time for a job's teardowns after the death of its robot."""
POLL_SECONDS = 0.1


def start(*, terminate: bool = False) -> None:
    """Start a guard for this process, whose stdin is the robot's pipe. Call before any thread starts. POSIX only.

    `terminate`: after the death of the robot the group gets SIGTERM, since nothing else asks it to stop.

    The guard is forked twice and so is not a child of this process: a workflow that waits for all of its children
    must not wait for the guard.
    """
    if sys.platform == "win32":
        return
    job = os.getpid()
    between = os.fork()
    if between == 0:
        try:
            if os.fork() == 0:
                _guard(job, terminate=terminate)
        finally:
            os._exit(0)
    os.waitpid(between, 0)


def _guard(job: int, *, terminate: bool) -> None:
    """Wait for the robot's death, then for the job's end or the grace period; then kill the group, including itself."""
    if sys.platform == "win32":
        return
    import select

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # signals to the group are meant for the job
    os.closerange(1, 64)  # the robot sees the end of stdout only when every copy is closed
    robot = select.poll()
    robot.register(0, 0)  # no events: POLLHUP is always reported, and the data belongs to the job
    robot.poll()
    if terminate:
        os.killpg(os.getpgrp(), signal.SIGTERM)
    deadline_at = time.monotonic() + GRACE_SECONDS
    while _is_running(job) and time.monotonic() < deadline_at:
        time.sleep(POLL_SECONDS)

    from casare_rpa.robot.executors import process_tree

    process_tree.kill_marked(os.environ.get(process_tree.MARK, ""))
    process_tree.kill_group(os.getpgrp())


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
