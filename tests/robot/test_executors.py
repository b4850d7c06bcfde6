"""Properties of every executor, tested with the same body for each kind of workflow, in real processes."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from casare_rpa.domain.logs import Level
from casare_rpa.domain.protocol import JobError
from casare_rpa.robot.executors.base import Log, Outcome, ProgressUpdate, RunEvent
from casare_rpa.robot.executors.process_group import ProcessLimits
from robot_kinds import KINDS, Kind
from workflow_folders import PARENT, WITHIN_SECONDS, Recorder, task, until_gone, workflow_of

pytestmark = pytest.mark.slow

DRAIN_SECONDS = 0.05
FLOOD_LINES = 10_000
LONG_LINE_EVERY = 4
LONG_LINE_BYTES = 30_000
FLOOD_MEMORY_BYTES = 50 * 1024 * 1024


@pytest.fixture(
    params=[
        # Robot Framework takes most of a second to start.
        pytest.param(kind, id=kind.name, marks=pytest.mark.slow if kind.name == "robotframework" else ())
        for kind in KINDS
    ]
)
def kind(request: pytest.FixtureRequest) -> Kind:
    wanted: Kind = request.param
    return wanted


async def run(kind: Kind, folder: Path, body: str, recorder: Recorder | None = None, **parameters: object) -> Outcome:
    return await (recorder or Recorder()).run(task(kind.write(folder, body), folder / "out", **parameters))


def error_of(outcome: Outcome) -> JobError:
    assert outcome.error is not None, f"it completed: {outcome.result}"
    return outcome.error


async def start(kind: Kind, folder: Path, body: str, recorder: Recorder, ready: str) -> asyncio.Task[Outcome]:
    """Run a workflow until it has logged this text."""
    running = asyncio.create_task(run(kind, folder, body, recorder))
    await recorder.until(lambda: bool(recorder.logged(ready)))
    return running


async def test_log_lines_have_level_order_and_node(kind: Kind, tmp_path: Path) -> None:
    recorder = Recorder()
    body = 'for level in ("DEBUG", "INFO", "WARNING", "ERROR"): log(level, f"one {level} äöü €")'
    assert (await run(kind, tmp_path, body, recorder)).error is None
    lines = recorder.logged("one ")
    assert [(line.level, line.message) for line in lines] == [(level, f"one {level} äöü €") for level in Level]
    assert all(line.node_id is not None and line.node_id.startswith(kind.node) for line in lines)
    assert all(line.logged_at.tzinfo is not None for line in lines)


async def test_result_is_any_json_made_of_the_parameters(kind: Kind, tmp_path: Path) -> None:
    body = 'result({"hello": parameters["who"], "items": parameters["items"], "big": 2**70, "none": None})'
    outcome = await run(kind, tmp_path, body, who="Ada", items=[1, "two", {"ü": 1.5}])
    assert outcome == Outcome(result={"hello": "Ada", "items": [1, "two", {"ü": 1.5}], "big": 2**70, "none": None})
    assert "parameters.json" not in {path.name for path in tmp_path.rglob("*")}, "parameters can be secrets"


async def test_progress_arrives_as_reported(kind: Kind, tmp_path: Path) -> None:
    recorder = Recorder()
    outcome = await run(kind, tmp_path, 'progress(12.5, "an eighth")\nprogress(100, "all")', recorder)
    assert outcome.error is None
    assert recorder.progress == [ProgressUpdate(12.5, "an eighth"), ProgressUpdate(100.0, "all")]


async def test_error_has_message_and_node(kind: Kind, tmp_path: Path) -> None:
    error = error_of(await run(kind, tmp_path, 'log("INFO", "x")\nraise LookupError("no such row")'))
    assert (error.type, error.code) == ("error", None)
    assert error.message.endswith("no such row")
    assert (error.node_id or "").startswith(kind.node)


async def test_business_error_is_typed(kind: Kind, tmp_path: Path) -> None:
    error = error_of(await run(kind, tmp_path, 'business("no such customer")'))
    assert (error.type, error.message) == ("business", "no such customer")


async def test_process_that_exits_or_is_killed_is_an_error_with_the_cause(kind: Kind, tmp_path: Path) -> None:
    error = error_of(await run(kind, tmp_path / "1", "os._exit(7)"))
    assert error.message.endswith("exit code 7")
    error = error_of(await run(kind, tmp_path / "2", "os.kill(os.getpid(), signal.SIGKILL)"))
    assert "killed by SIGKILL; the likely cause is that the machine or the container ran out of memory" in error.message


CLEANUP = """
try:
    os.write(2, b"ready\\n")
    time.sleep(300)
