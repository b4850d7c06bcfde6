"""The targets Q1 to Q10, and a table of whether a run meets them. Targets of earlier versions are named P1 to P10.

A ratio and a share of a core do not depend on the speed of the machine.
"""

from functools import partial

from bench.figures import Figures, Target, human

_ratio = partial(Target, scales=False)
Q1 = Target("Q1", 8_000, 12_000)
"""Jobs per second."""
Q1_TO = {"pg-boss": _ratio("Q1", 0.7, 1), "BullMQ": _ratio("Q1", None, 1)}
Q2 = Target("Q2", 40_000, 60_000)
"""Recorded steps per second."""
Q2_TO = {"pgqueuer": _ratio("Q2", None, 1)}
Q3_TO = {"oban": _ratio("Q3", 1.5), "pg-boss": _ratio("Q3", None, 1)}
Q4 = Target("Q4", 4_000, 6_000)
"""Jobs per second of one robot process."""
Q5 = _ratio("Q5", 0.3, 0.1, at_least=False)
"""Flushes of its journal per job."""
Q6_TO = {"uWebSockets": _ratio("Q6", 1, 1.2)}
Q7 = Target("Q7", 0.7, 0.5, at_least=False)
"""Milliseconds until the first viewer has an event."""
Q8_TO = {"bare picows": _ratio("Q8", 0.15, 0.25)}
Q9 = Target("Q9", 1.5, 1, at_least=False)
"""Milliseconds from a submit to its `job_assign`."""
Q10 = _ratio("Q10", 0.5, 0.4, at_least=False)
"""The share of a core for a fleet."""
Q10_LATE = Target("Q10", 60, at_least=False)
"""Milliseconds until 99 of 100 changes are at a dashboard."""
HISTORY = _ratio("history", 1.3, at_least=False)
"""How much worse a figure may be on a store with many ended jobs than on an empty one."""
NAMES = tuple(f"Q{number}" for number in range(1, 11))
MISSING = "not measured in this run"
HEAD = ("target", "measure", "figure", "must", "met", "stretch", "met")


def summary(figures: Figures, *, pinned: bool) -> str:
    """A table in Markdown with a row per figure of a target, as measured here; a target without a figure has a row too.

    Empty if the run has none of them.
    """
    rows: list[tuple[str, ...]] = []
    for name in (*NAMES, HISTORY.name):
        found = [
            (figure, figure.target)
            for figure in figures.all()
            if figure.target is not None and figure.target.name == name and figure.pinned is pinned
        ]
        for figure, target in found:
            value = figure.median
            sign = "≥" if target.at_least else "≤"
            rows.append(
                (
                    name,
                    figure.name if figure.server == "casare" else f"{figure.name}, {figure.server}",
                    f"{human(value)} {figure.unit}",
                    "–" if target.must is None else f"{sign} {human(target.must)}",
                    "–" if target.must is None else _word(target.met(value)),
                    "–" if target.stretch is None else f"{sign} {human(target.stretch)}",
                    _word(target.stretched(value)),
                )
            )
        if not found and name in NAMES:
            rows.append((name, MISSING, *["–"] * 5))
    if all(row[1] == MISSING for row in rows):
        return ""
    return "\n".join("| " + " | ".join(line) + " |" for line in (HEAD, ["---"] * len(HEAD), *rows))


def _word(met: bool | None) -> str:
    return "–" if met is None else "yes" if met else "NO"
