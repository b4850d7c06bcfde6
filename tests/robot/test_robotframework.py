"""The Robot Framework executor: real suites in real child processes, and nothing left behind."""

import asyncio
import json
import shutil
from pathlib import Path

import pytest

from casare_rpa.domain.logs import Level
from workflow_folders import Recorder, task, until_gone, workflow, workflow_of

pytestmark = pytest.mark.slow

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
"""


async def test_workflow_that_succeeds_has_result_progress_logs_and_nodes(tmp_path: Path) -> None:
    recorder = Recorder()
    path = workflow(tmp_path, RESULT)
    outcome = await recorder.run(task(path, tmp_path / "out", who="Ada", items=[1, "two"]))
    assert outcome.error is None
    assert outcome.result == {"sum": 1.5, "list": [1, "two"]}
    assert [(p.percent, p.message) for p in recorder.progress] == [(50.0, "First"), (70.0, "nearly")]
    hello = recorder.logged("hello Ada")[0]
    assert (hello.level, hello.node_id) == (Level.INFO, "suite.robot:6 Log")
    assert recorder.logged("watch out")[0].level is Level.WARNING
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


async def test_expected_failure_does_not_fail_the_job(tmp_path: Path) -> None:
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
        ("*** Test Cases ***\nA\n    No Such Keyword\n", "No Such Keyword"),
        ("*** Keywords ***\nOnly\n    Log    x\n", "contains no tests"),
    ],
)
async def test_workflow_that_cannot_run_fails_with_the_reason(tmp_path: Path, suite: str, words: str) -> None:
    outcome = await Recorder().run(task(workflow(tmp_path, suite), tmp_path / "out"))
    assert outcome.error is not None
    assert words in outcome.error.message


async def test_cancel_runs_teardowns_and_stops_all_descendants(tmp_path: Path) -> None:
    recorder = Recorder()
    running = asyncio.create_task(recorder.run(task(workflow(tmp_path, SLEEP, HELPER), tmp_path / "out")))
    await recorder.until(lambda: bool(recorder.logged("child ")) and bool(recorder.logged("grandchild ")))
    recorder.stop.request("User asked for it")
    outcome = await running
    assert outcome.error is not None
    assert (outcome.error.type, outcome.error.message) == ("cancelled", "User asked for it")
    assert recorder.logged("torn down")
    await until_gone(int(recorder.logged("grandchild ")[0].message.split()[1]))
    assert "torn down" in (tmp_path / "out" / "output.xml").read_text()


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
    assert (
        outcome.error.message
        == f"2 of 2 failed: Suite.Check Every Invoice: {folder} contains no invoice files (.csv, .json)"
    )
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


KEYWORDS = "*** Settings ***\nLibrary    Helper.py\nLibrary    casare_rpa.robot.keywords\n*** Test Cases ***\nA\n"


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


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        (
            "huge.csv",
            (
                "invoice_number,supplier,date,currency,quantity,unit_price,vat_percent,total\n"
                "1,A,2026-05-01,EUR,1e30,1e30,19,1e60\n"
            ),
            "is too large",
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
async def test_invalid_invoice_is_rejected_without_failing_the_job(
    tmp_path: Path, name: str, text: str, words: str
) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / name).write_text(text)
    outcome = await Recorder().run(task(INVOICES, tmp_path / "out", folder=str(folder)))
    assert isinstance(outcome.result, dict)
    assert words in outcome.result["rejected"][0]["reason"]


MISSING = "*** Settings ***\nLibrary    Collections\nLibrary    NoSuchLibrary\nResource    none.resource\n"


async def test_first_import_that_failed_is_the_error(tmp_path: Path) -> None:
    suite = MISSING + "*** Test Cases ***\nA\n    Keyword Of It\nB\n    Log    fine\nC\n    Keyword Of It\n"
    error = (await Recorder().run(task(workflow(tmp_path, suite), tmp_path / "out"))).error
    assert error is not None
    assert error.code == "missing_library"
    assert error.message == (
        "Importing library 'NoSuchLibrary' failed: ModuleNotFoundError: No module named 'NoSuchLibrary'; "
        "2 of 3 failed: Suite.A: No keyword with name 'Keyword Of It' found."
    )
    assert error.node_id == "suite.robot:3"


async def test_failed_import_without_a_failed_test_does_not_fail_the_run(tmp_path: Path) -> None:
    suite = MISSING + "*** Test Cases ***\nA\n    Log    fine\n"
    assert (await Recorder().run(task(workflow(tmp_path, suite), tmp_path / "out"))).error is None


async def test_import_in_a_keyword_that_failed_has_the_code(tmp_path: Path) -> None:
    suite = "*** Test Cases ***\nA\n    Import Library    NoSuchLibrary\n"
    error = (await Recorder().run(task(workflow(tmp_path, suite), tmp_path / "out"))).error
    assert error is not None
    assert error.code == "missing_library"


SEVERAL = (
    "*** Test Cases ***\nOne\n    Log    fine\nTwo\n    Fail    first\nThree\n    Skip\nFour\n    Fail    second\n"
)


async def test_failures_are_counted_and_the_first_is_named_with_its_folder(tmp_path: Path) -> None:
    path = workflow_of(tmp_path, {"root.robot": "*** Test Cases ***\nA\n    Log    fine\n"})
    workflow_of(path, {"suite.robot": SEVERAL}, "orders")
    recorder = Recorder()
    error = (await recorder.run(task(path, tmp_path / "out"))).error
    assert error is not None
    assert error.message == "2 of 5 failed: Orders.Suite.Two: first"
    assert error.node_id == "orders/suite.robot:5 Fail"
    assert recorder.progress[-1].percent == 100


async def test_result_is_the_counts_unless_the_suite_sets_one(tmp_path: Path) -> None:
    suite = "*** Test Cases ***\nOne\n    Log    fine\nTwo\n    Skip\n"
    outcome = await Recorder().run(task(workflow(tmp_path / "1", suite), tmp_path / "1" / "out"))
    assert outcome.result == {"tests": 2, "passed": 1, "failed": 0, "skipped": 1}
    suite = (
        "*** Settings ***\nLibrary    casare_rpa.robot.keywords\n*** Test Cases ***\n"
        "One\n    Set Job Result    ${None}\n"
    )
    outcome = await Recorder().run(task(workflow(tmp_path / "2", suite), tmp_path / "2" / "out"))
    assert outcome.result is None


async def test_cancelled_run_does_not_count_tests_that_did_not_run(tmp_path: Path) -> None:
    suite = SLEEP + "".join(f"More {number}\n    Log    never\n" for number in range(3))
    recorder = Recorder()
    running = asyncio.create_task(recorder.run(task(workflow(tmp_path, suite, HELPER), tmp_path / "out")))
    await recorder.until(lambda: bool(recorder.logged("child ")))
    recorder.stop.request("User asked for it")
    await running
    assert recorder.progress == []


@pytest.mark.parametrize(("manifest", "logged"), [("", False), ('log_level = "DEBUG"', True)])
async def test_messages_below_the_log_level_are_neither_sent_nor_written(
    tmp_path: Path, manifest: str, logged: bool
) -> None:
    files = {
        "workflow.toml": 'kind = "robotframework"\n' + manifest,
        "suite.robot": "*** Test Cases ***\nA\n    Log    typed a secret    level=DEBUG\n",
    }
    recorder = Recorder()
    assert (await recorder.run(task(workflow_of(tmp_path, files), tmp_path / "out"))).error is None
    assert bool(recorder.logged("typed a secret")) is logged
    messages = (tmp_path / "out" / "output.xml").read_text().count("typed a secret</msg>")
    assert bool(messages) is logged


async def test_html_message_is_logged_as_text(tmp_path: Path) -> None:
    html = '</td></tr><tr><td colspan="3"><img src="shot.png" width="800px"> a <b>bold</b> &lt;word&gt;'
    suite = f"*** Test Cases ***\nA\n    Log    {html}    html=True\n"
    recorder = Recorder()
    assert (await recorder.run(task(workflow(tmp_path, suite), tmp_path / "out"))).error is None
    assert recorder.logged("[shot.png] a bold <word>")
    assert not recorder.logged("<td")
