"""Commands: the choice of the program, its output lines, its exit code, and programs without the line protocol."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from casare_rpa.domain.logs import Level
from casare_rpa.robot.executors.base import Outcome
from casare_rpa.robot.executors.command import find_program
from casare_rpa.robot.executors.command_lines import CommandOutputParser
from casare_rpa.robot.workflow_kind import BadWorkflow
from workflow_folders import PARENT, WITHIN_SECONDS, Recorder, task, until_gone, workflow_of

MANIFEST = 'kind = "command"\ncommand = ["sh", "run.sh", "an argument"]'


async def run(folder: Path, script: str, recorder: Recorder | None = None, **parameters: object) -> Outcome:
    path = workflow_of(folder, {"workflow.toml": MANIFEST, "run.sh": script})
    return await (recorder or Recorder()).run(task(path, folder / "out", **parameters))


async def test_program_gets_arguments_parameters_and_places(tmp_path: Path) -> None:
    script = (
        'echo "$1, $CASARE_JOB_ID, $CASARE_ATTEMPT, $CASARE_WORKFLOW_ID"; cat "$CASARE_PARAMETERS_FILE"; echo\n'
        'echo left > "$CASARE_OUTPUT_DIR/left.txt"; echo careful >&2\n'
    )
    recorder = Recorder()
    assert await run(tmp_path, script, recorder, who="Ada") == Outcome(result=None)
    lines = {log.message: log.level for log in recorder.logs}
    assert lines == {"an argument, job-1, 1, demo": "INFO", '{"who": "Ada"}': "INFO", "careful": "WARNING"}
    assert (tmp_path / "out" / "left.txt").read_text() == "left\n"


@pytest.mark.parametrize(
    ("script", "kind", "message"),
    [
        ("echo first >&2; echo 'no disk' >&2; exit 3", "error", "exit code 3: no disk"),
        ("exit 4", "error", "exit code 4"),
        ('echo \'{"type": "error", "message": "no such row"}\'; echo x >&2; exit 1', "error", "no such row"),
        (
            'echo \'{"type": "error", "message": "m", "error_type": "business"}\'; exit 1',
            "business",
            "m",
        ),
    ],
)
async def test_failure_has_the_exit_code_and_the_last_line_of_stderr(
    tmp_path: Path, script: str, kind: str, message: str
) -> None:
    error = (await run(tmp_path, script)).error
    assert error is not None
    assert (error.type, error.message) == (kind, message)


@pytest.mark.slow
async def test_program_is_terminated_at_once(tmp_path: Path) -> None:
    recorder = Recorder()
    script = "trap 'echo cleaned up; exit 0' TERM\nwhile :; do sleep 0.05; done"
    path = workflow_of(tmp_path, {"workflow.toml": MANIFEST, "run.sh": script})
    error = (await recorder.run(task(path, tmp_path / "out", timeout_seconds=1.5))).error
    assert error is not None
    assert error.type == "timeout", "exit code 0 without a result: it only stopped"
    assert recorder.logged("cleaned up")


@pytest.mark.slow
async def test_result_before_a_stop_counts(tmp_path: Path) -> None:
    script = 'echo \'{"type": "result", "value": 7}\'; read word; echo "heard $word"'
    recorder = Recorder()
    path = workflow_of(tmp_path, {"workflow.toml": MANIFEST + '\nstdin = "control"', "run.sh": script})
    outcome = await recorder.run(task(path, tmp_path / "out", timeout_seconds=1))
    assert outcome == Outcome(result=7)
    assert recorder.logged("heard cancel")


async def test_program_has_no_open_stdin(tmp_path: Path) -> None:
    assert (
        await run(tmp_path, 'read line && exit 5; echo \'{"type": "result", "value": "end of input"}\'')
    ).result == ("end of input")


async def test_program_without_control_is_terminated_when_its_robot_dies(tmp_path: Path) -> None:
    # The pipes of a dead robot are closed: a shell that reports the end of `sleep` on stderr would get SIGPIPE.
    script = "exec 2>/dev/null\n"
    script += "trap 'touch \"$CASARE_OUTPUT_DIR/asked\"; exit 1' TERM\necho child $$\nwhile :; do sleep 0.05; done"
    path = workflow_of(tmp_path, {"workflow.toml": MANIFEST, "run.sh": script})
    robot = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PARENT, str(path), str(tmp_path / "out"), stdout=subprocess.PIPE
    )
    assert robot.stdout is not None
    async with asyncio.timeout(WITHIN_SECONDS):
        pid = int((await robot.stdout.readline()).split()[1])
    robot.kill()
    await robot.wait()
    await until_gone(pid)
    assert (tmp_path / "out" / "asked").exists()


async def test_output_in_another_encoding_is_text(tmp_path: Path) -> None:
    recorder = Recorder()
    manifest = MANIFEST + '\nencoding = "cp1252"'
    path = workflow_of(tmp_path, {"workflow.toml": manifest, "run.sh": r"printf 'M\374ller \200\n'"})
    assert (await recorder.run(task(path, tmp_path / "out"))).error is None
    assert recorder.logged("Müller €")


async def test_kill_in_a_shell_names_memory_as_the_likely_cause(tmp_path: Path) -> None:
    error = (await run(tmp_path, "sh -c 'kill -9 $$'; exit $?")).error
    assert error is not None
    assert (
        "exit code 137; a process was killed by SIGKILL, for which the likely cause is a lack of memory"
        in error.message
    )


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b'{"type": "progress", "percent": 120}', "invalid line (Expected `float` <= 100.0"),
        (b'{"type": "log"}', "invalid line (Object missing required field `message`)"),
        (b'{"type": "error", "message": "m", "error_type": "odd"}', "invalid line (Invalid enum value 'odd'"),
    ],
)
def test_line_of_a_known_type_without_its_form_is_a_warning(line: bytes, words: str) -> None:
    log = CommandOutputParser().on_stdout(line)
    assert log is not None
    assert words in (log.message or "")
    assert getattr(log, "level", None) is Level.WARNING


@pytest.mark.parametrize("line", [b'{"type": "other"}', b'{"a": 1}', b"{", b"{}", b"[1]", b'"log"', b"\xff{"])
def test_every_other_line_is_a_log_line(line: bytes) -> None:
    log = CommandOutputParser().on_stdout(line)
    assert log is not None
    assert log.message == line.decode(errors="replace")


@pytest.mark.parametrize("value", [b"NaN", b"1e999", b"[" * 100_000])
def test_invalid_result_fails_the_job(value: bytes) -> None:
    parser = CommandOutputParser()
    parser.on_stdout(b'{"type":"result","value":' + value + b"}")
    end = parser.end(0, stopped=False)
    assert end.error is not None
    assert end.error.code == "bad_result"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = workflow_of(tmp_path, {"run.sh": "#!/bin/sh\n", "plain.sh": "", "sh": "#!/bin/sh\n"})
    (path / "run.sh").chmod(0o700)
    (path / "sh").chmod(0o700)
    (tmp_path / "outside.sh").write_text("")
    (path / "link.sh").symlink_to(tmp_path / "outside.sh")
    return path


def test_program_of_the_folder_goes_before_one_on_the_path(folder: Path) -> None:
    assert find_program(folder, "./run.sh") == find_program(folder, "run.sh") == str(folder / "run.sh")
    assert find_program(folder, "sh") == str(folder / "sh")
    assert Path(find_program(folder, "env")).name == "env"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("../outside.sh", "lies outside of the workflow's folder"),
        ("/bin/sh", "lies outside of the workflow's folder"),
        ("link.sh", "lies outside of the workflow's folder"),
        ("plain.sh", r"is not executable; run chmod"),
        ("./nope.sh", "is not in the workflow's folder"),
        ("no-such-program", "is neither in the workflow's folder nor on the PATH"),
        ("..", "lies outside of the workflow's folder"),
    ],
)
def test_program_that_cannot_be_run_is_named(folder: Path, name: str, words: str) -> None:
    with pytest.raises(BadWorkflow, match=words):
        find_program(folder, name)


async def test_file_that_is_not_a_program_is_an_error(tmp_path: Path) -> None:
    path = workflow_of(tmp_path, {"workflow.toml": 'kind = "command"\ncommand = ["./run"]', "run": "no program"})
    (path / "run").chmod(0o700)
    error = (await Recorder().run(task(path, tmp_path / "out"))).error
    assert error is not None
    assert error.message == "the workflow's program cannot be started: run: Exec format error"
