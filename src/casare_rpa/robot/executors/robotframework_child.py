"""The child process: runs one suite and tells its parent, as JSON lines on what was its stdout.

`python -m casare_rpa.robot.executors.robotframework_child FOLDER OUTPUT_DIR PARAMETERS_FILE`
Its stdin is the control line: `cancel` stops the run in order, teardowns included; its end means that the robot
has died, and this process with all its children does not outlive it by more than a few seconds.
"""

import _thread
import io
import json
import os
import re
import signal
import sys
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from casare_rpa.domain.logs import Level, parse_level, truncate
from casare_rpa.robot import keywords

ORPHAN_SECONDS = 8.0
_LEVELS = {"TRACE": Level.DEBUG, "FAIL": Level.ERROR, "SKIP": Level.WARNING}
_QUIET = ("NONE",)
_ASSIGNMENT = re.compile(r"[$@&]\{.+?\} = ")  # what Robot Framework says of every variable that is set
_SETUP_FAILED = "Parent suite setup failed:\n"


class Parent:
    """Where events go. A parent that is gone is not an error of the workflow."""

    def __init__(self, stream: io.TextIOWrapper) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def tell(self, kind: str, **fields: Any) -> None:  # noqa: ANN401 - JSON values
        line = json.dumps({"type": kind, **fields})
        with self._lock:
            try:
                self._stream.write(line + "\n")
                self._stream.flush()
            except BrokenPipeError:
                return

    def log(self, level: str, message: str, node_id: str | None) -> None:
        text, _ = truncate(message)
        known = _LEVELS.get(level) or parse_level(level) or Level.INFO
        self.tell("log", level=known, message=text, node_id=node_id, at=datetime.now(UTC).isoformat())


class Listener:
    """Robot Framework's listener interface, version 3."""

    ROBOT_LISTENER_API_VERSION = 3

    def __init__(self, parent: Parent) -> None:
        self._parent = parent
        self._nodes: list[str] = []
        self._tests = 0
        self._ended = 0
        self._explicit = False
        self._failing_node: str | None = None
        self._traceback: str | None = None
        self.error: dict[str, str | None] | None = None
        keywords.current_job().progress = self._progress

    def _progress(self, percent: float, message: str | None) -> None:
        self._explicit = True
        self._parent.tell("progress", percent=percent, message=message)

    def start_suite(self, data: Any, _result: Any) -> None:  # noqa: ANN401 - Robot Framework's own types
        if data.parent is None:
            self._tests = data.test_count

    def start_test(self, data: Any, _result: Any) -> None:  # noqa: ANN401
        self._parent.log("INFO", f"▶ {data.name}", _node(data))

    def end_test(self, data: Any, result: Any) -> None:  # noqa: ANN401
        self._ended += 1
        if result.failed and self.error is None:
            self.error = self._error(result.message)
        elif not result.failed:
            self._failing_node = self._traceback = None  # a failure that the test expected
        if not self._explicit:
            self._parent.tell("progress", percent=100.0 * self._ended / max(1, self._tests), message=data.name)

    def start_keyword(self, data: Any, result: Any) -> None:  # noqa: ANN401
        self._nodes.append(_node(data, result.name))

    def end_keyword(self, _data: Any, result: Any) -> None:  # noqa: ANN401
        node = self._nodes.pop()
        if result.failed and self._failing_node is None:
            self._failing_node = node

    def log_message(self, message: Any) -> None:  # noqa: ANN401
        if message.level in _QUIET:
            return
        if message.level == "DEBUG" and message.message.startswith("Traceback"):
            self._traceback = message.message
        level = "DEBUG" if _ASSIGNMENT.match(message.message) else message.level
        self._parent.log(level, message.message, self._nodes[-1] if self._nodes else None)

    def message(self, message: Any) -> None:  # noqa: ANN401
        """Robot Framework's own log: only what is wrong with the suite itself."""
        inside_keyword = bool(self._nodes)  # then `log_message` has had it
        if message.level in ("WARN", "ERROR") and not inside_keyword:
            self._parent.log(message.level, message.message, None)

    def _error(self, message: str) -> dict[str, str | None]:
        business = any(text in message for text in keywords.current_job().business_errors)
        return {
            "type": "business" if business else "error",
            "message": message.removeprefix(_SETUP_FAILED)[:16_000],
            "node_id": self._failing_node,
            "traceback": self._traceback[-60_000:] if self._traceback else None,
        }


def _node(data: Any, name: str | None = None) -> str:  # noqa: ANN401
    source = Path(str(data.source)).name if getattr(data, "source", None) else "?"
    return f"{source}:{data.lineno or 0} {name or data.name}"[:500]


def _watch_parent(control: io.BufferedReader) -> None:
    """The control line, in a thread of its own: a keyword that blocks the interpreter's main thread stops no one."""
    line = control.readline()
    _thread.interrupt_main(signal.SIGINT)
    if line:
        line = control.readline()
    if not line:
        time.sleep(ORPHAN_SECONDS)
        if sys.platform == "win32":
            os._exit(1)
        os.killpg(0, signal.SIGKILL)


def _take_streams() -> tuple[Parent, io.BufferedReader]:
    """Keep the pipes to the parent for ourselves; the workflow gets an empty stdin, and a stdout that is a log."""
    events = os.fdopen(os.dup(1), "w", encoding="utf-8", newline="\n")
    control = os.fdopen(os.dup(0), "rb", buffering=0)
    os.dup2(2, 1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return Parent(events), io.BufferedReader(control)


def run(folder: Path, output_dir: Path, parameters: Path, parent: Parent) -> dict[str, Any]:
    """Run the suite; answers the `end` event."""
    import robot

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
        return {"completed": True, "result": keywords.current_job().result}
    said = console.getvalue().replace("[ ERROR ]", "").partition("\n\nTry --help")[0].strip()
    error = listener.error or {"type": "error", "message": said[:16_000] or f"exit code {code}"}
    return {"completed": False, "error": error}


def main() -> None:
    parent, control = _take_streams()
    threading.Thread(target=_watch_parent, args=(control,), daemon=True).start()
    folder, output_dir, parameters = (Path(argument) for argument in sys.argv[1:4])
    sys.path.insert(0, str(folder))
    try:
        end = run(folder, output_dir, parameters, parent)
    except ModuleNotFoundError as error:
        if error.name != "robot":
            raise
        message = "Robot Framework is not installed on this robot: pip install 'casare-rpa[robotframework]'"
        end = {"completed": False, "error": {"type": "error", "message": message}}
    except KeyboardInterrupt:
        end = {"completed": False}
    parent.tell("end", **end)
    sys.stdout.flush()


if __name__ == "__main__":
    main()
