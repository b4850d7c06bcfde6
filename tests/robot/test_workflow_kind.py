"""The kind of a workflow folder, from its manifest or its files; errors are one sentence."""

import doctest
from pathlib import Path

import pytest

from casare_rpa.robot import task_parameters, workflow_kind
from casare_rpa.robot.executors.any_kind import capabilities
from casare_rpa.robot.workflow_kind import (
    BadWorkflow,
    CommandWorkflow,
    PythonWorkflow,
    RobotFrameworkWorkflow,
    Workflow,
    read_workflow,
)
from workflow_folders import Recorder, task, workflow_of


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"a.robot": ""}, RobotFrameworkWorkflow()),
        ({"tasks.py": ""}, PythonWorkflow("tasks", None)),
        ({"workflow.toml": 'kind = "robotframework"'}, RobotFrameworkWorkflow()),
        ({"workflow.toml": 'kind = "python"', "a.robot": ""}, PythonWorkflow("tasks", None)),
        ({"workflow.toml": 'kind = "python"\ntask = "a.b:c"'}, PythonWorkflow("a.b", "c")),
        ({"workflow.toml": 'kind = "command"\ncommand = ["./x", "-v"]'}, CommandWorkflow(("./x", "-v"))),
        (
            {"workflow.toml": 'kind = "command"\ncommand = ["x"]\nstdin = "control"\nencoding = "cp1252"'},
            CommandWorkflow(("x",), "control", "cp1252"),
        ),
        ({"workflow.toml": 'kind = "python"\nencoding = "utf-8"'}, PythonWorkflow()),
        ({"workflow.toml": 'kind = "robotframework"\nlog_level = "DEBUG"'}, RobotFrameworkWorkflow("DEBUG")),
        ({"workflow.toml": '\ufeffkind = "python"'}, PythonWorkflow()),
    ],
)
def test_read_workflow_knows_each_kind(tmp_path: Path, files: dict[str, str], expected: Workflow) -> None:
    assert read_workflow(workflow_of(tmp_path, files)) == expected


def test_read_workflow_finds_suites_in_folders_below(tmp_path: Path) -> None:
    workflow_of(tmp_path, {"a.robot": ""}, "demo/below")
    assert read_workflow(tmp_path / "demo") == RobotFrameworkWorkflow()


@pytest.mark.parametrize(
    ("manifest", "words"),
    [
        ("", 'kind must be one of "robotframework", "python", "command", not None'),
        ('kind = "perl"', "not 'perl'"),
        ("kind = 3", "not 3"),
        ("kind = ", "workflow.toml cannot be read"),
        (
            'kind = "python"\ncommand = []',
            "unknown key 'command'; a workflow of kind 'python' has the keys",
        ),
        ('kind = "robotframework"\ntask = "a:b"', "unknown key 'task'"),
        ('kind = "python"\ntask = 1', 'task must be a text like "module:function", not 1'),
        ('kind = "python"\ntask = "main"', "not 'main'"),
        ('kind = "python"\ntask = "../a:main"', "not '../a:main'"),
        ('kind = "command"', "command must be a list of texts"),
        ('kind = "command"\ncommand = "ls -l"', "not 'ls -l'"),
        ('kind = "command"\ncommand = [1]', r"not \[1\]"),
        ('kind = "command"\ncommand = ["a"]\nstdin = "open"', 'stdin must be one of "none", "control", not \'open\''),
        ('kind = "robotframework"\nlog_level = "LOUD"', "log_level must be one of"),
        ('kind = "python"\nencoding = "utf-16"', "encoding must be a text encoding"),
        ('kind = "python"\nencoding = "hex"', "not 'hex'"),
        ('kind = "python"\nencoding = 3', "not 3"),
        ('kind = "command"\ncommand = [""]', "names no program"),
        ('kind = "command"\ncommand = ["a", "\\u0000"]', "NUL"),
    ],
)
def test_invalid_manifest_is_an_error_with_file_and_key(tmp_path: Path, manifest: str, words: str) -> None:
    with pytest.raises(BadWorkflow, match=words) as raised:
        read_workflow(workflow_of(tmp_path, {"workflow.toml": manifest}))
    assert "workflow.toml" in str(raised.value)


@pytest.mark.parametrize("below", ["tests", ".venv", "_old"])
def test_tasks_of_the_folder_go_before_suites_below(tmp_path: Path, below: str) -> None:
    workflow_of(tmp_path, {"tasks.py": ""})
    workflow_of(tmp_path, {"a.robot": ""}, f"demo/{below}")
    assert read_workflow(tmp_path / "demo") == PythonWorkflow()


def test_suites_in_hidden_folders_do_not_make_a_workflow(tmp_path: Path) -> None:
    workflow_of(tmp_path, {"a.robot": ""}, "demo/.venv")
    with pytest.raises(BadWorkflow, match="contains nothing to run"):
        read_workflow(tmp_path / "demo")


def test_folder_with_tasks_and_suites_must_say_its_kind(tmp_path: Path) -> None:
    path = workflow_of(tmp_path, {"tasks.py": "", "a.robot": ""})
    with pytest.raises(BadWorkflow, match=r'both a tasks\.py and \*\.robot files; .* kind = "python" or'):
        read_workflow(path)


def test_manifest_that_is_not_text_is_an_error(tmp_path: Path) -> None:
    path = workflow_of(tmp_path, {})
    (path / "workflow.toml").write_bytes(b"\xff")
    with pytest.raises(BadWorkflow, match=r"workflow\.toml is not UTF-8 text \(byte 0\)"):
        read_workflow(path)


async def test_folder_without_a_workflow_is_an_error_with_the_required_files(tmp_path: Path) -> None:
    outcome = await Recorder().run(task(workflow_of(tmp_path, {"readme.md": ""}), tmp_path / "out"))
    assert outcome.error is not None
    assert outcome.error.code == "bad_workflow"
    assert outcome.error.message == (
        "the folder of workflow 'demo' contains nothing to run; it must contain a workflow.toml, "
        "a Robot Framework suite (*.robot), or a tasks.py with one @task function"
    )


def test_capabilities_are_the_kinds() -> None:
    assert capabilities() == ("robotframework", "python", "command")


@pytest.mark.parametrize("module", [workflow_kind, task_parameters], ids=lambda module: module.__name__)
def test_examples_in_docstrings_pass(module) -> None:
    failed, tried = doctest.testmod(module, optionflags=doctest.IGNORE_EXCEPTION_DETAIL)
    assert (failed, tried > 0) == (0, True)
