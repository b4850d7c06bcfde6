"""docs/reference/errors.md names exactly the codes of the code."""

import re
from pathlib import Path

from casare_rpa.domain.job_errors import FailureCode
from casare_rpa.domain.vocabulary import CLOSE_CODES, CloseCode, ErrorCode

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "reference" / "errors.md").read_text(encoding="utf-8")
SOURCES = ROOT / "src"


def table(page: str, heading: str, column: str) -> dict[str, str]:
    """The first column of a table under a heading, with the text of the second."""
    part = page.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    rows = part.partition(f"| {column} | ")[2].partition("\n\n")[0]
    return {name.strip("`"): says for name, says in re.findall(r"^\| (`?\w+`?) \| ([^|]+) \|", rows, re.MULTILINE)}


def literal_codes(source: str) -> set[str]:
    """Codes that are written as a string where an error is created, instead of as a member of FailureCode."""
    return set(re.findall(r'\bcode="(\w+)"', source))


def types_in(source: str) -> set[str]:
    """The types of job errors that a module creates."""
    return set(re.findall(r'\b(?:error_)?type(?:: [^=\n]*)? ?= ?"(\w+)"', source)) | {
        text for pair in re.findall(r'error_type="(\w+)" if [^\n]* else "(\w+)"', source) for text in pair
    }


def robot_sources() -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in (SOURCES / "casare_rpa" / "robot").rglob("*.py"))


def test_every_error_code_is_named_and_no_other() -> None:
    assert set(table(PAGE, "Error codes", "Code")) == {code.value for code in ErrorCode}


def test_every_close_code_is_named_and_no_other() -> None:
    named = table(PAGE, "Close codes", "Code")
    assert set(named) == {str(int(code)) for code in CloseCode}
    assert named == {str(int(code)): meaning for code, (_, meaning) in CLOSE_CODES.items()}


def test_every_code_of_a_jobs_error_is_named_and_no_other() -> None:
    assert set(table(PAGE, "Errors of a job", "Code")) == {code.value for code in FailureCode}
    assert literal_codes(robot_sources()) == set(), "a code that FailureCode does not know is on no page"


def test_every_type_of_a_jobs_error_is_named() -> None:
    named = set(table(PAGE, "Errors of a job", "Type"))
    assert {"error", "business"} <= types_in(robot_sources()) <= named


def test_undocumented_codes_are_detected() -> None:
    assert literal_codes('JobError(type="error", code="planted", message=m)') == {"planted"}
    assert types_in('JobError(type="odd", message=m)\nfailure(m, error_type="x" if late else "y")') >= {"odd", "x", "y"}
    shorter = PAGE.replace("| `RATE_LIMITED` |", "| |").replace("| 4011 |", "| |").replace("| `bad_result` |", "| |")
    assert {code.value for code in ErrorCode} - set(table(shorter, "Error codes", "Code")) == {"RATE_LIMITED"}
    assert {str(int(code)) for code in CloseCode} - set(table(shorter, "Close codes", "Code")) == {"4011"}
    assert {code.value for code in FailureCode} - set(table(shorter, "Errors of a job", "Code")) == {"bad_result"}


def test_exit_codes_have_their_page() -> None:
    assert "(cli.md#exit-codes)" in PAGE