finally:
    log("INFO", "cleaned up")
"""


async def test_cancel_runs_the_cleanup_at_once_even_out_of_a_sleep(kind: Kind, tmp_path: Path) -> None:
    recorder = Recorder()
    running = await start(kind, tmp_path, CLEANUP, recorder, "ready")
    asked = time.monotonic()
    recorder.stop.request("User asked for it")
    error = error_of(await running)
    assert time.monotonic() - asked < recorder.limits.grace_seconds / 2, "it was asked, not terminated"
    assert (error.type, error.message) == ("cancelled", "User asked for it")
    assert recorder.logged("cleaned up")


async def test_timeout_is_enforced_with_the_cleanup_run(kind: Kind, tmp_path: Path) -> None:
    recorder = Recorder()
    path = kind.write(tmp_path, CLEANUP)
    error = error_of(await recorder.run(task(path, tmp_path / "out", timeout_seconds=2.5)))
    assert (error.type, error.message) == ("timeout", "timeout: stopped after 2.5 s")
    assert recorder.logged("cleaned up")


async def test_forced_cancel_kills_at_once(kind: Kind, tmp_path: Path) -> None:
    recorder = Recorder()
    running = await start(kind, tmp_path, CLEANUP, recorder, "ready")
    recorder.stop.request("now", force=True)
    assert error_of(await running).type == "cancelled"
    assert not recorder.logged("cleaned up")
    await until_gone(recorder.pid_of("child"))


async def test_process_that_ignores_all_signals_is_killed(kind: Kind, tmp_path: Path) -> None:
    recorder = Recorder(ProcessLimits(grace_seconds=0.6))
    running = await start(kind, tmp_path, "grandchild()\nignore_everything()", recorder, "ignores everything")
    recorder.stop.request("enough")
    assert error_of(await running).type == "cancelled"
    await until_gone(recorder.pid_of("child"))
    await until_gone(recorder.pid_of("grandchild"))


class Counter(Recorder):
    """Checks the numbers of `line N …` without keeping the lines; pauses now and then, as a slow network does."""

    def __init__(self) -> None:
        super().__init__()
        self.next = 0
        self.wrong: list[str] = []

    async def __call__(self, event: RunEvent) -> None:
        if isinstance(event, Log) and event.message.startswith("line "):
            if event.message[:20].split()[1] != str(self.next):
                self.wrong.append(event.message[:20])
            self.next += 1
            if self.next % 500 == 0:
                await asyncio.sleep(0.001)


async def test_flood_of_lines_is_complete_and_in_order_in_bounded_memory(kind: Kind, tmp_path: Path) -> None:
    """The lines are larger than the memory bound, so a robot that collected them would exceed it."""
    recorder, before = Counter(), psutil.Process().memory_info().rss
    body = f"""
    for number in range({FLOOD_LINES}):
        log("INFO", f"line {{number}} " + "x" * ({LONG_LINE_BYTES} if number % {LONG_LINE_EVERY} == 0 else 0))
    result("done")
    """
    outcome = await recorder.run(task(kind.write(tmp_path, body), tmp_path / "out", timeout_seconds=100))
    assert outcome == Outcome(result="done")
    assert (recorder.next, recorder.wrong[:3]) == (FLOOD_LINES, [])
    assert FLOOD_LINES // LONG_LINE_EVERY * LONG_LINE_BYTES > 1.4 * FLOOD_MEMORY_BYTES
    assert psutil.Process().memory_info().rss - before < FLOOD_MEMORY_BYTES


async def test_slow_robot_slows_the_workflow_down(kind: Kind, tmp_path: Path) -> None:
    """Lines wait in the pipe, not in the robot's memory: the workflow cannot run far ahead of the robot."""

    class Blocked(Recorder):
        def __init__(self) -> None:
            super().__init__()
            self.back = asyncio.Event()

        async def __call__(self, event: RunEvent) -> None:
            await super().__call__(event)
            if self.logged("number 0"):
                await self.back.wait()

    recorder = Blocked()
    body = """
    for number in range(3_000):
        log("INFO", f"number {number} " + "x" * 1000)
        if number == 1000: open(os.path.join(os.environ["CASARE_OUTPUT_DIR"], "far"), "w").close()
    """
    running = await start(kind, tmp_path, body, recorder, "number 0")
    done, _ = await asyncio.wait([running], timeout=1.0)  # that it does not go on can only be shown by waiting
    assert not done
    assert not (tmp_path / "out" / "far").exists(), "a megabyte ahead"
    recorder.back.set()
    assert (await running).error is None
    assert len(recorder.logged("number ")) == 3_000


