"""Runs the `casare` command as a process in an environment set by the test."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from casare_rpa.cli.exits import Exit
from contract.server_process import ADMIN_SECRET

WITHIN_SECONDS = 60


def casare(
    *arguments: str, url: str | None = None, stdin: str | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "casare_rpa.cli.main", *arguments],
        env=surroundings(url, **environment),
        input=stdin,
        capture_output=True,
        text=True,
        timeout=WITHIN_SECONDS,
        check=False,
    )


def surroundings(url: str | None = None, **environment: str) -> dict[str, str]:
    """This process's environment without CASARE_ settings; with a URL, plus that and the admin secret."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("CASARE_")}
    known = {"CASARE_URL": url, "CASARE_API_SECRET": ADMIN_SECRET} if url else {}
    return {**inherited, **known, "COLUMNS": "200", "NO_COLOR": "1", **environment}


def done(result: subprocess.CompletedProcess[str]) -> str:
    assert result.returncode == Exit.OK, result.stdout + result.stderr
    return result.stdout


def document(result: subprocess.CompletedProcess[str]) -> Any:
    """The JSON document that a command printed; it must be the whole output."""
    assert result.stderr == ""
    (line,) = done(result).splitlines()
    return json.loads(line)


def lines(text: str) -> list[Any]:
    """The JSON lines of an output without other text."""
    return [json.loads(line) for line in text.splitlines()]


def error(result: subprocess.CompletedProcess[str]) -> Any:
    """The one error object on stderr."""
    (line,) = result.stderr.splitlines()
    found = json.loads(line)["error"]
    assert found["exit_code"] == result.returncode
    return found


def documented_checks(after: str, before: str) -> list[str]:
    """The names of the checks of `casare doctor` that a part of its page lists, in order."""
    page = (Path(__file__).parents[2] / "docs" / "reference" / "cli.md").read_text(encoding="utf-8")
    part = page.partition("## Doctor")[2].partition("\n## ")[0]
    section = f"## Doctor{part}".partition(after)[2].partition(before)[0]
    return re.findall(r"^\| `([a-z ]+)` \|", section, re.MULTILINE)
