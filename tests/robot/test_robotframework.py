"""The Robot Framework executor: real suites in real child processes, and nothing left behind."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from casare_rpa.domain.logs import Level
from casare_rpa.robot.executors import child_run, process_group
from casare_rpa.robot.executors.robotframework import RobotFrameworkExecutor
from workflow_folders import WITHIN_SECONDS, Recorder, task, workflow

INVOICES = Path(__file__).parents[2] / "examples" / "invoices"

RESULT = """
*** Settings ***
Library    casare_rpa.robot.keywords
*** Test Cases ***
First
    Log    hello ${who}
    Log    watch out    level=WARN
Second
    Report Progress    70    nearly
    Set Job Result    ${{ {'sum': 1.5, 'list': $items} }}
"""

SLEEP = """
*** Settings ***
Library    Helper.py
*** Test Cases ***
Long
    Start Grandchild
    Wait    60
    [Teardown]    Log    torn down
"""

HELPER = """
import os, signal, subprocess, sys, time
def start_grandchild():
    child = subprocess.Popen(["sleep", "300"])
    print(f"grandchild {child.pid}", flush=True)
    print(f"child {os.getpid()}", file=sys.__stderr__, flush=True)
def wait(seconds):
    end = time.monotonic() + float(seconds)
    while time.monotonic() < end:
        time.sleep(0.05)
def block():
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    os.write(2, b"blocked\\n")
    while True:
        try:
            time.sleep(1)
        except BaseException:
            continue
def noise():
    os.write(1, b"raw \\xff\\xfe bytes\\n")
    os.write(2, b"to stderr\\n")
    os.write(1, b"x" * 3_000_000 + b"\\n")
def many(count):
    for number in range(int(count)):
        os.write(1, b"line %d\\n" % number)
