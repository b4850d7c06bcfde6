"""Starts an orphan guard, then replaces itself by the command. POSIX only.

`python -m casare_rpa.robot.executors.command_child PROGRAM [ARGUMENT]…`
"""

import json
import os
import signal
import sys

from casare_rpa.robot.executors import orphan_guard

CANNOT_START = 127


def main() -> None:
    """Run the command in the arguments."""
    orphan_guard.start()
    # Python ignores some signals, and so does a robot in the background. The program would inherit that.
    for name in ("SIGPIPE", "SIGXFSZ", "SIGINT"):
        signal.signal(getattr(signal, name), signal.SIG_DFL)
    program = sys.argv[1]
    try:
        os.execv(program, sys.argv[1:])  # noqa: S606 - the command of the workflow
    except OSError as error:
        message = f"the workflow's program cannot be started: {os.path.basename(program)}: {error.strerror}"  # noqa: PTH119
        print(json.dumps({"type": "error", "message": message}))
        sys.exit(CANNOT_START)


if __name__ == "__main__":
    main()
