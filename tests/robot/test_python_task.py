"""Python tasks: the choice of the function, its parameters, print, async, and use outside of a robot."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from casare_rpa.domain.logs import Level
from casare_rpa.domain.protocol import JobError
from casare_rpa.robot import tasks
from casare_rpa.robot.executors.base import Outcome
from workflow_folders import Recorder, task, workflow_of

HEAD = "from casare_rpa.robot.tasks import *\n"


async def run(folder: Path, code: str, recorder: Recorder | None = None, **parameters: object) -> Outcome:
    path = workflow_of(folder, {"tasks.py": HEAD + code})
    return await (recorder or Recorder()).run(task(path, folder / "out", **parameters))


async def error_of(folder: Path, code: str, **parameters: object) -> JobError:
    error = (await run(folder, code, **parameters)).error
    assert error is not None
    return error


async def test_parameters_are_passed_by_name(tmp_path: Path) -> None:
    code = "@task\ndef main(who, *, times=2, **rest):\n    return [who, times, rest, job().parameters]\n"
    outcome = await run(tmp_path, code, who="Ada", other=1)
    assert outcome == Outcome(result=["Ada", 2, {"other": 1}, {"who": "Ada", "other": 1}])


@pytest.mark.parametrize(
    ("head", "words"),
    [
        ("who, name", "the job lacks the parameter 'name' of main(who, name)"),
        ("a, b, *, c", "the job lacks the parameters 'a', 'b', 'c' of main(a, b, *, c)"),
        ("who, /", "the job lacks the parameter 'who' of main(who, /)"),
        ("", "the job has the parameter 'who', unknown to main()"),
    ],
)
async def test_parameters_that_do_not_fit_are_named(tmp_path: Path, head: str, words: str) -> None:
    error = await error_of(tmp_path, f"@task\ndef main({head}): pass\n", who="Ada")
    assert (error.type, error.code, error.message) == ("error", "bad_parameters", words)


@pytest.mark.slow
async def test_async_function_runs_and_its_cleanup_does_when_cancelled(tmp_path: Path) -> None:
    code = (
        "import asyncio\n@task(name='Long walk')\nasync def main():\n    try:\n        progress(1)\n"
        "        await asyncio.sleep(300)\n    finally:\n        await asyncio.sleep(0.01)\n"
        "        logger.info('cleaned up, %s', job().cancelled)\n"
    )
    recorder = Recorder()
    path = workflow_of(tmp_path, {"tasks.py": HEAD + code})
    error = (await recorder.run(task(path, tmp_path / "out", timeout_seconds=2.5))).error
    assert error is not None
    assert error.type == "timeout"
    assert recorder.logged("▶ Long walk")
    assert recorder.logged("cleaned up, True")


async def test_printed_lines_are_logged_in_order(tmp_path: Path) -> None:
    code = (
        "import logging, subprocess, sys\n@task\ndef main():\n    print('one', 1)\n    logger.warning('two')\n"
        "    print('three', end='')\n    print(file=sys.stdout)\n    print('four', file=sys.stderr)\n"
        "    sys.stdout.buffer.write(b'five \\xff\\n'); sys.stdout.flush()\n    logging.getLogger('lib').info('six')\n"
        "    logging.getLogger('lib').debug('no')\n    logger.info('%d', 'seven')\n    print('eight', end='')\n"
        "    subprocess.run(['echo', 'of a program'], check=True)\n"
    )
    recorder = Recorder()
    assert (await run(tmp_path, code, recorder)).error is None
    lines = [(log.level, log.message) for log in recorder.logs if log.message != "of a program"]
    assert lines[1:7] == [
        (Level.INFO, "one 1"),
        (Level.WARNING, "two"),
        (Level.INFO, "three"),
        (Level.WARNING, "four"),
        (Level.INFO, "five \ufffd"),
        (Level.INFO, "six"),
    ]
    assert lines[-1] == (Level.INFO, "eight")
    assert any("seven" in message and level is Level.WARNING for level, message in lines), "a bad format is logged"
    assert recorder.logged("two")[0].node_id == "tasks.py:6 main"
    assert recorder.logged("of a program")[0].level is Level.INFO


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("def main(): pass", "tasks.py has no @task function; mark the function to run"),
        (
            "@task\ndef a(): pass\n@task\ndef b(): pass",
            'tasks.py has 2 @task functions (a, b); name one in workflow.toml: task = "tasks:a"',
        ),
    ],
)
async def test_folder_without_a_manifest_has_exactly_one_task(tmp_path: Path, code: str, words: str) -> None:
    error = await error_of(tmp_path, code)
    assert (error.code, error.message) == ("bad_workflow", words)


async def test_manifest_names_any_function_of_any_module(tmp_path: Path) -> None:
    files = {
        "workflow.toml": 'kind = "python"\ntask = "orders:second"',
        "orders.py": "def first(): pass\ndef second(): return 2\n",
        "json.py": "raise SystemExit('a file of the workflow is no module of ours')",
    }
    assert await Recorder().run(task(workflow_of(tmp_path, files), tmp_path / "out")) == Outcome(result=2)


async def test_function_that_is_not_there_is_named(tmp_path: Path) -> None:
    files = {"workflow.toml": 'kind = "python"\ntask = "tasks:nope"', "tasks.py": ""}
    error = (await Recorder().run(task(workflow_of(tmp_path, files), tmp_path / "out"))).error
    assert error is not None
    assert (error.code, error.message) == ("bad_workflow", "the module 'tasks' has no function 'nope'")


async def test_error_has_the_last_line_of_the_workflow_and_a_traceback_without_our_code(tmp_path: Path) -> None:
    code = "import json\ndef inner():\n    json.loads('{')\n@task\ndef main():\n    inner()\n"
    error = await error_of(tmp_path, code)
    assert error.message.startswith("JSONDecodeError: Expecting property name")
    assert error.node_id == "tasks.py:4 inner"
    assert error.traceback is not None
    assert "in main" in error.traceback
    assert "python_child" not in error.traceback


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import nowhere", "ModuleNotFoundError: No module named 'nowhere'"),
        ("def (", "SyntaxError: invalid syntax"),
        ("@task\ndef main(): raise SystemExit(3)", "the task ended the process: sys.exit(3)"),
        ("@task\ndef main(): return {1, 2}", "Object of type set is not JSON serializable"),
        ("@task\ndef main(): progress(101)", "ValueError: percent must be between 0 and 100, not 101"),
    ],
)
async def test_error_message_names_the_cause(tmp_path: Path, code: str, words: str) -> None:
    assert words in (await error_of(tmp_path, code)).message


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("import nowhere", "ModuleNotFoundError: No module named 'nowhere'"),
        ("@task\ndef main():\n    from json import nothing\n", "ImportError: cannot import name 'nothing' from 'json'"),
    ],
)
async def test_missing_library_has_its_code(tmp_path: Path, code: str, message: str) -> None:
    error = await error_of(tmp_path, code)
    assert error.code == "missing_library"
    assert error.message.startswith(message)


async def test_node_of_a_file_in_a_folder_has_the_folder(tmp_path: Path) -> None:
    path = workflow_of(tmp_path, {"tasks.py": HEAD + "from below.lib import fail\n@task\ndef main(): fail()\n"})
    workflow_of(path, {"lib.py": "import logging\ndef fail():\n    logging.warning('w')\n    raise OSError\n"}, "below")
    recorder = Recorder()
    error = (await recorder.run(task(path, tmp_path / "out"))).error
    assert error is not None
    assert error.node_id == "below/lib.py:4 fail"
    assert recorder.logged("w")[0].node_id == "below/lib.py:3 fail"


async def test_text_and_bars_of_the_task_itself_arrive_while_it_runs(tmp_path: Path) -> None:
    code = (
        "import sys, time\n@task\ndef main():\n    print('Enter PIN: ', end='')\n"
        "    for n in range(100): sys.stderr.write(f'\\r{n} %')\n"
        "    while not (job().output_dir / 'seen').exists(): time.sleep(0.01)\n    print('1', file=sys.stderr)\n"
    )
    recorder = Recorder()
    running = asyncio.create_task(run(tmp_path, code, recorder))
    await recorder.until(lambda: bool(recorder.logged("Enter PIN: ")) and bool(recorder.progress))
    assert recorder.progress[0].message == "99 %"
    (tmp_path / "out" / "seen").touch()
    assert (await running).error is None


async def test_fork_while_a_thread_prints_does_not_block(tmp_path: Path) -> None:
    code = (
        "import os, threading\n@task\ndef main():\n    ended = threading.Event()\n"
        "    def chat():\n        while not ended.wait(0.0005): print('x', end='')\n"
        "    thread = threading.Thread(target=chat)\n    thread.start()\n"
        "    for n in range(30):\n        pid = os.fork()\n        if pid == 0:\n"
        "            logger.info('child')\n            os._exit(0)\n        os.waitpid(pid, 0)\n"
        "    ended.set()\n    thread.join()\n    return 'ended'\n"
    )
    assert (await run(tmp_path, code)).result == "ended"


async def test_exit_without_an_error_is_a_success(tmp_path: Path) -> None:
    assert await run(tmp_path, "import sys\n@task\ndef main(): sys.exit()\n") == Outcome(result=None)


def test_task_marks_and_leaves_the_function_as_it_is() -> None:
    def plain() -> int:
        return 1

    assert tasks.task(plain) is plain
    assert getattr(tasks.task(name="Plain one")(plain), tasks.MARK) == "Plain one"


def test_task_runs_outside_of_a_robot(tmp_path: Path) -> None:
    code = "@task\ndef main():\n    progress(5, 'on')\n    logger.info('hi')\n    return job().job_id\n"
    script = f"import logging; logging.basicConfig(level='INFO')\n{HEAD}{code}print(main())"
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout == "local\n"
    assert done.stderr.splitlines() == ["INFO:casare.task:5 % on", "INFO:casare.task:hi"]