"""


def pid_in(recorder: Recorder, word: str) -> int:
    lines = [log.message for log in recorder.logs if f"{word} " in log.message]
    return int(lines[0].split(f"{word} ")[1].split()[0])


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


async def until_gone(pid: int) -> None:
    async with asyncio.timeout(WITHIN_SECONDS):
        while not gone(pid):
            await asyncio.sleep(0.02)


async def test_workflow_that_succeeds_has_result_progress_logs_and_nodes(tmp_path: Path) -> None:
    recorder = Recorder()
    path = workflow(tmp_path, RESULT)
    outcome = await recorder.run(task(path, tmp_path / "out", who="Ada", items=[1, "two"]))
    assert outcome.error is None
    assert outcome.result == {"sum": 1.5, "list": [1, "two"]}
    assert [(p.percent, p.message) for p in recorder.progress] == [(50.0, "First"), (70.0, "nearly")]
    hello = recorder.said("hello Ada")[0]
    assert (hello.level, hello.node_id) == (Level.INFO, "suite.robot:6 Log")
    assert recorder.said("watch out")[0].level is Level.WARNING
    assert (tmp_path / "out" / "output.xml").is_file()
    assert not (tmp_path / "out" / "parameters.json").exists()


async def test_workflow_that_fails_names_the_node_and_the_reason(tmp_path: Path) -> None:
    suite = "*** Test Cases ***\nGood\n    Log    fine\nBad\n    Should Be Equal    1    2    not the same\n"
    outcome = await Recorder().run(task(workflow(tmp_path, suite), tmp_path / "out"))
    assert outcome.error is not None
    assert outcome.error.type == "error"
    assert "not the same" in outcome.error.message
    assert outcome.error.node_id == "suite.robot:5 Should Be Equal"
    assert outcome.error.traceback is not None


async def test_failure_that_the_workflow_expects_is_none(tmp_path: Path) -> None:
    suite = "*** Test Cases ***\nGood\n    Run Keyword And Expect Error    *    Fail    planned\n"
    outcome = await Recorder().run(task(workflow(tmp_path, suite), tmp_path / "out"))
    assert outcome.error is None


async def test_business_error_is_typed_and_a_failed_suite_setup_keeps_its_message(tmp_path: Path) -> None:
    suite = (
        "*** Settings ***\nLibrary    casare_rpa.robot.keywords\n"
        "Suite Setup    Fail As Business Error    no such customer\n"
        "*** Test Cases ***\nNever\n    Log    no\n"
    )
    outcome = await Recorder().run(task(workflow(tmp_path, suite), tmp_path / "out"))
    assert outcome.error is not None
    assert (outcome.error.type, outcome.error.message) == ("business", "no such customer")


@pytest.mark.parametrize(
    ("suite", "words"),
    [
        ("*** Settings ***\nLibrary    NoSuchLibrary\n*** Test Cases ***\nA\n    No Such Keyword\n", "No Such Keyword"),
        ("*** Keywords ***\nOnly\n    Log    x\n", "contains no tests"),
    ],
)
async def test_workflow_that_cannot_run_says_why(tmp_path: Path, suite: str, words: str) -> None:
    outcome = await Recorder().run(task(workflow(tmp_path, suite), tmp_path / "out"))
    assert outcome.error is not None
    assert words in outcome.error.message


async def test_what_is_printed_past_robot_framework_becomes_bounded_log_lines(tmp_path: Path) -> None:
    suite = "*** Settings ***\nLibrary    Helper.py\n*** Test Cases ***\nLoud\n    Noise\n"
    recorder = Recorder()
    outcome = await recorder.run(task(workflow(tmp_path, suite, HELPER), tmp_path / "out"))
    assert outcome.error is None
    assert recorder.said("raw \ufffd\ufffd bytes")
    assert recorder.said("to stderr")
    assert max(len(log.message.encode()) for log in recorder.logs) <= 66_000


async def test_slow_robot_slows_the_workflow_and_loses_no_line(tmp_path: Path) -> None:
    suite = "*** Settings ***\nLibrary    Helper.py\n*** Test Cases ***\nLoud\n    Many    20000\n"

    class Slow(Recorder):
        async def __call__(self, event: object) -> None:
            if len(self.logs) % 1000 == 0:
                await asyncio.sleep(0.001)
            await super().__call__(event)  # type: ignore[arg-type]

    recorder = Slow()
    await recorder.run(task(workflow(tmp_path, suite, HELPER), tmp_path / "out"))
    lines = [log.message for log in recorder.said("line ")]
    assert lines == [f"line {number}" for number in range(20_000)]


async def test_cancel_runs_teardowns_and_stops_the_whole_family(tmp_path: Path) -> None:
    recorder = Recorder()
    running = asyncio.create_task(recorder.run(task(workflow(tmp_path, SLEEP, HELPER), tmp_path / "out")))
    await recorder.until(lambda: bool(recorder.said("child ")) and bool(recorder.said("grandchild ")))
    recorder.stop.ask("User asked for it")
    outcome = await running
    assert outcome.error is not None
    assert (outcome.error.type, outcome.error.message) == ("cancelled", "User asked for it")
    assert recorder.said("torn down")
    await until_gone(pid_in(recorder, "grandchild"))
    assert "torn down" in (tmp_path / "out" / "output.xml").read_text()


async def test_timeout_is_enforced_by_the_robot(tmp_path: Path) -> None:
    recorder = Recorder()
    outcome = await recorder.run(task(workflow(tmp_path, SLEEP, HELPER), tmp_path / "out", timeout_seconds=1.5))
    assert outcome.error is not None
    assert outcome.error.type == "timeout"
    await until_gone(pid_in(recorder, "grandchild"))


async def test_workflow_that_ignores_every_signal_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process_group, "ASK_SECONDS", 0.3)
    monkeypatch.setattr(process_group, "TERMINATE_SECONDS", 0.3)
    suite = "*** Settings ***\nLibrary    Helper.py\n*** Test Cases ***\nStuck\n    Start Grandchild\n    Block\n"
    recorder = Recorder()
    running = asyncio.create_task(recorder.run(task(workflow(tmp_path, suite, HELPER), tmp_path / "out")))
    await recorder.until(lambda: bool(recorder.said("blocked")))
    recorder.stop.ask("enough")
    outcome = await running
    assert outcome.error is not None
    assert outcome.error.type == "cancelled"
    await until_gone(pid_in(recorder, "child"))


async def test_forced_cancel_kills_at_once(tmp_path: Path) -> None:
    recorder = Recorder()
    running = asyncio.create_task(recorder.run(task(workflow(tmp_path, SLEEP, HELPER), tmp_path / "out")))
    await recorder.until(lambda: bool(recorder.said("child ")))
    recorder.stop.ask("now", force=True)
    outcome = await running
    assert outcome.error is not None
    assert outcome.error.type == "cancelled"
    assert not recorder.said("torn down")


async def test_child_killed_by_someone_else_is_an_error_that_says_so(tmp_path: Path) -> None:
    recorder = Recorder()
    running = asyncio.create_task(recorder.run(task(workflow(tmp_path, SLEEP, HELPER), tmp_path / "out")))
    await recorder.until(lambda: bool(recorder.said("child ")) and bool(recorder.said("grandchild ")))
    child = next(int(log.message.split()[-1]) for log in recorder.logs if log.message.startswith("child "))
    os.kill(child, signal.SIGKILL)
    outcome = await running
    assert outcome.error is not None
    assert outcome.error.message == "the workflow's process ended without a word: killed by SIGKILL"
    await until_gone(pid_in(recorder, "grandchild"))


PARENT = """
import asyncio, json, sys
from pathlib import Path
from casare_rpa.robot.executors.base import Log, Stop, Task
from casare_rpa.robot.executors.robotframework import RobotFrameworkExecutor
async def emit(event):
    if isinstance(event, Log):
        print(event.message, flush=True)