async def test_end_is_not_lost_while_the_orchestrator_is_slow(kind: Kind, tmp_path: Path) -> None:
    class Slow(Recorder):
        async def __call__(self, event: RunEvent) -> None:
            await super().__call__(event)
            if isinstance(event, Log) and event.message == "l3":
                await until_gone(self.pid_of("child"))
                await asyncio.sleep(10 * DRAIN_SECONDS)  # a silent pipe would have been given up by now

    recorder = Slow(ProcessLimits(drain_seconds=DRAIN_SECONDS))
    outcome = await run(kind, tmp_path, 'for i in range(30): log("INFO", f"l{i}")\nresult(7)', recorder)
    assert outcome == Outcome(result=7)
    assert recorder.logged("l29")


NOISE = r"""
os.write(1, b"raw \xff\xfe bytes\n")
os.write(2, b"to stderr \xff\n")
os.write(1, b"x" * 3_000_000 + b"\n")
os.write(1, b"with \0 in it\n")
os.write(1, b"no end")
"""


async def test_raw_bytes_are_bounded_log_lines(kind: Kind, tmp_path: Path) -> None:
    recorder = Recorder()
    assert (await run(kind, tmp_path, NOISE, recorder)).error is None
    assert recorder.logged("raw \ufffd\ufffd bytes")
    assert recorder.logged("to stderr \ufffd")
    assert recorder.logged("with \0 in it")
    assert recorder.logged("no end")
    assert max(len(log.message.encode()) for log in recorder.logs) <= 66_000


async def test_nul_and_lone_surrogates_are_repaired(kind: Kind, tmp_path: Path) -> None:
    recorder = Recorder()
    odd = r"odd \0" if kind.name == "robotframework" else r"odd \0 \ud800"  # its own report takes no surrogate
    body = f'log("INFO", "{odd}")\nprogress(50, "{odd}")\nraise ValueError("{odd}")'
    error = error_of(await run(kind, tmp_path, body, recorder))
    assert "odd" in error.message
    assert recorder.logged("odd ")
    assert [step.percent for step in recorder.progress][:1] == [50]
    said = error.message + "".join(log.message for log in recorder.logs)
    assert said.encode(), "everything can be sent"


@pytest.mark.parametrize("value", ['"x" * 5_000_000', '"x" * 262_143'])
async def test_result_that_is_too_large_is_an_error_that_says_so(kind: Kind, tmp_path: Path, value: str) -> None:
    error = error_of(await run(kind, tmp_path, f"result({value})"))
    assert "result" in error.message
    assert "bytes" in error.message


async def test_result_of_the_largest_size_is_accepted(kind: Kind, tmp_path: Path) -> None:
    outcome = await run(kind, tmp_path, 'result("x" * 262_142)')
    assert outcome.result == "x" * 262_142


async def test_result_that_is_not_json_is_an_error(kind: Kind, tmp_path: Path) -> None:
    assert error_of(await run(kind, tmp_path, 'result(float("nan"))')).type == "error"


async def test_grandchild_is_killed_after_the_end(kind: Kind, tmp_path: Path) -> None:
    recorder = Recorder()
    body = "grandchild()\ngrandchild(start_new_session=True)"
    assert (await run(kind, tmp_path, body, recorder)).error is None
    for line in recorder.logged("grandchild "):
        await until_gone(int(line.message.split()[1]))


async def test_unknown_process_that_holds_the_pipes_does_not_delay_the_end(kind: Kind, tmp_path: Path) -> None:
    """It has its own session and a cleared environment: it is not found, but the end does not wait for it."""
    recorder = Recorder()
    body = 'grandchild("env", "-i", "setsid")\nresult(time.time())'
    outcome = await run(kind, tmp_path, body, recorder)
    try:
        assert isinstance(outcome.result, float)
        assert time.time() - outcome.result < recorder.limits.drain_seconds + 5
    finally:
        for line in recorder.logged("grandchild "):
            os.kill(int(line.message.split()[1]), signal.SIGKILL)


