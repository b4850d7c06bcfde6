"""docs/reference/errors.md names every code that a program can meet, and no other."""

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from casare_rpa.domain.protocol import CLOSE_CODES, CloseCode, ErrorCode

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "reference" / "errors.md").read_text(encoding="utf-8")
SOURCES = ROOT / "src"


def table(page: str, heading: str, column: str) -> dict[str, str]:
    """The first column of a table under a heading, with what the second says."""
    part = page.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    rows = part.partition(f"| {column} | ")[2].partition("\n\n")[0]
    return {name.strip("`"): says for name, says in re.findall(r"^\| (`?\w+`?) \| ([^|]+) \|", rows, re.MULTILINE)}


def job_errors(source: str, names: dict[str, object]) -> Iterator[tuple[str, str]]:
    """What a module gives JobError as `type` and `code`: the texts in these arguments, constants looked up."""
    for call in ast.walk(ast.parse(source)):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "JobError":
            for argument in call.keywords:
                if argument.arg in ("type", "code"):
                    yield from ((argument.arg, text) for text in _texts(argument.value, names))


def _texts(value: ast.expr, names: dict[str, object]) -> Iterator[str]:
    for part in [value.body, value.orelse] if isinstance(value, ast.IfExp) else [value]:
        text = names.get(part.id) if isinstance(part, ast.Name) else getattr(part, "value", None)
        assert isinstance(text, str), f"{ast.unparse(part)} is not a text that this test can find"
        yield text


def used(what: str) -> set[str]:
    """The types or codes of the errors with which our robot ends jobs."""
    found = set()
    for path in (SOURCES / "casare_rpa" / "robot").rglob("*.py"):
        source = path.read_text(encoding="utf-8")
        if "JobError(" in source:
            module = ".".join(path.relative_to(SOURCES).with_suffix("").parts)
            found |= {text for kind, text in job_errors(source, vars(importlib.import_module(module))) if kind == what}
    return found


def test_every_error_code_is_named_and_no_other() -> None:
    assert set(table(PAGE, "Error codes", "Code")) == {code.value for code in ErrorCode}


def test_every_close_code_is_named_and_no_other() -> None:
    named = table(PAGE, "Close codes", "Code")
    assert set(named) == {str(int(code)) for code in CloseCode}
    assert named == {str(int(code)): meaning for code, (_, meaning) in CLOSE_CODES.items()}


def test_every_code_of_a_jobs_error_is_named_and_no_other() -> None:
    assert used("code") == set(table(PAGE, "Errors of a job", "Code")) >= {"unknown_workflow", "bad_result"}


def test_every_type_of_a_jobs_error_is_named_and_no_other() -> None:
    assert used("type") == set(table(PAGE, "Errors of a job", "Type")) >= {"error", "business"}


def test_planted_codes_would_be_noticed() -> None:
    planted = 'JobError(type="odd" if late else KIND, code="planted", message=m)'
    assert set(job_errors(planted, {"KIND": "kind"})) == {("type", "odd"), ("type", "kind"), ("code", "planted")}
    for hidden in ("JobError(code=make())", "JobError(code=UNKNOWN)"):
        with pytest.raises(AssertionError, match="not a text that this test can find"):
            list(job_errors(hidden, {}))
    shorter = PAGE.replace("| `RATE_LIMITED` |", "| |").replace("| 4011 |", "| |").replace("| `bad_result` |", "| |")
    assert {code.value for code in ErrorCode} - set(table(shorter, "Error codes", "Code")) == {"RATE_LIMITED"}
    assert {str(int(code)) for code in CloseCode} - set(table(shorter, "Close codes", "Code")) == {"4011"}
    assert used("code") - set(table(shorter, "Errors of a job", "Code")) == {"bad_result"}


def test_exit_codes_have_their_page() -> None:
    assert "(cli.md#exit-codes)" in PAGE
