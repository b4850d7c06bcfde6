"""The same workflow in each of the three kinds: a body of Python code with the preamble of each kind.

A body uses `log(level, text)`, `progress(percent, text)`, `result(value)`, `business(text)`; it may read
`parameters`. A request to stop reaches it as an exception, so that its `finally:` blocks run.
"""

import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path

_HELPERS = """
import os, signal, subprocess, sys, time
def grandchild(*prefix, **how):
    child = subprocess.Popen([*prefix, "sleep", "300"], **how)
    log("INFO", f"grandchild {child.pid}")
def ignore_everything():
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    log("INFO", "ignores everything")
    while True:
        try:
            time.sleep(1)
        except BaseException:
            continue
def work(parameters):
    log("INFO", f"child {os.getpid()}")
"""

_ROBOT_FRAMEWORK = """
from robot.api import logger
from robot.libraries.BuiltIn import BuiltIn
from casare_rpa.robot import keywords
progress, result, business = keywords.report_progress, keywords.set_job_result, keywords.fail_as_business_error
def log(level, text):
    logger.write(text, {"WARNING": "WARN"}.get(level, level))
def start():
    work({name: BuiltIn().get_variable_value("${%s}" % name) for name in ("who", "items")})
"""

_SUITE = """
*** Settings ***
Library    Workflow.py
*** Test Cases ***
Only
    Start
"""

_PYTHON = """
from casare_rpa.robot.tasks import BusinessError, logger, progress, task
answer = None
def log(level, text):
    getattr(logger, level.lower())("%s", text, stacklevel=2)
def result(value):
    global answer
    answer = value
def business(text):
    raise BusinessError(text)
@task
def main(**parameters):
    work(parameters)
    return answer
"""

_COMMAND = """
import inspect, json, os, signal, sys, threading, _thread
def say(**event):
    sys.stdout.write(json.dumps(event) + "\\n")
def log(level, text):
    frame = sys._getframe(1)
    say(type="log", level=level, message=text, node_id=f"run.py:{frame.f_lineno} {frame.f_code.co_name}")
def progress(percent, message):
    say(type="progress", percent=percent, message=message)
def result(value):
    say(type="result", value=value)
def business(text):
    say(type="error", error_type="business", message=text)
    sys.exit(1)
def control():
    if sys.stdin.readline() == "cancel\\n":
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
"""

_COMMAND_END = """
sys.stdout.reconfigure(line_buffering=True)
signal.signal(signal.SIGINT, signal.default_int_handler)
threading.Thread(target=control, daemon=True).start()
try:
    with open(os.environ["CASARE_PARAMETERS_FILE"]) as file:
        work(json.load(file))
except Exception as error:
    line = error.__traceback__.tb_next.tb_lineno
    say(type="error", message=f"{type(error).__name__}: {error}", node_id=f"run.py:{line} work")
    sys.exit(1)
"""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of workflow. `node` is the prefix of the `node_id` of the body's lines."""

    name: str
    node: str

    def write(self, folder: Path, body: str) -> Path:
        """A workflow folder of this kind with that body."""
        path = folder / "demo"
        path.mkdir(parents=True)
        code = _HELPERS + textwrap.indent(textwrap.dedent(body), "    ")
        match self.name:
            case "robotframework":
                (path / "workflow.toml").write_text('kind = "robotframework"\nlog_level = "DEBUG"\n')
                (path / "suite.robot").write_text(_SUITE)
                (path / "Workflow.py").write_text(_ROBOT_FRAMEWORK + code)
            case "python":
                (path / "tasks.py").write_text(_PYTHON + code)
            case _:
                (path / "workflow.toml").write_text('kind = "command"\ncommand = ["./run.py"]\nstdin = "control"\n')
                program = path / "run.py"
                program.write_text(f"#!{sys.executable}\n" + _COMMAND + code + _COMMAND_END)
                program.chmod(0o700)
        return path


KINDS = [
    Kind("robotframework", "suite.robot:"),
    Kind("python", "tasks.py:"),
    Kind("command", "run.py:"),
]
