"""docs/reference/workflows.md: its manifests and lines are parsed, its examples are run, its limits are compared."""

import json
import re
from pathlib import Path

import pytest

from casare_rpa.robot.executors.base import Log, Outcome, ProgressUpdate
from casare_rpa.robot.executors.command_lines import CommandOutputParser
from casare_rpa.robot.workflow_kind import CommandWorkflow, PythonWorkflow, RobotFrameworkWorkflow, read_workflow
from workflow_folders import Recorder, task, workflow_of

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "workflows.md").read_text(encoding="utf-8")
COMMAND = 'kind = "command"\ncommand = ["sh", "run.sh"]'


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)


def test_manifests_are_read(tmp_path: Path) -> None:
    python, command, suite = (
        read_workflow(workflow_of(tmp_path, {"workflow.toml": text}, str(number)))
        for number, text in enumerate(blocks("toml"))
    )
    assert python == PythonWorkflow("orders", "main")
    assert command == CommandWorkflow(("./run.sh", "--all"), "control", "cp1252")
    assert suite == RobotFrameworkWorkflow("DEBUG")


def test_lines_of_the_protocol_are_understood() -> None:
    parser = CommandOutputParser()
    events = [parser.on_stdout(line.encode()) for line in blocks("json")[0].splitlines()]
    assert [type(event) for event in events] == [Log, ProgressUpdate, type(None), type(None)]
    assert parser.end(0, stopped=False).result == {"rows": 10}
    error = parser.end(1, stopped=False).error
    assert error is not None
    assert (error.type, error.message) == ("business", "the file holds no rows")


@pytest.mark.parametrize(
    ("language", "file", "result"),
    [("robotframework", "suite.robot", {"greeted": "Ada"}), ("python", "tasks.py", {"greeted": "Ada"}), ("sh", "", 2)],
)
async def test_examples_of_the_page_run(tmp_path: Path, language: str, file: str, result: object) -> None:
    files = {file: blocks(language)[0]}
    if language == "sh":
        files = {"workflow.toml": COMMAND, "run.sh": blocks(language)[0], "data.csv": "a\nb\n"}
    outcome = await Recorder().run(task(workflow_of(tmp_path, files), tmp_path / "out", who="Ada"))
    assert outcome == Outcome(result=result)


def test_limits_are_those_of_the_code() -> None:
    from casare_rpa.domain.limits import MAX_RESULT_BYTES, WORKFLOW_TEXTS
    from casare_rpa.robot.executors import orphan_guard, process_group

    for limit in (MAX_RESULT_BYTES, WORKFLOW_TEXTS.node_id):
        assert str(limit) in PAGE
    for limit in (WORKFLOW_TEXTS.message, WORKFLOW_TEXTS.traceback):
        assert f"{limit:,}" in PAGE
    assert (process_group.GRACE_SECONDS, process_group.TERMINATE_SECONDS, orphan_guard.GRACE_SECONDS) == (30, 5, 8)
    for words in ("or 30 seconds", "SIGTERM 5 seconds before that", "killed 8 seconds later"):
        assert words in PAGE
    assert json.dumps("business") in PAGE
