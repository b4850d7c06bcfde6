"""Tests do not replace methods and constants of the project; they pass constructor arguments.

A patch binds a test to the place where a name is looked up. `tests/simulation` and `tests/chaos` are exempt: they
inject bugs, and they replace the sources of time and random numbers of a whole process.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
EXEMPT = ("simulation/", "chaos/")


def patches(source: str) -> Iterator[str]:
    """Line and text of each patch of a name that belongs, or may belong, to the project."""
    tree = ast.parse(source)
    foreign = {name for node in ast.walk(tree) for name in _foreign_names(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom) and _is_mock(node):
            yield f"{node.lineno}: {ast.unparse(node)}"
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "setattr":
            target = node.args[0]
            if isinstance(target, ast.Constant):
                ours = str(target.value).startswith("casare_rpa")
            else:
                ours = _root(target) not in foreign
            if ours:
                yield f"{node.lineno}: {ast.unparse(node)}"
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Attribute) and target.attr.startswith("_") and _root(target) != "self":
                    yield f"{node.lineno}: {ast.unparse(node)}"


def _foreign_names(node: ast.AST) -> Iterator[str]:
    """Names that a module imports from elsewhere than `casare_rpa`."""
    if isinstance(node, ast.ImportFrom) and not (node.module or "").startswith("casare_rpa"):
        yield from (alias.asname or alias.name for alias in node.names)
    elif isinstance(node, ast.Import):
        for alias in node.names:
            if not alias.name.startswith("casare_rpa"):
                yield alias.asname or alias.name.partition(".")[0]


def _is_mock(node: ast.Import | ast.ImportFrom) -> bool:
    names = [alias.name for alias in node.names]
    return (
        "unittest.mock" in names
        or getattr(node, "module", None) == "unittest.mock"
        or (getattr(node, "module", None) == "unittest" and "mock" in names)
    )


def _root(node: ast.expr) -> str | None:
    while isinstance(node, ast.Attribute | ast.Call | ast.Subscript):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else None


@pytest.mark.parametrize(
    "path",
    [path for path in sorted(TESTS.rglob("*.py")) if not str(path.relative_to(TESTS)).startswith(EXEMPT)],
    ids=lambda path: str(path.relative_to(TESTS)),
)
def test_no_name_of_the_project_is_patched(path: Path) -> None:
    assert list(patches(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    "line",
    [
        "from unittest.mock import AsyncMock",
        "from unittest import mock",
        "import unittest.mock",
        'monkeypatch.setattr(dispatcher, "POLL_SECONDS", 600.0)',
        'monkeypatch.setattr(plane.store, "apply", noting)',
        'monkeypatch.setattr("casare_rpa.domain.limits.BURST", 1)',
        "plane.job_stream._at_once = 1",
    ],
)
def test_patch_is_found(line: str) -> None:
    source = f"from casare_rpa.infrastructure.orchestrator.jobs import dispatcher\n{line}\n"
    assert len(list(patches(source))) == 1


def test_patch_of_a_library_and_of_the_environment_is_allowed() -> None:
    source = """
import psutil
monkeypatch.setattr(psutil, "virtual_memory", unreadable)
monkeypatch.setattr("sys.stderr", stream)
monkeypatch.setenv("CASARE_PORT", "1")
self._loop = None
"""
    assert list(patches(source)) == []
