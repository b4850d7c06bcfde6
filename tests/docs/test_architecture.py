"""docs/explanation/architecture.md and docs/adr/0010 name files and functions that exist."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / "src" / "casare_rpa"
SERVER = SOURCES / "infrastructure" / "orchestrator"
PAGE = (ROOT / "docs" / "explanation" / "architecture.md").read_text(encoding="utf-8")
DECISION = (ROOT / "docs" / "adr" / "0010-the-source-tree.md").read_text(encoding="utf-8")

STEP = re.compile(r"^\| \d+ \| `([\w/]+\.py)` \| `([\w.]+)` \|", re.MULTILINE)
"""A step of a message: its number, a file, and a function of that file."""
MESSAGES = ("Report", "Submit", "Log line", "Cancel", "Reconnect")


def file_of(name: str) -> Path:
    """A file of the page: relative to `src/casare_rpa` when it begins with a folder there, else to the server."""
    return (SOURCES if name.startswith(("domain/", "robot/", "cli/")) else SERVER) / name


@cache
def names_in(path: Path) -> frozenset[str]:
    """The functions, classes and methods of a module: `Hub`, `Hub.publish`, `publish_applied`."""
    found = set()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            found |= {
                f"{node.name}.{m.name}" for m in node.body if isinstance(m, ast.FunctionDef | ast.AsyncFunctionDef)
            }
    return frozenset(found)


def missing_steps(page: str) -> list[str]:
    """The steps whose file or function does not exist."""
    return [
        f"{name}: {function}"
        for name, function in STEP.findall(page)
        if not file_of(name).is_file() or function not in names_in(file_of(name))
    ]


def test_every_step_names_a_function_that_exists() -> None:
    assert missing_steps(PAGE) == []


def test_wrong_step_is_detected() -> None:
    steps = (
        "| 1 | `hub/hub.py` | `Hub.sing` | x |\n| 2 | `hub/choir.py` | `Hub` | x |\n| 3 | `hub/hub.py` | `Hub` | x |"
    )
    assert missing_steps(steps) == ["hub/hub.py: Hub.sing", "hub/choir.py: Hub"]


@pytest.mark.parametrize("message", MESSAGES)
def test_path_of_a_message_has_numbered_steps(message: str) -> None:
    section = PAGE.partition(f"\n### {message}\n")[2].partition("\n### ")[0]
    numbers = [int(number) for number in re.findall(r"^\| (\d+) \|", section, re.MULTILINE)]
    assert len(numbers) > 5
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(STEP.findall(section)) == len(numbers)


def test_every_file_and_folder_of_the_page_exists() -> None:
    named = set(re.findall(r"`([\w./]+(?:\.py|/))`", PAGE))
    assert named
    assert [name for name in named if not (file_of(name).exists() or (ROOT / name).exists())] == []


def test_every_new_path_of_the_decision_exists() -> None:
    moved = re.findall(r"^\| `([^`]+)` \| ((?:`[^`]+`(?:, )?)+) \|$", DECISION, re.MULTILINE)
    assert len(moved) > 60
    paths = {
        path.replace("…/", "infrastructure/orchestrator/") for _, new in moved for path in re.findall("`(.+?)`", new)
    }
    assert [path for path in paths if not (SOURCES / path).exists() and not (ROOT / path).exists()] == []
