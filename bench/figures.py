"""Figures: medians of several runs, as a table for people and as JSON for the next release."""

import json
import math
import statistics
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Target:
    """What is asked of a figure, for example at least 100,000 messages a second."""

    name: str
    must: float
    at_least: bool = True

    def met(self, value: float) -> bool:
        return value >= self.must if self.at_least else value <= self.must


@dataclass
class Figure:
    """One measure of one server under one pinning, run several times."""

    name: str
    unit: str
    server: str
    pinned: bool
    runs: list[float]
    target: Target | None = None

    @property
    def median(self) -> float:
        return statistics.median(self.runs)

    @property
    def key(self) -> str:
        return f"{self.name} | {self.server} | {'pinned' if self.pinned else 'unpinned'}"


class Figures:
    """All figures of one run of the benchmarks."""

    def __init__(self) -> None:
        self._known: dict[str, Figure] = {}

    def add(
        self, name: str, unit: str, value: float, *, server: str = "casare", pinned: bool, target: Target | None = None
    ) -> None:
        """One run of a measure."""
        new = Figure(name, unit, server, pinned, [value], target)
        known = self._known.setdefault(new.key, new)
        if known is not new:
            known.runs.append(value)

    def all(self) -> list[Figure]:
        return list(self._known.values())

    def get(self, name: str, *, server: str = "casare", pinned: bool) -> Figure | None:
        return self._known.get(Figure(name, "", server, pinned, []).key)

    def rows(self, before: dict[str, float]) -> Iterable[list[str]]:
        """A line for each figure: its value, its target, its ratio to the others of the same run and to the last."""
        for figure in self.all():
            if figure.server != "casare":
                continue
            others = [
                f"{other.server} {human(other.median)} ({ratio(figure.median, other.median)})"
                for other in self.all()
                if (other.name, other.pinned) == (figure.name, figure.pinned) and other is not figure
            ]
            last = before.get(figure.key)
            yield [
                figure.name,
                "1 core" if figure.pinned else "2 cores",
                f"{human(figure.median)} {figure.unit}",
                _asked(figure),
                ", ".join(others) or "–",
                ratio(figure.median, last) if last else "–",
            ]

    def missed(self) -> list[Figure]:
        """Figures that do not meet their target."""
        return [figure for figure in self.all() if figure.target is not None and not figure.target.met(figure.median)]

    def exponent(self, small: str, large: str, factor: float, *, cost: bool, pinned: bool) -> float | None:
        """How a measure grows with load: cost ~ load^exponent. `cost`: the figure is a time; else it is a rate."""
        first, second = self.get(small, pinned=pinned), self.get(large, pinned=pinned)
        if first is None or second is None or not first.median or not second.median:
            return None
        change = second.median / first.median if cost else first.median / second.median
        return math.log(change) / math.log(factor)

    def json(self, about: dict[str, Any]) -> str:
        return json.dumps({**about, "figures": [asdict(figure) for figure in self.all()]}, indent=1) + "\n"


def _asked(figure: Figure) -> str:
    target = figure.target
    if target is None:
        return "–"
    sign = "≥" if target.at_least else "≤"
    return f"{target.name} {sign} {human(target.must)}: {'met' if target.met(figure.median) else 'MISSED'}"


def human(value: float) -> str:
    """Three digits that count."""
    if value >= 1_000_000:
        return f"{value / 1_000_000:.3g} M"
    if value >= 10_000:
        return f"{value / 1_000:.3g} k"
    return f"{value:.3g}" if value < 1_000 else f"{value:,.0f}"


def ratio(value: float, other: float) -> str:
    return f"× {value / other:.2f}" if other else "–"


def table(rows: Iterable[list[str]]) -> str:
    """Markdown."""
    head = ["measure", "pinning", "casare", "target", "in the same run", "against the last"]
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def medians_of(path: Path) -> dict[str, float]:
    """Medians of an earlier run, by key; empty when there is none."""
    if not path.exists():
        return {}
    figures = json.loads(path.read_text(encoding="utf-8"))["figures"]
    return {figure.key: figure.median for figure in (Figure(**{**one, "target": None}) for one in figures)}


def percentile(values: list[float], share: float) -> float:
    """The value below which so large a share lies; values need not be sorted."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
