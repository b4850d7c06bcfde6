"""The page of the dashboard names a test for each convention, and each named test exists."""

import re
from pathlib import Path

import casare_rpa

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/explanation/dashboard.md"
ROW = re.compile(r"^\| (\d+) \| [^|]+ \| ([^|]+) \|$", re.MULTILINE)
OPEN = {2, 6, 17, 18}
"""Numbers of the conventions that the page names as not complete."""


def missing_test(name: str) -> str | None:
    """The named test when no file contains it: `file.py::test`, `file.ts: title` or `file.ts`."""
    if ".py::" in name:
        path, function = name.split("::")
        file, needle = ROOT / path, f"def {function}("
    else:
        path, _, needle = name.partition(": ")
        file = ROOT / "web/dashboard" / path
    return None if file.is_file() and needle in file.read_text(encoding="utf-8") else name


def test_each_convention_has_a_test_that_exists() -> None:
    rows = {int(number): re.findall(r"`([^`]+)`", tests) for number, tests in ROW.findall(PAGE.read_text("utf-8"))}
    assert set(rows) == set(range(1, 25)) - OPEN
    assert [number for number, tests in rows.items() if not tests] == []
    assert [name for tests in rows.values() for name in tests if missing_test(name)] == []


def test_missing_test_is_detected() -> None:
    gone = "tests/cli/test_json.py::test_nothing", "e2e/journey.spec.ts: nothing of this kind", "e2e/gone.spec.ts"
    assert [name for name in gone if missing_test(name) is None] == []


def test_example_of_the_wheel_has_the_version_of_the_package() -> None:
    for page in (ROOT / "README.md", ROOT / "docs/reference/http.md"):
        shown = set(re.findall(r"casare_rpa-([\w.]+)-py3", page.read_text(encoding="utf-8")))
        assert shown == {casare_rpa.__version__}, page.name
