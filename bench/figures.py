"""Figures: medians of several turns, as a table and as JSON for the next release."""

import json
import math
import statistics
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

RELAYED_WHEN_SET = 293_000
"""Deliveries a second of a bare picows relay, one write each, on the machine on which the targets were set, in its hour
(280 to 307 thousand). Machines differ by more than half, and so does one from hour to hour."""


@dataclass(frozen=True)
class Target:
    """The required value of a figure, for example at least 100,000 messages a second."""

    name: str
    must: float | None
    """`None` if there is only a stretch."""
    stretch: float | None = None
    """A higher goal."""
    at_least: bool = True
    scales: bool = True
    """Whether the figure depends on the speed of the machine. Memory, ratios and shares of a core do not."""

    @property
    def limit(self) -> str:
        """The name with the required value, or with the stretch."""
        value = self.stretch if self.must is None else self.must
        assert value is not None
        return f"{self.name}{' stretch' if self.must is None else ''} {'≥' if self.at_least else '≤'} {human(value)}"

    def met(self, value: float) -> bool:
        """Whether it has the required value."""
        return self.must is None or self._reaches(value, self.must)

    def stretched(self, value: float) -> bool | None:
        """Whether it has the value of the stretch; `None` without one."""
        return None if self.stretch is None else self._reaches(value, self.stretch)

    def _reaches(self, value: float, wanted: float) -> bool:
        return value >= wanted if self.at_least else value <= wanted

    def judge(self, value: float) -> str:
        """The verdict in one or two words."""
        if not self.met(value):
            return "MISSED"
        if self.stretch is None:
            return "met"
        far = value / self.stretch if self.at_least else self.stretch / value
        if self.must is None:
            return "met" if far >= 1 else f"not met, × {far:.2f} of it"
        return f"met, × {far:.2f} of the stretch" if far < 1 else f"met, and the stretch {human(self.stretch)}"

    def at_full_speed(self, value: float, speed: float) -> float:
        """The value scaled to the speed of the machine on which the target was set."""
        if not self.scales:
            return value
        return value / speed if self.at_least else value * speed


