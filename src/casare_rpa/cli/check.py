"""The result of one check of `casare doctor`: a verdict, a sentence, and the next step."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """Severity of a result."""

    OK = "ok"
    WARNING = "warning"
    """It works, with a risk."""
    PROBLEM = "problem"
    """Something does not work until this is fixed."""


@dataclass(frozen=True, slots=True)
class Check:
    """Result of one check. `next_step` is empty when there is nothing to do. The texts contain no secrets."""

    name: str
    verdict: Verdict
    sentence: str
    next_step: str = ""


def ok(name: str, sentence: str, next_step: str = "") -> Check:
    return Check(name, Verdict.OK, sentence, next_step)


def warning(name: str, sentence: str, next_step: str) -> Check:
    return Check(name, Verdict.WARNING, sentence, next_step)


def problem(name: str, sentence: str, next_step: str) -> Check:
    return Check(name, Verdict.PROBLEM, sentence, next_step)