async def test_robots_secrets_are_not_in_its_environment(
    kind: Kind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CASARE_API_KEY", "crpa_hidden")
    monkeypatch.setenv("CASARE_API_SECRET", "crpa_hidden_too")
    body = "result([str(dict(os.environ)), os.environ['CASARE_JOB_ID'], os.environ['CASARE_ATTEMPT'], os.getcwd()])"
    result = (await run(kind, tmp_path, body)).result
    assert isinstance(result, list)
    assert "crpa_hidden" not in result[0]
    assert result[1:] == ["job-1", "1", str(tmp_path / "work" / "1" / "workflow" / "demo")]


async def test_waiting_for_all_children_waits_for_no_other_process(kind: Kind, tmp_path: Path) -> None:
    body = """
    try:
        os.wait()
    except ChildProcessError:
        result("no children")
    """
    assert (await run(kind, tmp_path, body)).result == "no children"


async def _pids_of(parent: asyncio.subprocess.Process) -> list[int]:
    """Process ids of the workflow and of its child, once both are logged."""
    assert parent.stdout is not None
    pids: dict[str, int] = {}
    while len(pids) < 2:
        words = (await parent.stdout.readline()).decode().split()
        if len(words) == 2 and words[0] in ("child", "grandchild"):
            pids[words[0]] = int(words[1])
    return list(pids.values())


async def test_death_of_the_robot_ends_its_workflows_and_their_children(tmp_path: Path) -> None:
    """Even of a workflow that holds the interpreter's lock and starts its children in other sessions."""
    parents = []
    for kind in KINDS:
        path = kind.write(tmp_path / kind.name, "grandchild(start_new_session=True)\nsum(range(10**13))")
        command = [sys.executable, "-c", PARENT, str(path), str(tmp_path / kind.name / "out")]
        parents.append(await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE))
    async with asyncio.timeout(WITHIN_SECONDS):
        pids = [pid for parent in parents for pid in await _pids_of(parent)]
    for parent in parents:
        parent.kill()
        await parent.wait()
    for pid in pids:
        await until_gone(pid)


async def test_parameters_do_not_stay_on_disk_when_the_program_cannot_be_started(tmp_path: Path) -> None:
    path = workflow_of(tmp_path, {"workflow.toml": 'kind = "command"\ncommand = ["./run"]'})
    outcome = await Recorder().run(task(path, tmp_path / "out", password="hidden"))
    assert outcome.error is not None
    assert [path for path in (tmp_path / "work").rglob("*") if path.suffix != ".lock"] == []


async def test_grace_period_of_the_request_is_obeyed(kind: Kind, tmp_path: Path) -> None:
    """The default would have killed the cleanup before its end."""
    recorder = Recorder(ProcessLimits(grace_seconds=0.2))
    body = """
    try:
        os.write(2, b"ready\\n")
        time.sleep(300)
    finally:
        time.sleep(0.7)
        log("INFO", "cleaned up")
    """
    running = await start(kind, tmp_path, body, recorder, "ready")
    recorder.stop.request("not needed", grace_seconds=20)
    assert error_of(await running).type == "cancelled"
    assert recorder.logged("cleaned up")


async def test_later_request_shortens_the_grace_period(kind: Kind, tmp_path: Path) -> None:
    recorder = Recorder()
    running = await start(kind, tmp_path, "ignore_everything()", recorder, "ignores everything")
    recorder.stop.request("not needed", grace_seconds=300)
    recorder.stop.request("the robot stops", grace_seconds=0.2)
    assert error_of(await running).message == "not needed"


async def test_text_without_a_line_end_is_logged_while_the_program_waits(kind: Kind, tmp_path: Path) -> None:
    recorder = Recorder()
    body = """
    os.write(2, b"Enter PIN: ")
    while not os.path.exists(os.path.join(os.environ["CASARE_OUTPUT_DIR"], "pin")):
        time.sleep(0.01)
    """
    running = await start(kind, tmp_path, body, recorder, "Enter PIN: ")
    (tmp_path / "out" / "pin").touch()
    assert (await running).error is None


async def test_progress_bar_is_the_message_of_the_progress_and_one_line(kind: Kind, tmp_path: Path) -> None:
    recorder = Recorder()
    body = """
    for percent in range(100):
        os.write(2, b"\\r%d %%" % percent)
    while not os.path.exists(os.path.join(os.environ["CASARE_OUTPUT_DIR"], "seen")):
        time.sleep(0.01)
    os.write(2, b"\\rready\\n")
    """
    running = asyncio.create_task(run(kind, tmp_path, body, recorder))
    await recorder.until(lambda: bool(recorder.progress))
    (tmp_path / "out" / "seen").touch()
    assert (await running).error is None
    assert recorder.progress[0].message is not None
    assert recorder.progress[0].message.endswith(" %")
    assert len([log for log in recorder.logs if log.message == "ready" or log.message.endswith(" %")]) == 1


async def test_crash_of_the_interpreter_logs_its_traceback(kind: Kind, tmp_path: Path) -> None:
    recorder = Recorder()
    error = error_of(await run(kind, tmp_path, "os.kill(os.getpid(), signal.SIGSEGV)", recorder))
    assert "killed by SIGSEGV" in error.message
    assert recorder.logged("Fatal Python error: Segmentation fault")
