"""Runtime inside a child process: its streams, the control pipe from the robot, and its end file.

stdin is the control pipe. The line `cancel` stops the run, with its cleanup; end of file means that the robot has died.
This process and its descendants then end within a few seconds.
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

from casare_rpa.domain.limits import WORKFLOW_TEXTS
from casare_rpa.domain.logs import Level, parse_level, truncate
from casare_rpa.domain.steps import JobStep
from casare_rpa.robot import run_state
from casare_rpa.robot.executors import orphan_guard
from casare_rpa.robot.executors.child_events import (
    BarEvent,
    ChildEvent,
    LogEvent,
    ProgressEvent,
    RunEnd,
    StepEvent,
    clean,
    encode,
    write_end_file,
)
from casare_rpa.robot.run_state import RunningJob
from casare_rpa.robot.step_tracker import StepTracker


class EventWriter:
    """Writes events to the robot. A robot that has died does not fail the workflow."""

    def __init__(self, stream: io.RawIOBase) -> None:
        self._stream = stream
        self._line_broken = False
        self.lock = threading.RLock()  # reentrant: a signal handler may log while the main thread holds it

    def log(self, level: Level | str, message: str, node_id: str | None = None) -> None:
        """One log line; an unknown level is INFO."""
        known = level if isinstance(level, Level) else parse_level(level) or Level.INFO
        text, _ = truncate(clean(message))
        where = clean(node_id)[: WORKFLOW_TEXTS.node_id] if node_id else None
        self._write(LogEvent(level=known, message=text, node_id=where, at=datetime.now(UTC)))

    def progress(self, percent: float, message: str | None) -> None:
        self._write(
            ProgressEvent(
                percent=percent, message=None if message is None else clean(message)[: WORKFLOW_TEXTS.message]
            )
        )

    def bar(self, text: str) -> None:
        """The state of a progress bar that the workflow prints."""
        self._write(BarEvent(clean(text)[: WORKFLOW_TEXTS.message]))

    def step(self, step: JobStep) -> None:
        """A step that began or ended. Its texts must be clean."""
        self._write(StepEvent(step))

    def _write(self, event: ChildEvent) -> None:
        line = encode(event)
        with self.lock:
            rest = memoryview(b"\n" + line if self._line_broken else line)
            self._line_broken = True  # until it is written: a signal can interrupt it in the middle of a line
            try:
                while rest:
                    rest = rest[self._stream.write(rest) or 0 :]
            except BrokenPipeError:
                return
            self._line_broken = False


@dataclass(frozen=True, slots=True)
class ChildAssignment:
    """The work of this process: a folder and a job. The parameters are also in a file."""

    folder: Path
    parameters_file: Path
    job: RunningJob

    @classmethod
    def read(cls) -> "ChildAssignment":
        """Read the assignment from the environment."""
        parameters = Path(os.environ["CASARE_PARAMETERS_FILE"])
        job = RunningJob(
            job_id=os.environ["CASARE_JOB_ID"],
            attempt=int(os.environ["CASARE_ATTEMPT"]),
            workflow_id=os.environ["CASARE_WORKFLOW_ID"],
            output_dir=Path(os.environ["CASARE_OUTPUT_DIR"]),
            parameters=json.loads(parameters.read_bytes()),
        )
        return cls(folder=Path.cwd(), parameters_file=parameters, job=job)


def run_assignment(run: Callable[[ChildAssignment, EventWriter], RunEnd]) -> None:
    """Main function of a child process: run its one assignment and write the end file.

    A request to stop arrives as SIGINT in the main thread.
    """
    # Before any thread: the guard is forked.
    orphan_guard.start()
    events, control = _take_streams()
    threading.Thread(target=_watch_robot, args=(control,), daemon=True).start()
    assignment = ChildAssignment.read()
    state = run_state.current()
    state.job, state.progress, state.steps = assignment.job, events.progress, StepTracker(events.step)
    sys.path.insert(0, str(assignment.folder))
    try:
        end = run(assignment, events)
    except KeyboardInterrupt:
        end = RunEnd(completed=False)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the run is over: a late cancel must not interrupt the writing
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    write_end_file(assignment.job.output_dir, end)


def _watch_robot(control: io.BufferedReader) -> None:
    """Read the control pipe in a thread of its own."""
    line = control.readline()
    run_state.current().cancelled.set()
    _interrupt()
    if sys.platform == "win32":  # on POSIX the orphan guard does this
        if line:
            control.readline()
        time.sleep(orphan_guard.GRACE_SECONDS)
        os._exit(1)


def _interrupt() -> None:
    """Send SIGINT to the main thread. Sent to that thread, it also interrupts a sleep or a read."""
    if sys.platform == "win32":
        import _thread

        _thread.interrupt_main(signal.SIGINT)
    else:
        main = threading.main_thread().ident
        assert main is not None
        signal.pthread_kill(main, signal.SIGINT)


def _take_streams() -> tuple[EventWriter, io.BufferedReader]:
    """Take over the pipes to the robot. The workflow gets an empty stdin, and stderr as its stdout."""
    stdout = os.fdopen(os.dup(1), "wb", buffering=0)
    control = os.fdopen(os.dup(0), "rb", buffering=0)
    os.dup2(2, 1)
    devnull = os.open(os.devnull, os.O_RDONLY)
    os.dup2(devnull, 0)
    os.close(devnull)
    return EventWriter(stdout), io.BufferedReader(control)
