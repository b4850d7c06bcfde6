"""The length and the number of measurements."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Plan:
    """The number of turns of each measure, and the seconds of one. Compared servers alternate in each turn."""

    turns: int
    seconds: float
    late_seconds: float
    """Seconds for the delay at a hundred events a second."""
    rare_seconds: float = 0.0
    """Seconds for the delay at ten events a second, in the first turn."""


WHOLE = Plan(turns=3, seconds=0.8, late_seconds=1.0, rare_seconds=2.0)
QUICK = Plan(turns=1, seconds=0.8, late_seconds=1.0)
BRIEF = Plan(turns=1, seconds=1.5, late_seconds=1.5, rare_seconds=2.0)
"""For measures without a target and without a comparison, in a whole run."""
