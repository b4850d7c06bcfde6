"""Becomes a command, once a guard watches over it that ends it when the robot dies. POSIX only.

`python -m casare_rpa.robot.executors.command_child PROGRAM [ARGUMENT]…`
"""

import json
import os
import signal
import sys

from casare_rpa.robot.executors import orphan_guard

CANNOT_START = 127


def main() -> None:
    orphan_guard.start()
    for name in ("SIGPIPE", "SIGXFSZ", "SIGINT"):
        signal.signal(getattr(signal, name), signal.SIG_DFL)  # what Python changed, and a robot in the background
    program = sys.argv[1]
    try:
        os.execv(program, sys.argv[1:])  # noqa: S606 - that is what the workflow asks for
    except OSError as error:
        message = f"the workflow's program cannot be started: {os.path.basename(program)}: {error.strerror}"  # noqa: PTH119
        print(json.dumps({"type": "error", "message": message}))
        sys.exit(CANNOT_START)


if __name__ == "__main__":
    main()
