"""Our side inside a child process: its streams, the control line from its robot, and its end.

Its stdin is the control line: `cancel` stops the run in order, and its end means that the robot has died; this
process with all that it started does not outlive it by more than a few seconds.
"""

import io
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from casare_rpa.domain.logs import Level, parse_level, truncate
from casare_rpa.robot import run_state
from casare_rpa.robot.executors import orphan_guard
from casare_rpa.robot.executors.child_events import (
    MAX_MESSAGE,
    MAX_NODE_ID,
    End,
    LogEvent,
    ProgressEvent,
    clean,
    encode,
    write_end,
)
from casare_rpa.robot.run_state import RunningJob


class Parent:
    """Where events go. A robot that is gone is not an error of the workflow."""

    def __init__(self, stream: io.RawIOBase) -> None:
        self._stream = stream
        self._torn = False
        self._lock = threading.RLock()  # a signal's handler may log while the main thread holds it

    def log(self, level: Level | str, message: str, node_id: str | None = None) -> None:
        """One log line; an unknown level is INFO."""
        known = level if isinstance(level, Level) else parse_level(level) or Level.INFO
        text, _ = truncate(clean(message))
        where = clean(node_id)[:MAX_NODE_ID] if node_id else None
        self._tell(LogEvent(level=known, message=text, node_id=where, at=datetime.now(UTC)))

    def progress(self, percent: float, message: str | None) -> None:
        self._tell(ProgressEvent(percent=percent, message=None if message is None else clean(message)[:MAX_MESSAGE]))

    def _tell(self, event: LogEvent | ProgressEvent) -> None:
        line = encode(event)
        with self._lock:
            rest = memoryview(b"\n" + line if self._torn else line)
            self._torn = True  # until it is written: a signal can end this between two parts of a line
            try:
                while rest:
                    rest = rest[self._stream.write(rest) or 0 :]
            except BrokenPipeError:
                return
            self._torn = False


@dataclass(frozen=True, slots=True)
class ChildAssignment:
    """What this process is to do: a folder, and a job, whose parameters are in a file, too."""

    folder: Path
    parameters_file: Path
    job: RunningJob

    @classmethod
    def read(cls) -> "ChildAssignment":
        """As the robot left it in the environment."""
        parameters = Path(os.environ["CASARE_PARAMETERS_FILE"])
        job = RunningJob(
            job_id=os.environ["CASARE_JOB_ID"],
            attempt=int(os.environ["CASARE_ATTEMPT"]),
            workflow_id=os.environ["CASARE_WORKFLOW_ID"],
            output_dir=Path(os.environ["CASARE_OUTPUT_DIR"]),
            parameters=json.loads(parameters.read_bytes()),
        )
        return cls(folder=Path.cwd(), parameters_file=parameters, job=job)


def work(run: Callable[[ChildAssignment, Parent], End]) -> None:
    """Run an assignment in this process, which does nothing else, and leave word of its end.

    A wish to stop is a SIGINT to the main thread.
    """
    orphan_guard.start()
    parent, control = _take_streams()
    threading.Thread(target=_watch_robot, args=(control,), daemon=True).start()
    assignment = ChildAssignment.read()
    state = run_state.current()
    state.job, state.progress = assignment.job, parent.progress
    sys.path.insert(0, str(assignment.folder))
    try:
        end = run(assignment, parent)
    except KeyboardInterrupt:
        end = End(completed=False)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # too late to stop: what is done is done
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    write_end(assignment.job.output_dir, end)


def _watch_robot(control: io.BufferedReader) -> None:
    """The control line, in a thread of its own."""
    line = control.readline()
    run_state.current().cancelled.set()
    _interrupt()
    if sys.platform == "win32":  # elsewhere the guard does it
        if line:
            control.readline()
        time.sleep(orphan_guard.GRACE_SECONDS)
        os._exit(1)


def _interrupt() -> None:
    """SIGINT to the main thread. Sent to that very thread, it ends a sleep or a read there, too."""
    if sys.platform == "win32":
        import _thread

        _thread.interrupt_main(signal.SIGINT)
    else:
        main = threading.main_thread().ident
        assert main is not None
        signal.pthread_kill(main, signal.SIGINT)


def _take_streams() -> tuple[Parent, io.BufferedReader]:
    """Keep the pipes to the robot for ourselves; the workflow gets an empty stdin, and a stdout that is a log."""
    events = os.fdopen(os.dup(1), "wb", buffering=0)
    control = os.fdopen(os.dup(0), "rb", buffering=0)
    os.dup2(2, 1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return Parent(events), io.BufferedReader(control)
