"""`make test`: the minutes per folder, and the limit."""

import sys
from pathlib import Path

import pytest
import run_tests
from run_tests import APART, MODES, Step, Times, run, steps_of, verdict

REPORT = """<testsuites><testsuite>
<testcase classname="tests.api.test_jobs" name="test_a" time="90.0" />
<testcase classname="tests.api.test_jobs.TestLists" name="test_b[1.5]" time="30.0"><skipped /></testcase>
<testcase classname="tests.hub.test_hub" name="test_c" time="6.0" />
</testsuite></testsuites>"""


def test_report_is_split_by_folder(tmp_path: Path) -> None:
    (tmp_path / "report.xml").write_text(REPORT)
    times = Times()
    times.add_report(tmp_path / "report.xml")
    assert list(times.table()) == [
        "folder                   minutes   tests",
        "tests/api                   2.00       2",
        "tests/hub                   0.10       1",
    ]


def test_run_that_ended_before_its_report_counts_too(tmp_path: Path) -> None:
    times = Times()
    failed = run([Step("first", [sys.executable, "-c", "exit(2)"], folder=str(tmp_path), per_folder=True)], times)
    assert failed == ["first"]
    assert times.total_seconds > 0
    assert list(times.table()) == ["folder                   minutes   tests"]


@pytest.mark.parametrize(
    ("minutes", "limit", "failed", "code", "line"),
    [
        (19.9, 20, [], 0, "passed: 19.9 minutes, the limit is 20"),
        (95.0, None, [], 0, "passed: 95.0 minutes"),
        (20.1, 20, [], 1, "too slow: 20.1 minutes, the limit is 20; "),
        (1.0, 20, ["tests", "web"], 1, "failed: tests, web (1.0 minutes, the limit is 20)"),
    ],
)
def test_verdict(minutes: float, limit: float | None, failed: list[str], code: int, line: str) -> None:
    found_code, found_line = verdict(minutes, limit, failed)
    assert found_code == code
    assert found_line.startswith(line)


def test_steps_after_a_failure_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # the start of the plugins takes seconds
    (tmp_path / "test_x.py").write_text("def test_x() -> None: assert False\n")
    times = Times()
    failed = run(
        [
            Step(
                "first",
                [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)],
                per_folder=True,
            ),
            Step("second", [sys.executable, "-c", "open('ran', 'w').close()"], folder=str(tmp_path)),
        ],
        times,
    )
    assert failed == ["first"]
    assert (tmp_path / "ran").exists()
    assert sum(times.tests.values()) == 1
    assert 0 < times.seconds["second"] < times.total_seconds


def test_quick_mode_has_neither_slow_tests_nor_the_browser() -> None:
    quick = steps_of(MODES["quick"], ["npm"])
    assert [step.name for step in quick] == ["tests", "web"]
    assert "not long and not slow" in quick[0].command
    assert [step.name for step in steps_of(MODES["normal"], ["npm"])][-1] == "web/dashboard/e2e"
    assert "" in steps_of(MODES["all"], ["npm"])[1].command


def test_each_folder_runs_in_one_step() -> None:
    _, shared, apart, *_ = steps_of(MODES["normal"], ["npm"])
    for folder in APART:
        assert f"--ignore={folder}" in shared.command
        assert (run_tests.ROOT / folder).is_dir()
    assert [part for part in apart.command if part.startswith("tests/")] == list(APART[1:])


def test_files_run_in_the_order_of_their_names_so_that_none_with_few_long_tests_is_last() -> None:
    _, shared, *_ = steps_of(MODES["normal"], ["npm"])
    assert "--no-loadscope-reorder" in shared.command


def test_markers_of_the_modes_are_registered() -> None:
    configuration = (run_tests.ROOT / "pyproject.toml").read_text(encoding="utf-8")
    for marker in ("slow", "long"):
        assert f'"{marker}: ' in configuration
