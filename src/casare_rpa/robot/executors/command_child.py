"""Starts an orphan guard, then replaces itself by the command. POSIX only.

`python -m casare_rpa.robot.executors.command_child none|control PROGRAM [ARGUMENT]…`
"""

import json
import os
import signal
import sys

from casare_rpa.robot.executors import orphan_guard

CANNOT_START = 127


def main() -> None:
    """Run the command in the arguments."""
    has_control = sys.argv[1] == "control"
    orphan_guard.start(terminate=not has_control)
    if not has_control:
        # The guard keeps the robot's pipe. The program must not wait for input that never comes.
        devnull = os.open(os.devnull, os.O_RDONLY)
        os.dup2(devnull, 0)
        os.close(devnull)
    # Python ignores some signals, and so does a robot in the background. The program would inherit that.
    for name in ("SIGPIPE", "SIGXFSZ", "SIGINT", "SIGTERM"):
        signal.signal(getattr(signal, name), signal.SIG_DFL)
    program, command = sys.argv[2], sys.argv[2:]
    try:
        os.execv(program, command)  # noqa: S606 - the command of the workflow
    except OSError as error:
        message = f"the workflow's program cannot be started: {os.path.basename(program)}: {error.strerror}"  # noqa: PTH119
        print(json.dumps({"type": "error", "message": message}))
        sys.exit(CANNOT_START)


if __name__ == "__main__":
    main()
