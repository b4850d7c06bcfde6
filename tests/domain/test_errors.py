"""The errors of the project: the field is an attribute, and only the shown text contains it."""

import ast
import inspect
import re
from pathlib import Path

import pytest

import casare_rpa
from casare_rpa.domain import errors
from casare_rpa.domain.errors import AuthError, CasareError, NotFound, SearchTooLong, StoreUnavailable
from casare_rpa.domain.vocabulary import CloseCode

SOURCES = sorted(Path(casare_rpa.__file__).parent.rglob("*.py"))
ERRORS = {name for name, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, CasareError)}
FIELD_IN_TEXT = re.compile(r"[a-zA-Z_][\w.-]*: ")


def test_text_shows_the_field_before_the_sentence() -> None:
    error = NotFound("there is no robot 'r'", field="robot_id")
    assert (error.field, error.sentence, str(error)) == (
        "robot_id",
        "there is no robot 'r'",
        "robot_id: there is no robot 'r'",
    )


def test_error_without_a_field_shows_only_its_sentence() -> None:
    assert str(NotFound("there is nothing here")) == "there is nothing here"


def test_caller_can_rename_the_field_without_changing_the_sentence() -> None:
    error = AuthError("missing or wrong", CloseCode.FORBIDDEN, field="api_key")
    error.field = "token"
    assert (str(error), error.close_code) == ("token: missing or wrong", CloseCode.FORBIDDEN)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_no_error_writes_its_field_into_the_sentence(path: Path) -> None:
    written = [
        f"{path.name}:{call.lineno}"
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in ERRORS and call.args
        if FIELD_IN_TEXT.match(_beginning(call.args[0]))
    ]
    assert written == []


def _beginning(text: ast.expr) -> str:
    """How a text in the source begins; a value that is formatted into it stands as one letter."""
    match text:
        case ast.Constant(value=str() as value):
            return value
        case ast.JoinedStr(values=values):
            return "".join(str(part.value) if isinstance(part, ast.Constant) else "x" for part in values)
    return ""


def test_search_that_took_too_long_says_how_long_and_what_to_do() -> None:
    assert "over 2 seconds; narrow it" in str(SearchTooLong(2.0))


def test_failure_of_a_batch_keeps_its_own_sentence_or_gets_the_given_one() -> None:
    full = StoreUnavailable("the disk is full")
    assert StoreUnavailable.after(full, "send it again") is full
    assert str(StoreUnavailable.after(ValueError("x"), "send it again")) == "send it again"
