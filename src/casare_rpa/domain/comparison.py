"""Differences between two runs of a workflow: parameters, steps and log lines."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from casare_rpa.domain.instants import seconds_between
from casare_rpa.domain.logs import LogLine
from casare_rpa.domain.steps import RunStep
from casare_rpa.domain.vocabulary import StepStatus

MAX_DEPTH = 8
"""Parameters that are nested deeper are compared as a whole."""
MAX_COMPARED = 2_000
"""The number of characters of a log message that are compared."""
NOTABLE_SECONDS = 0.5
NOTABLE_RATIO = 1.5
"""A step is slower or faster when its durations differ by at least these."""
_WORD = re.compile(r"\w+")
_VARIABLE = "#"
_ABSENT = object()


@dataclass(frozen=True, slots=True)
class ParameterDifference:
    """A parameter that differs, as JSON of both runs; `None` for a run without it. `path` is `a.b` for a nested one."""

    path: str
    run: str | None
    other: str | None


@dataclass(frozen=True, slots=True)
class StepTime:
    """The end of a step in one run; `seconds` is `None` for a step without an end."""

    status: StepStatus
    seconds: float | None


@dataclass(frozen=True, slots=True)
class StepDifference:
    """A step that ended otherwise, took another time, or is in one of the runs only. `path` begins with its root."""

    path: tuple[str, ...]
    kind: str
    run: StepTime | None
    other: StepTime | None


def parameter_differences(run: Mapping[str, Any], other: Mapping[str, Any]) -> list[ParameterDifference]:
    """The parameters that differ, by path. `run` and `other` are JSON objects."""
    return sorted(_differing("", run, other, 1), key=lambda one: one.path)


def _differing(
    prefix: str, run: Mapping[str, Any], other: Mapping[str, Any], depth: int
) -> Iterator[ParameterDifference]:
    for name in {**run, **other}:
        mine, theirs = run.get(name, _ABSENT), other.get(name, _ABSENT)
        path = f"{prefix}{name}"
        if isinstance(mine, dict) and isinstance(theirs, dict) and depth < MAX_DEPTH:
            yield from _differing(f"{path}.", mine, theirs, depth + 1)
        elif _text(mine) != _text(theirs):
            yield ParameterDifference(path, _text(mine), _text(theirs))


def _text(value: object) -> str | None:
    return None if value is _ABSENT else json.dumps(value, ensure_ascii=False, sort_keys=True)


def step_differences(run: Sequence[RunStep], other: Sequence[RunStep]) -> list[StepDifference]:
    """The steps that differ: those with another end first, in order of the run, then by difference of time.

    Steps are the same when they have the same names from the root on; of several, the first with the first, and so on.
    """
    mine, theirs = _by_path(run), _by_path(other)
    found = []
    for key in {**mine, **theirs}:
        first, second = mine.get(key), theirs.get(key)
        kind = (first or second or ("", None))[0]
        ours, others = (None if one is None else one[1] for one in (first, second))
        if ours is None or others is None or ours.status is not others.status or _differs(ours, others):
            found.append(StepDifference(key[0], kind, ours, others))
    return sorted(found, key=_weight)


def _by_path(steps: Sequence[RunStep]) -> dict[tuple[tuple[str, ...], int], tuple[str, StepTime]]:
    """Kind and time of each step by the names from its root and its number among the steps with these names."""
    paths: dict[int, tuple[str, ...]] = {}
    numbers: Counter[tuple[str, ...]] = Counter()
    found = {}
    for step in steps:
        parent = () if step.parent is None else paths.get(step.parent, ())
        paths[step.step_id] = path = (*parent, step.name)
        numbers[path] += 1
        took = None if step.ended_at is None else seconds_between(step.started_at, step.ended_at)
        found[path, numbers[path]] = (step.kind, StepTime(step.status, took))
    return found


def _differs(ours: StepTime, others: StepTime) -> bool:
    if ours.seconds is None or others.seconds is None:
        return ours.seconds is not others.seconds
    short, long = sorted((ours.seconds, others.seconds))
    return long - short >= NOTABLE_SECONDS and long >= NOTABLE_RATIO * short


def _weight(one: StepDifference) -> float:
    """The place in the list: 0 for another end, else less for a larger difference of time."""
    if one.run is None or one.other is None or one.run.status is not one.other.status:
        return float("-inf")
    return -abs((one.run.seconds or 0.0) - (one.other.seconds or 0.0))


def first_difference(run: Sequence[LogLine], other: Sequence[LogLine]) -> int | None:
    """The index of the first line that differs in level or message, or that only one run has; `None` without one.

    A difference in numbers, times and ids is none: words with a digit are equal to each other.
    """
    for number, (mine, theirs) in enumerate(zip(run, other, strict=False)):
        if mine.level is not theirs.level or not _same(mine.message, theirs.message):
            return number
    return None if len(run) == len(other) else min(len(run), len(other))


def _same(mine: str, theirs: str) -> bool:
    return mine == theirs or comparable(mine[:MAX_COMPARED]) == comparable(theirs[:MAX_COMPARED])


def comparable(message: str) -> str:
    """The message with each word that has a digit replaced."""
    return _WORD.sub(lambda word: _VARIABLE if any(c.isdigit() for c in word[0]) else word[0], message)
