"""The child process: runs one suite and tells its robot, as JSON lines on what was its stdout.

`python -m casare_rpa.robot.executors.robotframework_child FOLDER OUTPUT_DIR PARAMETERS_FILE`
Its stdin is the control line: `cancel` stops the run in order, teardowns included; its end means that the robot
has died, and this process with all its children does not outlive it by more than a few seconds.
"""

import _thread
import io
import os
import signal
import sys
import threading
import time
from pathlib import Path

from casare_rpa.domain.protocol import JobError
from casare_rpa.robot import keywords
from casare_rpa.robot.executors import orphan_guard
from casare_rpa.robot.executors.child_events import End, write_end
from casare_rpa.robot.executors.robotframework_listener import MAX_MESSAGE, Listener, Parent


def _watch_robot(control: io.BufferedReader) -> None:
    """The control line, in a thread of its own."""
    line = control.readline()
    _thread.interrupt_main(signal.SIGINT)
    if sys.platform == "win32":  # elsewhere the guard does it
        if line:
            control.readline()
        time.sleep(orphan_guard.GRACE_SECONDS)
        os._exit(1)


def _take_streams() -> tuple[Parent, io.BufferedReader]:
    """Keep the pipes to the robot for ourselves; the workflow gets an empty stdin, and a stdout that is a log."""
    events = os.fdopen(os.dup(1), "wb", buffering=0)
    control = os.fdopen(os.dup(0), "rb", buffering=0)
    os.dup2(2, 1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return Parent(events), io.BufferedReader(control)


def run(folder: Path, output_dir: Path, parameters: Path, parent: Parent) -> End:
    """Run the suite; answers how it ended."""
    try:
        import robot
    except ModuleNotFoundError as error:
        if error.name != "robot":
            raise
        message = "Robot Framework is not installed on this robot: pip install 'casare-rpa[robotframework]'"
        return End(completed=False, error=JobError(type="error", message=message))
    listener = Listener(parent)
    console = io.StringIO()
    code = robot.run(
        str(folder),
        outputdir=str(output_dir),
        variablefile=[str(parameters)],
        listener=[listener],
        loglevel="DEBUG",
        console="quiet",
        consolecolors="off",
        stderr=console,
        stdout=console,
    )
    if code == 0:
        return End(completed=True, result=keywords.current_job().result)
    said = console.getvalue().replace("[ ERROR ]", "").partition("\n\nTry --help")[0].strip()
    unexplained = JobError(type="error", message=said[:MAX_MESSAGE] or f"exit code {code}")
    return End(completed=False, error=listener.error or unexplained)


def main() -> None:
    orphan_guard.start()
    parent, control = _take_streams()
    threading.Thread(target=_watch_robot, args=(control,), daemon=True).start()
    folder, output_dir, parameters = (Path(argument) for argument in sys.argv[1:4])
    sys.path.insert(0, str(folder))
    try:
        end = run(folder, output_dir, parameters, parent)
    except KeyboardInterrupt:
        end = End(completed=False)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # too late to stop: what is done is done
    write_end(output_dir, end)
    sys.stdout.flush()


if __name__ == "__main__":
    main()
