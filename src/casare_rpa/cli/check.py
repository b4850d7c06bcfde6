"""What `casare doctor` finds out: one check is a verdict, a sentence, and what to do next."""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How it stands."""

    OK = "ok"
    WARNING = "warning"
    """It works, but somebody should know."""
    PROBLEM = "problem"
    """Something will not work before this is mended."""


@dataclass(frozen=True, slots=True)
class Check:
    """The outcome of one check; `next_step` is empty when there is nothing to do. Neither text holds a secret."""

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