path, output = Path(sys.argv[1]), Path(sys.argv[2])
asyncio.run(RobotFrameworkExecutor().run(Task("j", 1, "demo", path, {}, 60, output), emit, Stop()))
"""


async def test_robot_killed_takes_its_workflow_with_it(tmp_path: Path) -> None:
    path = workflow(tmp_path, SLEEP, HELPER)
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PARENT, str(path), str(tmp_path / "out"), stdout=subprocess.PIPE
    )
    assert parent.stdout is not None
    child: int | None = None
    async with asyncio.timeout(WITHIN_SECONDS):
        while child is None:
            line = (await parent.stdout.readline()).decode()
            child = int(line.split()[-1]) if line.startswith("child ") else None
    parent.kill()
    await parent.wait()
    await until_gone(child)


async def test_invoices_totals_and_rejects_of_its_own_folder(tmp_path: Path) -> None:
    outcome = await Recorder().run(task(INVOICES, tmp_path / "out"))
    assert outcome.error is None
    result = outcome.result
    assert isinstance(result, dict)
    assert (result["files"], result["accepted"], len(result["rejected"])) == (15, 7, 8)
    assert result["totals"]["Skyline Hosting BV"] == {"EUR": "3201.69"}
    report = Path(result["report"])
    assert "Skyline Hosting BV | 3201.69" in report.read_text()
    assert json.loads(report.with_suffix(".json").read_text())["totals"] == result["totals"]


async def test_invoices_follow_a_changed_amount_and_an_empty_folder(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    outcome = await Recorder().run(task(INVOICES, tmp_path / "out0", folder=str(folder)))
    assert outcome.error is not None
    assert outcome.error.message == f"{folder} holds no invoice files (.csv, .json)"
    name = "2026-0502-cleaning.json"
    shutil.copy(INVOICES / "data" / name, folder)
    first = await Recorder().run(task(INVOICES, tmp_path / "out1", folder=str(folder)))
    text = (folder / name).read_text()
    (folder / name).write_text(text.replace('"quantity": 22', '"quantity": 44').replace("1078.62", "2157.23"))
    second = await Recorder().run(task(INVOICES, tmp_path / "out2", folder=str(folder)))
    assert isinstance(first.result, dict)
    assert isinstance(second.result, dict)
    assert first.result["totals"] == {"Reinwerk Gebäudeservice": {"EUR": "1078.62"}}
    assert second.result["totals"] == {"Reinwerk Gebäudeservice": {"EUR": "2157.23"}}


async def test_environment_of_the_robot_keeps_its_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CASARE_API_KEY", "crpa_secret")
    suite = "*** Test Cases ***\nLook\n    Should Not Contain    ${{ str(os.environ) }}    crpa_secret\n"
    outcome = await RobotFrameworkExecutor().run(
        task(workflow(tmp_path, suite), tmp_path / "o"), Recorder(), Recorder().stop
    )
    assert outcome.error is None


KEYWORDS = "*** Settings ***\nLibrary    Helper.py\nLibrary    casare_rpa.robot.keywords\n*** Test Cases ***\nA\n"


async def test_end_is_not_lost_while_the_orchestrator_is_slow(tmp_path: Path) -> None:
    class Away(Recorder):
        async def __call__(self, event: object) -> None:
            await super().__call__(event)  # type: ignore[arg-type]
            if len(self.logs) == 4:
                await asyncio.sleep(child_run.DRAIN_SECONDS + 0.5)

    recorder = Away()
    suite = KEYWORDS + "    FOR    ${i}    IN RANGE    30\n        Log    l${i}\n    END\n    Set Job Result    ${7}\n"
    outcome = await recorder.run(task(workflow(tmp_path, suite, HELPER), tmp_path / "out"))
    assert (outcome.error, outcome.result) == (None, 7)
    assert recorder.said("l29")


async def test_result_that_is_too_large_fails_at_its_keyword(tmp_path: Path) -> None:
    suite = KEYWORDS + "    Set Job Result    ${{ 'x' * 5_000_000 }}\n"
    outcome = await Recorder().run(task(workflow(tmp_path, suite, HELPER), tmp_path / "out"))
    assert outcome.error is not None
    assert "at most 262144 bytes" in outcome.error.message


@pytest.mark.parametrize(
    "caught",
    [
        "    Run Keyword And Ignore Error    Fail As Business Error    no\n",
        "    TRY\n        Fail As Business Error    no\n    EXCEPT    no\n        Log    x\n    END\n",
    ],
)
async def test_caught_failure_names_neither_node_nor_type_of_a_later_one(tmp_path: Path, caught: str) -> None:
    suite = KEYWORDS + caught + "    Fail    not a matter of business\n"
    outcome = await Recorder().run(task(workflow(tmp_path, suite, HELPER), tmp_path / "out"))
    assert outcome.error is not None
    assert outcome.error.type == "error"
    assert (outcome.error.node_id or "").endswith(" Fail")


async def test_grandchild_in_a_session_of_its_own_is_killed_after_a_normal_end(tmp_path: Path) -> None:
    helper = HELPER.replace('["sleep", "300"]', '["sleep", "300"], start_new_session=True')
    recorder = Recorder()
    outcome = await recorder.run(
        task(workflow(tmp_path, KEYWORDS + "    Start Grandchild\n", helper), tmp_path / "out")
    )
    assert outcome.error is None
    await until_gone(pid_in(recorder, "grandchild"))


@pytest.mark.slow
async def test_robot_killed_takes_grandchildren_and_a_keyword_that_holds_the_interpreter(tmp_path: Path) -> None:
    helper = HELPER + "def held():\n    sum(range(10**13))\n"
    path = workflow(tmp_path, KEYWORDS + "    Start Grandchild\n    Held\n", helper)
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PARENT, str(path), str(tmp_path / "out"), stdout=subprocess.PIPE
    )
    assert parent.stdout is not None
    pids: dict[str, int] = {}
    async with asyncio.timeout(WITHIN_SECONDS):
        while len(pids) < 2:
            words = (await parent.stdout.readline()).decode().split()
            if len(words) == 2 and words[0] in ("child", "grandchild"):
                pids[words[0]] = int(words[1])
    parent.kill()
    await parent.wait()
    for pid in pids.values():
        await until_gone(pid)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        (
            "huge.csv",
            (
                "invoice_number,supplier,date,currency,quantity,unit_price,vat_percent,total\n"
                "1,A,2026-05-01,EUR,1e30,1e30,19,1e60\n"
            ),
            "out of all reason",
        ),
        (
            "two.csv",
            (
                "invoice_number,supplier,date,currency,quantity,unit_price,vat_percent,total\n"
                "1,A,2026-05-01,EUR,1,1,0,2\n2,A,2026-05-01,EUR,1,1,0,2\n"
            ),
            "more than one invoice",
        ),
    ],
)
async def test_odd_invoice_is_rejected_and_fails_nothing(tmp_path: Path, name: str, text: str, words: str) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / name).write_text(text)
    outcome = await Recorder().run(task(INVOICES, tmp_path / "out", folder=str(folder)))
    assert isinstance(outcome.result, dict)
    assert words in outcome.result["rejected"][0]["reason"]