@dataclass
class Figure:
    """One measure of one server under one pinning, taken several times."""

    name: str
    unit: str
    server: str
    pinned: bool
    runs: list[float]
    target: Target | None = None
    busy: list[float] = field(default_factory=list)
    """The load generator's share of its core."""
    speeds: list[float] = field(default_factory=list)
    """The speed of the machine before each turn: the rate of a bare relay as a share of `RELAYED_WHEN_SET`."""

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
        self.speed: float | None = None
        """The current speed of the machine, stored with each added figure."""

    def add(
        self,
        name: str,
        unit: str,
        value: float,
        *,
        server: str = "casare",
        pinned: bool,
        target: Target | None = None,
        busy: float | None = None,
    ) -> None:
        """One turn of a measure."""
        new = Figure(name, unit, server, pinned, [], target)
        known = self._known.setdefault(new.key, new)
        known.runs.append(value)
        if busy is not None:
            known.busy.append(busy)
        if self.speed is not None:
            known.speeds.append(self.speed)

    def add_ratio(
        self, name: str, to: str, *, server: str = "casare", pinned: bool, target: Target | None = None
    ) -> None:
        """The last turn of a server divided by the last one of another; nothing if one of them has none.

        Called in each turn after both, so that both figures are of the same minute. The figure is one of `casare`,
        with the server in its name if it is another row of the product.
        """
        figure, other = (self.get(name, server=one, pinned=pinned) for one in (server, to))
        if figure is not None and other is not None and other.runs[-1]:
            row = "" if server == "casare" else f", {server}"
            value = figure.runs[-1] / other.runs[-1]
            self.add(f"{name}{row}, relative to {to}", f"× {to}", value, pinned=pinned, target=target)

    def all(self) -> list[Figure]:
        return list(self._known.values())

    def get(self, name: str, *, server: str = "casare", pinned: bool) -> Figure | None:
        return self._known.get(Figure(name, "", server, pinned, []).key)

    def others(self, figure: Figure) -> list[Figure]:
        """The same measure of other servers."""
        same = (figure.name, figure.pinned)
        return [one for one in self.all() if (one.name, one.pinned) == same and one is not figure]

    def rows(self, before: dict[str, float]) -> Iterable[list[str]]:
        """One row per figure: value, target, and the ratios to other servers of this run and to the last release."""
        for figure in self.all():
            if figure.server != "casare" and figure.target is None:
                continue
            others = self.others(figure)
            ratios = [f"{one.server} {human(one.median)} ({ratio(figure.median, one.median)})" for one in others]
            busy = [f"{one.server} {statistics.median(one.busy):.2f}" for one in (figure, *others) if one.busy]
            last = before.get(figure.key)
            yield [
                figure.name if figure.server == "casare" else f"{figure.name}, {figure.server}",
                "1 core" if figure.pinned else "2 cores",
                f"{human(figure.median)} {figure.unit}",
                verdict(figure),
                ", ".join(ratios) or "–",
                ", ".join(busy) or "–",
                ratio(figure.median, last) if last else "–",
            ]

    def missed(self) -> list[Figure]:
        """Figures that do not meet their target."""
        return [figure for figure in self.all() if figure.target is not None and not figure.target.met(figure.median)]

    def speeds(self, *, pinned: bool) -> list[float]:
        """The speeds of the machine before each measure, from the slowest to the fastest."""
        return sorted({speed for figure in self.all() if figure.pinned is pinned for speed in figure.speeds})

    def exponent(self, small: str, large: str, factor: float, *, cost: bool, pinned: bool) -> float | None:
        """The growth of a measure with the load: cost ~ load^exponent. `cost`: it is a time; otherwise a rate."""
        first, second = self.get(small, pinned=pinned), self.get(large, pinned=pinned)
        if first is None or second is None or not first.median or not second.median:
            return None
        change = second.median / first.median if cost else first.median / second.median
        return math.log(change) / math.log(factor)

    def json(self, about: dict[str, Any]) -> str:
        return json.dumps({**about, "figures": [asdict(figure) for figure in self.all()]}, indent=1) + "\n"


def verdict(figure: Figure) -> str:
    """Whether a figure meets its target here, and at the speed of the machine on which the target was set."""
    target = figure.target
    if target is None:
        return "–"
    sentences = [f"{target.limit}: {target.judge(figure.median)}"]
    if figure.speeds and target.scales:
        speed = statistics.median(figure.speeds)
        value = target.at_full_speed(figure.median, speed)
        sentences.append(f"here × {speed:.2f} as fast, at full speed {human(value)}: {target.judge(value)}")
    return "; ".join(sentences)


def human(value: float) -> str:
    """The number with three significant digits."""
    if value >= 1_000_000:
        return f"{value / 1_000_000:.3g} M"
    if value >= 10_000:
        return f"{value / 1_000:.3g} k"
    return f"{value:.3g}" if value < 1_000 else f"{value:,.0f}"


def ratio(value: float, other: float) -> str:
    return f"× {value / other:.2f}" if other else "–"


def table(rows: Iterable[list[str]]) -> str:
    """The table in Markdown."""
    head = ["measure", "pinning", "casare", "target", "in the same run", "load generator", "against the last"]
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def medians_of(path: Path) -> dict[str, float]:
    """Medians of an earlier run, by key; empty when there is none."""
    if not path.exists():
        return {}
    figures = json.loads(path.read_text(encoding="utf-8"))["figures"]
    return {figure.key: figure.median for figure in (Figure(**{**one, "target": None}) for one in figures)}


def percentile(values: list[float], share: float) -> float:
    """The value below which this share of the values is. The values need not be sorted."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
