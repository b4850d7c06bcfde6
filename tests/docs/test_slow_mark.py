"""The check of the `slow` mark in `tests/conftest.py`."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = """
import time
import pytest

def burn() -> None:
    until = time.process_time() + 0.3
    while time.process_time() < until:
        pass

def test_unmarked() -> None:
    burn()

@pytest.mark.slow
def test_marked() -> None:
    burn()

def test_cheap() -> None:
    pass
"""
LIMIT = "UNMARKED_CPU_SECONDS = 8.0"


@pytest.mark.slow
def test_unmarked_test_that_takes_long_fails(tmp_path: Path) -> None:
    shared = (Path(__file__).parents[1] / "conftest.py").read_text(encoding="utf-8")
    assert LIMIT in shared
    (tmp_path / "conftest.py").write_text(shared.replace(LIMIT, "UNMARKED_CPU_SECONDS = 0.15"), encoding="utf-8")
    (tmp_path / "test_it.py").write_text(TESTS, encoding="utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = slow: x\n", encoding="utf-8")
    command = [sys.executable, "-m", "pytest", "-q", "-rA", "-p", "no:cacheprovider", str(tmp_path)]
    quick = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    done = subprocess.run(command, cwd=tmp_path, env=quick, capture_output=True, text=True, check=False)
    assert "FAILED test_it.py::test_unmarked - Failed: took 0." in done.stdout
    assert "mark it `slow`, or shorten it" in done.stdout
    assert "2 passed" in done.stdout
