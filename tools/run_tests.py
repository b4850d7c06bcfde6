"""Runs every test and prints the minutes of each folder: `make test`, `make test QUICK=1` and `make test-all`.

Exit code 1: a test failed, or the run took longer than its limit. A failure does not stop the later steps.
"""

import argparse
import os
import shlex
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from xml.etree import ElementTree as ET

ROOT = Path(__file__).resolve().parent.parent
SECONDS_OF_A_MINUTE = 60
WORKERS = 3
"""Processes that share the folders of tests. Half of a test's time is waiting, so they are more than the two cores."""
APART = ("tests/domain", "tests/benchmarks", "tests/chaos", "tests/e2e")
"""Folders that share the cores with fewer others: the domain for its coverage, the others because they start many
processes of their own."""
WORKERS_APART = 2


@dataclass(frozen=True)
class Mode:
    """Which tests run, as a marker expression of pytest, and within how many minutes."""

    markers: str
    limit_minutes: float | None
    """Without a limit, the browser tests with the tag `@long` run, too."""
    quick: bool = False
    """Without the browser, and without the coverage of the domain, which needs a process of its own."""


MODES = {
    "normal": Mode("not long", limit_minutes=20),
    "quick": Mode("not long and not slow", limit_minutes=3, quick=True),
    "all": Mode("", limit_minutes=None),
}
COVERAGE = ("--cov", "--cov-branch", "--cov-report=term:skip-covered", "--cov-fail-under=100")


@dataclass(frozen=True)
class Step:
    """One command. With `per_folder`, it is a pytest run whose time is split by folder of tests."""

    name: str
    command: Sequence[str]
    folder: str = "."
    per_folder: bool = False


@dataclass
class Times:
    """Seconds and numbers of tests per folder. Folders that ran side by side add up to more than `total_seconds`."""

    seconds: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    tests: Counter[str] = field(default_factory=Counter)
    total_seconds: float = 0.0

    def add_report(self, report: Path) -> None:
        """Adds the tests of a JUnit report, if there is one."""
        if not report.exists():
            return
        for case in ET.parse(report).getroot().iter("testcase"):  # noqa: S314, pytest wrote it
            folder = "/".join(case.get("classname", "").split(".")[:2])
            self.seconds[folder] += float(case.get("time", 0))
            self.tests[folder] += 1

    def table(self) -> Iterable[str]:
        """Lines for the terminal, the slowest folder first."""
        yield f"{'folder':<24}{'minutes':>8}{'tests':>8}"
        for folder, seconds in sorted(self.seconds.items(), key=lambda item: -item[1]):
            yield f"{folder:<24}{seconds / SECONDS_OF_A_MINUTE:>8.2f}{self.tests[folder] or '':>8}"


def steps_of(mode: Mode, npm: Sequence[str]) -> list[Step]:
    """The commands of a mode, in order."""
    pytest = [sys.executable, "-m", "pytest", "-m", mode.markers]
    # A file stays in one process, so that its server starts once. The default order puts the files with the fewest
    # tests last; some of them take a minute, and one process then works alone.
    together = ["--dist", "loadfile", "--no-loadscope-reorder", "-n", str(WORKERS)]
    apart = [*together[:-1], str(WORKERS_APART)]
    web = Step("web", [*npm, "test", "--silent"], folder="web")
    if mode.quick:
        return [Step("tests", [*pytest, *together], per_folder=True), web]
    some = [] if mode.limit_minutes is None else ["--grep-invert", "@long"]
    return [
        # The branch coverage of the domain is complete only with all of its tests.
        Step("domain", [*pytest[:-1], "", "tests/domain", *apart, *COVERAGE], per_folder=True),
        Step("tests", [*pytest, *together, *(f"--ignore={folder}" for folder in APART)], per_folder=True),
        Step("tests apart", [*pytest, *apart, *APART[1:]], per_folder=True),
        web,
        Step("web/dashboard/e2e", [*npm, "run", "e2e", "--silent", "--", *some], folder="web/dashboard"),
    ]


def run(steps: Sequence[Step], times: Times) -> list[str]:
    """Runs the steps and returns the names of the failed steps."""
    failed = []
    with TemporaryDirectory() as folder:
        for step in steps:
            report = Path(folder) / f"{step.name.replace('/', '-')}.xml"
            command = [*step.command, *([f"--junitxml={report}"] if step.per_folder else [])]
            began_at = time.monotonic()
            code = subprocess.run(command, cwd=ROOT / step.folder, env=os.environ, check=False).returncode
            seconds = time.monotonic() - began_at
            times.total_seconds += seconds
            if step.per_folder:
                times.add_report(report)
            else:
                times.seconds[step.name] += seconds
            if code != 0:
                failed.append(step.name)
    return failed


def verdict(minutes: float, limit_minutes: float | None, failed: Sequence[str]) -> tuple[int, str]:
    """The exit code and the last line."""
    total = f"{minutes:.1f} minutes" + (f", the limit is {limit_minutes:g}" if limit_minutes is not None else "")
    if failed:
        return 1, f"failed: {', '.join(failed)} ({total})"
    if limit_minutes is not None and minutes > limit_minutes:
        return 1, f"too slow: {total}; shorten the slowest folder, or mark its longest tests `slow` or `long`"
    return 0, f"passed: {total}"


def main() -> int:
    """Runs the mode that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("mode", choices=MODES)
    parser.add_argument("--limit", type=float, metavar="MINUTES", help="another limit than that of the mode")
    parser.add_argument("--npm", default="npm", help="the command that runs the scripts of web/")
    chosen = parser.parse_args()
    mode, times = MODES[chosen.mode], Times()
    limit = mode.limit_minutes if chosen.limit is None else chosen.limit
    failed = run(steps_of(mode, shlex.split(chosen.npm)), times)
    code, line = verdict(times.total_seconds / SECONDS_OF_A_MINUTE, limit, failed)
    print("", *times.table(), line, sep="\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
